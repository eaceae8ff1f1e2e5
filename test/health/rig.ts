import type { Connection } from 'mongoose'
import type { AccountStatus } from '../../src/accounts/types.ts'
import type { LinkedContact, WantedCard, WantedContact } from '../../src/effects/index.ts'
import type { DomainEvent } from '../../src/events/index.ts'
import { createHealth, type By, type Health } from '../../src/health/index.ts'
import type { Account, AccountUser } from '../../src/http/contract/accounts.ts'
import type { FaultPoint } from '../../src/kernel/fault-point.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { createSettings, type Settings } from '../../src/settings/index.ts'
import { account, accountUser, companyId, locationId } from '../feedback/rig.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

export { account, accountUser, companyId, locationId }

export const page: By = { actor: { kind: 'agency_user', id: 'csm1', name: 'Priya Nair' }, source: 'page' }

/** What the other rooms were told, shared by all "processes" of a rig. */
export interface World {
  accounts: Map<string, Account>
  users: AccountUser[]
  events: Map<string, DomainEvent>
  statuses: Map<string, AccountStatus | null>
  /** The newest status wanted of each contact, by subject. */
  contacts: Map<string, WantedContact>
  card: WantedCard | null
  linked: LinkedContact[]
  /** Thrown by the effects port while set. */
  effectsFault: Error | null
}

export interface Rig {
  health: Health
  settings: Settings
  store: TestStore
  clock: FakeClock
  world: World
  /** A further process on the same database. */
  process(faultPoint?: FaultPoint): Promise<Health>
  close(): Promise<void>
}

export function linkedContact(userId: string, home = locationId): LinkedContact {
  const identity = { subjectId: `user:${locationId}:${userId}`, locationId, email: `${userId}@customer.example`, firstName: 'User', lastName: userId, phone: null, companyName: 'Harbor Street Dental' }
  return { key: `key-${userId}`, identity, home, contactId: `contact-${userId}` }
}

function build(connection: Connection, clock: FakeClock, world: World, settings: Settings, faultPoint?: FaultPoint): Health {
  const mine = (company: string) => company === companyId
  return createHealth({
    connection, clock, settings,
    logger: createLogger('silent'),
    ...(faultPoint === undefined ? {} : { faultPoint }),
    accounts: {
      get: async (company, location) => (mine(company) ? (world.accounts.get(location) ?? null) : null),
      users: async (company, location, { includeRemoved = false } = {}) => (mine(company) ? world.users.filter((user) => user.locationId === location && (includeRemoved || user.removedAt === null)) : []),
      email: async () => 'office@customer.example',
      setHealth: async (_company, location, status) => {
        world.statuses.set(location, status)
      },
      locationIds: async (_company, filter) => [...world.accounts.values()].filter((one) => (filter.csm === 'none' ? one.csm === null : one.csm?.userId === filter.csm)).map((one) => one.locationId),
    },
    effects: {
      wantContact: async (wanted) => {
        if (world.effectsFault !== null) throw world.effectsFault
        world.contacts.set(wanted.identity.subjectId, wanted)
      },
      wantCard: async (wanted) => {
        world.card = wanted
      },
      linked: async (_company, subjectIds) => world.linked.filter((contact) => subjectIds.includes(contact.identity.subjectId)),
    },
    events: {
      append: async (event) => {
        if (world.events.has(event.key)) return 'duplicate'
        world.events.set(event.key, event)
        return 'inserted'
      },
      timeline: async ({ types }) => {
        const items = [...world.events.values()].filter((event) => types?.includes(event.type) === true).toReversed()
        return { items, total: items.length }
      },
    },
  })
}

/** One account with users a (admin) and b; both have contacts. */
export async function openRig(): Promise<Rig> {
  const store = await openTestStore()
  const clock = createFakeClock()
  const settings = createSettings({ connection: store.connection, clock, logger: createLogger('silent'), cacheMs: 0 })
  const world: World = {
    accounts: new Map([[locationId, account()]]),
    users: [accountUser('a', { role: 'admin' }), accountUser('b')],
    events: new Map(),
    statuses: new Map(),
    contacts: new Map(),
    card: null,
    linked: [linkedContact('a'), linkedContact('b')],
    effectsFault: null,
  }
  const health = build(store.connection, clock, world, settings)
  await store.ensureIndexes()
  return { health, settings, store, clock, world, process: async (faultPoint) => build(await store.another(), clock, world, settings, faultPoint), close: () => store.close() }
}

export function eventsOf(world: World, type: DomainEvent['type']): DomainEvent[] {
  return [...world.events.values()].filter((event) => event.type === type)
}
