import type { Accounts } from '../accounts/index.ts'
import type { Actor, DomainEvent } from '../events/index.ts'
import type { AccountUser } from '../http/contract/accounts.ts'
import type { AccountPerson } from '../http/contract/people.ts'
import type { Clock } from '../kernel/clock.ts'
import { CodedError, fieldRefused, notFound, type RequestError } from '../kernel/errors.ts'
import type { Session } from '../kernel/route.ts'
import { isDuplicateKey } from '../store/index.ts'
import type { PeopleModels, PeopleRecord } from './model.ts'
import { peopleView, primaryOf } from './rules.ts'

/** Whom the agency talks to at an account. */
export interface AccountContacts {
  /** The primary contact; null for an account without users. */
  primary(companyId: string, locationId: string): Promise<{ userId: string } | null>
  /** @throws RequestError 404 */
  people(companyId: string, locationId: string): Promise<AccountPerson[]>
  /** @throws RequestError 404; 422 `user_unknown` */
  choosePrimary(session: Session, locationId: string, userId: string | null): Promise<AccountPerson[]>
  /** @throws RequestError 404 */
  markKey(session: Session, locationId: string, userId: string, key: boolean): Promise<AccountPerson[]>
  /** Somebody joined or left: tells who the primary contact is if that changed. Idempotent. */
  membersChanged(event: DomainEvent): Promise<void>
  tellDue(limit: number): Promise<number>
}

export interface ContactsDeps {
  clock: Clock
  accounts: Pick<Accounts, 'get' | 'users' | 'user'>
  events: { append(event: DomainEvent): Promise<unknown> }
}

const maxAttempts = 20
/** Left alone that long, an outbox belongs to somebody who crashed. */
const graceMs = 10_000

export function actorOf(session: Session): Actor {
  return { kind: 'agency_user', id: session.userId, name: session.userName }
}

const personOf = (user: { userId: string; name: string } | undefined | null) => (user === undefined || user === null ? null : { userId: user.userId, name: user.name })

export function createAccountContacts({ people }: Pick<PeopleModels, 'people'>, { clock, accounts, events }: ContactsDeps): AccountContacts {
  const idOf = (companyId: string, locationId: string): string => `${companyId}:${locationId}`

  async function read(companyId: string, locationId: string): Promise<PeopleRecord> {
    const found = await people.findOne({ _id: idOf(companyId, locationId), companyId }).lean<PeopleRecord>()
    return found ?? { _id: idOf(companyId, locationId), companyId, locationId, primaryUserId: null, keyUserIds: [], version: 0, outbox: [], outboxSince: null }
  }

  async function tell(record: PeopleRecord): Promise<void> {
    for (const event of record.outbox) await events.append(event)
    if (record.outbox.length === 0) return
    await people.updateOne({ _id: record._id, companyId: record.companyId, version: record.version }, { $set: { outbox: [], outboxSince: null } })
  }

  /** Stores a change together with its event, if nobody changed the record in between. */
  async function store(before: PeopleRecord, changes: Partial<PeopleRecord>, event: DomainEvent | null): Promise<boolean> {
    const outbox = event === null ? before.outbox : [...before.outbox, event]
    const after: PeopleRecord = { ...before, ...changes, version: before.version + 1, outbox, outboxSince: outbox.length === 0 ? null : (before.outboxSince ?? clock.now()) }
    try {
      if (before.version === 0) await people.create([after])
      else {
        const { _id, companyId, ...set } = after
        const { matchedCount } = await people.updateOne({ _id, companyId, version: before.version }, { $set: set })
        if (matchedCount === 0) return false
      }
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      return false
    }
    await tell(after)
    return true
  }

  /** Reads, decides, stores; again if somebody else was faster. */
  async function changed(companyId: string, locationId: string, decide: (record: PeopleRecord, users: AccountUser[]) => { changes: Partial<PeopleRecord>; event: DomainEvent | null } | null): Promise<AccountPerson[]> {
    if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const [record, users] = await Promise.all([read(companyId, locationId), accounts.users(companyId, locationId)])
      const decided = decide(record, users)
      if (decided === null) return peopleView(users, record.primaryUserId, record.keyUserIds)
      if (!(await store(record, decided.changes, decided.event))) continue
      const after = { ...record, ...decided.changes }
      return peopleView(users, after.primaryUserId, after.keyUserIds)
    }
    throw new CodedError('people_busy', 'The people of this account are being changed by others right now. Try again.')
  }

  function userUnknown(): RequestError {
    return fieldRefused(422, 'user_unknown', 'userId', 'is not a user of this account today', 'userId: is not a user of this account today. Load its people again and choose one of them.')
  }

  const primaryEvent = (companyId: string, locationId: string, event: Pick<DomainEvent, 'key' | 'at' | 'actor' | 'source'> & { cause?: NonNullable<DomainEvent['cause']> }, before: ReturnType<typeof personOf>, after: ReturnType<typeof personOf>, reason: 'chosen' | 'default' | 'left' | 'joined', summary: string): DomainEvent => ({
    ...event, companyId, locationId, userId: after?.userId ?? before?.userId ?? null, type: 'person.primary_changed', summary, before, after,
    data: { locationId, reason, primaryUserId: after?.userId ?? null, primaryName: after?.name ?? null, formerPrimaryUserId: before?.userId ?? null, formerPrimaryName: before?.name ?? null, link: `/accounts/${locationId}` },
  })

  return {
    async primary(companyId, locationId) {
      const [record, users] = await Promise.all([read(companyId, locationId), accounts.users(companyId, locationId)])
      const found = primaryOf(users, record.primaryUserId)
      return found === null ? null : { userId: found.user.userId }
    },

    async people(companyId, locationId) {
      if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
      const [record, users] = await Promise.all([read(companyId, locationId), accounts.users(companyId, locationId)])
      return peopleView(users, record.primaryUserId, record.keyUserIds)
    },

    choosePrimary: (session, locationId, userId) =>
      changed(session.companyId, locationId, (record, users) => {
        const { companyId } = session
        if (userId !== null && !users.some((user) => user.userId === userId)) throw userUnknown()
        if (record.primaryUserId === userId) return null
        const before = personOf(primaryOf(users, record.primaryUserId)?.user)
        const after = personOf(primaryOf(users, userId)?.user)
        // The same person, by choice instead of by default or the other way round: nobody has to be told.
        if (before?.userId === after?.userId) return { changes: { primaryUserId: userId }, event: null }
        const summary = userId === null ? `The choice of a primary contact was taken back: it is ${after?.name ?? 'nobody'} now.` : `${after?.name ?? 'Nobody'} is the primary contact now${before === null ? '' : `; before it was ${before.name}`}.`
        const event = primaryEvent(companyId, locationId, { key: `person.primary_changed:${companyId}:${locationId}:${record.version + 1}`, at: clock.now(), actor: actorOf(session), source: 'page' }, before, after, userId === null ? 'default' : 'chosen', summary)
        return { changes: { primaryUserId: userId }, event }
      }),

    markKey: (session, locationId, userId, key) =>
      changed(session.companyId, locationId, (record, users) => {
        const { companyId } = session
        const user = users.find((candidate) => candidate.userId === userId)
        if (user === undefined) throw notFound('user')
        if (record.keyUserIds.includes(userId) === key) return null
        const keyUserIds = key ? [...record.keyUserIds, userId] : record.keyUserIds.filter((known) => known !== userId)
        const event: DomainEvent = {
          key: `person.key_changed:${companyId}:${locationId}:${record.version + 1}`, companyId, locationId, userId, type: 'person.key_changed', at: clock.now(), actor: actorOf(session), source: 'page',
          summary: key ? `${user.name} was marked as a key user.` : `${user.name} is no longer marked as a key user.`,
          before: !key, after: key, data: { locationId, userId, userName: user.name, key },
        }
        return { changes: { keyUserIds }, event }
      }),

    async membersChanged(event) {
      const { companyId, locationId, userId, type, key, at } = event
      if (locationId === null || userId === null || (type !== 'user.removed' && type !== 'user.added')) return
      const [users, person] = await Promise.all([accounts.users(companyId, locationId), accounts.user(companyId, locationId, userId)])
      if (person === null) return
      const isHere = users.some((user) => user.userId === userId)
      const others = users.filter((user) => user.userId !== userId)
      const told = { key: `person.primary_changed:${key}`, at, actor: { kind: 'system', id: null, name: null }, source: event.source, cause: { kind: 'event', id: key } } as const
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const record = await read(companyId, locationId)
        if (type === 'user.added') {
          const before = primaryOf(others, record.primaryUserId)
          const after = primaryOf([...others, person], record.primaryUserId)
          if (!isHere || before?.user.userId === after?.user.userId || after?.by === 'person') return
          await events.append(primaryEvent(companyId, locationId, told, personOf(before?.user), personOf(after?.user), 'joined', `${person.name} joined and is the primary contact now.`))
          return
        }
        // Back again, before anybody looked.
        if (isHere) return
        const before = primaryOf([...others, person], record.primaryUserId)
        const after = primaryOf(others, null)
        const keyUserIds = record.keyUserIds.filter((known) => known !== userId)
        const wasChosen = record.primaryUserId === userId
        // Told first: repeating it is harmless, forgetting it is not.
        if (before?.user.userId === userId) {
          const next = personOf(after?.user)
          await events.append(primaryEvent(companyId, locationId, told, personOf(person), next, 'left', `${person.name}, the primary contact, left: ${next === null ? 'the account has none now' : `it is ${next.name} now`}.`))
        }
        if (!wasChosen && keyUserIds.length === record.keyUserIds.length) return
        if (await store(record, { keyUserIds, ...(wasChosen ? { primaryUserId: null } : {}) }, null)) return
      }
      throw new CodedError('people_busy', 'The people of this account are being changed by others right now; it will be looked at again.')
    },

    async tellDue(limit) {
      const untold = await people.find({ outboxSince: { $gt: new Date(0), $lte: new Date(clock.nowMs() - graceMs) } }).limit(limit).lean<PeopleRecord[]>()
      for (const record of untold) await tell(record)
      return untold.length
    },
  }
}
