import type { MirrorScope } from '../accounts/index.ts'
import { backoffMs } from '../kernel/backoff.ts'
import { hourMs, minuteMs, secondMs } from '../kernel/clock.ts'
import { describeError, PermanentError, retryVerdictOf } from '../kernel/errors.ts'
import { createLeaseRunner } from '../store/run-leased.ts'
import type { InstallationModels, InstallationRecord, ParkedInstallRecord } from './model.ts'
import type { InstallationRecords } from './records.ts'
import { parkedWaitMs } from './rules.ts'
import type { InstallationsDeps } from './types.ts'

/** The background half of an installation: reading accounts and users, finding the agency of parked sub-accounts. */
export interface Completion {
  completeDue(limit: number): Promise<number>
  reconcileDue(limit: number): Promise<number>
}

const pendingBatch = 20
const reconcileEveryMs = 20 * hourMs
const pageSize = 100

export function createCompletion(models: InstallationModels, records: InstallationRecords, deps: InstallationsDeps): Completion {
  const { installations, parked } = models
  const { clock, gateway, accounts, logger } = deps
  const leases = createLeaseRunner(deps.connection, clock)

  const scopeOf = (record: InstallationRecord): MirrorScope => (record.kind === 'agency' ? { kind: 'agency' } : { kind: 'location', locationIds: record.locationIds })

  async function readAgency(record: InstallationRecord): Promise<void> {
    if (record.kind !== 'agency' || record.companyName !== null) return
    try {
      const company = await gateway.company(record.companyId, 'bulk').getCompany()
      await installations.updateOne({ _id: record.companyId }, { $set: { companyName: company.name, ...(company.domain === null ? {} : { whitelabelDomain: company.domain }) } })
    } catch (error) {
      // The name is a nicety: an agency whose app may not read it works all the same.
      if (!(error instanceof PermanentError)) throw error
      logger.info({ companyId: record.companyId, code: error.code }, 'the agency\'s details could not be read')
    }
  }

  async function mirrorAll(record: InstallationRecord): Promise<boolean> {
    const askedAt = clock.now()
    if ((await accounts.mirror(record.companyId, scopeOf(record))) === 'busy') return false
    await installations.updateOne({ _id: record.companyId }, { $max: { mirroredAt: askedAt } })
    return true
  }

  /** @returns false if another process is at it */
  async function complete(record: InstallationRecord): Promise<boolean> {
    const { companyId, authorizedAt, mirroredAt } = record
    const progress = await accounts.progress(companyId)
    const neverRead = progress.firstDoneAt === null || progress.running || mirroredAt === null || (authorizedAt !== null && mirroredAt < authorizedAt)
    if (neverRead && !(await mirrorAll(record))) return false
    let waiting = await accounts.mirrorPending(companyId, scopeOf(record), pendingBatch)
    // Many at once (a burst of INSTALL events): the lists name them all in fewer calls than asking one by one.
    if (!neverRead && waiting > pendingBatch && !(await mirrorAll(record))) return false
    while (waiting > 0) {
      const left = await accounts.mirrorPending(companyId, scopeOf(record), pendingBatch)
      if (left >= waiting) break
      waiting = left
    }
    await readAgency(record)
    return true
  }

  async function completeOne(record: InstallationRecord): Promise<void> {
    const { companyId } = record
    try {
      const outcome = await leases.tryRun(`completion:${companyId}`, () => complete(record))
      if (outcome.kind === 'busy' || !outcome.result) {
        await installations.updateOne({ _id: companyId }, { $set: { completionDueAt: new Date(clock.nowMs() + 5 * secondMs) } })
        return
      }
      // Whatever was wanted after this work began keeps its due time.
      await installations.updateOne(
        { _id: companyId, completionWantedAt: record.completionWantedAt },
        { $set: { completionDoneAt: clock.now(), completionDueAt: null, completionAttempts: 0, lastError: null } },
      )
      logger.info({ companyId }, 'accounts and users are read')
    } catch (error) {
      const verdict = retryVerdictOf(error)
      const attempts = record.completionAttempts + 1
      const waitMs = verdict.kind === 'retry_after' ? verdict.retryAfterMs : verdict.kind === 'permanent' ? hourMs : backoffMs(attempts, { baseMs: secondMs, maxMs: 5 * minuteMs })
      const failure = { ...describeError(error), at: clock.now() }
      logger.warn({ companyId, code: failure.code, waitMs }, 'reading accounts and users stopped; it goes on later')
      await installations.updateOne({ _id: companyId }, { $set: { completionDueAt: new Date(clock.nowMs() + waitMs), completionAttempts: attempts, lastError: failure } })
    }
  }

  /** Looks for the agency of sub-accounts whose INSTALL named none: known by now, or on an agency's list. */
  async function resolveParked(limit: number): Promise<void> {
    const due = await parked.find({ dueAt: { $lte: clock.now() } }).sort({ dueAt: 1 }).limit(limit).lean()
    if (due.length === 0) return
    const open = new Map(due.map((install) => [install.locationId, install]))
    for (const install of due) {
      const companyId = await accounts.companyOf(install.locationId)
      if (companyId === null) continue
      open.delete(install.locationId)
      await adopt(companyId, install)
    }
    const agencies = open.size === 0 ? [] : await installations.find({ status: 'active', kind: 'agency' }).sort({ installToFutureLocations: -1 }).lean()
    for (const { companyId } of agencies) {
      if (open.size === 0) break
      await searchInstalled(companyId, open)
    }
    for (const install of open.values()) {
      await parked.updateOne({ _id: install._id }, { $inc: { attempts: 1 }, $set: { dueAt: new Date(clock.nowMs() + parkedWaitMs(install.attempts + 1)) } })
    }
  }

  async function searchInstalled(companyId: string, open: Map<string, ParkedInstallRecord>): Promise<void> {
    try {
      for (let skip = 0; open.size > 0; ) {
        const { locations, total } = await gateway.company(companyId, 'bulk').listInstalledLocations({ skip, limit: pageSize })
        for (const { id } of locations) {
          const install = open.get(id)
          if (install === undefined) continue
          open.delete(id)
          await adopt(companyId, install)
        }
        skip += locations.length
        if (locations.length < pageSize || skip >= total) return
      }
    } catch (error) {
      logger.warn({ companyId, code: describeError(error).code }, 'the list of installed sub-accounts could not be read')
    }
  }

  async function adopt(companyId: string, { locationId, at, eventId, _id }: ParkedInstallRecord): Promise<void> {
    await accounts.applyInstallFact({ companyId, locationId, installed: true, at, eventId })
    await records.wantCompletion(companyId)
    await deps.onInstalled?.(companyId, locationId)
    await parked.deleteOne({ _id })
    logger.info({ companyId, locationId }, 'the agency of a parked installation was found')
  }

  return {
    async completeDue(limit) {
      await resolveParked(limit)
      const due = await installations.find({ status: 'active', completionDueAt: { $lte: clock.now(), $ne: null } }).sort({ completionDueAt: 1 }).limit(limit).lean()
      for (const record of due) await completeOne(record)
      return due.length
    },
    async reconcileDue(limit) {
      const before = new Date(clock.nowMs() - reconcileEveryMs)
      const due = await installations.find({ status: 'active', completionDueAt: null, mirroredAt: { $lte: before, $ne: null } }).sort({ mirroredAt: 1 }).limit(limit).lean()
      for (const record of due) {
        try {
          await mirrorAll(record)
        } catch (error) {
          logger.warn({ companyId: record.companyId, code: describeError(error).code }, 'the nightly reading stopped; it goes on as due work')
          await records.wantCompletion(record.companyId)
        }
      }
      return due.length
    },
  }
}
