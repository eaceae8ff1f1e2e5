import { computed, ref } from 'vue'
import type { Today, TodayRow } from '../../../src/http/contract/today.ts'
import { healthApi } from '../../shared/health/api.ts'
import { healthLabel } from '../../shared/lib/levels.ts'
import { changes, either, figuresRestMs, keepFresh } from '../../shared/lib/live.ts'
import { asApiError, useLoad } from '../../shared/lib/load.ts'
import { client } from '../../shared/lib/services.ts'
import { toast } from '../../shared/lib/toasts.ts'
import { copy, type ListName } from './copy.ts'

const refreshMs = 60_000
const mostRows = 50

/** Names a row within its list. */
export const rowKey = (list: ListName, row: TodayRow): string => `${list}:${row.account?.locationId ?? 'agency'}`

/**
 * What needs somebody today; rows that were just dealt with are gone at once, and come back if the server did not agree.
 * @param whose `me`, `all`, or '' for one's own where there are any
 * @param change opens the form for an account's status
 */
export function useToday(whose: () => string, change: (locationId: string) => void) {
  const dealtWith = ref(new Set<string>())
  const read = (csm: string) => client.get<Today>('/api/today', { csm, limit: mostRows })
  const load = useLoad(
    async () => {
      const first = await read(whose() === 'all' ? 'all' : 'me')
      return whose() === '' && first.accounts.mine === 0 ? read('all') : first
    },
    whose,
    refreshMs,
  )
  keepFresh(either(changes.anyAccount, changes.cases), load, figuresRestMs)
  const lists = computed(() => {
    const { value } = load.data
    if (value === null) return null
    const left = (name: ListName) => {
      const rows = value[name].rows.filter((row) => !dealtWith.value.has(rowKey(name, row)))
      return { ...value[name], rows, total: value[name].total - (value[name].rows.length - rows.length) }
    }
    return { actNow: left('actNow'), goingStale: left('goingStale'), goodNews: left('goodNews') }
  })

  async function reload(): Promise<void> {
    const gone = new Set(dealtWith.value)
    await load.reload()
    if (load.error.value === null) dealtWith.value = new Set([...dealtWith.value].filter((key) => !gone.has(key)))
  }

  /** The row goes first; nothing is held back, so there is nothing to lose. */
  async function stillTrue(list: ListName, row: TodayRow): Promise<void> {
    const { account } = row
    if (account === null) return
    const key = rowKey(list, row)
    dealtWith.value = new Set([...dealtWith.value, key])
    try {
      await healthApi.confirm(account.locationId, { ifChangeId: account.health.changeId })
      toast(copy.confirmed(account.name, healthLabel(account.health.level)), 'done', { label: copy.change, run: () => change(account.locationId) })
      await reload()
    } catch (failure) {
      dealtWith.value = new Set([...dealtWith.value].filter((one) => one !== key))
      toast(asApiError(failure).message, 'problem')
    }
  }

  return { load, lists, reload, stillTrue }
}
