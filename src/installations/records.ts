import { RetryAfterError } from '../kernel/errors.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { createLeaseRunner } from '../store/run-leased.ts'
import type { InstallationModels, InstallationRecord } from './model.ts'
import { installationStatus, purgeAfterOf, type InstallationFacts } from './rules.ts'
import type { InstallationsDeps } from './types.ts'

/** Writes facts about installations and derives their status. */
export interface InstallationRecords {
  read(companyId: string): Promise<InstallationRecord | null>
  /** One change of an agency's authorization at a time, in all processes. */
  exclusively<T>(companyId: string, work: () => Promise<T>): Promise<T>
  /** Takes in facts, creating the record if it is missing, and settles the status. */
  apply(companyId: string, facts: Partial<Record<keyof InstallationFacts, Date>>, set?: Partial<InstallationRecord>): Promise<InstallationRecord>
  /** Records what an event says about the agency; of each member the newest event's word counts, in whatever order they arrive. */
  takeDetails(companyId: string, order: string, details: Partial<Pick<InstallationRecord, 'companyName' | 'whitelabelDomain' | 'planId' | 'versionId'>>): Promise<void>
  /** Asks for accounts and users to be read. */
  wantCompletion(companyId: string): Promise<void>
}

const maxAttempts = 20
const exclusiveWaits = { everyMs: 50, times: 200 }

function freshInstallation(companyId: string): InstallationRecord {
  return {
    _id: companyId, companyId, kind: 'agency', status: 'pending', installedAt: null, uninstalledAt: null, authorizedAt: null, reconnectAt: null,
    companyName: null, whitelabelDomain: null, planId: null, versionId: null, memberFacts: {}, installedBy: null, locationIds: [], installToFutureLocations: false,
    completionWantedAt: null, completionDoneAt: null, completionDueAt: null, completionAttempts: 0, mirroredAt: null, purgeAfter: null, lastError: null,
  }
}

export function createInstallationRecords({ installations }: InstallationModels, deps: InstallationsDeps): InstallationRecords {
  const { clock, events, settings } = deps
  const leases = createLeaseRunner(deps.connection, clock)

  async function create(companyId: string, set: Partial<InstallationRecord>): Promise<void> {
    const { _id, ...fresh } = { ...freshInstallation(companyId), ...set }
    try {
      await installations.updateOne({ _id }, { $setOnInsert: fresh }, { upsert: true })
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
    }
  }

  /** The event goes before the state: appending it twice is harmless, forgetting it is not. */
  async function announce(record: InstallationRecord, status: InstallationRecord['status']): Promise<void> {
    const { companyId } = record
    const told = {
      active: { type: 'installation.installed' as const, at: record.authorizedAt, summary: 'The app was installed.' },
      uninstalled: { type: 'installation.uninstalled' as const, at: record.uninstalledAt, summary: 'The app was removed.' },
      needs_reconnect: { type: 'installation.needs_reconnect' as const, at: record.reconnectAt, summary: 'The connection was refused; the agency has to reconnect.' },
      pending: null,
    }[status]
    if (told === null || told.at === null) return
    await events.append({
      key: `${told.type}:${companyId}:${told.at.toISOString()}`, companyId, locationId: null, userId: null, type: told.type, at: told.at,
      actor: { kind: 'crm', id: null, name: null }, source: 'install', summary: told.summary, data: {},
    })
  }

  async function settle(companyId: string): Promise<InstallationRecord> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const record = await installations.findOne({ _id: companyId }).lean()
      if (record === null) throw new Error('The installation vanished while it was settled')
      const status = installationStatus(record)
      const purgeAfter = status === 'uninstalled' && record.uninstalledAt !== null ? purgeAfterOf(record.uninstalledAt, (await settings.get(companyId)).data.retentionDays) : null
      if (status === record.status && purgeAfter?.getTime() === record.purgeAfter?.getTime()) return record
      if (status !== record.status) await announce(record, status)
      const { installedAt, uninstalledAt, authorizedAt, reconnectAt } = record
      const { matchedCount } = await installations.updateOne({ _id: companyId, status: record.status, installedAt, uninstalledAt, authorizedAt, reconnectAt }, { $set: { status, purgeAfter } })
      if (matchedCount === 1) return { ...record, status, purgeAfter }
    }
    throw new Error(`The installation ${companyId} changed too often to settle its status`)
  }

  return {
    read: (companyId) => installations.findOne({ _id: companyId }).lean(),
    async exclusively(companyId, work) {
      for (let attempt = 0; attempt < exclusiveWaits.times; attempt += 1) {
        const outcome = await leases.tryRun(`installation:${companyId}`, work)
        if (outcome.kind === 'ran') return outcome.result
        await new Promise((resolve) => setTimeout(resolve, exclusiveWaits.everyMs))
      }
      throw new RetryAfterError('installation_busy', 'The installation is being changed by another process.', 1_000)
    },
    async apply(companyId, facts, set = {}) {
      await create(companyId, set)
      await installations.updateOne({ _id: companyId }, { $max: facts, ...(Object.keys(set).length === 0 ? {} : { $set: set }) })
      return settle(companyId)
    },
    async takeDetails(companyId, order, details) {
      const told = Object.fromEntries(Object.entries(details).filter(([, value]) => value !== null))
      if (Object.keys(told).length === 0) return
      // Each member by itself: an older event that says something else is not worth less for that.
      for (const [member, value] of Object.entries(told)) {
        const path = `memberFacts.${member}`
        await installations.updateOne({ _id: companyId, $or: [{ [path]: { $lte: order } }, { [path]: null }] }, { $set: { [member]: value, [path]: order } })
      }
    },
    async wantCompletion(companyId) {
      const nowAt = clock.now()
      await installations.updateOne({ _id: companyId }, { $max: { completionWantedAt: nowAt }, $set: { completionDueAt: nowAt, completionAttempts: 0 } })
    },
  }
}
