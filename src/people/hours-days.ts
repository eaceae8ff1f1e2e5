import { isDuplicateKey } from '../store/index.ts'
import type { HoursDayRecord, PeopleModels } from './model.ts'

/** What was spent on one account or by one person in a period. */
export interface HoursSum {
  /** A user id or a location id. */
  id: string
  minutes: number
  entries: number
  /** Accounts that a person spent time on; 1 for an account. */
  accounts: number
}

/** The sums of a person's day, made from the entries. */
export interface HoursDays {
  /** Makes the sum of a day anew from its entries. Any number of times, by any number of processes: the last one stored has seen every entry. */
  sum(companyId: string, csmUserId: string, on: string): Promise<void>
  /** Sums of a period of days, both ends counted, most first; equal ones by id. */
  sums(companyId: string, period: { from: string; to?: string }, by: 'csm' | 'account'): Promise<HoursSum[]>
}

export function createHoursDays({ hours, hoursDays }: Pick<PeopleModels, 'hours' | 'hoursDays'>): HoursDays {
  /** @returns false if another sum was stored meanwhile, which may have seen less */
  async function sumOnce(companyId: string, csmUserId: string, on: string): Promise<boolean> {
    const _id = `${companyId}:${csmUserId}:${on}`
    // Looked at before the entries: whatever is stored in between is found out.
    const before = await hoursDays.findOne({ _id, companyId }, { version: 1 }).lean<Pick<HoursDayRecord, 'version'>>()
    const sums = await hours.aggregate<{ _id: string; minutes: number; entries: number }>([
      { $match: { companyId, counts: true, on, csmUserId } },
      { $group: { _id: '$locationId', minutes: { $sum: '$minutes' }, entries: { $sum: 1 } } },
    ])
    const accounts = sums.map(({ _id: locationId, minutes, entries }) => ({ locationId, minutes, entries }))
    if (before === null) {
      try {
        await hoursDays.create([{ _id, companyId, csmUserId, on, accounts, version: 1 }])
        return true
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        return false
      }
    }
    const stored = await hoursDays.updateOne({ _id, companyId, version: before.version }, { $set: { accounts }, $inc: { version: 1 } })
    return stored.matchedCount === 1
  }

  return {
    async sum(companyId, csmUserId, on) {
      while (!(await sumOnce(companyId, csmUserId, on)));
    },

    async sums(companyId, { from, to }, by) {
      const days = await hoursDays
        .find({ companyId, on: { $gte: from, ...(to === undefined ? {} : { $lte: to }) } }, { csmUserId: 1, accounts: 1 })
        .lean<Pick<HoursDayRecord, 'csmUserId' | 'accounts'>[]>()
      const sums = new Map<string, { minutes: number; entries: number; accounts: Set<string> }>()
      for (const { csmUserId, accounts } of days) {
        for (const { locationId, minutes, entries } of accounts) {
          const id = by === 'csm' ? csmUserId : locationId
          const sum = sums.get(id) ?? { minutes: 0, entries: 0, accounts: new Set<string>() }
          sums.set(id, sum)
          sum.minutes += minutes
          sum.entries += entries
          sum.accounts.add(locationId)
        }
      }
      return [...sums]
        .map(([id, { minutes, entries, accounts }]) => ({ id, minutes, entries, accounts: accounts.size }))
        .sort((left, right) => right.minutes - left.minutes || (left.id < right.id ? -1 : 1))
    },
  }
}
