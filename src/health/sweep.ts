import type { Model } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import { minuteMs, type Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/errors.ts'
import { healthLevels } from '../kernel/levels.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Settings } from '../settings/index.ts'
import type { Giving } from './giving.ts'
import type { HealthRecord } from './model.ts'
import type { Records } from './records.ts'

/** Not given out for that long means: whoever was at it crashed, or a bulk is waiting. */
const unappliedGraceMs = 10_000
const followEveryMs = 5 * minuteMs

interface SweepDeps {
  readings: Model<HealthRecord>
  records: Records
  giving: Giving
  accounts: Pick<Accounts, 'get'>
  settings: Pick<Settings, 'get'>
  clock: Clock
  logger: Logger
}

type Due = Pick<HealthRecord, 'companyId' | 'locationId'>
const fields = { companyId: 1, locationId: 1 }

/** Finds accounts with something left to give out, statuses that went stale, and those whose days until then were set anew. */
export function createSweep({ readings, records, giving, accounts, settings, clock, logger }: SweepDeps): (limit: number) => Promise<number> {
  async function each(due: readonly Due[], act: (due: Due) => Promise<unknown>): Promise<void> {
    for (const { companyId, locationId } of due) {
      try {
        await act({ companyId, locationId })
      } catch (error) {
        // One account's trouble must not keep the others waiting; it is found again by the next sweep.
        logger.warn({ companyId, locationId, code: describeError(error).code }, 'status could not be swept')
      }
    }
  }

  async function tellStale({ companyId, locationId }: Due): Promise<void> {
    const account = await accounts.get(companyId, locationId)
    await records.change(companyId, locationId, (record) => {
      const staleAt = record.nextStaleAt
      if (staleAt === null || staleAt > clock.now()) return null
      // Nobody is reminded of a customer who left.
      return { staleAt, ...(account === null || account.removedAt !== null ? { silent: true } : {}) }
    })
    await giving.run(companyId, locationId)
  }

  let followedMs = Number.NEGATIVE_INFINITY

  async function followSettings(limit: number): Promise<Due[]> {
    const found: Due[] = []
    // Settings change rarely, and the sweep comes every few seconds.
    if (clock.nowMs() - followedMs < followEveryMs) return found
    followedMs = clock.nowMs()
    for (const companyId of await readings.distinct('companyId')) {
      const { staleDays } = (await settings.get(companyId)).health
      for (const level of healthLevels) {
        found.push(...(await readings.find({ companyId, level, staleDays: { $ne: staleDays[level] } }, fields).limit(limit).lean<Due[]>()))
      }
    }
    return found
  }

  return async (limit) => {
    const now = clock.now()
    const left = await readings.find({ unappliedSince: { $lte: new Date(now.getTime() - unappliedGraceMs) } }, fields).sort({ unappliedSince: 1 }).limit(limit).lean<Due[]>()
    await each(left, (due) => giving.run(due.companyId, due.locationId))
    const other = await followSettings(limit)
    await each(other, (due) => giving.again(due.companyId, due.locationId))
    const stale = await readings.find({ nextStaleAt: { $lte: now } }, fields).sort({ nextStaleAt: 1 }).limit(limit).lean<Due[]>()
    await each(stale, tellStale)
    return left.length + other.length + stale.length
  }
}
