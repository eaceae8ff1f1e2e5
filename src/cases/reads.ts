import type { Model } from 'mongoose'
import type { CaseList, CaseQuery, CaseView } from '../http/contract/cases.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Session } from '../kernel/route.ts'
import type { CaseRecord } from './model.ts'
import { caseViewOf, openSlot } from './rules.ts'

export interface OpenCase {
  caseId: string
  userId: string
  openedAt: Date
}

/** Looks at cases; changes none. */
export interface CaseReads {
  openCaseOf(companyId: string, locationId: string, userId: string): Promise<OpenCase | null>
  openCasesOf(companyId: string, locationId: string): Promise<OpenCase[]>
  get(companyId: string, caseId: string): Promise<CaseView | null>
  list(session: Session, query: CaseQuery): Promise<CaseList>
  /** Open cases by urgency: all, or those of some accounts and those that one person has. */
  urgent(companyId: string, query: { of: { locationIds: readonly string[]; ownerId: string } | null; limit: number }): Promise<CaseView[]>
  /** Cases of these accounts that were closed after an instant. */
  closedAfter(companyId: string, locationIds: readonly string[], after: Date): Promise<{ locationId: string; userId: string; closedAt: Date }[]>
  /** Which of these accounts have an open case. */
  accountsWithOpenCase(companyId: string, locationIds: readonly string[]): Promise<Set<string>>
  /** Open cases of an account at an instant. */
  openCount(companyId: string, locationId: string, at: Date): Promise<number>
}

export function createCaseReads(cases: Model<CaseRecord>, clock: Clock): CaseReads {
  return {
    async openCaseOf(companyId, locationId, userId) {
      const record = await cases
        .findOne({ slot: openSlot(companyId, locationId, userId), companyId }, { openedAt: 1 })
        .lean<Pick<CaseRecord, '_id' | 'openedAt'>>()
      return record === null ? null : { caseId: record._id, userId, openedAt: record.openedAt }
    },

    async openCasesOf(companyId, locationId) {
      const open = await cases
        .find({ companyId, locationId, state: 'open' }, { openedAt: 1, userId: 1 })
        .lean<Pick<CaseRecord, '_id' | 'openedAt' | 'userId'>[]>()
      return open.map((record) => ({ caseId: record._id, userId: record.userId, openedAt: record.openedAt }))
    },

    async get(companyId, caseId) {
      const record = await cases.findOne({ _id: caseId, companyId }).lean<CaseRecord>()
      return record === null ? null : caseViewOf(record, clock.now())
    },

    async list(session, { state, owner, overdue, locationId, page, pageSize }) {
      const now = clock.now()
      const ownerId = owner === 'me' ? session.userId : owner === 'none' ? '' : owner
      const due = overdue === undefined ? {} : { dueAt: overdue ? { $lte: now } : { $gt: now } }
      const wantedState = overdue === true ? 'open' : state
      const filter = {
        companyId: session.companyId,
        ...(wantedState === undefined ? {} : { state: wantedState }),
        ...(ownerId === undefined ? {} : { ownerId }),
        ...(locationId === undefined ? {} : { locationId }),
        ...due,
      }
      // Open ones by urgency, closed ones newest first.
      const order = wantedState === 'closed' ? ({ dueAt: -1, _id: -1 } as const) : ({ dueAt: 1, _id: 1 } as const)
      const [found, total] = await Promise.all([
        cases
          .find(filter)
          .sort(order)
          .skip((page - 1) * pageSize)
          .limit(pageSize)
          .lean<CaseRecord[]>(),
        cases.countDocuments(filter),
      ])
      return { items: found.map((record) => caseViewOf(record, now)), page, pageSize, total }
    },

    async urgent(companyId, { of, limit }) {
      const now = clock.now()
      const whose = of === null ? {} : { $or: [{ ownerId: of.ownerId }, { locationId: { $in: [...of.locationIds] } }] }
      const found = await cases.find({ companyId, state: 'open', ...whose }).sort({ dueAt: 1, _id: 1 }).limit(limit).lean<CaseRecord[]>()
      return found.map((record) => caseViewOf(record, now))
    },

    async closedAfter(companyId, locationIds, after) {
      const found = await cases
        .find({ companyId, locationId: { $in: [...locationIds] }, state: 'closed', closedAt: { $gte: after } }, { locationId: 1, userId: 1, closedAt: 1 })
        .lean<Pick<CaseRecord, 'locationId' | 'userId' | 'closedAt'>[]>()
      return found.flatMap(({ locationId, userId, closedAt }) => (closedAt === null ? [] : [{ locationId, userId, closedAt }]))
    },

    async accountsWithOpenCase(companyId, locationIds) {
      const found = await cases.find({ companyId, locationId: { $in: [...locationIds] }, state: 'open' }, { locationId: 1 }).lean<Pick<CaseRecord, 'locationId'>[]>()
      return new Set(found.map(({ locationId }) => locationId))
    },

    openCount: (companyId, locationId, at) =>
      cases.countDocuments({ companyId, locationId, state: { $in: ['open', 'closed'] }, openedAt: { $lte: at }, $or: [{ closedAt: null }, { closedAt: { $gt: at } }] }),
  }
}
