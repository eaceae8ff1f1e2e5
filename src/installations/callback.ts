import { dayMs, minuteMs } from '../kernel/clock.ts'
import { describeError, retryVerdictOf } from '../kernel/errors.ts'
import { hashOf } from '../kernel/ids.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import type { InstallationModels } from './model.ts'
import type { OauthState } from './oauth-state.ts'
import type { InstallationRecords } from './records.ts'
import type { CallbackOutcome, InstallationsDeps } from './types.ts'

const pollEveryMs = 100
const pollTimes = 100
const abandonedAfterMs = minuteMs

/** Finishes an authorization. A code is exchanged once; whoever comes again with it is told that all is well. */
export function createCallback({ codes }: InstallationModels, records: InstallationRecords, state: OauthState, deps: InstallationsDeps, onInstalled: (companyId: string) => Promise<void>) {
  const { clock, gateway, accounts, logger, oauth } = deps

  /** @returns false if the code is, or was, in somebody else's hands */
  async function claim(codeHash: string): Promise<boolean> {
    const at = clock.now()
    try {
      await codes.updateOne(
        { _id: codeHash, state: 'exchanging', at: { $lte: new Date(at.getTime() - abandonedAfterMs) } },
        { $set: { state: 'exchanging', companyId: null, at, expireAt: new Date(at.getTime() + 30 * dayMs) } },
        { upsert: true },
      )
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  /** A reload while the first request is still at it. */
  async function awaitOther(codeHash: string): Promise<CallbackOutcome> {
    for (let poll = 0; poll < pollTimes; poll += 1) {
      const record = await codes.findOne({ _id: codeHash }).lean()
      if (record === null) break
      if (record.state === 'done') return { kind: 'already_installed' }
      await new Promise((resolve) => setTimeout(resolve, pollEveryMs))
    }
    return { kind: 'failed', code: 'authorization_unfinished', retryable: true }
  }

  async function exchange(code: string, codeHash: string): Promise<CallbackOutcome> {
    try {
      const grant = await gateway.exchangeCode(code, oauth.redirectUri)
      const { companyId, locationId } = grant
      await records.exclusively(companyId, async () => {
        await gateway.storeTokens(grant)
        const before = await records.read(companyId)
        const at = clock.now()
        const keepsAgency = before?.kind === 'agency' && before.authorizedAt !== null && before.status !== 'uninstalled'
        const kind = grant.userType === 'Company' || keepsAgency ? 'agency' : 'location'
        const locationIds = [...new Set([...(before?.locationIds ?? []), ...(locationId === null ? [] : [locationId])])]
        await records.apply(companyId, { authorizedAt: at, installedAt: at }, {
          kind, locationIds, installedBy: grant.userId, completionAttempts: 0, lastError: null,
          ...(grant.userType === 'Company' ? { installToFutureLocations: grant.installToFutureLocations } : {}),
        })
        if (locationId !== null) await accounts.applyInstallFact({ companyId, locationId, installed: true, at, eventId: 'authorization' })
        await records.wantCompletion(companyId)
        await codes.updateOne({ _id: codeHash }, { $set: { state: 'done', companyId } })
      })
      logger.info({ companyId, locationId, userType: grant.userType }, 'installed')
      await onInstalled(companyId)
      return { kind: 'installed', companyId }
    } catch (error) {
      // The code may be tried again: whether it still works is for HighLevel to say.
      await codes.deleteOne({ _id: codeHash, state: 'exchanging' })
      const { code: errorCode, message } = describeError(error)
      logger.warn({ code: errorCode, message }, 'an authorization could not be finished')
      return { kind: 'failed', code: errorCode, retryable: retryVerdictOf(error).kind !== 'permanent' }
    }
  }

  return async function handleCallback(query: { code?: string | undefined; state?: string | undefined }): Promise<CallbackOutcome> {
    if (query.code === undefined || query.code === '') return { kind: 'no_code' }
    // Installations begun in the marketplace come without a state. One that is given must be ours.
    if (query.state !== undefined && query.state !== '' && !state.verify(query.state)) return { kind: 'state_refused' }
    const codeHash = hashOf('oauth-code', query.code)
    return (await claim(codeHash)) ? exchange(query.code, codeHash) : awaitOther(codeHash)
  }
}
