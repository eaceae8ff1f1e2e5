import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { dayMs, hourMs, minuteMs } from '../../src/kernel/clock.ts'
import { CodedError, PermanentError } from '../../src/kernel/errors.ts'
import type { NoticeChannel } from '../../src/http/contract/notice-kinds.ts'
import { companyId, openRig, priya, tom, type Rig } from './rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.close())

const told = (key: string, over = {}) => rig.notifications.notify(rig.notice(key, over))
const chooses = (kind: string, channels: Partial<Record<NoticeChannel, string>>, reader = priya) => rig.notifications.setPreferences(reader, { items: [{ kind, channels: channels as never }] })
const subjects = () => rig.world.mails.map(({ subject }) => subject)
const stateOf = async (channel: NoticeChannel) => (await rig.notifications.traces(priya, { page: 1, pageSize: 1 })).items[0]?.you.channels.find((one) => one.channel === channel)

describe('what happens in one account at once', () => {
  it('is one e-mail across kinds, five minutes after the first, with every line in it once', async () => {
    for (const kind of ['case_opened', 'health_struggling', 'case_overdue']) {
      await told(kind, { kind })
      await told(kind, { kind })
      await rig.pass(minuteMs)
    }
    expect(subjects()).toEqual([])
    await rig.pass(3 * minuteMs)
    expect(subjects()).toEqual(['Account location-1: 3 things happened'])
    for (const part of [rig.world.mails[0]!.text, rig.world.mails[0]!.html!]) {
      for (const kind of ['case_opened', 'health_struggling', 'case_overdue']) expect(part.split(`Title ${kind}`)).toHaveLength(2)
    }
    await rig.pass(dayMs, hourMs)
    expect(subjects()).toHaveLength(1)
  })

  it('is told by its own words if it is a single thing, in text and in HTML with the agency’s brand, and nothing in it is markup', async () => {
    await rig.set({ brand: { name: 'Acme & Co', accentColour: '#aa3311' }, notices: { workspaceUrl: 'https://app.acme.example/workspace' } })
    await told('a', { kind: 'case_opened', title: 'Bakery: Ann is Not Happy.', body: '“<script>alert(1)</script>”' })
    await rig.pass(6 * minuteMs)
    const [mail] = rig.world.mails
    expect(mail).toMatchObject({ to: 'priya@example.com', fromName: 'Acme & Co', subject: 'Bakery: Ann is Not Happy.', messageId: expect.stringMatching(/^<[0-9a-f]{32}@/) })
    expect(mail?.text).toMatch(/^Bakery: Ann is Not Happy\.\n\n“<script>alert\(1\)<\/script>”\n\nOpen the workspace: https:\/\/app\.acme\.example\/workspace\n\n--\nAcme & Co\n/)
    expect(mail?.html).toContain('#aa3311')
    expect(mail?.html).toContain('Acme &amp; Co')
    expect(mail?.html).not.toContain('<script>')
    expect(`${mail?.text ?? ''}${mail?.html ?? ''}`).not.toMatch(/highlevel|barometer/i)
  })

  it('in two accounts, or later than the burst, is two', async () => {
    await told('a', { kind: 'case_opened' })
    await told('b', { kind: 'case_opened', locationId: 'location-2' })
    await rig.pass(6 * minuteMs)
    await told('c', { kind: 'case_opened' })
    await rig.pass(6 * minuteMs)
    expect(subjects()).toEqual(['Title a', 'Title b', 'Title c'])
  })

  it('that comes while the letter leaves goes with the next one', async () => {
    await told('a', { kind: 'case_opened' })
    await rig.pass(5 * minuteMs)
    await rig.store.connection.collection('notification_letters').updateMany({}, { $set: { state: 'closed' } })
    await told('b', { kind: 'case_overdue' })
    await rig.pass(6 * minuteMs)
    expect(rig.world.mails.flatMap(({ text }) => [...text.matchAll(/Title (\w)/g)].map(([, key]) => key)).sort()).toEqual(['a', 'b'])
  })

  it('can be sent without gathering', async () => {
    await rig.set({ notices: { gatherMinutes: 0 } })
    await told('a', { kind: 'case_opened' })
    await rig.drain()
    await told('b', { kind: 'case_opened' })
    await rig.drain()
    expect(subjects()).toEqual(['Title a', 'Title b'])
  })
})

describe('quiet hours of a person', () => {
  beforeEach(() => rig.clock.set(new Date('2026-11-02T22:00:00Z')))

  it('hold e-mail, chat and task until the morning, as one message, and not the line in the app', async () => {
    await chooses('case_opened', { email: 'at_once', task: 'at_once', chat: 'at_once' })
    await rig.notifications.setChat(priya, 'own', 'https://hooks.slack.com/services/T/B/x')
    await told('a', { kind: 'case_opened' })
    await rig.pass(3 * hourMs, 10 * minuteMs)
    await told('b', { kind: 'case_overdue' })
    expect((await rig.notifications.list(priya, { page: 1, pageSize: 9 })).unread).toBe(2)
    await rig.pass(6 * hourMs, 10 * minuteMs)
    expect([rig.world.mails, rig.world.posts, rig.world.tasks].map(({ length }) => length)).toEqual([0, 0, 0])
    expect(await stateOf('email')).toMatchObject({ state: 'waiting', reason: 'quiet_hours', at: '2026-11-03T08:00:00.000Z' })
    await rig.pass(1.5 * hourMs, 10 * minuteMs)
    expect(subjects()).toEqual(['Account location-1: 2 things happened'])
    expect([rig.world.posts.length, rig.world.tasks.length]).toEqual([1, 1])
  })

  it('let through what the person marked as urgent, by itself', async () => {
    await rig.notifications.setPreferences(priya, { items: [{ kind: 'case_opened', urgent: true }] })
    await told('a', { kind: 'case_overdue' })
    await told('b', { kind: 'case_opened' })
    await rig.pass(10 * minuteMs)
    expect(subjects()).toEqual(['Title b'])
    await rig.pass(11 * hourMs, 10 * minuteMs)
    expect(subjects()).toEqual(['Title b', 'Title a'])
  })

  it('are by the person’s own zone, and what waits goes by a zone chosen meanwhile', async () => {
    await told('a', { kind: 'case_opened' })
    await rig.pass(10 * minuteMs)
    expect(subjects()).toEqual([])
    await rig.notifications.setPreferences(priya, { items: [], zone: 'America/Los_Angeles' })
    await rig.pass(minuteMs)
    expect(subjects()).toEqual(['Title a'])
  })

  it('that begin while the letter is gathered hold it', async () => {
    rig.clock.set(new Date('2026-11-03T19:57:00Z'))
    await told('a', { kind: 'case_opened' })
    await rig.pass(30 * minuteMs)
    expect(subjects()).toEqual([])
    await rig.pass(12 * hourMs, 10 * minuteMs)
    expect(subjects()).toEqual(['Title a'])
  })
})

describe('the daily digest', () => {
  it('holds what was to wait for it, by account, once a day at the person’s hour, and is not sent when there is nothing', async () => {
    await chooses('feedback_received', { email: 'daily' })
    await told('a')
    await rig.pass(hourMs, 10 * minuteMs)
    await told('b', { locationId: 'location-2' })
    await told('c')
    await rig.pass(21 * hourMs, 10 * minuteMs)
    expect(subjects()).toEqual([])
    await rig.pass(2 * hourMs, 10 * minuteMs)
    expect(subjects()).toEqual(['Your day: 3 things in 2 accounts'])
    expect(rig.world.mails[0]?.text).toMatch(/Account location-1\n- Title a\n {2}Body\n- Title c\n {2}Body\n\nAccount location-2\n- Title b/)
    await rig.pass(3 * dayMs, hourMs)
    expect(subjects()).toHaveLength(1)
    await told('d')
    await rig.pass(dayMs, hourMs)
    expect(subjects()).toEqual(['Your day: 3 things in 2 accounts', 'Your day: 1 thing in 1 account'])
  })

  it('comes once on its day though the hour is moved after it was sent, and goes by a new hour before', async () => {
    await chooses('feedback_received', { email: 'daily' })
    await told('a')
    await rig.notifications.setPreferences(priya, { items: [], digestAt: '10:00' })
    rig.clock.set(new Date('2026-11-03T08:30:00Z'))
    await rig.pass(2 * minuteMs)
    expect(subjects()).toEqual([])
    await rig.pass(2 * hourMs, 10 * minuteMs)
    expect(subjects()).toHaveLength(1)
    await rig.notifications.setPreferences(priya, { items: [], digestAt: '12:00' })
    await told('b')
    await rig.pass(6 * hourMs, 10 * minuteMs)
    expect(subjects()).toHaveLength(1)
    await rig.pass(dayMs, hourMs)
    expect(subjects()).toHaveLength(2)
    expect(await rig.store.connection.collection('notification_letters').distinct('day').catch(async () => (await rig.store.connection.collection('notification_letters').find({}).toArray()).map(({ day }) => day as string))).toEqual(['2026-11-03', '2026-11-04'])
  })
})

describe('the weekly digest', () => {
  it('holds what is different from a week ago per account, then and now, and nothing else', async () => {
    for (const kind of ['happiness_changed', 'health_changed', 'case_opened', 'account_silent']) await chooses(kind, { email: 'weekly', in_app: 'off' })
    const none = { before: null, after: null }
    rig.world.then.set('location-1', { happiness: { before: 'happy', after: 'not_happy' }, health: { before: null, after: 'steady' }, openCases: { before: 0, after: 2 } })
    rig.world.then.set('location-2', { happiness: { before: 'happy', after: 'happy' }, health: none, openCases: { before: 1, after: 1 } })
    for (const key of ['a', 'b', 'c']) await told(key, { kind: 'happiness_changed' })
    await told('d', { kind: 'happiness_changed', locationId: 'location-2' })
    await told('e', { kind: 'account_silent', locationId: 'location-3', title: 'It went silent.' })
    rig.clock.advanceMs(hourMs)
    await told('f', { kind: 'account_silent', locationId: 'location-3', title: 'It is still silent.' })
    await rig.pass(6 * dayMs, hourMs)
    expect(subjects()).toEqual([])
    await rig.pass(dayMs, hourMs)
    expect(subjects()).toEqual(['Your week: 2 accounts changed'])
    const text = rig.world.mails[0]!.text
    expect(text).toContain('Account location-1\n- Happiness Level: Happy → Not Happy\n- Health Status: no reading → Steady\n- Open Not Happy cases: 0 → 2')
    expect(text).toContain('Account location-3\n- It is still silent.')
    expect(text).not.toMatch(/location-2|Title [a-d]|It went silent/)
  })

  it('is not sent when everything is as it was, and says so', async () => {
    await chooses('happiness_changed', { email: 'weekly' })
    await told('a', { kind: 'happiness_changed' })
    await rig.pass(8 * dayMs, hourMs)
    expect(subjects()).toEqual([])
    expect(await stateOf('email')).toMatchObject({ state: 'not_sent', reason: 'nothing_changed' })
  })
})

describe('tasks', () => {
  it('hang on the account’s primary contact, are for the person, and are handed over once', async () => {
    await chooses('case_overdue', { email: 'off', task: 'at_once' })
    await told('a', { kind: 'case_overdue' })
    await rig.pass(10 * minuteMs)
    expect(rig.world.tasks).toEqual([expect.objectContaining({ companyId, contact: expect.objectContaining({ subjectId: 'user:location-1:u1' }), content: expect.objectContaining({ kind: 'task', title: 'Title a', body: 'Body', assignedTo: 'priya' }) })])
    expect(await stateOf('task')).toMatchObject({ state: 'sent' })
  })

  it('say why they are not there: no account, or nobody at the account', async () => {
    await chooses('setup_drift', { task: 'at_once' })
    await told('a', { kind: 'setup_drift', locationId: null })
    expect(await stateOf('task')).toMatchObject({ state: 'not_sent', reason: 'no_account' })
    rig.world.contact = false
    await told('b', { kind: 'setup_drift' })
    await rig.pass(10 * minuteMs)
    expect(await stateOf('task')).toMatchObject({ state: 'not_sent', reason: 'no_contact' })
    expect(rig.world.tasks).toEqual([])
  })
})

describe('chats', () => {
  const url = 'https://hooks.slack.com/services/T000/B000/secret-part'

  it('of a person get what the person chose; the agency’s gets what the agency chose, once for everybody and at night, too', async () => {
    await rig.notifications.setChat(priya, 'own', url)
    await rig.notifications.setChat(tom, 'agency', 'https://chat.googleapis.com/v1/spaces/x/messages?key=k')
    await chooses('case_opened', { email: 'off', chat: 'at_once' })
    await rig.set({ notices: { agencyChat: { case_opened: 'at_once' } } })
    rig.world.ownerId = null
    rig.clock.set(new Date('2026-11-02T22:00:00Z'))
    await told('a', { kind: 'case_opened', title: 'Ann & Bob <!channel> are Not Happy.' })
    await rig.pass(10 * minuteMs)
    expect(rig.world.posts.map((post) => [new URL(post.url).host, post.body.text])).toEqual([['chat.googleapis.com', expect.stringContaining('Ann & Bob ‹!channel›')]])
    await rig.pass(12 * hourMs, 10 * minuteMs)
    expect(rig.world.posts.slice(1).map((post) => [post.url, post.body.text])).toEqual([[url, expect.stringContaining('Ann &amp; Bob &lt;!channel&gt;')]])
  })

  it('keep their address encrypted, and give out its host alone', async () => {
    const view = await rig.notifications.setChat(priya, 'own', url)
    expect(view).toMatchObject({ set: true, host: 'hooks.slack.com', format: 'slack', setBy: 'priya' })
    const stored = JSON.stringify(await rig.store.connection.collection('notification_chats').find({}).toArray())
    expect(stored + JSON.stringify(await rig.notifications.preferences(priya))).not.toContain('secret-part')
    expect((await rig.notifications.setChat(priya, 'own', null)).set).toBe(false)
  })

  it.each(['http://hooks.slack.com/x', 'https://user:pass@hooks.slack.com/x', 'https://hooks.slack.com:8443/x'])('refuse %s', async (bad) => {
    await expect(rig.notifications.setChat(priya, 'own', bad)).rejects.toMatchObject({ status: 422, code: 'chat_invalid' })
  })

  it('are tested by a button, which says what the chat said', async () => {
    await expect(rig.notifications.testChat(priya, 'own')).rejects.toMatchObject({ status: 404 })
    await rig.notifications.setChat(priya, 'own', url)
    expect(await rig.notifications.testChat(priya, 'own')).toMatchObject({ ok: true })
    rig.world.answers.push({ status: 404, retryAfterMs: null, text: 'no_service' })
    expect(await rig.notifications.testChat(priya, 'own')).toMatchObject({ ok: false, code: 'chat_refused' })
  })

  it.each([
    ['that refuses for good, not again', [404], 'failed', 'chat_refused', 0],
    ['that is broken for a while, until it takes it', [500, 502, 429], 'sent', null, 1],
    ['that redirects, not at all', [302], 'failed', 'chat_refused', 0],
  ] as const)('are tried: one %s', async (_what, statuses, state, reason, posted) => {
    await rig.notifications.setChat(priya, 'own', url)
    await chooses('case_opened', { email: 'off', chat: 'at_once' })
    rig.world.answers = statuses.map((status) => ({ status, retryAfterMs: status === 429 ? 5_000 : null, text: '' }))
    await told('a', { kind: 'case_opened' })
    await rig.pass(3 * hourMs, 5 * minuteMs)
    expect(rig.world.posts).toHaveLength(posted)
    expect(await stateOf('chat')).toMatchObject({ state, reason })
  })

  it('that stay broken, or busy, are given up after a bounded number of attempts', async () => {
    await rig.notifications.setChat(priya, 'own', url)
    await chooses('case_opened', { email: 'off', chat: 'at_once' })
    rig.world.answers = Array.from({ length: 500 }, (_none, at) => ({ status: at % 2 === 0 ? 500 : 429, retryAfterMs: 1_000, text: '' }))
    await told('a', { kind: 'case_opened' })
    await rig.pass(6 * hourMs, 5 * minuteMs)
    expect(await stateOf('chat')).toMatchObject({ state: 'failed' })
    expect(500 - rig.world.answers.length).toBe(12)
  })

  it('that may have taken it are not asked again', async () => {
    await rig.notifications.setChat(priya, 'own', url)
    await chooses('case_opened', { email: 'off', chat: 'at_once' })
    rig.world.answers = [new CodedError('outbound_uncertain', '?')]
    await told('a', { kind: 'case_opened' })
    await rig.pass(3 * hourMs, 5 * minuteMs)
    expect(rig.world.posts).toEqual([])
    expect(await stateOf('chat')).toMatchObject({ state: 'uncertain', reason: 'chat_uncertain' })
  })
})

describe('e-mails', () => {
  it('are tried again when the server cannot be reached', async () => {
    rig.world.mailFaults.push(new CodedError('mail_failed', 'no'), new CodedError('mail_failed', 'no'))
    await told('case', { kind: 'case_opened' })
    await rig.pass(hourMs)
    expect(rig.world.mails).toHaveLength(1)
  })

  it.each([['it is unknown whether the server took it', new CodedError('mail_uncertain', '?'), 'uncertain'], ['the server refused it for good', new PermanentError('mail_refused', 'no'), 'failed']])(
    'are not sent again when %s, and that is said',
    async (_what, fault, state) => {
      rig.world.mailFaults.push(fault)
      await told('case', { kind: 'case_opened' })
      await rig.pass(5 * hourMs, 10 * minuteMs)
      expect(rig.world.mails).toEqual([])
      expect(await stateOf('email')).toMatchObject({ state })
    },
  )

  it('are not sent again after a crash between sending and recording', async () => {
    const dying = await rig.another({ mailer: { send: (mail) => { rig.world.mails.push(mail); return new Promise(() => undefined) }, close: () => undefined } })
    await dying.notify(rig.notice('case', { kind: 'case_opened' }))
    rig.clock.advanceMs(6 * minuteMs)
    void dying.pumps[0]!.drain()
    while (rig.world.mails.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await rig.pass(2 * hourMs, 10 * minuteMs)
    expect(rig.world.mails).toHaveLength(1)
    expect(await stateOf('email')).toMatchObject({ state: 'uncertain', reason: 'not_recorded' })
  })

  it('do not follow somebody who left, or an agency that removed the app', async () => {
    await told('a', { kind: 'case_opened' })
    rig.world.team = rig.world.team.filter(({ userId }) => userId !== 'priya')
    await rig.pass(10 * minuteMs)
    expect(await stateOf('email')).toMatchObject({ state: 'not_sent', reason: 'left_team' })
    rig.world.live = false
    await told('b', { kind: 'case_opened', ownerId: 'tom' })
    await rig.pass(10 * minuteMs)
    expect(rig.world.mails).toEqual([])
  })

  it('whose item was lost are taken up by the sweep', async () => {
    await told('a', { kind: 'case_opened' })
    await rig.store.connection.collection('notification_sends').deleteMany({})
    await rig.pass(hourMs, 10 * minuteMs)
    expect(rig.world.mails).toEqual([])
    expect(await rig.notifications.sweep(10)).toBe(1)
    await rig.drain()
    expect(rig.world.mails).toHaveLength(1)
  })
})
