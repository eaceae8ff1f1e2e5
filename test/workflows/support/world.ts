import type { Connection } from 'mongoose'
import type { OutboxMessage } from '../../../src/effects/index.ts'
import { createEvents, type DomainEvent, type Events } from '../../../src/events/index.ts'
import { defaultAgencySettings, type AgencySettings } from '../../../src/http/contract/settings.ts'
import type { HappinessLevel, HealthLevel } from '../../../src/kernel/levels.ts'
import { createLogger } from '../../../src/kernel/logger.ts'
import { createWake } from '../../../src/kernel/wake.ts'
import { createWorkflows, type TeamNotice, type WorkflowDefinition, type WorkflowPorts, type Workflows } from '../../../workflows/index.ts'
import type { WorkflowContact } from '../../../workflows/ports.ts'
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../../support/store.ts'

/** What the rest of the product looks like to workflows in a test; change it at will. */
export interface Surroundings {
  settings: Pick<AgencySettings, 'messages' | 'brand'>
  live: boolean
  level: HappinessLevel | null
  /** Levels of single users; the rest have `level`. */
  levels: Map<string, HappinessLevel>
  openCase: boolean
  healthLevel: HealthLevel | null
  /** Of the account. */
  happinessLevel: HappinessLevel | null
  role: string | null
  contact: WorkflowContact | null
  /** User id of the account's primary contact. */
  primary: string | null
  personRemoved: boolean
  email: string | null
  ownerId: string | null
  timezone: string | null
  locationIds: string[]
  agencyZone: string | null
  /** Thrown by the next sends, one each. */
  sendFaults: Error[]
  /** By key: the outbox of the test, which is as idempotent as the real one. */
  outbox: Map<string, OutboxMessage & { cancelled: boolean; left: boolean; gaveUp?: boolean }>
  /** Every call of `send`, repeats included. */
  sendCalls: string[]
  notices: TeamNotice[]
  /** Keys of tasks that need not be done any more. */
  settledTasks: string[]
}

export interface Engine {
  workflows: Workflows
  events: Events
  /** Works until nothing is due. */
  settle(): Promise<void>
}

export interface World {
  store: TestStore
  clock: FakeClock
  around: Surroundings
  engine: Engine
  /** A second engine on its own connection: "another process". */
  anotherEngine(): Promise<Engine>
  /** Engine whose ports differ, on the same store. */
  engineWith(ports: Partial<WorkflowPorts>): Engine
  /** The account's status was changed. */
  status(after: HealthLevel, over?: Partial<DomainEvent> & { changeId?: string; note?: string | null; undoes?: string }): DomainEvent
  answer(level: HappinessLevel, over?: Partial<DomainEvent> & { answerId?: string; comment?: string }): DomainEvent
  close(): Promise<void>
}

export const companyId = 'company-1'
export const locationId = 'location-1'
export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

export async function createWorld(options: { library?: readonly WorkflowDefinition[] } = {}): Promise<World> {
  const store = await openTestStore()
  const clock = createFakeClock()
  const around: Surroundings = {
    settings: {
      messages: { ...defaultAgencySettings.messages, quietHours: { ...defaultAgencySettings.messages.quietHours, enabled: false } },
      brand: { ...defaultAgencySettings.brand, name: 'Northbeam', teamName: 'The Northbeam team' },
    },
    live: true, level: null, levels: new Map(), openCase: false, healthLevel: null, happinessLevel: null, role: 'user', contact: null, primary: 'user-1', personRemoved: false, email: 'maya@example.com', ownerId: 'csm-1', timezone: null,
    locationIds: [locationId], agencyZone: null, sendFaults: [], outbox: new Map(), sendCalls: [], notices: [], settledTasks: [],
  }
  const ports: WorkflowPorts = {
    settings: async () => around.settings,
    async pauseSending(_company, paused) {
      around.settings = { ...around.settings, messages: { ...around.settings.messages, paused } }
    },
    isLive: async () => around.live,
    feedbackLink: async (_company, _location, userId) => `https://feedback.example.com/a/${userId}`,
    account: async () => ({ name: 'Bright Smile Dental', group: 'saas', premium: false, ownerId: around.ownerId, timezone: around.timezone, healthLevel: around.healthLevel, happinessLevel: around.happinessLevel }),
    person: async (_company, _location, userId) =>
      around.personRemoved ? null : { id: userId, name: 'Maya Lopez', firstName: 'Maya', lastName: 'Lopez', email: around.email, phone: null },
    userRole: async () => (around.personRemoved ? null : around.role),
    contact: async () => around.contact,
    teamMember: async (_company, userId) => ({ id: userId, name: 'Priya Nair', firstName: 'Priya', lastName: 'Nair', email: 'priya@example.com', phone: null }),
    userLevel: async (_company, _location, userId) => around.levels.get(userId) ?? around.level,
    hasOpenCase: async () => around.openCase,
    healthLevel: async () => around.healthLevel,
    primaryPerson: async () => around.primary,
    async send(message) {
      around.sendCalls.push(message.key)
      const fault = around.sendFaults.shift()
      if (fault !== undefined) throw fault
      if (around.outbox.has(message.key)) return 'duplicate'
      around.outbox.set(message.key, { ...message, cancelled: false, left: false })
      return 'queued'
    },
    async cancel(_company, key) {
      const message = around.outbox.get(key)
      if (message === undefined || message.left || message.cancelled) return false
      message.cancelled = true
      return true
    },
    async sendAgain(_company, key) {
      const message = around.outbox.get(key)
      if (message === undefined || !message.gaveUp) return false
      message.gaveUp = false
      return true
    },
    locationIds: async () => around.locationIds,
    agencyZone: async () => around.agencyZone,
    async settleTask({ key }) {
      const message = around.outbox.get(key)
      if (message !== undefined && !message.left) message.cancelled = true
      around.settledTasks.push(key)
    },
    notify: async (notice) => void around.notices.push(notice),
    webhook: async () => 'queued',
    fieldIsNumber: async () => false,
  }

  function engineOn(connection: Connection, over: Partial<WorkflowPorts> = {}): Engine {
    const wake = createWake()
    const events = createEvents({ connection, clock, wake })
    const workflows = createWorkflows({
      connection, clock, wake, events, logger: createLogger('silent'), ports: { ...ports, ...over },
      ...(options.library === undefined ? {} : { library: options.library }),
    })
    return {
      workflows,
      events,
      async settle() {
        while ((await workflows.pumps.events.drain()) + (await workflows.pumps.runs.drain()) > 0);
      },
    }
  }

  const engine = engineOn(store.connection)
  await store.ensureIndexes()
  let answers = 0
  return {
    store, clock, around, engine,
    anotherEngine: async () => engineOn(await store.another()),
    engineWith: (over) => engineOn(store.connection, over),
    answer(level, over = {}) {
      answers += 1
      const { answerId = `answer-${answers}`, comment, ...members } = over
      around.level = level
      return {
        key: `feedback.received:${answerId}`,
        companyId, locationId, userId: 'user-1',
        type: 'feedback.received',
        at: clock.now(),
        actor: { kind: 'account_user', id: 'user-1', name: 'Maya Lopez' },
        source: 'widget',
        summary: 'Maya Lopez answered',
        data: { answerId, level, comment: comment ?? null },
        ...members,
      }
    },
    status(after, over = {}) {
      answers += 1
      const { changeId = `change-${answers}`, note = 'They told us in the review call.', undoes = null, ...members } = over
      const before = around.healthLevel
      around.healthLevel = after
      return {
        key: `health.changed:${changeId}`,
        companyId, locationId, userId: null, before, after,
        type: 'health.changed',
        at: clock.now(),
        actor: { kind: 'agency_user', id: 'csm-1', name: 'Priya Nair' },
        source: 'page',
        summary: 'The status changed',
        data: { changeId, note, noteWanted: note === null, undoes },
        ...members,
      }
    },
    close: () => store.close(),
  }
}
