import { ref } from 'vue'
import type { AccountHealth } from '../../../src/http/contract/accounts.ts'
import type { FeedbackRequestResult } from '../../../src/http/contract/feedback.ts'
import { changes, onChange as whenChanged } from '../../shared/lib/live.ts'
import { asApiError, useLoad } from '../../shared/lib/load.ts'
import { client } from '../../shared/lib/services.ts'
import { toast } from '../../shared/lib/toasts.ts'
import { api } from './api.ts'
import { copy } from './copy.ts'

/** One account with what its panel and its page do alike. `version` grows when something happened, so that the parts are read again. */
export function useAccount(locationId: string, onChange: () => void = () => undefined) {
  const path = `/api/accounts/${encodeURIComponent(locationId)}`
  const account = useLoad(() => api.account(locationId))
  const version = ref(0)
  const asking = ref(false)

  function changed(): void {
    version.value++
    onChange()
  }

  whenChanged(changes.account(locationId), () => {
    version.value++
    return account.reload()
  })

  /** Does something that the server answers with the account or not at all; says so. */
  async function perform(work: () => Promise<unknown>, done: string): Promise<boolean> {
    try {
      await work()
      toast(done)
      changed()
      await account.reload()
      return true
    } catch (failure) {
      toast(asApiError(failure).message, 'problem')
      return false
    }
  }

  return {
    account,
    version,
    asking,
    changed,
    perform,
    /** Null: something changed that only the server knows; the account is read again. */
    async healthChanged(health: AccountHealth | null): Promise<void> {
      const { value } = account.data
      if (health !== null && value !== null) account.data.value = { ...value, health }
      changed()
      await account.reload()
    },
    /** Changes the page first and takes it back if the server does not agree. */
    async toggleFeedback(enabled: boolean): Promise<void> {
      const before = account.data.value
      if (before === null) return
      account.data.value = { ...before, feedbackEnabled: enabled }
      try {
        await client.send('PUT', `${path}/feedback`, { enabled })
        toast(copy.toggled(before.name, enabled))
        changed()
      } catch (failure) {
        account.data.value = before
        toast(asApiError(failure).message, 'problem')
      }
    },
    async requestNow(): Promise<void> {
      asking.value = true
      try {
        const { requested, skipped } = await client.send<FeedbackRequestResult>('POST', `${path}/request-feedback`, {})
        const reason = skipped[0] === undefined ? copy.panel.peopleEmptyTitle : copy.reasons[skipped[0].reason]
        if (requested.length > 0) toast(copy.panel.asked(requested.length))
        else toast(copy.panel.nobodyAsked(reason), 'problem')
        version.value++
      } catch (failure) {
        toast(asApiError(failure).message, 'problem')
      } finally {
        asking.value = false
      }
    },
  }
}
