import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { Erasure } from '../http/contract/privacy.ts'
import { minuteMs, secondMs, type Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import { describeError, notFound, RequestError } from '../kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import { hashOf, newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Session } from '../kernel/route.ts'
import { isDuplicateKey } from '../store/index.ts'
import { erasureModel, type ErasureRecord } from './model.ts'

/** One room that keeps something of people. `forget` is idempotent. @param isLast what follows from the person's leaving has been worked through */
export interface Forgetting {
  name: string
  forget(person: ForgottenPerson, isLast: boolean): Promise<void>
}

/** Forgetting one person of a customer. */
export interface Privacy {
  /**
   * Forgets somebody wherever the agency knows them. Again is the same.
   * @throws RequestError 404 for an account or a person that is not this agency's; 409 `agency_staff`
   */
  erase(session: Session, locationId: string, userId: string): Promise<Erasure>
  /** Newest first. */
  erasures(companyId: string): Promise<Erasure[]>
  /** Goes on where a crash stopped, and looks through what was under way. @returns how many passes were begun */
  workDue(limit: number): Promise<number>
  purge(companyId: string): Promise<void>
}

export interface PrivacyDeps {
  connection: Connection
  clock: Clock
  box: Pick<CryptoBox, 'seal' | 'open'>
  accounts: Pick<Accounts, 'get' | 'user' | 'whole'>
  events: { append(event: DomainEvent): Promise<unknown> }
  /** The contacts that stand for these people (`user:<locationId>:<userId>`) in the CRM, as far as they are known. */
  contactIds: (companyId: string, subjectIds: readonly string[]) => Promise<string[]>
  /** Whether anything is still worked on that is about this person; then the last pass waits. */
  isUnderWay: (person: ForgottenPerson) => Promise<boolean>
  /** In this order. */
  rooms: readonly Forgetting[]
  logger: Logger
  faultPoint?: FaultPoint
  /** How long a request waits for the first pass; then it goes on behind the answer. */
  waitMs?: number
}

/** A pass that has not ended by then was stopped; its next one begins from the start, which does no harm. */
const passMs = 2 * minuteMs
/** By then whatever was under way at the first pass has come to its end. */
const lookAgainMs = 15 * minuteMs
const listed = 100
/** A single letter says nothing of anybody. */
const shortestName = 2

export function createPrivacy({ connection, clock, box, accounts, events, contactIds, isUnderWay, rooms, logger, faultPoint = noFaultPoint, waitMs = 10 * secondMs }: PrivacyDeps): Privacy {
  const erasures = erasureModel(connection)
  const idOf = (companyId: string, userId: string): string => hashOf('erasure', companyId, userId)

  function viewOf({ _id, state, requestedAt, requestedBy, locationIds, doneAt }: ErasureRecord): Erasure {
    return { erasureId: _id, state, requestedAt: requestedAt.toISOString(), requestedBy, locationIds, doneAt: doneAt?.toISOString() ?? null }
  }

  function personIn({ _id, companyId, locationIds, sealed, requestedAt }: ErasureRecord): ForgottenPerson | null {
    if (sealed === null) return null
    const { userId, alias, words, contactIds: theirs } = JSON.parse(box.open(sealed, _id)) as Pick<ForgottenPerson, 'userId' | 'alias' | 'words' | 'contactIds'>
    return { companyId, userId, locationIds, alias, words, contactIds: theirs, at: requestedAt }
  }

  /** Stores the wish. @returns null for a person of whom nothing is kept */
  async function begin(session: Session, userId: string): Promise<ErasureRecord | null> {
    const { companyId } = session
    const kept = await accounts.whole(companyId, userId)
    if (kept === null) return null
    if (kept.staff) throw new RequestError(409, 'agency_staff', 'This person works for your agency. Only people of customers are forgotten here.')
    const now = clock.now()
    const _id = idOf(companyId, userId)
    const fullName = [kept.firstName, kept.lastName].filter((part) => part !== null).join(' ')
    const words = [...new Set([kept.name, fullName, kept.email ?? '', kept.phone ?? ''])].filter((word) => word.length >= shortestName)
    const known = await contactIds(companyId, kept.locationIds.map((locationId) => `user:${locationId}:${userId}`))
    const sealed = box.seal(JSON.stringify({ userId, alias: `forgotten-${newId(now.getTime())}`, words, contactIds: known }), _id)
    const record: ErasureRecord = { _id, companyId, state: 'working', sealed, locationIds: kept.locationIds, requestedAt: now, requestedBy: session.userId, dueAt: now, doneAt: null }
    try {
      await erasures.create([record])
    } catch (error) {
      // Asked for twice at once: the first wish stands.
      if (!isDuplicateKey(error)) throw error
    }
    faultPoint('erasure.begun')
    return erasures.findOne({ _id, companyId }).lean<ErasureRecord>()
  }

  /** Says that it happened, not to whom. */
  async function tell({ _id, companyId, locationIds, requestedAt, requestedBy }: ErasureRecord): Promise<void> {
    for (const locationId of locationIds) {
      await events.append({
        key: `privacy.person_forgotten:${_id}:${locationId}`, companyId, locationId, userId: null, type: 'privacy.person_forgotten', at: requestedAt,
        actor: { kind: 'agency_user', id: requestedBy, name: null }, source: 'page', summary: 'A person of this account was forgotten, as they have a right to ask.', data: {},
      })
    }
  }

  /** One pass over all rooms, if nobody else is at it. */
  async function pass(found: ErasureRecord): Promise<ErasureRecord> {
    const { _id, companyId } = found
    const now = clock.now()
    const mine = await erasures
      .findOneAndUpdate({ _id, companyId, state: found.state, dueAt: found.dueAt }, { $set: { dueAt: new Date(now.getTime() + passMs) } }, { returnDocument: 'after' })
      .lean<ErasureRecord>()
    const person = mine === null ? null : personIn(mine)
    if (mine === null || person === null) return (await erasures.findOne({ _id, companyId }).lean<ErasureRecord>()) ?? found
    const isLast = mine.state === 'checking'
    if (isLast && (await isUnderWay(person))) {
      const later: Partial<ErasureRecord> = { dueAt: new Date(clock.nowMs() + lookAgainMs) }
      await erasures.updateOne({ _id, companyId, state: mine.state }, { $set: later })
      return { ...mine, ...later }
    }
    for (const room of rooms) {
      await room.forget(person, isLast)
      faultPoint('erasure.room')
    }
    if (!isLast) await tell(mine)
    const next: Partial<ErasureRecord> = isLast ? { state: 'done', sealed: null, dueAt: null, doneAt: clock.now() } : { state: 'checking', dueAt: new Date(clock.nowMs() + lookAgainMs) }
    await erasures.updateOne({ _id, companyId, state: mine.state }, { $set: next })
    return { ...mine, ...next }
  }

  function warn({ companyId, _id }: ErasureRecord, error: unknown): void {
    logger.warn({ companyId, erasureId: _id, code: describeError(error).code }, 'somebody could not be forgotten yet')
  }

  /** The first pass, as far as a request can wait for it. */
  async function passInTime(record: ErasureRecord): Promise<ErasureRecord> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, waitMs, 'late')))
    const passing = pass(record)
    const first = await Promise.race([passing, late]).finally(() => clearTimeout(timer))
    if (first !== 'late') return first
    // Tried again after a while.
    passing.catch((error: unknown) => warn(record, error))
    return record
  }

  return {
    async erase(session, locationId, userId) {
      const { companyId } = session
      if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
      const before = await erasures.findOne({ _id: idOf(companyId, userId), companyId }).lean<ErasureRecord>()
      if (before !== null) {
        if (!before.locationIds.includes(locationId)) throw notFound('person')
        return viewOf(before.state === 'working' ? await passInTime(before) : before)
      }
      if ((await accounts.user(companyId, locationId, userId)) === null) throw notFound('person')
      const record = await begin(session, userId)
      if (record === null) throw notFound('person')
      return viewOf(await passInTime(record))
    },

    async erasures(companyId) {
      return (await erasures.find({ companyId }).sort({ requestedAt: -1 }).limit(listed).lean<ErasureRecord[]>()).map(viewOf)
    },

    async workDue(limit) {
      const due = await erasures.find({ dueAt: { $lte: clock.now() } }).sort({ dueAt: 1 }).limit(limit).lean<ErasureRecord[]>()
      for (const record of due) {
        try {
          await pass(record)
        } catch (error) {
          // Tried again after a while; one person's trouble does not keep the others waiting.
          warn(record, error)
        }
      }
      return due.length
    },

    async purge(companyId) {
      await erasures.deleteMany({ companyId })
    },
  }
}
