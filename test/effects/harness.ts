import type { DomainEvent } from '../../src/events/index.ts'
import { createEffects, type ContactIdentity, type Effects, type EffectsDeps, type PersonalValues, type ResourceMap } from '../../src/effects/index.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { createWake } from '../../src/kernel/wake.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { createFakeGateway, type FakeGateway } from '../support/fake-gateway.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

export const companyId = 'company1'

export const map: ResourceMap = {
  companyId,
  locationId: 'hq',
  fields: { happinessLevel: 'f-level', healthStatus: 'f-health', happinessScore: 'f-score', companyHappinessLevel: 'f-company', lastFeedback: 'f-date', lastFeedbackComment: 'f-comment' },
  pipelines: {
    happiness: { id: 'p-happiness', stages: { not_happy: 's-not', neutral: 's-neutral', happy: 's-happy', very_happy: 's-very' } },
    health: { id: 'p-health', stages: { struggling: 's-struggling', steady: 's-steady', healthy: 's-healthy', thriving: 's-thriving' } },
  },
}

export function person(name: string, more: Partial<ContactIdentity> = {}): ContactIdentity {
  return { subjectId: `user:loc1:${name}`, locationId: 'loc1', email: `${name}@example.com`, firstName: name, lastName: null, phone: null, companyName: 'Acme', ...more }
}

export interface Harness {
  store: TestStore
  clock: FakeClock
  crm: FakeGateway
  events: DomainEvent[]
  /** What set-up knows; change it at will. */
  setup: { map: ResourceMap | null; live: boolean; recreateDeletedCards: boolean }
  effects: Effects
  /** Another process on the same store and the same HighLevel. */
  anotherProcess(): Promise<Effects>
  /** Works until no pump has anything left that is due. */
  drain(effects?: Effects): Promise<void>
  close(): Promise<void>
}

/** @param personal judges Health Status; may use the effects that it is given once they are there */
export async function createHarness(personal?: PersonalValues): Promise<Harness> {
  const store = await openTestStore()
  const clock = createFakeClock()
  const crm = createFakeGateway(clock)
  const events: DomainEvent[] = []
  const setup: Harness['setup'] = { map, live: true, recreateDeletedCards: false }

  const make = (connection: TestStore['connection']): Effects => {
    const deps: EffectsDeps = {
      connection,
      clock,
      wake: createWake(),
      gateway: crm.gateway,
      resources: async () => setup.map,
      isLive: async () => setup.live,
      policy: async () => ({ recreateDeletedCards: setup.recreateDeletedCards }),
      events: {
        async append(event) {
          if (events.some((known) => known.key === event.key)) return 'duplicate'
          events.push(event)
          return 'inserted'
        },
      },
      logger: createLogger('silent'),
      ...(personal === undefined ? {} : { personal }),
    }
    return createEffects(deps)
  }
  const effects = make(store.connection)
  await store.ensureIndexes()

  return {
    store,
    clock,
    crm,
    events,
    setup,
    effects,
    anotherProcess: async () => make(await store.another()),
    async drain(ofProcess = effects) {
      for (let handled = 1; handled > 0; ) {
        handled = 0
        for (const pump of ofProcess.pumps) handled += await pump.drain()
      }
    },
    close: () => store.close(),
  }
}

/** The contact in the double that stands for a person. */
export function contactOf(crm: FakeGateway, email: string) {
  const found = [...crm.contacts.values()].find((contact) => contact.email === email)
  if (found === undefined) throw new Error(`The double has no contact ${email}`)
  const fields = Object.fromEntries(found.customFields.map((field) => [field.id, field.value]))
  return { ...found, fields }
}
