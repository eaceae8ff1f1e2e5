import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { dayMs, hourMs, minuteMs } from '../../src/kernel/clock.ts'
import type { Contact, Message, Task } from '../sandbox/index.ts'
import { startProduct, type Client, type Process, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'
import { createRunningClock } from './support/running-clock.ts'

// A Tuesday at noon in New York: nobody's quiet hours.
const clock = createRunningClock(new Date('2026-11-03T17:00:00Z'))

let product: Product
let second: Process
let headquartersId: string
let people: { locationId: string; userId: string }[]

beforeAll(async () => {
  product = await startProduct({ clock, sandbox: { seed: { accounts: 9, usersPerAccount: 1 } } })
  ;({ headquartersId } = await product.setUp())
  people = []
  for (let index = 0; index < 9; index += 1) people.push(await product.enableFeedback(index))
  second = await product.another()
  const patch = { messages: { holdSeconds: 0, quietHours: { enabled: false } } }
  expect((await product.admin().send('PATCH', '/api/settings', patch)).status).toBe(200)
  await product.settled()
}, 60_000)

afterAll(() => product.stop())

/** Sessions last half an hour; a fresh one for every step of a long story. */
const admin = (): Client => product.as({ userId: product.sandbox.company().admin.id })

let answers = 0
async function answer(who: { locationId: string; userId: string }, level: string, comment?: string): Promise<void> {
  answers += 1
  const { status } = await product.as(who).send('POST', '/api/answers', { level, idempotencyKey: `answer-number-${answers}`, ...(comment === undefined ? {} : { comment }) })
  expect(status).toBe(201)
  await product.settled()
}

async function pass(durationMs: number): Promise<void> {
  clock.advanceMs(durationMs)
  await product.settled()
  for (const pump of second.app.services.pumps) await pump.drain()
  await product.settled()
}

function contactOf({ userId }: { userId: string }): Contact | undefined {
  const { email } = product.sandbox.state.users.get(userId)!
  return product.sandbox.state.contacts.by('location', headquartersId).find((contact) => contact.email === email)
}

function messagesTo(who: { userId: string }): Message[] {
  const contact = contactOf(who)
  return product.sandbox.state.messages.values().filter((message) => message.contactId === contact?.id && message.direction === 'outbound')
}

function tasksOf(who: { userId: string }): Task[] {
  const contact = contactOf(who)
  return product.sandbox.state.tasks.values().filter((task) => task.contactId === contact?.id)
}

async function runsOf(key: string, userId: string): Promise<{ state: string; reason: string | null }[]> {
  const { body } = await admin().get(`/api/workflows/${key}/runs?pageSize=100`)
  return (body.items as { userId: string; state: string; reason: string | null }[]).filter((run) => run.userId === userId)
}

const titles = async (): Promise<string[]> => ((await admin().get('/api/notifications?pageSize=100')).body.items as { title: string }[]).map((one) => one.title)

describe('a follow-up', () => {
  it('reaches nobody as a draft, not even those who answered before it was published', async () => {
    await answer(people[0]!, 'not_happy', 'The calls are late.')
    await pass(2 * hourMs)
    expect(messagesTo(people[0]!)).toEqual([])
    const { body } = await admin().send('POST', '/api/workflows/not_happy_support/publish')
    expect(body.state).toBe('published')
    await pass(2 * hourMs)
    expect(messagesTo(people[0]!)).toEqual([])
    expect((await product.as({ userId: product.sandbox.company().staff[0]!.id }).send('POST', '/api/workflows/neutral_check_in/publish')).status).toBe(403)
  })

  it('that is published arrives once, after its delay, in the agency\'s words, though two processes work on it', async () => {
    const who = people[1]!
    expect((await admin().send('PATCH', '/api/workflows/not_happy_support', { copy: { subject: 'About {{ account.name }}' }, delayMinutes: 30 })).status).toBe(200)
    await answer(who, 'not_happy', 'Nobody <b>called</b> back.')
    await pass(29 * minuteMs)
    expect(messagesTo(who)).toEqual([])
    clock.advanceMs(2 * minuteMs)
    await Promise.all([...product.app.services.pumps, ...second.app.services.pumps].map((pump) => pump.drain()))
    const sent = await until('the message', () => messagesTo(who).length > 0 && messagesTo(who))
    await pass(hourMs)
    await pass(dayMs)
    expect(messagesTo(who)).toHaveLength(1)
    const account = product.sandbox.state.locations.get(who.locationId)!
    expect(sent[0]).toMatchObject({ channel: 'Email', subject: `About ${account.name}`, to: product.sandbox.state.users.get(who.userId)!.email })
    expect(sent[0]!.body).toContain(product.sandbox.state.users.get(who.userId)!.firstName)
    expect(sent[0]!.body).not.toContain('<b>called</b>')
    expect(await runsOf('not_happy_support', who.userId)).toMatchObject([{ state: 'done' }])
  })

  it('ends when the person writes first', async () => {
    const who = people[2]!
    await answer(who, 'not_happy')
    await until('the contact', () => contactOf(who))
    product.sandbox.reply(contactOf(who)!.id, 'Please call me.')
    await until('the run ended', async () => (await runsOf('not_happy_support', who.userId))[0]?.state === 'stopped', 15_000, 200)
    await pass(2 * hourMs)
    expect(messagesTo(who)).toEqual([])
  })

  it('ends when the person is happier before it leaves', async () => {
    const who = people[3]!
    await answer(who, 'not_happy')
    await pass(5 * minuteMs)
    await answer(who, 'very_happy')
    await pass(2 * hourMs)
    expect(messagesTo(who)).toEqual([])
    expect(await runsOf('not_happy_support', who.userId)).toMatchObject([{ state: 'stopped', reason: expect.stringMatching(/recover|level/) }])
  })

  it('that is paused takes back what has not left', async () => {
    const who = people[4]!
    await answer(who, 'not_happy')
    expect((await admin().send('POST', '/api/workflows/not_happy_support/pause')).status).toBe(200)
    await pass(2 * hourMs)
    expect(messagesTo(who)).toEqual([])
    expect((await admin().send('POST', '/api/workflows/not_happy_support/publish')).status).toBe(200)
    await pass(2 * hourMs)
    expect(messagesTo(who)).toEqual([])
  })

  it('waits out the hold before a send and the quiet hours of the recipient', async () => {
    const who = people[5]!
    const quiet = { enabled: true, from: '00:00', to: '23:59' }
    expect((await admin().send('PATCH', '/api/settings', { messages: { holdSeconds: 600, quietHours: quiet } })).status).toBe(200)
    await answer(who, 'not_happy')
    await pass(31 * minuteMs)
    expect((await runsOf('not_happy_support', who.userId))[0]).toMatchObject({ state: 'active', reason: null })
    await pass(10 * minuteMs)
    expect((await runsOf('not_happy_support', who.userId))[0]).toMatchObject({ state: 'active', reason: 'quiet_hours' })
    await pass(2 * hourMs)
    expect(messagesTo(who)).toEqual([])
    expect((await admin().send('PATCH', '/api/settings', { messages: { holdSeconds: 0, quietHours: { enabled: false } } })).status).toBe(200)
    await pass(dayMs)
    await until('the message', () => messagesTo(who).length === 1)
  })

  it('counts with all others towards one message per person a week', async () => {
    const who = people[1]!
    expect((await admin().send('POST', '/api/workflows/neutral_check_in/publish')).status).toBe(200)
    const before = messagesTo(who).length
    await answer(who, 'neutral')
    await pass(3 * hourMs)
    expect(messagesTo(who)).toHaveLength(before)
    await pass(8 * dayMs)
    const after = messagesTo(who).length
    await answer(who, 'neutral')
    await pass(3 * hourMs)
    await until('the next one', () => messagesTo(who).length === after + 1)
  })

  it('whose message was accepted but not answered is not sent twice', async () => {
    const who = people[6]!
    await answer(who, 'not_happy')
    product.sandbox.faults.next({ method: 'POST', path: /^\/conversations\/messages/ }, { acceptThen: 'reset' })
    await pass(31 * minuteMs)
    await pass(minuteMs)
    await pass(15 * minuteMs)
    expect(product.sandbox.faults.injected()['accept then reset']).toBe(1)
    expect(messagesTo(who)).toHaveLength(1)
    expect(await runsOf('not_happy_support', who.userId)).toMatchObject([{ state: 'done' }])
  })
})

describe('the team', () => {
  it('is told of every answer, gets a case and a task for Not Happy, and hears when the case is overdue', async () => {
    const who = people[7]!
    await answer(who, 'not_happy', 'It broke again.')
    const account = product.sandbox.state.locations.get(who.locationId)!
    await until('told', async () => (await titles()).filter((title) => title.startsWith(account.name)).length >= 2, 15_000, 200)
    const task = await until('the task', () => tasksOf(who)[0])
    expect(task.title).toContain('Not Happy')
    expect(task.body).toContain('It broke again.')
    expect(tasksOf(who)).toHaveLength(1)
    const { body } = await admin().get(`/api/cases?state=open&locationId=${who.locationId}`)
    expect(body.items).toMatchObject([{ userId: who.userId, comment: 'It broke again.', overdue: false }])

    await pass(25 * hourMs)
    await Promise.all([product, second].map((process) => process.app.services.cases.markOverdue(100)))
    await product.settled()
    await until('told again', async () => (await titles()).some((title) => title.startsWith(account.name) && title.includes('overdue')), 15_000, 200)
    expect((await titles()).filter((title) => title.startsWith(account.name) && title.includes('overdue'))).toHaveLength(1)
    const caseId = (body.items as { caseId: string }[])[0]!.caseId
    expect((await admin().get(`/api/cases/${caseId}`)).body.overdue).toBe(true)
    const refused = await admin().send('POST', `/api/cases/${caseId}/close`, { outcome: 'withdrawn', note: 'x' })
    expect(refused.status).toBe(400)
    expect((await admin().send('POST', `/api/cases/${caseId}/close`, { outcome: 'resolved', note: 'Replaced it.' })).body).toMatchObject({ state: 'closed', outcome: 'resolved' })
    expect((await admin().send('POST', `/api/cases/${caseId}/close`, { outcome: 'resolved', note: 'Again.' })).status).toBe(409)
  })

  it('need not call a person who changed the answer for the better: the case is withdrawn and its task completed', async () => {
    const who = people[8]!
    const user = product.as(who)
    const given = await user.send('POST', '/api/answers', { level: 'not_happy', idempotencyKey: 'answer-to-be-changed' })
    const task = await until('the task', async () => (await product.settled(), tasksOf(who)[0]))
    expect(task.completed).toBe(false)
    expect((await user.send('PATCH', `/api/answers/${(given.body as { answerId: string }).answerId}`, { level: 'happy' })).status).toBe(200)
    await until('the task completed', async () => (await product.settled(), tasksOf(who)[0]?.completed === true))
    expect(tasksOf(who)).toHaveLength(1)
    expect((await admin().get(`/api/cases?locationId=${who.locationId}`)).body.items).toMatchObject([{ state: 'closed', outcome: 'withdrawn' }])
    const { body } = await admin().get(`/api/accounts/${who.locationId}/timeline`)
    expect((body.items as { type: string }[]).filter(({ type }) => type === 'task.completed')).toHaveLength(1)
  })

  it('reads each notification once', async () => {
    const { body } = await admin().get('/api/notifications')
    expect(body.unread).toBeGreaterThan(0)
    expect((await admin().send('POST', '/api/notifications/read', { all: true })).status).toBe(200)
    expect((await admin().get('/api/notifications')).body.unread).toBe(0)
    const csm = product.as({ userId: product.sandbox.company().staff[0]!.id })
    expect((await csm.get('/api/notifications')).body.unread).toBeGreaterThan(0)
  })
})
