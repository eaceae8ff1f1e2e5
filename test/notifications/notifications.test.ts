import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Connection } from 'mongoose'
import { notificationList, notificationView, preferenceList } from '../../src/http/contract/notifications.ts'
import { CodedError, PermanentError, RequestError } from '../../src/kernel/errors.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { createNotifications, notificationRoutes, type Mail, type Notice, type Notifications } from '../../src/notifications/index.ts'
import type { Route, Session } from '../../src/kernel/route.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

const companyId = 'company-1'
const priya = { companyId, userId: 'priya' }
const tom = { companyId, userId: 'tom' }

let store: TestStore
let clock: FakeClock
let team: { userId: string; name: string; email: string | null }[]
let ownerId: string | null
let mails: Mail[]
let mailFaults: Error[]
let notifications: Notifications

function build(connection: Connection, withMailer = true): Notifications {
  return createNotifications({
    connection, clock, logger: createLogger('silent'),
    accounts: { get: async () => ({ csm: ownerId === null ? null : { userId: ownerId } }), agencyUsers: async (company) => (company === companyId ? team : []) },
    ...(withMailer
      ? {
          mailer: {
            async send(mail: Mail) {
              const fault = mailFaults.shift()
              if (fault !== undefined) throw fault
              mails.push(mail)
            },
            close: () => undefined,
          },
        }
      : {}),
  })
}

beforeEach(async () => {
  store = await openTestStore()
  clock = createFakeClock()
  team = [{ userId: 'priya', name: 'Priya', email: 'priya@example.com' }, { userId: 'tom', name: 'Tom', email: 'tom@example.com' }]
  ownerId = 'priya'
  mails = []
  mailFaults = []
  notifications = build(store.connection)
  await store.ensureIndexes()
})
afterEach(async () => {
  await settle()
  await store.close()
})

async function settle(): Promise<void> {
  for (const pump of notifications.pumps) await pump.drain()
}
function notice(key: string, over: Partial<Notice> = {}): Notice {
  return { key, companyId, locationId: 'location-1', audience: 'owner', kind: 'feedback_received', title: `Title ${key}`, body: 'Body', link: '/accounts/location-1', email: false, at: clock.now(), ...over }
}
const inbox = async (reader = priya) => notifications.list(reader, { page: 1, pageSize: 50 })

describe('notifications in the app', () => {
  it('reach the owner once, whatever is repeated', async () => {
    await Promise.all([notifications.notify(notice('a')), notifications.notify(notice('a')), notifications.notify(notice('a'))])
    await notifications.notify(notice('a'))
    const { items, unread, total } = await inbox()
    expect({ unread, total, count: items[0]?.count }).toEqual({ unread: 1, total: 1, count: 1 })
    expect(notificationView.parse(items[0])).toMatchObject({ kind: 'feedback_received', title: 'Title a', link: '/accounts/location-1', readAt: null })
    expect((await inbox(tom)).total).toBe(0)
  })

  it('reach the owner of the matter where that is somebody else', async () => {
    await notifications.notify(notice('a', { ownerId: 'tom' }))
    expect([(await inbox()).total, (await inbox(tom)).total]).toEqual([0, 1])
  })

  it('reach everybody while an account has no owner', async () => {
    ownerId = null
    await notifications.notify(notice('a'))
    expect([(await inbox()).total, (await inbox(tom)).total]).toEqual([1, 1])
  })

  it('are kept for all when nobody of the team is known yet', async () => {
    team = []
    await notifications.notify(notice('a'))
    expect((await inbox({ companyId, userId: 'whoever' })).total).toBe(1)
    expect((await inbox({ companyId: 'company-2', userId: 'whoever' })).total).toBe(0)
  })

  it('of one account’s burst are one record with a count and the newest words', async () => {
    for (const key of ['a', 'b', 'c']) {
      await notifications.notify(notice(key))
      clock.advanceMs(100_000)
    }
    const { items, unread } = await inbox()
    expect(unread).toBe(1)
    expect(items).toMatchObject([{ count: 3, title: 'Title c' }])
    await notifications.notify(notice('b'))
    expect((await inbox()).items[0]?.count).toBe(3)
  })

  it('of a burst told by two processes at once are counted once each', async () => {
    const other = build(await store.another())
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    await Promise.all(keys.flatMap((key) => [notifications.notify(notice(key)), other.notify(notice(key))]))
    const { items } = await inbox()
    expect(items).toHaveLength(1)
    expect(items[0]?.count).toBe(6)
  })

  it('of other accounts, other kinds and later times stand alone', async () => {
    await notifications.notify(notice('a'))
    await notifications.notify(notice('b', { locationId: 'location-2' }))
    await notifications.notify(notice('c', { kind: 'happiness_changed' }))
    clock.advanceMs(5 * 60_000)
    await notifications.notify(notice('d'))
    expect((await inbox()).items.map((item) => item.count)).toEqual([1, 1, 1, 1])
  })

  it('are read one by one or all at once, by their own reader only', async () => {
    ownerId = null
    await notifications.notify(notice('a'))
    await notifications.notify(notice('b', { locationId: 'location-2' }))
    const [first] = (await inbox()).items
    expect(await notifications.markRead(tom, { ids: [first!.id] })).toBe(2)
    expect(await notifications.markRead(priya, { ids: [first!.id] })).toBe(1)
    expect((await notifications.list(priya, { page: 1, pageSize: 10, unread: true })).total).toBe(1)
    expect(await notifications.markRead(priya, { all: true })).toBe(0)
    expect((await inbox(tom)).unread).toBe(2)
  })

  it('that were read are unread again when the burst goes on', async () => {
    await notifications.notify(notice('a'))
    await notifications.markRead(priya, { all: true })
    await notifications.notify(notice('b'))
    expect((await inbox()).unread).toBe(1)
  })
})

describe('e-mails', () => {
  it('go out at once for a case, once, and not for an answer', async () => {
    await notifications.notify(notice('a'))
    await notifications.notify(notice('case', { kind: 'case_opened' }))
    await notifications.notify(notice('case', { kind: 'case_opened' }))
    await settle()
    expect(mails).toEqual([{ to: 'priya@example.com', subject: 'Title case', text: 'Title case\n\nBody', messageId: expect.stringMatching(/^<[0-9a-f]{32}@/) }])
  })

  it('follow the person’s preferences', async () => {
    await notifications.setPreferences(priya, { items: [{ kind: 'case_opened', email: 'off' }, { kind: 'feedback_received', email: 'at_once', inApp: false }] })
    await notifications.notify(notice('a'))
    await notifications.notify(notice('case', { kind: 'case_opened' }))
    await settle()
    expect(mails.map((mail) => mail.subject)).toEqual(['Title a'])
    expect((await inbox()).items.map((item) => item.title)).toEqual(['Title case'])
  })

  it('are tried again when the server cannot be reached', async () => {
    mailFaults.push(new CodedError('mail_failed', 'no'), new CodedError('mail_failed', 'no'))
    await notifications.notify(notice('case', { kind: 'case_opened' }))
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await settle()
      clock.advanceMs(60 * 60_000)
    }
    expect(mails).toHaveLength(1)
  })

  it.each([['it is unknown whether the server took it', new CodedError('mail_uncertain', '?')], ['the server refused it for good', new PermanentError('mail_refused', 'no')]])(
    'are not sent again when %s',
    async (_what, fault) => {
      mailFaults.push(fault)
      await notifications.notify(notice('case', { kind: 'case_opened' }))
      for (let attempt = 0; attempt < 5; attempt += 1) {
        await settle()
        clock.advanceMs(60 * 60_000)
      }
      expect(mails).toEqual([])
    },
  )

  it('are not sent again after a crash between sending and recording', async () => {
    await settle()
    await store.connection.collection('notifications').updateMany({}, { $set: { mail: 'sending' } })
    const dying = createNotifications({
      connection: store.connection, clock, logger: createLogger('silent'),
      accounts: { get: async () => ({ csm: { userId: 'priya' } }), agencyUsers: async () => team },
      mailer: { send: (mail) => { mails.push(mail); return new Promise(() => undefined) }, close: () => undefined },
    })
    await dying.notify(notice('case', { kind: 'case_opened' }))
    while (mails.length === 0) await new Promise((resolve) => setImmediate(resolve))
    clock.advanceMs(60 * 60_000)
    await settle()
    clock.advanceMs(60 * 60_000)
    await settle()
    expect(mails).toHaveLength(1)
  })

  it('are not offered without a mail server', async () => {
    const silent = build(await store.another(), false)
    await silent.notify(notice('case', { kind: 'case_opened' }))
    expect(silent.pumps).toEqual([])
    expect((await silent.preferences(priya)).emailAvailable).toBe(false)
  })
})

describe('the routes', () => {
  const session: Session = { companyId, userId: 'priya', role: 'agency_user', locationId: null, userName: 'Priya' }
  const call = async (method: string, path: string, input: { query?: unknown; body?: unknown } = {}) => {
    const route = notificationRoutes(notifications).find((each) => each.method === method && each.path === path) as Route
    const parsed = { params: undefined, query: route.query?.parse(input.query ?? {}), body: route.body?.parse(input.body), session, ip: '', headers: {} }
    const response = await route.handler(parsed as never)
    return 'json' in response ? response.json : response.text
  }

  it('answer in the shapes of the contract', async () => {
    await notifications.notify(notice('a'))
    const list = notificationList.parse(await call('GET', '/api/notifications'))
    expect(list).toMatchObject({ unread: 1, page: 1, pageSize: 25, total: 1 })
    expect(await call('POST', '/api/notifications/read', { body: { all: true } })).toEqual({ unread: 0 })
    const preferences = preferenceList.parse(await call('PUT', '/api/notifications/preferences', { body: { items: [{ kind: 'case_opened', email: 'off' }] } }))
    expect(preferences.items.find((item) => item.kind === 'case_opened')).toMatchObject({ inApp: true, email: 'off' })
    expect(preferenceList.parse(await call('GET', '/api/notifications/preferences'))).toEqual(preferences)
  })

  it('refuse a kind that there is not', async () => {
    await expect(call('PUT', '/api/notifications/preferences', { body: { items: [{ kind: 'nothing', email: 'off' }] } })).rejects.toThrow(RequestError)
  })

  it('are for the agency only', () => {
    expect(notificationRoutes(notifications).map((route) => route.access)).toEqual(['agency', 'agency', 'agency', 'agency'])
  })
})
