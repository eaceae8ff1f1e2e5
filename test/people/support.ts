import type { Connection } from 'mongoose'
import type { Accounts } from '../../src/accounts/index.ts'
import { createCases, type Cases } from '../../src/cases/index.ts'
import type { DomainEvent, TimelineQuery } from '../../src/events/index.ts'
import type { Session } from '../../src/kernel/route.ts'
import { createPeople, type People } from '../../src/people/index.ts'
import type { Settings } from '../../src/settings/index.ts'
import { openTenants, type Tenants } from '../support/tenants.ts'

/** An agency with five accounts and a staff of three, and another agency beside it. */
export interface World {
  t: Tenants
  people: People
  cases: Cases
  /** Sessions of the staff. */
  boss: Session
  cora: Session
  /** Events of a type, oldest first. */
  told(type: string): DomainEvent[]
  /** The feature in another process. */
  another(): Promise<People>
  /** The feature whose event log fails while `broken` is set. */
  broken: boolean
}

export async function openWorld(): Promise<World> {
  const t = await openTenants()
  const session = (userId: string, userName: string): Session => ({ companyId: 'c1', userId, role: 'agency_admin', locationId: null, userName })
  for (const [id, name] of [['l1', 'Alpha'], ['l2', 'beta'], ['l3', 'Gamma'], ['l4', 'Delta'], ['l5', '=Evil()']] as const) t.fake.addPlace('c1', id, name)
  t.fake.addPlace('c2', 'm1', 'Foreign')
  for (const [id, name] of [['boss', 'Boss'], ['cora', 'Cora'], ['dan', 'Dan']] as const) t.fake.addUser('c1', { id, name, type: 'agency', role: 'admin' })
  t.fake.addUser('c1', { id: 'u1', name: 'Una', locationIds: ['l1'] })
  t.fake.addUser('c1', { id: 'u2', name: 'Umberto', role: 'admin', locationIds: ['l1'] })
  t.fake.addUser('c1', { id: 'u3', name: 'Uri', locationIds: ['l2'] })
  t.fake.addUser('c2', { id: 'x1', name: 'Xena', locationIds: ['m1'] })

  const events = {
    append: (event: DomainEvent): Promise<void> => {
      if (world.broken) return Promise.reject(new Error('the event log is away'))
      if (!t.events.has(event.key)) t.events.set(event.key, event)
      return Promise.resolve()
    },
    timeline: ({ companyId, locationId, types, page, pageSize }: TimelineQuery): Promise<{ items: DomainEvent[]; total: number }> => {
      const fitting = [...t.events.values()].filter((event) => event.companyId === companyId && event.locationId === locationId && (types === undefined || types.includes(event.type)))
      const items = fitting.reverse().sort((left, right) => right.at.getTime() - left.at.getTime()).slice((page - 1) * pageSize, page * pageSize)
      return Promise.resolve({ items, total: fitting.length })
    },
  }
  const make = (connection: Connection, accounts: Accounts, settings: Settings, cases: Cases): People => createPeople({ connection, clock: t.clock, accounts, cases, events, settings })
  const cases = createCases({ connection: t.store.connection, clock: t.clock, events, accounts: t.accounts, settings: t.settings })
  const world: World = {
    t,
    cases,
    people: make(t.store.connection, t.accounts, t.settings, cases),
    boss: session('boss', 'Boss'),
    cora: session('cora', 'Cora'),
    told: (type) => [...t.events.values()].filter((event) => event.type === type),
    async another() {
      const { accounts, settings } = await t.another()
      return make(await t.store.another(), accounts, settings, cases)
    },
    broken: false,
  }
  await t.store.ensureIndexes()
  await t.install('c1')
  await t.install('c2')
  return world
}
