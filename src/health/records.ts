import type { Model } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { CodedError } from '../kernel/errors.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import { createKeyedLock } from '../kernel/keyed-lock.ts'
import type { Settings } from '../settings/index.ts'
import { isDuplicateKey } from '../store/index.ts'
import { advance, type Addition } from './changes.ts'
import type { HealthRecord } from './model.ts'

/** Every failed attempt means that somebody else's fact got through: attempts are bounded by the burst. */
const maxAttempts = 200

/**
 * An instant for something that a person does here: after everything that is known of the account. Whoever sets a status now
 * acts after what HighLevel has told so far, even where its clock is ahead of ours.
 */
export function momentAfter(record: HealthRecord, clock: Clock): Date {
  const newestMs = record.facts.reduce((newest, fact) => Math.max(newest, fact.at.getTime()), record.base?.at.getTime() ?? 0)
  return new Date(Math.max(clock.nowMs(), newestMs + 1))
}

export interface Records {
  find(companyId: string, locationId: string): Promise<HealthRecord | null>
  /**
   * Adds what `decide` makes of the stored record, unless somebody else changed it in between; then it decides again.
   * @param decide null: nothing to add
   * @returns the record as stored
   */
  change(companyId: string, locationId: string, decide: (record: HealthRecord) => Addition | null | Promise<Addition | null>): Promise<HealthRecord>
}

export function createRecords(
  readings: Model<HealthRecord>,
  deps: { clock: Clock; accounts: Pick<Accounts, 'get'>; settings: Pick<Settings, 'get'>; faultPoint: FaultPoint },
): Records {
  const { clock, accounts, settings, faultPoint } = deps
  const lock = createKeyedLock()
  const idOf = (companyId: string, locationId: string) => `${companyId}:${locationId}`

  function blank(companyId: string, locationId: string): HealthRecord {
    return {
      _id: idOf(companyId, locationId), companyId, locationId,
      facts: [], base: null, ids: [], overtaken: [], notes: [],
      status: null, level: null, staleDays: null, nextStaleAt: null, staleToldAt: null,
      version: 0, wantedVersion: 0, appliedVersion: 0, pending: [], touched: [], unappliedSince: null, updatedAt: clock.now(),
    }
  }

  const find: Records['find'] = (companyId, locationId) => readings.findOne({ _id: idOf(companyId, locationId), companyId }).lean<HealthRecord>()

  /** Stores `next` if the stored record still has the version that it follows. */
  async function store(next: HealthRecord, wanted: boolean): Promise<boolean> {
    if (next.version > 1) {
      const { _id, companyId, locationId, pending, touched, wantedVersion, appliedVersion, unappliedSince, ...facts } = next
      // What is being given out meanwhile is nobody's business who only adds a fact.
      const changes = wanted ? { ...facts, pending, touched, wantedVersion, unappliedSince } : facts
      const { matchedCount } = await readings.updateOne({ _id, companyId, locationId, version: next.version - 1, ...(wanted ? { appliedVersion } : {}) }, { $set: changes })
      return matchedCount === 1
    }
    try {
      await readings.create([next])
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  return {
    find,
    change: (companyId, locationId, decide) =>
      lock.run(idOf(companyId, locationId), async () => {
        for (let count = 1; count <= maxAttempts; count += 1) {
          const before = (await find(companyId, locationId)) ?? blank(companyId, locationId)
          const addition = await decide(before)
          if (addition === null) return before
          const advanced = advance(before, addition, (await settings.get(companyId)).health, clock.now())
          if (advanced === null) return before
          const { next, wanted } = advanced
          if (wanted) next.pending = [...before.pending, ...advanced.events((await accounts.get(companyId, locationId))?.name ?? locationId)]
          if (!(await store(next, wanted))) continue
          faultPoint('health.stored')
          return next
        }
        throw new CodedError('health_busy', 'Too many changes of this account at once; try again.')
      }),
  }
}
