import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { Actor, DomainEvent, EventSource } from '../events/index.ts'
import type { CaseClosing, CaseView } from '../http/contract/cases.ts'
import type { DeedWords } from '../http/contract/deeds.ts'
import { dayMs, hourMs, type Clock } from '../kernel/clock.ts'
import { CodedError, fieldRefused, notFound, RequestError } from '../kernel/errors.ts'
import { somebody, type ForgottenPerson } from '../kernel/forgotten.ts'
import type { Session } from '../kernel/route.ts'
import type { Settings } from '../settings/index.ts'
import { isDuplicateKey } from '../store/index.ts'
import { caseModel, type CaseRecord } from './model.ts'
import { createCaseReads, type CaseReads } from './reads.ts'
import { aboutOf, caseEvent, caseIdOf, caseViewOf, nextEscalationAt, openSlot } from './rules.ts'

/** A Not Happy answer that needs a person. */
export interface CaseAnswer {
  companyId: string
  locationId: string
  userId: string
  userName: string
  answerId: string
  comment: string | null
  at: Date
  source: EventSource
}

/** Not Happy cases: opened by answers, closed by people. */
export interface Cases extends CaseReads {
  /** Opens the user's case or attaches the answer to the open one. Idempotent per answer; an answer whose case a person closed opens no second one. */
  attach(answer: CaseAnswer): Promise<{ caseId: string; opened: boolean }>
  /** The answer is no longer Not Happy: takes it out, and withdraws the case if that was its only answer. */
  withdraw(companyId: string, answerId: string, at: Date, actor: Actor): Promise<void>
  /** @throws RequestError 404; 409 `case_closed` */
  close(session: Session, caseId: string, closing: CaseClosing): Promise<CaseView>
  /** @throws RequestError 404; 409 `case_closed`; 422 `owner_unknown` */
  assign(session: Session, caseId: string, userId: string | null): Promise<CaseView>
  /** Hands the open cases of somebody who left the team to their accounts' owners, else to nobody. Idempotent; each is told. */
  release(person: { companyId: string; userId: string; name: string }): Promise<void>
  /** Whoever gets an account gets its cases that nobody has since their owner left. Idempotent; all other events are let pass. */
  observe(event: DomainEvent): Promise<void>
  /** "I am on it": for so many hours nobody else is told that it is overdue. @throws RequestError 404; 409 `case_closed` */
  acknowledge(session: Session, caseId: string, hours: number): Promise<CaseView>
  /**
   * Tells once that a case is overdue, tells the leads while it stays open, and tells what a crash left untold.
   * @returns how many cases were looked at
   */
  markOverdue(limit: number): Promise<number>
  /** Closes what is open, and takes words and names out of all of this person's cases; that there were cases stays. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes everything stored for the agency. */
  purge(companyId: string): Promise<void>
}

export interface CasesDeps {
  connection: Connection
  clock: Clock
  events: { append(event: DomainEvent): Promise<unknown> }
  accounts: Pick<Accounts, 'get' | 'agencyUser'>
  settings: Pick<Settings, 'get'>
  /** Stores what was done about it. Idempotent per closing. */
  did?: (session: Session, closed: { locationId: string; caseId: string; openings: number; answerId: string | null }, words: DeedWords) => Promise<void>
  /** A case changed without an event that tells it. */
  changed?: (companyId: string) => void
}

const system: Actor = { kind: 'system', id: null, name: null }
const maxAttempts = 20
/** Left alone that long, an outbox belongs to somebody who crashed. */
const outboxGraceMs = 10_000

export function createCases({ connection, clock, events, accounts, settings, changed: changedUntold, did: tellDeed }: CasesDeps): Cases {
  const cases = caseModel(connection)

  /** Gives the case's events to the event log; whoever changed the case in between does it himself. */
  async function announce(record: CaseRecord): Promise<void> {
    for (const event of record.outbox) await events.append(event)
    if (record.outbox.length === 0) return
    await cases.updateOne(
      { _id: record._id, companyId: record.companyId, version: record.version },
      { $set: { outbox: [], outboxSince: null } },
    )
  }

  /** Changes a case if nobody else did in between, together with the event that tells it. @returns null if somebody did */
  async function change(record: CaseRecord, changes: Partial<CaseRecord>, event?: DomainEvent): Promise<CaseRecord | null> {
    const outbox = event === undefined ? record.outbox : [...record.outbox, event]
    const outboxSince = outbox.length === 0 ? null : (record.outboxSince ?? clock.now())
    const changed = await cases
      .findOneAndUpdate(
        { _id: record._id, companyId: record.companyId, version: record.version },
        { $set: { ...changes, outbox, outboxSince, version: record.version + 1 } },
        { returnDocument: 'after' },
      )
      .lean<CaseRecord>()
    if (changed !== null) await announce(changed)
    if (changed !== null && event === undefined) changedUntold?.(record.companyId)
    return changed
  }

  /** Repeats until the change went through against the newest state. */
  async function retried<T>(attempt: () => Promise<T | null>): Promise<T> {
    for (let count = 1; count <= maxAttempts; count += 1) {
      const result = await attempt()
      if (result !== null) return result
    }
    throw new CodedError('case_busy', 'This case is being changed by others right now. Try again.')
  }

  function openedEvent(record: CaseRecord, answer: CaseAnswer): DomainEvent {
    return caseEvent(record, {
      type: 'case.opened',
      at: answer.at,
      actor: { kind: 'account_user', id: answer.userId, name: answer.userName },
      source: answer.source,
      summary: `${answer.userName} is Not Happy: a case was opened${record.owner === null ? '' : ` for ${record.owner.name}`}.`,
      data: { answerId: answer.answerId, comment: answer.comment },
    })
  }

  async function openNew(answer: CaseAnswer): Promise<CaseRecord | null> {
    const { companyId, locationId, userId, answerId, at, comment } = answer
    const [account, { cases: rules }] = await Promise.all([accounts.get(companyId, locationId), settings.get(companyId)])
    const csm = account?.csm ?? null
    const record: CaseRecord = {
      _id: caseIdOf(answerId),
      companyId,
      locationId,
      userId,
      slot: openSlot(companyId, locationId, userId),
      state: 'open',
      accountName: account?.name ?? locationId,
      userName: answer.userName,
      owner: csm === null ? null : { userId: csm.userId, name: csm.name },
      ownerId: csm?.userId ?? '',
      openedAt: at,
      dueAt: new Date(at.getTime() + rules.dueHours * hourMs),
      overdueAt: null,
      answers: [{ answerId, at, comment }],
      outcome: null,
      note: null,
      closedAt: null,
      closedBy: null,
      openings: 1,
      version: 1,
      outbox: [],
      outboxSince: clock.now(),
    }
    record.outbox = [openedEvent(record, answer)]
    try {
      await cases.create([record])
    } catch (error) {
      // Opened for this answer, or for this user, in the same moment.
      if (isDuplicateKey(error)) return null
      throw error
    }
    await announce(record)
    return record
  }

  /** @returns null if somebody else changed the case in between */
  async function handOver(record: CaseRecord, owner: CaseRecord['owner'], told: Pick<DomainEvent, 'actor' | 'source' | 'summary' | 'cause'>): Promise<true | null> {
    const next = { owner, ownerId: owner?.userId ?? '', orphaned: owner === null }
    const event = caseEvent({ ...record, ...next }, { type: 'case.assigned', at: clock.now(), before: record.owner, after: owner, turn: record.version, data: { formerOwnerUserId: record.ownerId, formerOwnerName: record.owner?.name ?? null }, ...told })
    return (await change(record, next, event)) === null ? null : true
  }

  async function load(session: Session, caseId: string): Promise<CaseRecord> {
    const record = await cases.findOne({ _id: caseId, companyId: session.companyId }).lean<CaseRecord>()
    if (record === null) throw notFound('case')
    return record
  }

  function agencyActor(session: Session): Actor {
    return { kind: 'agency_user', id: session.userId, name: session.userName }
  }

  /** Overdue cases whose owner let the next moment pass, too. One that somebody closes or takes on in between is left to them. */
  async function escalateDue(now: Date, limit: number): Promise<number> {
    const due = await cases
      .find({ state: 'open', escalateAt: { $lte: now } })
      .sort({ escalateAt: 1 })
      .limit(limit)
      .lean<CaseRecord[]>()
    for (const record of due) {
      const { cases: rules } = await settings.get(record.companyId)
      const turn = (record.escalations ?? 0) + 1
      const days = Math.max(1, Math.round((now.getTime() - record.dueAt.getTime()) / dayMs))
      const event = caseEvent(record, {
        type: 'case.escalated',
        at: now,
        actor: system,
        source: 'schedule',
        turn,
        summary: `The case of ${record.userName} is overdue for ${days === 1 ? 'a day' : `${days} days`}${record.owner === null ? ' and has no owner' : ` with ${record.owner.name}`}: the leads were told.`,
        data: { escalation: turn },
      })
      await change(record, { escalations: turn, escalateAt: nextEscalationAt(turn, now, rules) }, event)
    }
    return due.length
  }

  const closedAlready = () => new RequestError(409, 'case_closed', 'This case was closed already. Reload the list.')

  return {
    ...createCaseReads(cases, clock),

    attach: (answer) =>
      retried(async () => {
        const { companyId, locationId, userId, answerId, comment, at } = answer
        const own = await cases.findOne({ companyId, 'answers.answerId': answerId }).lean<CaseRecord>()
        if (own !== null) {
          await announce(own)
          const entry = own.answers.find((known) => known.answerId === answerId)
          if (entry?.comment === comment) return { caseId: own._id, opened: false }
          const answers = own.answers.map((known) => (known.answerId === answerId ? { ...known, comment } : known))
          return (await change(own, { answers })) === null ? null : { caseId: own._id, opened: false }
        }
        const slot = openSlot(companyId, locationId, userId)
        const open = await cases.findOne({ slot, companyId }).lean<CaseRecord>()
        if (open !== null) {
          return (await change(open, { answers: [...open.answers, { answerId, at, comment }] })) === null
            ? null
            : { caseId: open._id, opened: false }
        }
        const withdrawn = await cases.findOne({ _id: caseIdOf(answerId), companyId, outcome: 'withdrawn' }).lean<CaseRecord>()
        if (withdrawn !== null) {
          const again = { ...withdrawn, openings: withdrawn.openings + 1 }
          const reopened: Partial<CaseRecord> = {
            state: 'open',
            slot,
            outcome: null,
            note: null,
            closedAt: null,
            closedBy: null,
            overdueAt: null,
            escalations: 0,
            escalateAt: null,
            acknowledged: null,
            openings: again.openings,
            answers: [{ answerId, at, comment }],
          }
          try {
            return (await change(withdrawn, reopened, openedEvent(again, answer))) === null ? null : { caseId: withdrawn._id, opened: true }
          } catch (error) {
            if (isDuplicateKey(error)) return null
            throw error
          }
        }
        const opened = await openNew(answer)
        if (opened !== null) return { caseId: opened._id, opened: true }
        // This answer opened a case before, left it, and a person closed it since: that stands.
        const settled = await cases
          .findOne({ _id: caseIdOf(answerId), companyId, state: 'closed', outcome: { $ne: 'withdrawn' } })
          .lean<CaseRecord>()
        return settled === null ? null : { caseId: settled._id, opened: false }
      }),

    async withdraw(companyId, answerId, at, actor) {
      await retried(async () => {
        const record = await cases.findOne({ companyId, 'answers.answerId': answerId }).lean<CaseRecord>()
        // A case that a person closed stays as it was closed.
        if (record?.state !== 'open') return true
        const answers = record.answers.filter((answer) => answer.answerId !== answerId)
        if (answers.length > 0) return (await change(record, { answers })) === null ? null : true
        const withdrawn: Partial<CaseRecord> = {
          state: 'closed',
          slot: `closed:${record._id}`,
          answers,
          outcome: 'withdrawn',
          closedAt: at,
          closedBy: { userId: null, name: null },
        }
        const event = caseEvent(record, {
          type: 'case.closed',
          at,
          actor,
          source: 'widget',
          summary: `${record.userName} changed the answer: the case was withdrawn.`,
          data: { outcome: 'withdrawn', note: null },
        })
        return (await change(record, withdrawn, event)) === null ? null : true
      })
    },

    async close(session, caseId, { outcome, note, did }) {
      const closed = await retried(async () => {
        const record = await load(session, caseId)
        if (record.state === 'closed') {
          // The same closing again: a repeated click, not a conflict.
          if (record.outcome === outcome && record.note === note && record.closedBy?.userId === session.userId)
            return record
          throw closedAlready()
        }
        const now = clock.now()
        const closing: Partial<CaseRecord> = {
          state: 'closed',
          slot: `closed:${record._id}`,
          outcome,
          note,
          closedAt: now,
          closedBy: { userId: session.userId, name: session.userName },
        }
        const event = caseEvent(record, {
          type: 'case.closed',
          at: now,
          actor: agencyActor(session),
          source: 'page',
          summary: `${session.userName} closed the case of ${record.userName}: ${outcome.replaceAll('_', ' ')}.`,
          data: { outcome, note },
        })
        return change(record, closing, event)
      })
      const { _id, locationId, openings, answers } = closed
      // After the case, which somebody else may have closed; a repeated request finds it closed by the same person, and stores what is missing.
      if (did !== undefined) await tellDeed?.(session, { locationId, caseId: _id, openings, answerId: aboutOf(answers) }, did)
      return caseViewOf(closed, clock.now())
    },

    assign: (session, caseId, userId) =>
      retried(async () => {
        const record = await load(session, caseId)
        if (record.state === 'closed') throw closedAlready()
        const person = userId === null ? null : await accounts.agencyUser(session.companyId, userId)
        if (userId !== null && person === null)
          throw fieldRefused(422, 'owner_unknown', 'userId', "is not on the agency's team", "userId: is not on the agency's team. Choose one of its users.")
        const owner = person === null ? null : { userId: person.userId, name: person.name }
        const assigned = await change(record, { owner, ownerId: owner?.userId ?? '', orphaned: false })
        return assigned === null ? null : caseViewOf(assigned, clock.now())
      }),

    async release({ companyId, userId, name }) {
      const theirs = await cases.find({ companyId, state: 'open', ownerId: userId }, { _id: 1 }).lean<Pick<CaseRecord, '_id'>[]>()
      for (const { _id } of theirs) {
        await retried(async () => {
          const record = await cases.findOne({ _id, companyId, state: 'open', ownerId: userId }).lean<CaseRecord>()
          if (record === null) return true
          const csm = (await accounts.get(companyId, record.locationId))?.csm ?? null
          const owner = csm === null || csm.userId === userId ? null : { userId: csm.userId, name: csm.name }
          const who = owner === null ? 'nobody has it now' : `${owner.name} has it now`
          return handOver(record, owner, { actor: { kind: 'crm', id: null, name: null }, source: 'webhook', summary: `${name} left the team: the case of ${record.userName} changed hands, ${who}.` })
        })
      }
    },

    async observe({ type, companyId, locationId, key, actor, source, data }) {
      const { csmUserId, csmName } = data
      if (type !== 'csm.assigned' || locationId === null || typeof csmUserId !== 'string') return
      const owner = { userId: csmUserId, name: typeof csmName === 'string' ? csmName : csmUserId }
      const waiting = await cases.find({ companyId, locationId, state: 'open', orphaned: true }, { _id: 1 }).lean<Pick<CaseRecord, '_id'>[]>()
      for (const { _id } of waiting) {
        await retried(async () => {
          const record = await cases.findOne({ _id, companyId, state: 'open', orphaned: true }).lean<CaseRecord>()
          if (record === null) return true
          return handOver(record, owner, { actor, source, cause: { kind: 'event', id: key }, summary: `${owner.name} got the account, and with it the case of ${record.userName}, which nobody had.` })
        })
      }
    },
    acknowledge: (session, caseId, hours) =>
      retried(async () => {
        const record = await load(session, caseId)
        if (record.state === 'closed') throw closedAlready()
        const now = clock.now()
        const untilAt = new Date(now.getTime() + hours * hourMs)
        const { cases: rules } = await settings.get(session.companyId)
        const escalations = record.escalations ?? 0
        // Not overdue yet: the first escalation is left to the sweep, which comes after the due time in any case.
        const next = record.overdueAt === null ? null : (record.escalateAt ?? nextEscalationAt(escalations, now, rules))
        const escalateAt = next === null ? null : new Date(Math.max(next.getTime(), untilAt.getTime()))
        const event = caseEvent(record, {
          type: 'case.acknowledged',
          at: now,
          actor: agencyActor(session),
          source: 'page',
          turn: record.version,
          summary: `${session.userName} takes care of the case of ${record.userName}.`,
          data: { untilAt: untilAt.toISOString() },
        })
        const changed = await change(record, { acknowledged: { userId: session.userId, name: session.userName, at: now, untilAt }, escalateAt }, event)
        return changed === null ? null : caseViewOf(changed, now)
      }),

    async markOverdue(limit) {
      const now = clock.now()
      const due = await cases
        .find({ state: 'open', overdueAt: null, dueAt: { $lte: now } })
        .sort({ dueAt: 1 })
        .limit(limit)
        .lean<CaseRecord[]>()
      for (const record of due) {
        const event = caseEvent(record, {
          type: 'case.overdue',
          at: record.dueAt,
          actor: system,
          source: 'schedule',
          summary: `The case of ${record.userName} is overdue${record.owner === null ? ' and has no owner' : ` with ${record.owner.name}`}.`,
        })
        const { cases: rules } = await settings.get(record.companyId)
        const firstAt = nextEscalationAt(0, record.dueAt, rules)
        const leftUntil = record.acknowledged?.untilAt ?? null
        await change(record, { overdueAt: now, escalations: 0, escalateAt: firstAt !== null && leftUntil !== null && leftUntil > firstAt ? leftUntil : firstAt }, event)
      }
      const escalated = await escalateDue(now, limit)
      const untold = await cases
        .find({ outboxSince: { $lte: new Date(now.getTime() - outboxGraceMs) } })
        .limit(limit)
        .lean<CaseRecord[]>()
      for (const record of untold) await announce(record)
      return due.length + escalated + untold.length
    },

    async forget({ companyId, userId, locationIds, alias, at }) {
      // Until none is left: one that somebody changed in between has its turn again.
      for (;;) {
        const record = await cases.findOne({ companyId, locationId: { $in: locationIds }, userId }).lean<CaseRecord>()
        if (record === null) return
        const closed = record.state === 'closed' ? {} : { state: 'closed' as const, slot: `closed:${record._id}`, outcome: 'no_action' as const, closedAt: at, closedBy: { userId: null, name: null }, escalateAt: null }
        const wordless = { userId: alias, userName: somebody, answers: record.answers.map((answer) => ({ ...answer, comment: null })), note: null, outbox: [], outboxSince: null }
        await cases.updateOne({ _id: record._id, companyId, version: record.version }, { $set: { ...closed, ...wordless, version: record.version + 1 } })
      }
    },

    async purge(companyId) {
      await cases.deleteMany({ companyId })
    },
  }
}
