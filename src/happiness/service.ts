import type { Connection } from 'mongoose'
import type { Account, Accounts, AccountUser } from '../accounts/index.ts'
import type { WantedCard, WantedContact } from '../effects/index.ts'
import type { Actor, DomainEvent } from '../events/index.ts'
import type { AccountHappiness } from '../http/contract/accounts.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import { CodedError, describeError } from '../kernel/errors.ts'
import { mentions, type ForgottenPerson } from '../kernel/forgotten.ts'
import type { HappinessLevel } from '../kernel/levels.ts'
import type { Logger } from '../kernel/logger.ts'
import { createRush, type Rush } from '../kernel/rush.ts'
import type { Settings } from '../settings/index.ts'
import { isDuplicateKey } from '../store/index.ts'
import { eventsBetween, nextCheckpoint, peopleOf, sameReading, type Cause } from './changes.ts'
import { cardFor, wantedForAnswer, wantedForColleague } from './crm.ts'
import { createKeyedLock } from '../kernel/keyed-lock.ts'
import { readingModel, type ReadingRecord } from './model.ts'
import { foldAccount, type AnswerFact, type HappinessFact } from './rules.ts'

/** An answer with what the contact shows of it. */
export interface AnswerOpinion extends AnswerFact {
  comment: string | null
}

/** Where answers are kept. */
export interface AnswerFacts {
  /** Answers of one account given at `fromAt` or later, in any order. */
  since(companyId: string, locationId: string, fromAt: Date): Promise<AnswerOpinion[]>
}

/** An account and all of its users, removed ones too, as read a moment ago. */
export interface KnownAccount {
  account: Account | null
  users: readonly AccountUser[]
}

export interface Happiness {
  /** Computes the account's reading from its facts and gives out what changed. Idempotent; any number may run at once. */
  recompute(companyId: string, locationId: string, cause: Cause, known?: KnownAccount): Promise<AccountHappiness>
  /** A user left the account: their opinion no longer counts. Idempotent. */
  userRemoved(companyId: string, locationId: string, userId: string, at: Date): Promise<void>
  /** Takes note of what happened elsewhere (`user.removed`); all other events are let pass. Idempotent. */
  observe(event: DomainEvent): Promise<void>
  /** The reading as of the last event; an account without answers has none. */
  reading(companyId: string, locationId: string): Promise<AccountHappiness>
  /** The level of one user's newest answer. */
  userLevel(companyId: string, locationId: string, userId: string): Promise<{ level: HappinessLevel; at: Date } | null>
  /** Recomputes accounts in which an answer has just expired, and those in which a crash left something to give out. @returns how many */
  expireDue(limit: number): Promise<number>
  /** Their opinion no longer counts, and what is kept of it names nobody. Their answers must be nobody's by then. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes everything stored for the agency. */
  purge(companyId: string): Promise<void>
}

export interface HappinessDeps {
  connection: Connection
  clock: Clock
  answers: AnswerFacts
  accounts: Pick<Accounts, 'get' | 'users' | 'setHappiness'>
  effects: { wantContact(wanted: WantedContact): Promise<void>; wantCard(wanted: WantedCard): Promise<void> }
  events: { appendAll(events: readonly DomainEvent[]): Promise<unknown> }
  settings: Pick<Settings, 'get'>
  logger: Logger
  /** What somebody waits for goes first: until the contact is on its way, the rest of other answers waits. */
  rush?: Rush
}

function newestMs(facts: readonly HappinessFact[]): number {
  return facts.reduce(
    (newest, fact) =>
      Math.max(newest, fact.at.getTime(), ...(fact.kind === 'answer' ? (fact.edits ?? []).map((edit) => edit.at.getTime()) : [])),
    0,
  )
}

const system: Actor = { kind: 'system', id: null, name: null }
/** Every failed attempt means that another writer got through, and each of them has one fact to bring: attempts are bounded by the burst. */
const maxAttempts = 200
/** Not given out for that long means: whoever computed it crashed. */
const unappliedGraceMs = 10_000
/** How long the rest of an answer lets the contacts of others go first. */
const restWaitsMs = 1_000

export function createHappiness({ connection, clock, answers, accounts, effects, events, settings, logger, rush = createRush() }: HappinessDeps): Happiness {
  const readings = readingModel(connection)
  // Within a process one recompute per account at a time: others would only lose the race and start over.
  const lock = createKeyedLock()
  const idOf = (companyId: string, locationId: string) => `${companyId}:${locationId}`

  function blank(companyId: string, locationId: string): ReadingRecord {
    return {
      _id: idOf(companyId, locationId),
      companyId,
      locationId,
      level: null,
      score: null,
      answered: 0,
      eligible: 0,
      newestAt: null,
      dissent: false,
      levelSinceAt: null,
      nextExpiryAt: null,
      people: [],
      removals: [],
      checkpointAt: null,
      checkpointLevel: null,
      version: 0,
      appliedVersion: 0,
      pending: [],
      unappliedSince: null,
      updatedAt: clock.now(),
    }
  }

  /** Stores `next` if the stored record still has the version that `next` follows. */
  async function store(next: ReadingRecord): Promise<boolean> {
    if (next.version > 1) {
      const { _id, companyId, locationId, ...changes } = next
      const { matchedCount } = await readings.updateOne({ _id, companyId, locationId, version: next.version - 1 }, { $set: changes })
      return matchedCount === 1
    }
    try {
      await readings.create([next])
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  function viewOf(record: ReadingRecord): AccountHappiness {
    const coverage = { answered: record.answered, eligible: record.eligible, newestAt: record.newestAt?.toISOString() ?? null }
    return { level: record.level, score: record.score, coverage, dissent: record.dissent }
  }

  /** One try: read, fold, store, give out. @returns null if somebody else changed the reading in between */
  async function attempt(companyId: string, locationId: string, cause: Cause, known?: KnownAccount): Promise<AccountHappiness | null> {
    const leaveRush = rush.enter()
    try {
      return await attemptUntil(leaveRush, companyId, locationId, cause, known)
    } finally {
      leaveRush()
    }
  }

  /** @param contactWanted called once the contact is on its way */
  async function attemptUntil(contactWanted: () => void, companyId: string, locationId: string, cause: Cause, known?: KnownAccount): Promise<AccountHappiness | null> {
    const [stored, rules, account, users] = await Promise.all([
      readings.findOne({ _id: idOf(companyId, locationId), companyId }).lean<ReadingRecord>(),
      settings.get(companyId),
      known?.account ?? accounts.get(companyId, locationId),
      known?.users ?? accounts.users(companyId, locationId, { includeRemoved: true }),
    ])
    const before = stored ?? blank(companyId, locationId)
    const checkpoint = before.checkpointAt === null ? null : { at: before.checkpointAt, level: before.checkpointLevel }
    const fromAt = new Date(checkpoint === null ? 0 : checkpoint.at.getTime() - rules.happiness.validDays * dayMs)
    const given = await answers.since(companyId, locationId, fromAt)
    const removals = before.removals.filter((removal) => removal.at.getTime() >= fromAt.getTime())
    // The mirror of users is a second witness of removals.
    for (const user of users) {
      if (user.removedAt === null) continue
      const at = new Date(user.removedAt)
      if (
        !removals.some((removal) => removal.userId === user.userId && removal.at.getTime() === at.getTime()) &&
        given.some((answer) => answer.userId === user.userId)
      ) {
        removals.push({ userId: user.userId, at })
      }
    }
    const facts: HappinessFact[] = [...given, ...removals.map((removal) => ({ kind: 'removal' as const, ...removal }))]

    // A fact from a process whose clock is ahead is still a fact: never fold at an instant before the newest one.
    const now = new Date(Math.max(clock.nowMs(), newestMs(facts)))
    const eligible = users.filter((user) => user.removedAt === null).map((user) => user.userId)
    const fold = foldAccount(facts, now, rules.happiness, eligible, checkpoint)
    const kept = nextCheckpoint(checkpoint, facts, now, rules.happiness)
    const score = fold.score === null ? null : Math.round(fold.score * 100) / 100
    const after: ReadingRecord = {
      ...before,
      level: fold.level,
      score,
      ...fold.coverage,
      dissent: fold.dissent,
      levelSinceAt: fold.levelSinceAt ?? before.levelSinceAt,
      nextExpiryAt: fold.nextExpiryAt,
      people: peopleOf(before.people, fold, removals),
      removals,
      checkpointAt: kept?.at ?? null,
      checkpointLevel: kept?.level ?? null,
    }
    let current = before
    if (!sameReading(before, after)) {
      after.version = before.version + 1
      after.updatedAt = now
      after.unappliedSince = before.unappliedSince ?? now
      const userOf = new Map(users.map((user) => [user.userId, user.name]))
      const names = {
        accountName: account?.name ?? locationId,
        userName: (userId: string) => userOf.get(userId) ?? cause.actor.name ?? userId,
      }
      after.pending = [...before.pending, ...eventsBetween(before, after, cause, names)]
      if (!(await store(after))) return null
      current = after
    }

    const comments = new Map(given.map((answer) => [answer.answerId, answer.comment]))
    const levelChanged = current.pending.some((event) => event.type === 'happiness.account_level_changed')
    const present = new Map(users.filter((user) => user.removedAt === null).map((user) => [user.userId, user]))
    const answering = current.people.find((person) => person.userId === cause.userId)
    // Whoever answered comes first: their contact and card are on their way while the rest is stored.
    const user = answering === undefined ? undefined : present.get(answering.userId)
    const isShown = answering !== undefined && user !== undefined && account !== null
    if (isShown) {
      await effects.wantContact(
        wantedForAnswer(companyId, account, user, answering, comments.get(answering.answerId) ?? null, current, rules),
      )
    }
    contactWanted()
    await rush.calm(restWaitsMs)
    await Promise.all([
      isShown ? effects.wantCard(cardFor(companyId, account, user, answering.level)) : undefined,
      events.appendAll([...(cause.events ?? []), ...current.pending]),
      accounts.setHappiness(companyId, locationId, {
        level: current.level,
        score: current.score,
        answered: current.answered,
        newestAt: current.newestAt,
        dissent: current.dissent,
      }, account ?? undefined),
    ])
    for (const person of account === null || !levelChanged ? [] : current.people) {
      const colleague = person.userId === cause.userId ? undefined : present.get(person.userId)
      if (colleague !== undefined && account !== null) await effects.wantContact(wantedForColleague(companyId, account, colleague, current))
    }
    if (current.version > 0) {
      const applied = { $set: { appliedVersion: current.version, pending: [], unappliedSince: null } }
      // Only if nobody wrote since: else what was just given out may be older than what somebody else gave out.
      const { matchedCount } = await readings.updateOne({ _id: current._id, companyId, version: current.version }, applied)
      if (matchedCount === 0) return null
    }
    if (answering !== undefined && user === undefined && account !== null) {
      throw new CodedError('user_not_mirrored', 'The user who answered is not mirrored yet; the contact and card follow once they are.', {
        details: { userId: answering.userId },
      })
    }
    return viewOf(current)
  }

  const recompute: Happiness['recompute'] = (companyId, locationId, cause, known) =>
    lock.run(idOf(companyId, locationId), async () => {
      for (let count = 1; count <= maxAttempts; count += 1) {
        const reading = await attempt(companyId, locationId, cause, count === 1 ? known : undefined)
        if (reading !== null) return reading
      }
      throw new CodedError('reading_busy', 'Too many changes of this account at once; it will be computed again.')
    })

  async function userRemoved(companyId: string, locationId: string, userId: string, at: Date): Promise<void> {
    await lock.run(idOf(companyId, locationId), async () => {
      for (let count = 1; count <= maxAttempts; count += 1) {
        const stored =
          (await readings.findOne({ _id: idOf(companyId, locationId), companyId }).lean<ReadingRecord>()) ?? blank(companyId, locationId)
        const now = clock.now()
        if (stored.removals.some((removal) => removal.userId === userId && removal.at.getTime() === at.getTime())) return
        if (
          await store({
            ...stored,
            removals: [...stored.removals, { userId, at }],
            version: stored.version + 1,
            unappliedSince: stored.unappliedSince ?? now,
            updatedAt: now,
          })
        )
          return
      }
      throw new CodedError('reading_busy', 'Too many changes of this account at once; the removal will be noted again.')
    })
    await recompute(companyId, locationId, { at, actor: system, source: 'webhook', userId: null, data: { removedUserId: userId } })
  }

  async function forgetIn(locationId: string, { companyId, userId, alias, at }: ForgottenPerson): Promise<void> {
    const isAbout = mentions([userId])
    await lock.run(idOf(companyId, locationId), async () => {
      for (let count = 1; count <= maxAttempts; count += 1) {
        const stored = await readings.findOne({ _id: idOf(companyId, locationId), companyId }).lean<ReadingRecord>()
        if (stored === null) return
        const renamed = <T extends { userId: string }>(entry: T): T => (entry.userId === userId ? { ...entry, userId: alias } : entry)
        const removals = stored.removals.map(renamed)
        const left = removals.some((removal) => removal.userId === alias) ? removals : [...removals, { userId: alias, at }]
        const next = { ...stored, people: stored.people.map(renamed), removals: left, pending: stored.pending.filter((event) => !isAbout(event)), version: stored.version + 1, unappliedSince: stored.unappliedSince ?? clock.now(), updatedAt: clock.now() }
        if (await store(next)) return
      }
      throw new CodedError('reading_busy', 'Too many changes of this account at once; the person will be forgotten again.')
    })
    await recompute(companyId, locationId, { at, actor: system, source: 'page', userId: null, data: { forgotten: true } })
  }

  return {
    recompute,
    userRemoved,

    async observe(event) {
      if (event.type === 'user.removed' && event.locationId !== null && event.userId !== null)
        await userRemoved(event.companyId, event.locationId, event.userId, event.at)
    },

    async reading(companyId, locationId) {
      const record = await readings.findOne({ _id: idOf(companyId, locationId), companyId }).lean<ReadingRecord>()
      return viewOf(record ?? blank(companyId, locationId))
    },

    async userLevel(companyId, locationId, userId) {
      const record = await readings
        .findOne({ _id: idOf(companyId, locationId), companyId }, { people: 1 })
        .lean<Pick<ReadingRecord, 'people'>>()
      const person = record?.people.find((candidate) => candidate.userId === userId)
      return person === undefined ? null : { level: person.level, at: person.at }
    },

    async expireDue(limit) {
      const now = clock.now()
      const fields = { companyId: 1, locationId: 1, nextExpiryAt: 1 }
      type Due = Pick<ReadingRecord, 'companyId' | 'locationId' | 'nextExpiryAt'>
      const expired = await readings
        .find({ nextExpiryAt: { $lte: now } }, fields)
        .sort({ nextExpiryAt: 1 })
        .limit(limit)
        .lean<Due[]>()
      const left = await readings
        .find({ unappliedSince: { $lte: new Date(now.getTime() - unappliedGraceMs) } }, fields)
        .sort({ unappliedSince: 1 })
        .limit(limit)
        .lean<Due[]>()
      for (const { companyId, locationId, nextExpiryAt } of [...expired, ...left]) {
        const at = nextExpiryAt !== null && nextExpiryAt.getTime() <= now.getTime() ? nextExpiryAt : now
        try {
          await recompute(companyId, locationId, { at, actor: system, source: 'schedule', userId: null, data: { expired: true } })
        } catch (error) {
          // One account's trouble must not keep the others waiting; it is found again by the next sweep.
          logger.warn({ companyId, locationId, code: describeError(error).code }, 'reading could not be recomputed')
        }
      }
      return expired.length + left.length
    },

    async forget(person) {
      for (const locationId of person.locationIds) await forgetIn(locationId, person)
    },

    async purge(companyId) {
      await readings.deleteMany({ companyId })
    },
  }
}
