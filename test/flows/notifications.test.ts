import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { notificationGroups, preferenceList, traceList, whyAnswer } from '../../src/http/contract/notifications.ts'
import { hourMs, minuteMs } from '../../src/kernel/clock.ts'
import { startMailServer, type MailServer } from '../support/mail-server.ts'
import { startProduct, type Client, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'
import { createRunningClock } from './support/running-clock.ts'

// A Tuesday at noon in New York.
const clock = createRunningClock(new Date('2026-11-03T17:00:00Z'))
const posts: { url: string; body: unknown }[] = []

let product: Product
let mails: MailServer
let headquartersId: string
let people: { locationId: string; userId: string }[]

beforeAll(async () => {
  mails = await startMailServer()
  product = await startProduct({
    clock,
    sandbox: { seed: { accounts: 3, usersPerAccount: 1, companies: 2 } },
    env: { SMTP_URL: mails.url, MAIL_FROM: 'Notices <notices@server.example>' },
    outbound: { post: async (url, body) => { posts.push({ url, body }); return { status: 200, retryAfterMs: null, text: 'ok' } } },
  })
  ;({ headquartersId } = await product.setUp())
  people = []
  for (let index = 0; index < 3; index += 1) people.push(await product.enableFeedback(index))
}, 60_000)
afterAll(async () => {
  await product.stop()
  await mails.stop()
})

/** Sessions last half an hour; a fresh one for every step of a long story. */
const admin = (): Client => product.as({ userId: product.sandbox.company().admin.id })
const csm = (): Client => product.as({ userId: product.sandbox.company().staff[0]!.id })
async function pass(durationMs: number): Promise<void> {
  clock.advanceMs(durationMs)
  await product.settled()
}

describe('a Not Happy answer', () => {
  it('is one e-mail with all that it caused, one message in each chat, one task, and one group in the app, each with its reasons', async () => {
    const [who] = people
    const owner = product.sandbox.company().staff[0]!
    expect((await admin().send('POST', '/api/accounts/bulk', { locationIds: [who!.locationId], action: 'assign_csm', csmUserId: owner.id })).status).toBe(200)
    await pass(6 * minuteMs)
    const before = mails.received.length
    expect((await csm().send('PUT', '/api/notifications/chat', { url: 'https://hooks.slack.com/services/T/B/own' })).body).toMatchObject({ set: true, host: 'hooks.slack.com', format: 'slack' })
    expect((await admin().send('PUT', '/api/notifications/agency-chat', { url: 'https://acme.webhook.office.com/secret' })).status).toBe(200)
    expect((await admin().send('PATCH', '/api/settings', { notices: { agencyChat: { case_opened: 'at_once' } } })).status).toBe(200)
    const chosen = await csm().send('PUT', '/api/notifications/preferences', {
      items: [{ kind: 'case_opened', channels: { chat: 'at_once', task: 'at_once' } }, { kind: 'feedback_received', channels: { email: 'at_once' } }],
    })
    expect(preferenceList.parse(chosen.body).timing.zone).toBe('America/New_York')

    await product.answer(who!, 'not_happy', { comment: 'Invoices arrive twice.' })
    await product.settled()
    await until('the lines', async () => ((await csm().get('/api/notifications')).body.total as number) >= 3)
    await pass(6 * minuteMs)
    await until('the e-mail', () => mails.received.length > before)
    await until('the chats', () => posts.length >= 2)
    const mine = mails.received.slice(before)
    expect(mine).toHaveLength(1)
    expect(mine[0]).toMatch(/multipart\/alternative/)
    expect(mine[0]).toMatch(/From: .* <notices@server\.example>/)
    expect(posts.map(({ url }) => new URL(url).host).sort()).toEqual(['acme.webhook.office.com', 'hooks.slack.com'])
    const tasksForOwner = () => product.sandbox.state.tasks.values().filter((task) => task.assignedTo === owner.id && task.title.includes('is Not Happy'))
    await until('the task', async () => (await product.settled(), tasksForOwner().length > 0))
    const tasks = tasksForOwner()
    expect(tasks).toHaveLength(1)
    expect(product.sandbox.state.contacts.get(tasks[0]!.contactId)?.locationId).toBe(headquartersId)

    const groups = notificationGroups.parse((await csm().get('/api/notifications/groups')).body)
    const group = groups.items.find(({ locationId }) => locationId === who!.locationId)
    expect(group?.lines.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['case_opened', 'feedback_received']))
    const line = group!.lines.find(({ kind }) => kind === 'case_opened')!
    const why = whyAnswer.parse((await csm().get(`/api/notifications/${line.id}/why`)).body)
    expect(why.items[0]?.you.channels.map(({ channel, state }) => [channel, state])).toEqual([['in_app', 'shown'], ['email', 'sent'], ['task', 'sent'], ['chat', 'sent']])
    expect((await csm().get(`/api/notifications/${line.id}/why`)).status).toBe(200)
    expect((await admin().get(`/api/notifications/${line.id}/why`)).status).toBe(404)
    const missed = traceList.parse((await admin().get(`/api/notifications/decisions?kind=case_opened&locationId=${who!.locationId}`)).body)
    expect(missed.items[0]?.you).toMatchObject({ told: false, says: expect.stringMatching(/^It is for whoever looks after it, and went to \S/) })
  })
})

describe('an overdue case', () => {
  it('reaches the owner, a day later the leads, and no one any more once somebody takes it on or closes it', async () => {
    const [who] = people
    const [opened] = (await csm().get('/api/cases?state=open')).body.items as { caseId: string; locationId: string }[]
    expect(opened?.locationId).toBe(who!.locationId)
    const escalated = async (client: Client): Promise<number> => ((await client.get('/api/notifications?kind=case_escalated')).body.items as { count: number }[]).reduce((sum, { count }) => sum + count, 0)
    const look = async (hours: number): Promise<void> => {
      for (let hour = 0; hour < hours; hour += 1) {
        clock.advanceMs(hourMs)
        await product.app.services.cases.markOverdue(100)
      }
      await product.settled()
    }
    await look(25)
    await until('the owner knows', async () => ((await csm().get('/api/notifications?kind=case_overdue')).body.total as number) === 1)
    expect(await escalated(admin())).toBe(0)
    await look(24)
    await until('the leads know', async () => (await escalated(admin())) === 1)
    expect(await escalated(csm())).toBe(1)
    const taken = await csm().send('POST', `/api/cases/${opened!.caseId}/acknowledge`, { hours: 48 })
    expect(taken.body).toMatchObject({ state: 'open', escalations: 1, acknowledged: { untilAt: expect.any(String) } })
    await look(40)
    expect(await escalated(admin())).toBe(1)
    expect((await csm().send('POST', `/api/cases/${opened!.caseId}/close`, { outcome: 'resolved', note: 'Switched off.' })).status).toBe(200)
    await look(30)
    expect(await escalated(admin())).toBe(1)
    expect((await csm().send('POST', `/api/cases/${opened!.caseId}/acknowledge`, {})).status).toBe(409)
  }, 60_000)
})

describe('bad input', () => {
  it.each([
    ['PUT', '/api/notifications/preferences', { items: [{ kind: 'nothing', channels: { email: 'off' } }] }, 422, 'unknown_kind'],
    ['PUT', '/api/notifications/preferences', { items: [{ kind: 'case_opened', channels: { task: 'daily' } }] }, 400, 'must be one of off, at_once'],
    ['PUT', '/api/notifications/preferences', { zone: 'Mars/Base' }, 400, 'must be a time zone such as'],
    ['PUT', '/api/notifications/preferences', { digestAt: '25:00' }, 400, 'HH:MM'],
    ['PUT', '/api/notifications/preferences', { quietHours: { enabled: true, from: '20:00' } }, 400, 'quietHours'],
    ['PUT', '/api/notifications/chat', { url: 'http://hooks.slack.com/x' }, 400, 'must be an https address'],
    ['PUT', '/api/notifications/chat', { url: 'https://user:pw@hooks.slack.com/x' }, 422, 'user name'],
    ['POST', '/api/notifications/read', { locationId: 7 }, 400, 'must be'],
    ['PATCH', '/api/settings', { notices: { kinds: { case_opened: { in_app: 'weekly' } } } }, 400, 'in_app'],
  ] as const)('%s %s %j is %i', async (method, path, body, status, says) => {
    const answer = await admin().send(method, path, body)
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(says)])
  })

  it('is another agency’s account, a chat that is not there, or the agency’s chat for somebody who is no admin', async () => {
    const other = product.sandbox.state.companies.values().find((company) => company.id !== product.companyId)!
    await product.sandbox.install({ companyId: other.id })
    await until('the other agency is known', async () => (await product.app.services.accounts.progress(other.id)).firstDoneAt !== null)
    const theirs = product.sandbox.company(other.id).accounts[0]!.id
    expect((await admin().send('PUT', `/api/notifications/watches/${theirs}`, { watching: true })).status).toBe(404)
    expect((await admin().get('/api/notifications/watches')).body).toEqual({ locationIds: [] })
    expect((await admin().get(`/api/notifications/decisions?locationId=${theirs}`)).body).toMatchObject({ items: [], total: 0 })
    expect((await admin().send('POST', '/api/notifications/chat/test')).status).toBe(404)
    expect((await csm().send('PUT', '/api/notifications/agency-chat', { url: 'https://hooks.slack.com/x' })).status).toBe(403)
    expect((await product.as(people[0]!).get('/api/notifications/groups')).status).toBe(403)
  })

  it('never shows the address of a chat, in no answer and in no line of the log', async () => {
    const seen = JSON.stringify([(await csm().get('/api/notifications/preferences')).body, (await admin().get('/api/settings')).body]) + product.logLines.join('\n')
    expect(seen).not.toMatch(/services\/T\/B\/own|webhook\.office\.com\/secret/)
  })
})
