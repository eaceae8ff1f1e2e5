import type { Connection } from 'mongoose'
import type { OutboxMessage } from '../../../src/effects/index.ts'
import { createEvents, type DomainEvent, type Events } from '../../../src/events/index.ts'
import { defaultAgencySettings } from '../../../src/http/contract/settings.ts'
import type { Clock } from '../../../src/kernel/clock.ts'
import type { HappinessLevel } from '../../../src/kernel/levels.ts'
import { createLogger } from '../../../src/kernel/logger.ts'
import { createWake } from '../../../src/kernel/wake.ts'
import { createWorkflows, type WorkflowDefinition, type WorkflowPorts, type Workflows } from '../../../workflows/index.ts'
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../../support/store.ts'

export const companyId = 'company-1'
const zones = ['Europe/Berlin', 'America/New_York', 'America/Los_Angeles', 'Asia/Kolkata', 'Australia/Sydney', 'UTC']

/** An account of the simulated agency. */
export interface SimulatedAccount {
  locationId: string
  zone: string
  premium: boolean
  users: string[]
  openCase: boolean
}

export interface OutboxEntry {
  message: OutboxMessage
  /** True time of the hand-over. */
  handedAt: Date
  cancelled: boolean
  leftAt: Date | null
}

/** One process: it may be slow or fast by its clock, and die while it hands a message over. */
export interface Process {
  workflows: Workflows
  events: Events
  dead: boolean
  /** The next hand-over is its last act: the outbox has the message, nobody records it. */
  diesAtNextSend: boolean
  /** Passes this many fault points, then throws at the next one; 0 → never. */
  faultAfter: number
  /** It stopped at a fault point since somebody looked last. */
  faulted: boolean
  /** Works until nothing is due, or it dies. */
  settle(): Promise<void>
}

export interface SimulatedAgency {
  store: TestStore
  clock: FakeClock
  accounts: SimulatedAccount[]
  levels: Map<string, HappinessLevel>
  outbox: Map<string, OutboxEntry>
  /** A process on a connection of its own. @param skewMs how far its clock is ahead */
  startProcess(skewMs: number): Promise<Process>
  accountOf(userId: string): SimulatedAccount
  close(): Promise<void>
}

/** An agency of which only workflows are real; everything around them stands in memory, as it stood at each moment. */
export async function createSimulatedAgency(options: { accounts: number; start: Date; library: readonly WorkflowDefinition[] }): Promise<SimulatedAgency> {
  const store = await openTestStore()
  const clock = createFakeClock(options.start)
  const accounts: SimulatedAccount[] = Array.from({ length: options.accounts }, (_, index) => ({
    locationId: `location-${String(index).padStart(4, '0')}`,
    zone: zones[index % zones.length] ?? 'UTC',
    premium: index % 20 === 0,
    users: index % 3 === 0 ? [`user-${index}-a`, `user-${index}-b`] : [`user-${index}-a`],
    openCase: false,
  }))
  const byLocation = new Map(accounts.map((account) => [account.locationId, account]))
  const byUser = new Map(accounts.flatMap((account) => account.users.map((userId) => [userId, account] as const)))
  const levels = new Map<string, HappinessLevel>()
  const outbox = new Map<string, OutboxEntry>()
  const settings = { messages: defaultAgencySettings.messages, brand: defaultAgencySettings.brand }

  const ports: WorkflowPorts = {
    settings: () => Promise.resolve(settings),
    pauseSending: () => Promise.resolve(),
    isLive: () => Promise.resolve(true),
    account(_company, locationId) {
      const account = byLocation.get(locationId)
      return Promise.resolve(account === undefined ? null : { name: locationId, group: 'saas', premium: account.premium, ownerId: null, timezone: account.zone, healthLevel: null, happinessLevel: null })
    },
    person: (_company, _location, userId) => Promise.resolve({ id: userId, name: userId, firstName: userId, lastName: null, email: `${userId}@example.com`, phone: null }),
    userRole: () => Promise.resolve('user'),
    contact: () => Promise.resolve(null),
    teamMember: () => Promise.resolve(null),
    userLevel: (_company, _location, userId) => Promise.resolve(levels.get(userId) ?? null),
    healthLevel: () => Promise.resolve(null),
    primaryPerson: (_company, locationId) => Promise.resolve(byLocation.get(locationId)?.users[0] ?? null),
    hasOpenCase: (_company, locationId) => Promise.resolve(byLocation.get(locationId)?.openCase ?? false),
    feedbackLink: (_company, _location, userId) => Promise.resolve(`https://feedback.example.com/a/${userId}`),
    send(message) {
      if (outbox.has(message.key)) return Promise.resolve('duplicate')
      outbox.set(message.key, { message, handedAt: clock.now(), cancelled: false, leftAt: null })
      return Promise.resolve('queued')
    },
    cancel(_company, key) {
      const entry = outbox.get(key)
      if (entry === undefined || entry.leftAt !== null || entry.cancelled) return Promise.resolve(false)
      entry.cancelled = true
      return Promise.resolve(true)
    },
    sendAgain: () => Promise.resolve(false),
    locationIds: () => Promise.resolve(accounts.map(({ locationId }) => locationId)),
    agencyZone: () => Promise.resolve('Europe/Berlin'),
    webhook: () => Promise.resolve('queued'),
    fieldIsNumber: () => Promise.resolve(false),
    settleTask: () => Promise.resolve(),
    notify: () => Promise.resolve(),
  }

  function processOn(connection: Connection, skewMs: number): Process {
    const own: Clock = { now: () => new Date(clock.nowMs() + skewMs), nowMs: () => clock.nowMs() + skewMs }
    const wake = createWake()
    const events = createEvents({ connection, clock: own, wake })
    let died: () => void = () => undefined
    const death = new Promise<number>((resolve) => {
      died = () => resolve(0)
    })
    const process: Process = {
      events,
      dead: false,
      diesAtNextSend: false,
      faultAfter: 0,
      faulted: false,
      workflows: createWorkflows({
        connection, wake, events,
        clock: own,
        logger: createLogger('silent'),
        library: options.library,
        faultPoint(name) {
          if (!name.startsWith('runs.') || process.faultAfter === 0) return
          process.faultAfter -= 1
          process.faulted = process.faultAfter === 0
          if (process.faulted) throw new Error(`stopped at ${name}`)
        },
        ports: {
          ...ports,
          async send(message) {
            const outcome = await ports.send(message)
            if (!process.diesAtNextSend) return outcome
            process.dead = true
            died()
            // Nothing of it goes on, its leases' heartbeats included.
            await connection.close(true)
            return new Promise(() => undefined)
          },
        },
      }),
      async settle() {
        const { events: eventPump, runs } = process.workflows.pumps
        while (!process.dead && (await Promise.race([death, eventPump.drain()])) + (await Promise.race([death, runs.drain()])) > 0);
      },
    }
    return process
  }

  // Declares the collections, whose indexes are there before anybody works.
  processOn(store.connection, 0)
  await store.ensureIndexes()
  return {
    store, clock, accounts, levels, outbox,
    startProcess: async (skewMs) => processOn(await store.another(), skewMs),
    accountOf(userId) {
      const account = byUser.get(userId)
      if (account === undefined) throw new Error(`no account of ${userId}`)
      return account
    },
    close: () => store.close(),
  }
}

/** An event of the simulated agency. */
export function eventOf(over: Pick<DomainEvent, 'key' | 'type' | 'at' | 'locationId' | 'userId'> & { data?: Record<string, unknown> }): DomainEvent {
  return { companyId, actor: { kind: 'system', id: null, name: null }, source: 'widget', summary: 'It happened.', ...over, data: over.data ?? {} }
}
