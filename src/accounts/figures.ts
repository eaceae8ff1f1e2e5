import type { Model, QueryFilter } from 'mongoose'
import { disagreements, type Account, type AccountFilter, type AccountGroup, type AccountQuery, type Disagreement } from '../http/contract/accounts.ts'
import type { HappinessLevel, HealthLevel } from '../kernel/levels.ts'
import { accountFilterOf, accountSortOf } from './listing.ts'
import type { AccountRecord } from './model.ts'
import { accountView, healthRank } from './rules.ts'

/** What narrows a figure about many accounts. */
export type FigureFilter = Pick<AccountFilter, 'group' | 'csm'>

/** An account whose readings do not fit together. */
export interface DisagreeingAccount {
  account: Account
  kind: Disagreement
  levelsApart: number
  /** Since when; null for a disagreement that is older than this record. */
  since: Date | null
  happinessFellAt: Date | null
}

/** The few members of an account that figures over all accounts are made of. */
export interface AccountStanding {
  locationId: string
  name: string
  group: AccountGroup
  premium: boolean
  csmUserId: string | null
  feedbackEnabled: boolean
  health: HealthLevel | null
  happiness: HappinessLevel | null
  /** H; null without a reading. */
  score: number | null
  /** Users with a valid answer. */
  answered: number
  users: number
  createdAt: Date
}

/** Figures about an agency's listed accounts. */
export interface AccountFigures {
  /** The widest apart first, then the longest. */
  disagreeing(companyId: string, query: FigureFilter & { kind?: Disagreement | undefined; page: number; pageSize: number }): Promise<{ items: DisagreeingAccount[]; total: number }>
  /** Customers whose status is stale at `untilAt`, the longest first; with `csm` those of one owner. */
  staleBy(companyId: string, query: { csm?: string | undefined; untilAt: Date; limit: number }): Promise<{ locationId: string; staleAt: Date }[]>
  /** Ids of customers whose users answer and who have no status, the least happy first. */
  withoutStatus(companyId: string, query: { csm?: string | undefined; limit: number }): Promise<string[]>
  /** Accounts whose readings do not fit together, the widest apart and then the longest first; with when their status was set or confirmed last. */
  apart(companyId: string, query: { csm?: string | undefined; limit: number }): Promise<{ locationId: string; kind: Disagreement; levelsApart: number; since: Date | null; keptAt: Date | null; happinessFellAt: Date | null }[]>
  /** When the status of each of these accounts was set or confirmed last; those without a status are not there. */
  keptAt(companyId: string, locationIds: readonly string[]): Promise<Map<string, Date>>
  /** Accounts by id, in the order of the ids; those that are not this agency's are left out. */
  byIds(companyId: string, locationIds: readonly string[]): Promise<Account[]>
  /** All listed accounts in pages, in the order in which they were created; of those created at `fromAt` or later if given. */
  standings(companyId: string, options?: { fromAt?: Date; pageSize?: number }): AsyncIterable<AccountStanding[]>
  /** When an account of the agency was last written, by the store's clock; null if none ever was. */
  lastTouch(companyId: string): Promise<Date | null>
  /** Accounts that were written after an instant of the store's clock; `standing` is null for one that is not listed (any more). */
  touchedSince(companyId: string, after: Date): Promise<{ locationId: string; at: Date; standing: AccountStanding | null }[]>
  /** One account's, also if it was removed; null if it is not this agency's. */
  standing(companyId: string, locationId: string): Promise<AccountStanding | null>
  /** The accounts of a list, filtered and sorted like it but not paged, at most `limit`; in pages, so that nobody holds thousands of them. */
  export(companyId: string, query: Omit<AccountQuery, 'page' | 'pageSize'>, limit: number): Promise<{ asOf: Date; total: number; pages: AsyncIterable<Account[]> }>
}

const fields = {
  locationId: 1, name: 1, group: 1, premium: 1, csm: 1, feedbackEnabled: 1, state: 1, healthLevel: 1, 'happiness.level': 1, 'happiness.score': 1, 'happiness.answered': 1, users: 1, createdAt: 1,
} as const
const listBatch = 500
const never = new Date(0)

function standingOf(record: AccountRecord): AccountStanding {
  const { locationId, name, group, premium, csm, users, createdAt, healthLevel, happiness } = record
  return {
    locationId, name, group, premium, csmUserId: csm?.userId ?? null, feedbackEnabled: record.feedbackEnabled && record.state === 'active',
    health: healthLevel, happiness: happiness.level, score: happiness.score, answered: happiness.answered, users, createdAt,
  }
}

export function createAccountFigures(accounts: Model<AccountRecord>, now: () => Date): AccountFigures {
  const where = (companyId: string, filter: FigureFilter): QueryFilter<AccountRecord> => accountFilterOf(companyId, { group: filter.group, csm: filter.csm }, now())

  return {
    async disagreeing(companyId, { kind, page, pageSize, ...filter }) {
      const narrowed = { ...where(companyId, filter), disagreement: kind ?? { $in: [...disagreements] } }
      const [total, found] = await Promise.all([
        accounts.countDocuments(narrowed),
        accounts.find(narrowed).sort({ levelsApart: -1, disagreementSince: 1, _id: 1 }).skip((page - 1) * pageSize).limit(pageSize).lean(),
      ])
      const at = now()
      const items = found.flatMap((record) =>
        record.disagreement === null
          ? []
          : [{ account: accountView(record, at), kind: record.disagreement, levelsApart: Math.abs(record.healthRank - record.happinessRank), since: record.disagreementSince ?? null, happinessFellAt: record.happinessFellAt ?? null }],
      )
      return { items, total }
    },

    async staleBy(companyId, { csm, untilAt, limit }) {
      const found = await accounts.find({ ...where(companyId, { csm }), healthStaleAt: { $gt: never, $lte: untilAt }, group: { $ne: 'churned' } }, { locationId: 1, healthStaleAt: 1 }).sort({ healthStaleAt: 1, nameKey: 1, _id: 1 }).limit(limit).lean()
      return found.flatMap(({ locationId, healthStaleAt }) => (healthStaleAt === null ? [] : [{ locationId, staleAt: healthStaleAt }]))
    },

    async withoutStatus(companyId, { csm, limit }) {
      const found = await accounts.find({ ...where(companyId, { csm }), healthRank: healthRank(null), happinessRank: { $gte: 0 }, group: { $ne: 'churned' } }, { locationId: 1 }).sort({ happinessRank: 1, nameKey: 1, _id: 1 }).limit(limit).lean()
      return found.map(({ locationId }) => locationId)
    },

    async apart(companyId, { csm, limit }) {
      const filter = { ...where(companyId, { csm }), disagreement: { $in: [...disagreements] } }
      const members = { locationId: 1, disagreement: 1, levelsApart: 1, disagreementSince: 1, healthKeptAt: 1, happinessFellAt: 1 } as const
      const found = await accounts.find(filter, members).sort({ levelsApart: -1, disagreementSince: 1, _id: 1 }).limit(limit).lean<AccountRecord[]>()
      return found.flatMap(({ locationId, disagreement, levelsApart, disagreementSince, healthKeptAt, happinessFellAt }) =>
        disagreement === null ? [] : [{ locationId, kind: disagreement, levelsApart, since: disagreementSince ?? null, keptAt: healthKeptAt, happinessFellAt: happinessFellAt ?? null }])
    },

    async keptAt(companyId, locationIds) {
      const found = await accounts.find({ _id: { $in: locationIds.map((locationId) => `${companyId}:${locationId}`) }, companyId }, { locationId: 1, healthKeptAt: 1 }).lean<AccountRecord[]>()
      return new Map(found.flatMap(({ locationId, healthKeptAt }) => (healthKeptAt === null ? [] : [[locationId, healthKeptAt] as const])))
    },

    async byIds(companyId, locationIds) {
      const found = await accounts.find({ _id: { $in: locationIds.map((locationId) => `${companyId}:${locationId}`) }, companyId, state: { $in: ['active', 'removed'] } }).lean()
      const at = now()
      const byId = new Map(found.map((record) => [record.locationId, accountView(record, at)]))
      return locationIds.flatMap((locationId) => byId.get(locationId) ?? [])
    },

    async *standings(companyId, { fromAt, pageSize = 500 } = {}) {
      let last: { createdAt: Date; nameKey: string; _id: string } | undefined
      for (;;) {
        const since = last?.createdAt ?? fromAt
        const beyond = last === undefined
          ? {}
          : { $or: [{ createdAt: { $gt: last.createdAt } }, { nameKey: { $gt: last.nameKey } }, { nameKey: last.nameKey, _id: { $gt: last._id } }] }
        const page: AccountRecord[] = await accounts
          .find({ companyId, listed: true, ...(since === undefined ? {} : { createdAt: { $gte: since } }), ...beyond }, { ...fields, nameKey: 1 })
          .sort({ createdAt: 1, nameKey: 1, _id: 1 })
          .limit(pageSize)
          .lean<AccountRecord[]>()
        if (page.length > 0) yield page.map(standingOf)
        const end = page.at(-1)
        if (end === undefined || page.length < pageSize) return
        last = { createdAt: end.createdAt, nameKey: end.nameKey, _id: end._id }
      }
    },

    async lastTouch(companyId) {
      const newest = await accounts.findOne({ companyId, touchedAt: { $gt: never } }, { touchedAt: 1 }).sort({ touchedAt: -1 }).lean()
      return newest?.touchedAt ?? null
    },

    async touchedSince(companyId, after) {
      const found = await accounts.find({ companyId, touchedAt: { $gt: after } }, { ...fields, listed: 1, touchedAt: 1 }).lean<AccountRecord[]>()
      return found.map((record) => ({ locationId: record.locationId, at: record.touchedAt ?? after, standing: record.listed ? standingOf(record) : null }))
    },

    async standing(companyId, locationId) {
      const found = await accounts.findOne({ _id: `${companyId}:${locationId}`, companyId, state: { $in: ['active', 'removed'] } }, fields).lean<AccountRecord>()
      return found === null ? null : standingOf(found)
    },

    async export(companyId, { sort, ...filter }, limit) {
      const asOf = now()
      const narrowed = accountFilterOf(companyId, filter, asOf)
      async function* pages(): AsyncIterable<Account[]> {
        let page: Account[] = []
        const cursor = accounts.find(narrowed).sort(accountSortOf(sort)).limit(limit).lean().cursor({ batchSize: listBatch })
        for await (const record of cursor) {
          page.push(accountView(record, asOf))
          if (page.length < listBatch) continue
          yield page
          page = []
        }
        if (page.length > 0) yield page
      }
      return { asOf, total: await accounts.countDocuments(narrowed), pages: pages() }
    },
  }
}
