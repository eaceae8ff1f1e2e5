import type { Connection } from 'mongoose'
import type { AccountScores } from '../http/contract/feedback.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import { isDuplicateKey } from '../store/index.ts'
import type { Events } from '../events/index.ts'
import { noteMilestone } from './milestones.ts'
import { milestoneModel, scoreModel, type ScoreKind } from './model.ts'

/** One fact that earns or costs points. */
export interface ScoreEntry {
  /** Unique for ever within the agency: a second booking of the same key changes nothing. */
  key: string
  companyId: string
  locationId: string
  userId: string | null
  kind: ScoreKind
  points: number
  note: string
  at: Date
}

/** The points ledger. */
export interface Scores {
  book(entry: ScoreEntry): Promise<'booked' | 'duplicate'>
  /** Sum of an account's points, or of one user's; with `sinceAt` only of entries from then on. */
  total(companyId: string, locationId: string, options?: { userId?: string; sinceAt?: Date }): Promise<number>
  statement(companyId: string, locationId: string, query: { userId?: string; page: number; pageSize: number }): Promise<AccountScores>
  /** Points stay as a figure of nobody. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes everything stored for the agency. */
  purge(companyId: string): Promise<void>
}

/** @param deps without `events` milestones are not told */
export function createScores({ connection, events }: { connection: Connection; events?: Pick<Events, 'append'> }): Scores {
  const entries = scoreModel(connection)
  const milestoneRecords = milestoneModel(connection)

  async function sums(
    companyId: string,
    locationId: string,
    options: { userId?: string; sinceAt?: Date },
  ): Promise<{ userId: string | null; total: number }[]> {
    const match = {
      companyId,
      locationId,
      ...(options.userId === undefined ? {} : { userId: options.userId }),
      ...(options.sinceAt === undefined ? {} : { at: { $gte: options.sinceAt } }),
    }
    const groups = await entries.aggregate<{ _id: string | null; total: number }>([
      { $match: match },
      { $group: { _id: '$userId', total: { $sum: '$points' } } },
    ])
    return groups
      .map((group) => ({ userId: group._id, total: group.total }))
      .sort((a, b) => b.total - a.total || (a.userId ?? '').localeCompare(b.userId ?? ''))
  }

  return {
    async book({ key, companyId, ...entry }) {
      let outcome: 'booked' | 'duplicate' = 'booked'
      try {
        await entries.create([{ _id: `${companyId}:${key}`, companyId, ...entry }])
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        outcome = 'duplicate'
      }
      // Also for a booking that is there already: whoever made it may have ended before this.
      const { locationId, at } = entry
      if (events !== undefined) await noteMilestone(milestoneRecords, events, { companyId, locationId, at }, async () => (await sums(companyId, locationId, {})).reduce((sum, user) => sum + user.total, 0))
      return outcome
    },

    async total(companyId, locationId, options = {}) {
      return (await sums(companyId, locationId, options)).reduce((sum, user) => sum + user.total, 0)
    },

    async statement(companyId, locationId, { userId, page, pageSize }) {
      const filter = { companyId, locationId, ...(userId === undefined ? {} : { userId }) }
      const [byUser, found, count] = await Promise.all([
        sums(companyId, locationId, userId === undefined ? {} : { userId }),
        entries
          .find(filter)
          .sort({ at: -1, _id: -1 })
          .skip((page - 1) * pageSize)
          .limit(pageSize)
          .lean(),
        entries.countDocuments(filter),
      ])
      const items = found.map((entry) => ({
        id: entry._id.slice(companyId.length + 1),
        at: entry.at.toISOString(),
        userId: entry.userId,
        kind: entry.kind,
        points: entry.points,
        note: entry.note,
      }))
      return { total: byUser.reduce((sum, user) => sum + user.total, 0), byUser, entries: { items, page, pageSize, total: count } }
    },

    async forget({ companyId, userId, locationIds, alias }) {
      await entries.updateMany({ companyId, locationId: { $in: locationIds }, userId }, { $set: { userId: alias } })
    },

    async purge(companyId) {
      await entries.deleteMany({ companyId })
      await milestoneRecords.deleteMany({ companyId })
    },
  }
}
