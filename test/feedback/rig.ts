import { randomBytes } from 'node:crypto'
import type { Connection } from 'mongoose'
import type { Account, AccountReading, AccountUser } from '../../src/accounts/index.ts'
import { createCases, type Cases } from '../../src/cases/index.ts'
import type { WantedCard, WantedContact } from '../../src/effects/index.ts'
import type { DomainEvent } from '../../src/events/index.ts'
import { createAnswerBook, createFeedback, type AnswerBook, type Feedback } from '../../src/feedback/index.ts'
import { createHappiness, type Happiness } from '../../src/happiness/index.ts'
import { createCryptoBox } from '../../src/kernel/crypto-box.ts'
import type { FaultPoint } from '../../src/kernel/fault-point.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import type { Session } from '../../src/kernel/route.ts'
import { createWake } from '../../src/kernel/wake.ts'
import { createScores, type Scores } from '../../src/scores/index.ts'
import { createSettings, type Settings } from '../../src/settings/index.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

export const companyId = 'agency1'
export const locationId = 'loc1'

/** What the other rooms were told, kept in memory and shared by all "processes" of a rig. */
export interface World {
  accounts: Map<string, Account>
  users: Map<string, AccountUser>
  staff: { userId: string; name: string; email: string | null; role: 'admin' | 'user' }[]
  /** By key: appending twice keeps one. */
  events: Map<string, DomainEvent>
  contacts: WantedContact[]
  cards: WantedCard[]
  readings: Map<string, AccountReading>
  /** Thrown by the effects port while set. */
  effectsFault: Error | null
}

/** One process: the real services on a connection, with fakes of the neighbouring rooms. */
export interface Process {
  book: AnswerBook
  feedback: Feedback
  happiness: Happiness
  cases: Cases
  scores: Scores
  settings: Settings
}

export interface Rig extends Process {
  store: TestStore
  clock: FakeClock
  world: World
  /** Another process on the same database. */
  another(faultPoint?: FaultPoint): Promise<Process>
  /** A process that shares this connection. */
  process(faultPoint?: FaultPoint): Process
  close(): Promise<void>
}

export function accountUser(userId: string, changes: Partial<AccountUser> = {}): AccountUser {
  return {
    userId,
    locationId,
    name: `User ${userId}`,
    firstName: 'User',
    lastName: userId,
    email: `${userId}@customer.example`,
    phone: null,
    role: 'user',
    joinedAt: null,
    removedAt: null,
    ...changes,
  }
}

export function account(changes: Partial<Account> = {}): Account {
  return {
    locationId,
    name: 'Harbor Street Dental',
    group: 'regular',
    premium: false,
    csm: { userId: 'csm1', name: 'Priya Nair', email: null },
    feedbackEnabled: true,
    health: { level: null, setAt: null, setBy: null, source: null, note: null, reasonCodes: [], confirmedAt: null, staleAt: null, stale: false, changeId: null, noteWanted: false, restored: null },
    happiness: { level: null, score: null, coverage: { answered: 0, eligible: 0, newestAt: null }, dissent: false },
    disagreement: null,
    users: 0,
    timezone: 'America/Chicago',
    isSuccessLocation: false,
    createdAt: '2026-01-01T00:00:00.000Z',
    removedAt: null,
    ...changes,
  }
}

export function customer(userId: string, at = locationId): Session {
  return { companyId, userId, role: 'account_user', locationId: at, userName: `User ${userId}` }
}

export const csm: Session = { companyId, userId: 'csm1', role: 'agency_user', locationId: null, userName: 'Priya Nair' }

export function respondent(userId: string) {
  return { companyId, locationId, userId, userName: `User ${userId}` }
}

function build(connection: Connection, clock: FakeClock, world: World, faultPoint?: FaultPoint): Process {
  const logger = createLogger('silent')
  const settings = createSettings({ connection, clock, logger, cacheMs: 0 })
  const accounts = {
    get: async (company: string, location: string) => (company === companyId ? (world.accounts.get(location) ?? null) : null),
    user: async (company: string, location: string, userId: string) =>
      company === companyId ? (world.users.get(`${location}:${userId}`) ?? null) : null,
    users: async (company: string, location: string, options: { includeRemoved?: boolean } = {}) =>
      company === companyId
        ? [...world.users.values()].filter(
            (user) => user.locationId === location && (options.includeRemoved === true || user.removedAt === null),
          )
        : [],
    agencyUser: async (company: string, userId: string) =>
      company === companyId ? (world.staff.find((person) => person.userId === userId) ?? null) : null,
    setHappiness: async (_company: string, location: string, reading: AccountReading) => {
      world.readings.set(location, reading)
    },
  }
  const events = {
    append: async (event: DomainEvent) => {
      if (world.events.has(event.key)) return 'duplicate' as const
      world.events.set(event.key, event)
      return 'inserted' as const
    },
    appendAll: async (facts: readonly DomainEvent[]) => {
      for (const event of facts) await events.append(event)
    },
  }
  const effects = {
    wantContact: async (wanted: WantedContact) => {
      if (world.effectsFault !== null) throw world.effectsFault
      world.contacts.push(wanted)
    },
    wantCard: async (wanted: WantedCard) => {
      if (world.effectsFault !== null) throw world.effectsFault
      world.cards.push(wanted)
    },
  }
  const book = createAnswerBook({ connection })
  const scores = createScores({ connection })
  const cases = createCases({ connection, clock, events, accounts, settings })
  const happiness = createHappiness({ connection, clock, answers: book, accounts, effects, events, settings, logger })
  const feedback = createFeedback({
    connection,
    clock,
    book,
    happiness,
    cases,
    scores,
    accounts,
    settings,
    events,
    box: createCryptoBox('s'.repeat(40)),
    publicUrl: 'https://app.example.com',
    wake: createWake(),
    logger,
    ...(faultPoint === undefined ? {} : { faultPoint }),
  })
  return { book, feedback, happiness, cases, scores, settings }
}

/** One account with users a, b, c; feedback on. */
export async function openRig(): Promise<Rig> {
  const store = await openTestStore()
  const clock = createFakeClock()
  const world: World = {
    accounts: new Map([[locationId, account()]]),
    users: new Map(['a', 'b', 'c'].map((userId) => [`${locationId}:${userId}`, accountUser(userId)])),
    staff: [
      { userId: 'csm1', name: 'Priya Nair', email: null, role: 'user' },
      { userId: 'csm2', name: 'Tom Okafor', email: null, role: 'user' },
    ],
    events: new Map(),
    contacts: [],
    cards: [],
    readings: new Map(),
    effectsFault: null,
  }
  const first = build(store.connection, clock, world)
  await store.ensureIndexes()
  return {
    ...first,
    store,
    clock,
    world,
    process: (faultPoint) => build(store.connection, clock, world, faultPoint),
    another: async (faultPoint) => build(await store.another(), clock, world, faultPoint),
    close: () => store.close(),
  }
}

/** The events of a type, in the order of their arrival. */
export function eventsOf(world: World, ...types: DomainEvent['type'][]): DomainEvent[] {
  return [...world.events.values()].filter((event) => types.includes(event.type))
}

export function newKey(): string {
  return randomBytes(12).toString('hex')
}
