import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { DomainEvent, DomainEventType } from '../events/index.ts'
import type { AnswerBook, AnswerRecord, UserKey } from '../feedback/index.ts'
import type { DeedChange, DeedList, DeedView, DeedWords, MyDeed, NewDeed } from '../http/contract/deeds.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import { CodedError, fieldRefused, notFound, RequestError } from '../kernel/errors.ts'
import { mentions, type ForgottenPerson } from '../kernel/forgotten.ts'
import { hashOf, newToken } from '../kernel/ids.ts'
import type { Session } from '../kernel/route.ts'
import { isDuplicateKey } from '../store/index.ts'
import { deedModels, type DeedRecord } from './model.ts'

/** What the team did about what customers said. */
export interface Deeds {
  /** @throws RequestError 404; 422 `answer_unknown` */
  add(session: Session, locationId: string, wish: NewDeed): Promise<DeedView>
  /** What was done when a case was closed. Idempotent per closing. */
  addOfCase(session: Session, closed: { locationId: string; caseId: string; openings: number; answerId: string | null }, words: DeedWords): Promise<void>
  /** @throws RequestError 404 */
  change(session: Session, locationId: string, deedId: string, change: DeedChange): Promise<DeedView>
  /** @throws RequestError 404, also for one that is withdrawn */
  withdraw(session: Session, locationId: string, deedId: string): Promise<void>
  /** Newest first, with what could be answered to. @throws RequestError 404 */
  list(companyId: string, locationId: string, query: { page: number; pageSize: number }): Promise<DeedList>
  /** What this customer's user reads, newest first. */
  shownTo(user: UserKey): Promise<MyDeed[]>
  /** The newest one that this user has not seen, which is then seen, after this answer; null if there is none, or none that is still news. */
  newsFor(user: UserKey, answerId: string): Promise<MyDeed | null>
  /** @throws RequestError 404 */
  see(user: UserKey, deedId: string): Promise<void>
  /** What was done stays, without whom it was done for; what names them is removed. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  purge(companyId: string): Promise<void>
}

export interface DeedsDeps {
  connection: Connection
  clock: Clock
  book: Pick<AnswerBook, 'find' | 'findAll' | 'withWords'>
  accounts: Pick<Accounts, 'get'>
  events: { append(event: DomainEvent): Promise<unknown> }
}

const shownAtOnce = 20
const newsMs = 60 * dayMs
const sayingsAtOnce = 20
const maxAttempts = 10

export function createDeeds({ connection, clock, book, accounts, events }: DeedsDeps): Deeds {
  const { deeds, seen } = deedModels(connection)
  const idOf = (companyId: string, locationId: string, key: string): string => hashOf('deed', companyId, locationId, key).slice(0, 24)

  /** Gives what happened to the event log. */
  async function announce({ _id, companyId, version, outbox }: DeedRecord): Promise<void> {
    if (outbox.length === 0) return
    for (const event of outbox) await events.append(event)
    await deeds.updateOne({ _id, companyId, version }, { $set: { outbox: [] } })
  }

  function eventOf(record: Omit<DeedRecord, 'outbox'>, type: DomainEventType, by: Session, summary: string, before?: string): DomainEvent {
    const { _id: deedId, companyId, locationId, saidBy, answerId, caseId, text, shownAt, version } = record
    return {
      key: `${type}:${deedId}:${version}`, companyId, locationId, userId: saidBy, type, summary,
      at: version === 1 ? record.at : (record.changedAt ?? record.at),
      actor: { kind: 'agency_user', id: by.userId, name: by.userName },
      source: 'page',
      ...(before === undefined ? {} : { before }),
      after: text,
      ...(answerId === null ? {} : { cause: { kind: 'answer' as const, id: answerId } }),
      data: { deedId, answerId, ...(caseId === null ? {} : { caseId }), text, shown: shownAt !== null },
    }
  }

  async function store(session: Session, locationId: string, key: string, words: DeedWords, about: { answer: AnswerRecord | null; caseId: string | null }): Promise<DeedRecord> {
    const { companyId, userId, userName: name } = session
    const now = clock.now()
    const record = {
      _id: idOf(companyId, locationId, key), companyId, locationId,
      text: words.text,
      shownAt: words.shown ? now : null,
      firstShownAt: words.shown ? now : null,
      answerId: about.answer?._id ?? null,
      saidBy: about.answer?.userId ?? null,
      caseId: about.caseId,
      by: { userId, name },
      at: now,
      changedBy: null, changedAt: null, withdrawnAt: null,
      version: 1,
    }
    const told = words.shown
      ? eventOf(record, 'deed.shown', session, `${name} told the customer what was done: ${words.text}`)
      : eventOf(record, 'deed.noted', session, `${name} noted what was done: ${words.text}`)
    const complete: DeedRecord = { ...record, outbox: [told] }
    try {
      await deeds.create([complete])
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      // The same request again: what was stored then stands, and what became of it since.
      const stored = await deeds.findOne({ _id: record._id, companyId, locationId }).lean<DeedRecord>()
      if (stored === null) throw error
      await announce(stored)
      return stored
    }
    await announce(complete)
    return complete
  }

  async function load(companyId: string, locationId: string, deedId: string): Promise<DeedRecord> {
    const record = await deeds.findOne({ _id: deedId, companyId, locationId, withdrawnAt: null }).lean<DeedRecord>()
    if (record === null) throw notFound('entry')
    return record
  }

  /** Changes the newest state, with the event that tells it. @param to null if there is nothing to change */
  async function changed(session: Session, locationId: string, deedId: string, to: (record: DeedRecord) => { changes: Partial<DeedRecord>; type: DomainEventType; summary: string } | null): Promise<DeedRecord> {
    for (let count = 1; count <= maxAttempts; count += 1) {
      const record = await load(session.companyId, locationId, deedId)
      const wanted = to(record)
      if (wanted === null) return record
      const { userId, userName: name } = session
      const next = { ...record, ...wanted.changes, changedBy: { userId, name }, changedAt: clock.now(), version: record.version + 1 }
      const outbox = [...record.outbox, eventOf(next, wanted.type, session, wanted.summary, record.text)]
      const { _id, companyId, ...members } = { ...next, outbox }
      const { matchedCount } = await deeds.updateOne({ _id, companyId, version: record.version }, { $set: members })
      if (matchedCount === 0) continue
      await announce({ ...next, outbox })
      return next
    }
    throw new CodedError('deed_busy', 'This entry is being changed by others right now. Try again.')
  }

  async function viewsOf(companyId: string, records: readonly DeedRecord[]): Promise<DeedView[]> {
    const said = await answersOf(companyId, records)
    return records.map((record) => viewOf(record, said.get(record.answerId ?? '') ?? null))
  }

  async function changedView(record: DeedRecord): Promise<DeedView> {
    return viewOf(record, record.answerId === null ? null : await book.find(record.companyId, record.answerId))
  }

  async function answersOf(companyId: string, records: readonly Pick<DeedRecord, 'answerId'>[]): Promise<Map<string, AnswerRecord>> {
    const ids = records.flatMap(({ answerId }) => (answerId === null ? [] : [answerId]))
    return new Map(ids.length === 0 ? [] : (await book.findAll(companyId, ids)).map((answer) => [answer._id, answer]))
  }

  const shownIn = ({ companyId, locationId }: UserKey) => ({ companyId, locationId, withdrawnAt: null, shownAt: { $type: 'date' } }) as const

  /** As this person may read it: the words of somebody else are theirs. */
  async function mineOf(user: UserKey, records: readonly DeedRecord[]): Promise<MyDeed[]> {
    const own = await answersOf(user.companyId, records.filter(({ saidBy }) => saidBy === user.userId))
    return records.map(({ _id: deedId, text: did, at, shownAt, answerId }) => {
      const answer = own.get(answerId ?? '')
      const isOwn = answer?.userId === user.userId && answer.locationId === user.locationId
      return { deedId, did, at: (shownAt ?? at).toISOString(), said: isOwn && answer.comment !== null ? { comment: answer.comment, at: answer.at.toISOString() } : null }
    })
  }

  async function note(user: UserKey, toAt: Date, answerId: string | null): Promise<void> {
    const { companyId, locationId, userId } = user
    try {
      await seen.updateOne({ _id: seenIdOf(user), companyId }, { $set: { locationId, userId, answerId }, $max: { toAt } }, { upsert: true })
    } catch (error) {
      // Seen on two devices in the same moment: the other one noted it.
      if (!isDuplicateKey(error)) throw error
    }
  }

  async function demandAccount(companyId: string, locationId: string): Promise<void> {
    if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
  }

  return {
    async add(session, locationId, { answerId, idempotencyKey, ...words }) {
      const { companyId } = session
      await demandAccount(companyId, locationId)
      const answer = answerId === undefined ? null : await book.find(companyId, answerId)
      if (answerId !== undefined && answer?.locationId !== locationId) throw fieldRefused(422, 'answer_unknown', 'answerId', 'is no answer of this account')
      const record = await store(session, locationId, idempotencyKey ?? newToken(), words, { answer, caseId: null })
      const isSame = record.answerId === (answer?._id ?? null) && (record.version > 1 || (record.text === words.text && (record.shownAt !== null) === words.shown))
      if (!isSame) throw new RequestError(409, 'key_used', 'This idempotency key was used for another entry. Use a new key for a new one.')
      return viewOf(record, answer)
    },

    async addOfCase(session, { locationId, caseId, openings, answerId }, words) {
      const answer = answerId === null ? null : await book.find(session.companyId, answerId)
      await store(session, locationId, `case:${caseId}:${openings}`, words, { answer, caseId })
    },

    async change(session, locationId, deedId, { text, shown }) {
      await demandAccount(session.companyId, locationId)
      const { userName: name } = session
      const record = await changed(session, locationId, deedId, (before) => {
        const isShown = before.shownAt !== null
        const to = { text: text ?? before.text, isShown: shown ?? isShown }
        if (to.text === before.text && to.isShown === isShown) return null
        const shownAt = to.isShown ? (before.firstShownAt ?? clock.now()) : null
        const changes = { text: to.text, shownAt, firstShownAt: before.firstShownAt ?? shownAt }
        if (to.isShown && !isShown) return { changes, type: 'deed.shown', summary: `${name} told the customer what was done: ${to.text}` }
        if (!to.isShown && isShown) return { changes, type: 'deed.hidden', summary: `${name} no longer shows the customer what was done: ${to.text}` }
        return { changes, type: 'deed.changed', summary: `${name} changed the words on what was done: ${to.text}` }
      })
      return changedView(record)
    },

    async withdraw(session, locationId, deedId) {
      await demandAccount(session.companyId, locationId)
      await changed(session, locationId, deedId, (before) => ({ changes: { withdrawnAt: clock.now() }, type: 'deed.withdrawn', summary: `${session.userName} withdrew what was said to be done: ${before.text}` }))
    },

    async list(companyId, locationId, { page, pageSize }) {
      await demandAccount(companyId, locationId)
      const filter = { companyId, locationId, withdrawnAt: null }
      const [found, total, sayings, untold] = await Promise.all([
        deeds.find(filter).sort({ at: -1, _id: -1 }).skip((page - 1) * pageSize).limit(pageSize).lean<DeedRecord[]>(),
        deeds.countDocuments(filter),
        book.withWords(companyId, locationId, sayingsAtOnce),
        deeds.find({ companyId, locationId, 'outbox.0': { $exists: true } }).lean<DeedRecord[]>(),
      ])
      // What a crash left untold.
      for (const record of untold) await announce(record)
      return { items: await viewsOf(companyId, found), page, pageSize, total, sayings: sayings.map(sayingOf) }
    },

    async shownTo(user) {
      const found = await deeds.find(shownIn(user)).sort({ shownAt: -1 }).limit(shownAtOnce).lean<DeedRecord[]>()
      return mineOf(user, found)
    },

    async newsFor(user, answerId) {
      const newest = await deeds.findOne({ ...shownIn(user), shownAt: { $gte: new Date(clock.nowMs() - newsMs) } }).sort({ shownAt: -1 }).lean<DeedRecord>()
      if (newest === null || newest.shownAt === null) return null
      const known = await seen.findOne({ _id: seenIdOf(user), companyId: user.companyId }).lean()
      if (known !== null && known.answerId !== answerId && known.toAt >= newest.shownAt) return null
      await note(user, newest.shownAt, answerId)
      return (await mineOf(user, [newest]))[0] ?? null
    },

    async see(user, deedId) {
      const record = await deeds.findOne({ ...shownIn(user), _id: deedId }).lean<DeedRecord>()
      if (record === null || record.shownAt === null) throw notFound('entry')
      await note(user, record.shownAt, null)
    },

    async forget({ companyId, userId, locationIds, words }) {
      await seen.deleteMany({ companyId, userId })
      const isNamed = mentions(words)
      for (const { _id, text, saidBy } of await deeds.find({ companyId, locationId: { $in: locationIds } }, { text: 1, saidBy: 1 }).lean<DeedRecord[]>()) {
        if (isNamed(text)) await deeds.deleteOne({ _id, companyId })
        else if (saidBy === userId) await deeds.updateOne({ _id, companyId }, { $set: { saidBy: null, answerId: null, caseId: null, outbox: [] }, $inc: { version: 1 } })
      }
    },

    async purge(companyId) {
      await deeds.deleteMany({ companyId })
      await seen.deleteMany({ companyId })
    },
  }
}

function seenIdOf({ companyId, locationId, userId }: UserKey): string {
  return `${companyId}:${locationId}:${userId}`
}

function viewOf(record: DeedRecord, said: AnswerRecord | null): DeedView {
  const { _id: deedId, locationId, text, shownAt, by, at, changedBy, changedAt } = record
  return {
    deedId, locationId, text, by, changedBy,
    shown: shownAt !== null,
    shownAt: shownAt?.toISOString() ?? null,
    said: said === null ? null : sayingOf(said),
    at: at.toISOString(),
    changedAt: changedAt?.toISOString() ?? null,
  }
}

function sayingOf({ _id: answerId, userId, userName, level, comment, at }: AnswerRecord): DeedList['sayings'][number] {
  return { answerId, userId, userName, level, comment, at: at.toISOString() }
}
