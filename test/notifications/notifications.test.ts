import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { notificationView } from '../../src/http/contract/notifications.ts'
import { companyId, openRig, priya, tom, type Rig } from './rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.close())

const inbox = async (reader = priya, query = {}) => rig.notifications.list(reader, { page: 1, pageSize: 50, ...query })
const told = (key: string, over = {}) => rig.notifications.notify(rig.notice(key, over))

describe('notifications in the app', () => {
  it('reach the owner once, whatever is repeated', async () => {
    await Promise.all([told('a'), told('a'), told('a')])
    await told('a')
    const { items, unread, total } = await inbox()
    expect({ unread, total, count: items[0]?.count }).toEqual({ unread: 1, total: 1, count: 1 })
    expect(notificationView.parse(items[0])).toMatchObject({ kind: 'feedback_received', title: 'Title a', link: '/accounts/location-1', readAt: null })
    expect((await inbox(tom)).total).toBe(0)
  })

  it('reach the owner of the matter where that is somebody else, and the account’s owner once that person left', async () => {
    await told('a', { ownerId: 'tom' })
    await told('b', { ownerId: 'gone', kind: 'case_overdue' })
    expect([(await inbox()).items.map(({ title }) => title), (await inbox(tom)).items.map(({ title }) => title)]).toEqual([['Title b'], ['Title a']])
  })

  it('reach everybody while an account has no owner, or one who left the team', async () => {
    rig.world.ownerId = null
    await told('a')
    rig.world.ownerId = 'somebody who left'
    await told('b', { kind: 'health_stale' })
    expect([(await inbox()).total, (await inbox(tom)).total]).toEqual([2, 2])
  })

  it('are kept for all when nobody of the team is known yet', async () => {
    rig.world.team = []
    await told('a')
    expect((await inbox({ companyId, userId: 'whoever' })).total).toBe(1)
    expect((await inbox({ companyId: 'company-2', userId: 'whoever' })).total).toBe(0)
  })

  it('reach whoever watches the account, beside its owner, until they stop', async () => {
    await rig.notifications.watch(tom, 'location-1', true)
    await told('a')
    expect([(await inbox()).total, (await inbox(tom)).total]).toEqual([1, 1])
    expect(await rig.notifications.watches(tom)).toEqual(['location-1'])
    expect(await rig.notifications.watch(tom, 'location-1', false)).toEqual([])
    await told('b')
    expect((await inbox(tom)).items.map(({ count }) => count)).toEqual([1])
  })

  it('of one kind’s burst in one account are one line with a count and the newest words', async () => {
    for (const key of ['a', 'b', 'c']) {
      await told(key)
      rig.clock.advanceMs(100_000)
    }
    const { items, unread } = await inbox()
    expect(unread).toBe(1)
    expect(items).toMatchObject([{ count: 3, title: 'Title c' }])
    await told('b')
    expect((await inbox()).items[0]?.count).toBe(3)
  })

  it('of a burst told by two processes at once are counted once each', async () => {
    const other = await rig.another()
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    await Promise.all(keys.flatMap((key) => [told(key), other.notify(rig.notice(key))]))
    expect((await inbox()).items.map(({ count }) => count)).toEqual([6])
  })

  it('of other accounts, other kinds and later times stand alone', async () => {
    await told('a')
    await told('b', { locationId: 'location-2' })
    await told('c', { kind: 'happiness_changed' })
    rig.clock.advanceMs(5 * 60_000)
    await told('d')
    expect((await inbox()).items.map((item) => item.count)).toEqual([1, 1, 1, 1])
  })

  it('are read one by one, by account or all at once, by their own reader only', async () => {
    rig.world.ownerId = null
    await told('a')
    await told('b', { locationId: 'location-2' })
    await told('c', { locationId: 'location-2', kind: 'health_stale' })
    const first = (await inbox()).items.find(({ title }) => title === 'Title a')
    expect(await rig.notifications.markRead(tom, { ids: [first!.id] })).toBe(3)
    expect(await rig.notifications.markRead(priya, { ids: [first!.id] })).toBe(2)
    expect(await rig.notifications.markRead(priya, { locationId: 'location-2' })).toBe(0)
    expect((await inbox(priya, { unread: true })).total).toBe(0)
    expect((await inbox(tom)).unread).toBe(3)
    expect(await rig.notifications.markRead(tom, { all: true })).toBe(0)
  })

  it('that were read are unread again when the burst goes on', async () => {
    await told('a')
    await rig.notifications.markRead(priya, { all: true })
    await told('b')
    expect((await inbox()).unread).toBe(1)
  })

  it('are shown together by account, the newest account first, and narrowed by kind and by what is unread', async () => {
    await told('a')
    rig.clock.advanceMs(1_000)
    await told('b', { locationId: 'location-2' })
    rig.clock.advanceMs(1_000)
    await told('c', { kind: 'case_opened' })
    await told('d', { locationId: null, kind: 'setup_drift' })
    const { items, total, unread } = await rig.notifications.groups(priya, { page: 1, pageSize: 2 })
    expect([total, unread]).toEqual([3, 4])
    expect(items.map(({ locationId, accountName, lines }) => [locationId, accountName, lines.length])).toEqual([[null, null, 1], ['location-1', 'Account location-1', 2]])
    expect((await rig.notifications.groups(priya, { page: 2, pageSize: 2 })).items.map(({ locationId }) => locationId)).toEqual(['location-2'])
    await rig.notifications.markRead(priya, { locationId: 'location-1' })
    expect((await rig.notifications.groups(priya, { page: 1, pageSize: 9, unread: true })).items.map(({ locationId }) => locationId)).toEqual([null, 'location-2'])
    expect((await rig.notifications.groups(priya, { page: 1, pageSize: 9, kind: 'case_opened' })).items.map(({ total: lines }) => lines)).toEqual([1])
  })
})

describe('why somebody was told, or not', () => {
  it('is on every line, for every channel, with whose choice it was', async () => {
    await rig.notifications.setPreferences(priya, { items: [{ kind: 'case_opened', channels: { chat: 'at_once', task: 'off' } }] })
    await told('a', { kind: 'case_opened' })
    const line = (await inbox()).items[0]!
    const [trace] = await rig.notifications.why(priya, line.id)
    expect(trace?.you.channels.map(({ channel, state, reason, by }) => [channel, state, reason, by])).toEqual([
      ['in_app', 'shown', null, 'default'], ['email', 'waiting', 'gathering', 'default'], ['task', 'off', 'off_by_person', 'person'], ['chat', 'not_sent', 'no_chat', 'person'],
    ])
    await rig.pass(6 * 60_000)
    const [after] = await rig.notifications.why(priya, line.id)
    expect(after?.you.channels[1]).toMatchObject({ state: 'sent', at: rig.world.mails.length === 1 ? expect.any(String) : null })
    await expect(rig.notifications.why(tom, line.id)).rejects.toMatchObject({ status: 404 })
    await expect(rig.notifications.why({ companyId: 'company-2', userId: 'priya' }, line.id)).rejects.toMatchObject({ status: 404 })
  })

  it('is known for what went to somebody else, for what the person switched off, and not for another agency', async () => {
    await rig.notifications.setPreferences(priya, { items: [{ kind: 'health_stale', channels: { in_app: 'off' } }] })
    await told('a', { kind: 'health_stale' })
    expect((await inbox()).total).toBe(0)
    const { items: mine } = await rig.notifications.traces(priya, { page: 1, pageSize: 10, locationId: 'location-1' })
    expect(mine[0]).toMatchObject({ kind: 'health_stale', told: [{ name: 'Priya' }], you: { told: true, channels: [{ channel: 'in_app', state: 'off', reason: 'off_by_person' }, {}, {}, {}] } })
    const { items: toms } = await rig.notifications.traces(tom, { page: 1, pageSize: 10, kind: 'health_stale' })
    expect(toms[0]?.you).toEqual({ told: false, channels: [], says: 'It is for whoever looks after it, and went to Priya.' })
    expect((await rig.notifications.traces({ companyId: 'company-2', userId: 'priya' }, { page: 1, pageSize: 10 })).total).toBe(0)
  })
})

describe('preferences', () => {
  it('say whose choice holds; null gives the agency’s back', async () => {
    await rig.set({ notices: { kinds: { health_stale: { email: 'weekly' } }, digestAt: '06:30' } })
    const of = async () => (await rig.notifications.preferences(priya)).items.find(({ kind }) => kind === 'health_stale')
    expect(await of()).toMatchObject({ channels: { in_app: 'at_once', email: 'weekly' }, by: { in_app: 'default', email: 'agency' }, urgent: false })
    await rig.notifications.setPreferences(priya, { items: [{ kind: 'health_stale', channels: { email: 'daily' }, urgent: true }], zone: 'Asia/Tokyo' })
    expect(await of()).toMatchObject({ channels: { email: 'daily' }, by: { email: 'person' }, urgent: true })
    expect((await rig.notifications.preferences(priya)).timing).toMatchObject({ zone: 'Asia/Tokyo', digestAt: '06:30', own: ['zone'] })
    expect((await rig.notifications.preferences(tom)).timing.zone).toBe('UTC')
    await rig.notifications.setPreferences(priya, { items: [{ kind: 'health_stale', channels: { email: null }, urgent: false }], zone: null })
    expect(await of()).toMatchObject({ channels: { email: 'weekly' }, by: { email: 'agency' }, urgent: false })
  })

  it('chosen by an earlier version still hold', async () => {
    await rig.store.connection.collection('notification_preferences').insertOne({ _id: `${companyId}:priya` as never, companyId, userId: 'priya', choices: { case_opened: { inApp: false, email: 'off' } } })
    const chosen = (await rig.notifications.preferences(priya)).items.find(({ kind }) => kind === 'case_opened')
    expect(chosen).toMatchObject({ channels: { in_app: 'off', email: 'off' }, by: { in_app: 'person', email: 'person' } })
  })

  it('refuse a kind that there is not', async () => {
    await expect(rig.notifications.setPreferences(priya, { items: [{ kind: 'nothing', channels: { email: 'off' } }] })).rejects.toMatchObject({ status: 422, code: 'unknown_kind' })
  })

  it('say that there is no e-mail without a mail server', async () => {
    const silent = rig.build(await rig.store.another(), { })
    expect((await silent.preferences(priya)).emailAvailable).toBe(true)
    const mute = await openRig({ withMailer: false })
    await mute.notifications.notify(mute.notice('a', { kind: 'case_opened' }))
    const { items } = await mute.notifications.traces(priya, { page: 1, pageSize: 1 })
    expect(items[0]?.you.channels[1]).toMatchObject({ channel: 'email', state: 'not_sent', reason: 'no_mail_server' })
    expect((await mute.notifications.preferences(priya)).emailAvailable).toBe(false)
    await mute.close()
  })
})
