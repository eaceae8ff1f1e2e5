import type { Connection } from 'mongoose'
import type { OutboxMessage } from '../../src/effects/index.ts'
import type { AgencySettingsPatch } from '../../src/http/contract/settings.ts'
import { createCryptoBox } from '../../src/kernel/crypto-box.ts'
import type { FaultPoint } from '../../src/kernel/fault-point.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import type { OutboundAnswer } from '../../src/kernel/outbound.ts'
import { createNotifications, type Mail, type Notice, type Notifications, type NotificationsDeps } from '../../src/notifications/index.ts'
import { createSettings, type Settings } from '../../src/settings/index.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

export const companyId = 'company-1'
export const priya = { companyId, userId: 'priya' }
export const tom = { companyId, userId: 'tom' }

type Then = Awaited<ReturnType<NotificationsDeps['thenAndNow']>>

/** One agency's notifications over a real store, with a mail server, a chat and a CRM that remember what they were given. */
export interface Rig {
  store: TestStore
  clock: FakeClock
  settings: Settings
  notifications: Notifications
  /** What the world outside holds; change it to change the agency. */
  world: {
    team: { userId: string; name: string; email: string | null; role?: 'admin' | 'user' }[]
    ownerId: string | null
    zone: string | null
    live: boolean
    mails: Mail[]
    /** Thrown, one per mail, before it is taken. */
    mailFaults: Error[]
    posts: { url: string; body: { text?: string } }[]
    /** What the chat answers, one per post; 200 when empty. */
    answers: (OutboundAnswer | Error)[]
    tasks: OutboxMessage[]
    contact: boolean
    then: Map<string, Then>
  }
  /** A second process over the same store. */
  another(over?: Partial<NotificationsDeps>): Promise<Notifications>
  build(connection: Connection, over?: Partial<NotificationsDeps>): Notifications
  notice(key: string, over?: Partial<Notice>): Notice
  set(patch: AgencySettingsPatch): Promise<void>
  /** Works until nothing is due now. */
  drain(): Promise<void>
  /** Moves the clock in steps, so that everything that falls due is worked on near its time. */
  pass(ms: number, stepMs?: number): Promise<void>
  close(): Promise<void>
}

const same: Then = { happiness: { before: null, after: null }, health: { before: null, after: null }, openCases: { before: 0, after: 0 } }

export async function openRig(options: { withMailer?: boolean; at?: Date; faultPoint?: FaultPoint } = {}): Promise<Rig> {
  const store = await openTestStore()
  const clock = createFakeClock(options.at)
  const logger = createLogger('silent')
  const settings = createSettings({ connection: store.connection, clock, logger, cacheMs: 0 })
  const box = createCryptoBox('a'.repeat(40))
  const world: Rig['world'] = {
    team: [{ userId: 'priya', name: 'Priya', email: 'priya@example.com', role: 'user' }, { userId: 'tom', name: 'Tom', email: 'tom@example.com', role: 'admin' }],
    ownerId: 'priya', zone: 'UTC', live: true, mails: [], mailFaults: [], posts: [], answers: [], tasks: [], contact: true, then: new Map(),
  }
  const build: Rig['build'] = (connection, over = {}) =>
    createNotifications({
      connection, clock, logger, box, settings,
      ...(options.faultPoint === undefined ? {} : { faultPoint: options.faultPoint }),
      accounts: {
        get: async (company, locationId) => (company === companyId ? { name: `Account ${locationId}`, csm: world.ownerId === null ? null : { userId: world.ownerId } } : null),
        agencyUsers: async (company) => (company === companyId ? world.team : []),
      },
      agencyZone: async () => world.zone,
      isLive: async () => world.live,
      thenAndNow: async (_company, locationId) => world.then.get(locationId) ?? same,
      primaryContact: async (_company, locationId) =>
        world.contact ? { subjectId: `user:${locationId}:u1`, locationId, email: 'u1@example.com', firstName: null, lastName: null, phone: null, companyName: '' } : null,
      async send(message) {
        if (!world.tasks.some((task) => task.key === message.key)) world.tasks.push(message)
      },
      outbound: {
        async post(url, body) {
          const answer = world.answers.shift() ?? { status: 200, retryAfterMs: null, text: 'ok' }
          if (answer instanceof Error) throw answer
          if (answer.status === 200) world.posts.push({ url, body: body as { text?: string } })
          return answer
        },
      },
      ...(options.withMailer === false
        ? {}
        : {
            mailer: {
              async send(mail: Mail) {
                const fault = world.mailFaults.shift()
                if (fault !== undefined) throw fault
                world.mails.push(mail)
              },
              close: () => undefined,
            },
          }),
      ...over,
    })
  const notifications = build(store.connection)
  await store.ensureIndexes()

  const rig: Rig = {
    store, clock, settings, notifications, world, build,
    another: async (over) => build(await store.another(), over),
    notice: (key, over = {}) => ({
      key, companyId, locationId: 'location-1', audience: 'owner', kind: 'feedback_received', title: `Title ${key}`, body: 'Body', link: '/accounts/location-1', email: false, at: clock.now(), ...over,
    }),
    async set(patch) {
      await settings.update(companyId, patch, 'test')
      // What another process keeps of the team for two seconds.
      clock.advanceMs(2_000)
    },
    async drain() {
      for (const pump of notifications.pumps) await pump.drain()
    },
    async pass(ms, stepMs = 60_000) {
      for (let left = ms; left > 0; left -= stepMs) {
        clock.advanceMs(Math.min(stepMs, left))
        await rig.drain()
      }
    },
    async close() {
      await rig.drain()
      await store.close()
    },
  }
  return rig
}
