import { isDeepStrictEqual } from 'node:util'
import type { Accounts } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import { isDuplicateKey } from '../store/index.ts'
import { endOf, lastDayOf, monthOf, monthsFrom, plusMonths } from './calendar.ts'
import { cycleMonth, mergedCycle, noCounts, stepOf, withCycle, type Cycle, type CycleCounts, type CycleFact } from './cycle-rules.ts'
import type { CycleRecord, ReportModels } from './model.ts'
import type { Snapshots } from './snapshots.ts'

/** A reaction to a prompt, as the feedback feature tells it before it stores it. */
export interface PromptReaction {
  companyId: string
  locationId: string
  userId: string
  kind: 'shown' | 'later' | 'closed'
  at: Date
  /** When this invitation was due. */
  dueAt: Date
}

/** One month's cycle over some accounts. */
export interface CycleMonth extends CycleCounts {
  month: string
  eligible: number
}

/** The accounts that a filter fits today. */
export interface Members {
  ids: ReadonlySet<string>
  /** Users of theirs who could be asked today. */
  users: number
}

/** What became of prompts, by the month in which they were due. */
export interface Cycles {
  /** Idempotent; one write for a cycle that goes on. */
  reacted(reaction: PromptReaction): Promise<void>
  /** Takes note of answers, of requests, and of people who may be asked from now on or no longer. Idempotent. */
  observe(event: DomainEvent): Promise<void>
  /** Per month, over all accounts or those given; `asOf`: everything before is in. */
  months(companyId: string, months: readonly string[], among: Members | null): Promise<{ asOf: Date; months: CycleMonth[] }>
  /** How many of each account's users were shown a prompt, and answered, in the last six months that are over, newest first. */
  recent(companyId: string, locationIds: readonly string[]): Promise<Map<string, { shown: number; answered: number }[]>>
  purge(companyId: string): Promise<void>
  /** What became of this person's prompts stays as a figure of nobody. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
}

export interface CyclesDeps {
  models: ReportModels
  clock: Clock
  snapshots: Snapshots
  accounts: Pick<Accounts, 'get' | 'users' | 'user'>
  settings: { get(companyId: string): Promise<Pick<AgencySettings, 'prompt'>> }
}

interface UserKey { companyId: string; locationId: string; userId: string }
interface Write { before: CycleRecord | undefined; record: CycleRecord }
/** Per account: id, then the counts in a fixed order. */
type PackedRow = [locationId: string, ...counts: number[]]

/** One month over all accounts of an agency. */
interface MonthFigure {
  rows: PackedRow[]
  /** Users who began, and who ceased, to be somebody who can be asked. */
  opened: number
  ended: number
  /** Those who could be asked when this was counted. */
  present: number
}

const countNames = ['due', 'shown', 'answered', 'snoozed', 'closed', 'ignored', 'commented', 'selfInitiated'] as const
const neverDue = '-'
/** Whole months that are looked back at for answers that stayed away. */
const recentCycles = 6
const pageSize = 1_000
/** Each conflict means that somebody else got through. */
const maxAttempts = 10
const noFigure: MonthFigure = { rows: [], opened: 0, ended: 0, present: 0 }
/** Of more accounts than this, those who can be asked today stand for those who could be asked then. */
const manyAccounts = 500

export function createCycles({ models, clock, snapshots, accounts, settings }: CyclesDeps): Cycles {
  const { cycles } = models
  const idOf = ({ companyId, locationId, userId }: UserKey, month: string): string => `${companyId}:${locationId}:${userId}:${month}`

  /** One look at the cycles that a fact can concern, one write for all that it changes; over again where somebody else wrote in between. */
  async function apply(user: UserKey, fact: CycleFact): Promise<void> {
    const { prompt } = await settings.get(user.companyId)
    for (let count = 1; ; count += 1) {
      try {
        const writes = writesOf(user, fact, await concerned(user, fact, prompt.answeredDays), prompt.answeredDays)
        // In their order: a crash in between leaves the cycle that begins for the repetition.
        if (writes.length > 0) await cycles.bulkWrite(writes.map(({ before, record }) => writeOf(before, record)), { ordered: true })
        if (writes.some(({ before, record }) => record.ended === null && before?.ended !== null)) await keepOnePresent(user, monthOf(fact.at))
        return
      } catch (error) {
        if (count >= maxAttempts || !isDuplicateKey(error)) throw error
      }
    }
  }

  /**
   * A cycle ends and the next one begins in two writes: who looks in between sees no present one and begins one too. Whoever begins one looks afterwards, so
   * the last of them sees all; the one that is due last stays.
   */
  async function keepOnePresent(user: UserKey, ended: string): Promise<void> {
    const [, ...over] = await cycles.find({ ...user, ended: null }, { _id: 1 }).sort({ dueAt: -1, _id: -1 }).lean<Pick<CycleRecord, '_id'>[]>()
    if (over.length > 0) await cycles.updateMany({ ...user, _id: { $in: over.map(({ _id }) => _id) }, ended: null }, { $set: { ended, changedAt: clock.now() } })
  }

  /** The user's present cycle, those of the months in which one may begin, and what is known of an answer. */
  async function concerned(user: UserKey, fact: CycleFact, answeredDays: number): Promise<Map<string, CycleRecord>> {
    const dates = [fact.at, new Date(fact.at.getTime() + answeredDays * dayMs), ...('dueAt' in fact ? [fact.dueAt] : [])]
    const ids = [...new Set(dates.map((at) => idOf(user, monthOf(at))))]
    const found = await cycles.find({ ...user, $or: [{ ended: null }, { _id: { $in: ids } }, ...(fact.kind === 'answered' ? [{ answerId: fact.answerId }] : [])] }).lean<CycleRecord[]>()
    return new Map(found.map((record) => [record._id, record]))
  }

  /** @param known as `concerned` found them */
  function writesOf(user: UserKey, fact: CycleFact, known: ReadonlyMap<string, CycleRecord>, answeredDays: number): Write[] {
    const after = new Map<string, CycleRecord>()
    const present = [...known.values()].find(({ ended }) => ended === null) ?? null
    const changedAt = clock.now()
    const ended = monthOf(fact.at)
    /** What comes last is written last, so that no cycle begins before the one that it follows has ended. */
    const put = (record: CycleRecord): void => {
      after.delete(record._id)
      after.set(record._id, record)
    }
    /** A second cycle of a user in one month is the same one: it goes on. */
    const begin = (cycle: Cycle, endedIn: string | null): void => {
      const month = cycleMonth(cycle)
      const _id = idOf(user, month)
      const there = after.get(_id) ?? known.get(_id)
      if (there === undefined) put({ _id, ...user, month, ...cycle, opened: monthOf(cycle.openedAt), ended: endedIn, changedAt })
      else put({ ...there, ...(there.month === neverDue ? cycle : mergedCycle(there, cycle)), month, openedAt: cycle.openedAt, ended: endedIn, changedAt })
    }
    const toldBefore = fact.kind === 'answered' && (present === null || present.openedAt.getTime() >= fact.at.getTime()) && [...known.values()].some(({ answerId }) => answerId === fact.answerId)
    const step = stepOf(toldBefore ? null : present, fact, answeredDays)
    if (toldBefore) {
      // Told again after a crash: all that may be missing is the next cycle.
      if (present === null && step.next !== null) begin(step.next, null)
    } else {
      if (step.present !== null && present !== null) {
        const month = step.neverDue ? neverDue : monthOf(step.present.dueAt)
        if (month === present.month || month === neverDue) put({ ...present, ...step.present, openedAt: present.openedAt, month, ended: step.ends ? ended : null, changedAt })
        else {
          // It was due earlier than thought: it belongs to another month.
          put({ ...present, month: neverDue, ended, changedAt })
          begin({ ...step.present, openedAt: fact.at }, step.ends ? ended : null)
        }
      } else if (step.present !== null) begin(step.present, step.ends ? ended : null)
      if (fact.kind === 'answered' && !fact.asked) {
        const { at, answerId, commented } = fact
        const _id = `${idOf(user, ended)}:${answerId}`
        if (!known.has(_id)) put({ _id, ...user, month: ended, dueAt: at, state: 'self', shownAt: null, commented, answerId, opened: neverDue, openedAt: at, ended: neverDue, changedAt })
      }
      if (step.next !== null) begin(step.next, null)
    }
    return [...after.values()].flatMap((record) => {
      const before = known.get(record._id)
      return before !== undefined && isDeepStrictEqual({ ...before, changedAt }, record) ? [] : [{ before, record }]
    })
  }

  /** Meets a duplicate key if the record is not as it was read: it was made, or changed, meanwhile. */
  function writeOf(before: CycleRecord | undefined, { _id, companyId, locationId, userId, ...members }: CycleRecord) {
    const user = { companyId, locationId, userId }
    if (before === undefined) return { updateOne: { filter: { _id, ...user, changedAt: { $exists: false } }, update: { $set: members }, upsert: true } }
    return { updateOne: { filter: { _id, ...user, changedAt: before.changedAt, state: before.state, answerId: before.answerId, ended: before.ended }, update: { $set: members }, upsert: true } }
  }

  async function everybody(companyId: string, locationId: string, at: Date): Promise<void> {
    const [account, people, rules] = await Promise.all([accounts.get(companyId, locationId), accounts.users(companyId, locationId), settings.get(companyId)])
    if (account === null || !account.feedbackEnabled) return
    for (const person of people) {
      const graceEndsMs = person.joinedAt === null ? 0 : new Date(person.joinedAt).getTime() + rules.prompt.newUserGraceDays * dayMs
      await apply({ companyId, locationId, userId: person.userId }, { kind: 'eligible', at, dueAt: new Date(Math.max(graceEndsMs, at.getTime())) })
    }
  }

  async function nobody(companyId: string, locationId: string, at: Date): Promise<void> {
    const present = await cycles.find({ companyId, locationId, ended: null }, { userId: 1 }).lean()
    for (const { userId } of present) await apply({ companyId, locationId, userId }, { kind: 'left', at })
  }

  /** All counts of a month, per account, and who came and went in it. */
  async function countMonth(companyId: string, month: string): Promise<MonthFigure> {
    const byAccount = new Map<string, CycleCounts>()
    const now = clock.now()
    const cursor = cycles.find({ companyId, month }, { locationId: 1, state: 1, commented: 1, dueAt: 1 }).lean<CycleRecord[]>().cursor({ batchSize: pageSize })
    for await (const cycle of cursor as AsyncIterable<CycleRecord>) byAccount.set(cycle.locationId, withCycle(byAccount.get(cycle.locationId) ?? noCounts, cycle, now))
    const [opened, ended, present] = await Promise.all([{ opened: month }, { ended: month }, { ended: null }].map((which) => cycles.countDocuments({ companyId, ...which })))
    return { rows: [...byAccount].map(([locationId, counts]) => [locationId, ...countNames.map((name) => counts[name])]), opened: opened ?? 0, ended: ended ?? 0, present: present ?? 0 }
  }

  /** A month that is over, and the day after it, on which late facts still come, does not change as long as none of its cycles does. */
  async function isOver(companyId: string, month: string, asOf: Date): Promise<boolean> {
    if (asOf.getTime() < endOf(lastDayOf(month)).getTime() + dayMs) return false
    const newest = await cycles.findOne({ companyId, month }, { changedAt: 1 }).sort({ changedAt: -1 }).lean()
    return newest !== null && newest.changedAt < asOf
  }

  function figuresOf(companyId: string, months: readonly string[]): Promise<{ currentAt: Date; data: MonthFigure }[]> {
    return snapshots.get(companyId, months.map((month) => ({
      kind: `cycle-month:${month}`,
      build: () => countMonth(companyId, month),
      isCurrent: (asOf) => isOver(companyId, month, asOf),
      size: ({ rows }) => rows.length,
    })))
  }

  /** Users who could be asked at the end of each month: those of today, less those who came since, with those who left. */
  function eligibleOfAll(months: readonly string[], figures: ReadonlyMap<string, MonthFigure>): number[] {
    const present = figures.get(monthOf(clock.now()))?.present ?? 0
    return months.map((month) => [...figures].reduce((left, [later, { opened, ended }]) => (later > month ? left - opened + ended : left), present))
  }

  /** The same of some accounts; of very many, those of today stand for those of then. */
  async function eligibleAmong(companyId: string, months: readonly string[], among: Members): Promise<number[]> {
    if (among.ids.size > manyAccounts) return months.map(() => among.users)
    const mine = { companyId, locationId: { $in: [...among.ids] } }
    const thisMonth = monthOf(clock.now())
    const later = monthsFrom(plusMonths(months[0] ?? thisMonth, 1), thisMonth)
    const [now, changes] = await Promise.all([
      cycles.countDocuments({ ...mine, ended: null }),
      Promise.all(
        later.map(async (month) => {
          const [opened, ended] = await Promise.all([cycles.countDocuments({ ...mine, opened: month }), cycles.countDocuments({ ...mine, ended: month })])
          return { month, by: opened - ended }
        }),
      ),
    ])
    return months.map((month) => changes.reduce((left, change) => (change.month > month ? left - change.by : left), now))
  }

  return {
    reacted: ({ kind, at, dueAt, ...user }) => apply(user, { kind, at, dueAt }),

    async forget({ companyId, userId, locationIds, alias, at }) {
      for (const locationId of locationIds) {
        const theirs = await cycles.find({ companyId, locationId, userId }).lean<CycleRecord[]>()
        for (const record of theirs) {
          const _id = `${companyId}:${locationId}:${alias}${record._id.slice(idOf({ companyId, locationId, userId }, '').length - 1)}`
          // The figure is there under nobody's name before theirs goes.
          await cycles.updateOne({ _id }, { $setOnInsert: { ...record, _id, userId: alias, ended: record.ended ?? monthOf(at), changedAt: clock.now() } }, { upsert: true })
          await cycles.deleteOne({ _id: record._id, companyId })
        }
      }
    },

    async observe(event) {
      const { companyId, locationId, userId, at, type, data } = event
      if (locationId === null) return
      if (type === 'feedback.enabled' || type === 'account.created' || (type === 'account.group_changed' && event.before === 'churned')) await everybody(companyId, locationId, at)
      else if (type === 'feedback.disabled' || type === 'account.removed') await nobody(companyId, locationId, at)
      else if (type === 'feedback.requested') {
        const asked = Array.isArray(data['userIds']) ? data['userIds'].filter((id) => typeof id === 'string') : []
        for (const id of asked) await apply({ companyId, locationId, userId: id }, { kind: 'requested', at })
      } else if (userId === null) return
      else if (type === 'user.removed') await apply({ companyId, locationId, userId }, { kind: 'left', at })
      else if (type === 'user.added') {
        const [account, rules] = await Promise.all([accounts.get(companyId, locationId), settings.get(companyId)])
        if (account?.feedbackEnabled === true) await apply({ companyId, locationId, userId }, { kind: 'eligible', at, dueAt: new Date(at.getTime() + rules.prompt.newUserGraceDays * dayMs) })
      } else if (type === 'feedback.received') {
        const answerId = typeof data['answerId'] === 'string' ? data['answerId'] : event.key
        await apply({ companyId, locationId, userId }, { kind: 'answered', at, answerId, asked: data['answerSource'] === 'widget', commented: typeof data['comment'] === 'string' })
      }
    },

    async months(companyId, months, among) {
      const thisMonth = monthOf(clock.now())
      // Of all accounts, those who came and went since count as well.
      const needed = among === null ? [...new Set([...months, ...monthsFrom(months[0] ?? thisMonth, thisMonth)])] : months
      const found = await figuresOf(companyId, needed)
      const figures = new Map(needed.map((month, at) => [month, found[at]?.data ?? noFigure]))
      const eligible = among === null ? eligibleOfAll(months, figures) : await eligibleAmong(companyId, months, among)
      const asOf = found.reduce((oldest, figure) => (figure.currentAt < oldest ? figure.currentAt : oldest), clock.now())
      return { asOf, months: months.map((month, at) => ({ month, eligible: Math.max(0, eligible[at] ?? 0), ...total((figures.get(month) ?? noFigure).rows, among) })) }
    },

    async recent(companyId, locationIds) {
      const thisMonth = monthOf(clock.now())
      const months = Array.from({ length: recentCycles }, (_, index) => plusMonths(thisMonth, -1 - index))
      const result = new Map(locationIds.map((locationId) => [locationId, months.map(() => ({ shown: 0, answered: 0 }))]))
      const found = await cycles.find({ companyId, locationId: { $in: [...locationIds] }, month: { $in: months } }, { locationId: 1, month: 1, state: 1 }).lean()
      for (const { locationId, month, state } of found) {
        const counts = result.get(locationId)?.[months.indexOf(month)]
        if (counts === undefined || state === 'waiting') continue
        counts.shown += state === 'self' ? 0 : 1
        // Unasked answers are no silence either.
        counts.answered += state === 'answered' || state === 'self' ? 1 : 0
      }
      return result
    },

    async purge(companyId) {
      await cycles.deleteMany({ companyId })
    },
  }
}

/** The counts of a month over all accounts, or over some. */
function total(rows: readonly PackedRow[], among: Members | null): CycleCounts {
  const sums = countNames.map(() => 0)
  for (const [locationId, ...counts] of rows) {
    if (among !== null && !among.ids.has(locationId)) continue
    for (let at = 0; at < sums.length; at += 1) sums[at] = (sums[at] ?? 0) + (counts[at] ?? 0)
  }
  return Object.fromEntries(countNames.map((name, at) => [name, sums[at] ?? 0])) as unknown as CycleCounts
}
