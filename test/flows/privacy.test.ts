import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { hourMs, minuteMs } from '../../src/kernel/clock.ts'
import { until } from '../support/until.ts'
import { openTwoAgencies, type TwoAgencies } from './support/two-agencies.ts'

/** A copy of everything, and forgetting one person, over HTTP. */
let stage: TwoAgencies
let locationId: string
let accountName: string
/** Ahead of the machine's clock by this. */
let aheadMs = 0
/** Passings of `point` until the process "dies" there; null: it lives. */
let crash: { point: string; left: number } | null = null
/** What happens once when `point` is passed; null: nothing. */
let meanwhile: { point: string; run: () => void } | null = null

const clock = { nowMs: () => Date.now() + aheadMs, now: () => new Date(Date.now() + aheadMs) }
const quarterMs = 16 * minuteMs

interface Somebody {
  userId: string
  locationId: string
  marks: string[]
}

beforeAll(async () => {
  stage = await openTwoAgencies({
    clock,
    faultPoint(name) {
      if (meanwhile?.point === name) {
        const { run } = meanwhile
        meanwhile = null
        run()
      }
      if (crash?.point !== name) return
      crash.left -= 1
      if (crash.left > 0) return
      crash = null
      throw new Error('The process died here.')
    },
  })
  locationId = stage.theirs['locationId']!
  accountName = (await stage.admin.get(`/api/accounts/${locationId}`)).body.name
}, 90_000)
afterAll(() => stage.product.stop())

const services = () => stage.product.app.services
/** Signs in anew: the clock is moved further than a session lasts. */
const admin = () => stage.product.as({ userId: stage.product.sandbox.company().admin.id })
const erase = (who: { userId: string; locationId: string }) => admin().send('POST', '/api/privacy/erase', { locationId: who.locationId, userId: who.userId })
const erasures = async () => (await admin().get('/api/privacy/erasures')).body.items as { erasureId: string; state: string; locationIds: string[] }[]

/** A new person of the account who has said something, is in a case, in notices, on a contact and on a card. */
async function somebody(lastName: string, options: { at?: string; level?: string; email?: string; comment?: string } = {}): Promise<Somebody> {
  const { product } = stage
  const { at = locationId, level = 'not_happy', email = `quentin@${lastName.toLowerCase()}.example`, comment = `The ${lastName} invoices came twice.` } = options
  const { id: userId } = product.sandbox.createUser({ locationId: at, firstName: 'Quentin', lastName, email })
  await until('known', async () => (await services().accounts.user(product.companyId, at, userId)) !== null)
  expect((await product.answer({ userId, locationId: at }, level, { comment })).status).toBe(201)
  await product.settled()
  return { userId, locationId: at, marks: [lastName, email, comment] }
}

/** Every record of the store that has one of these texts in it. */
async function traces(texts: readonly string[]): Promise<string[]> {
  const db = stage.product.connection.db!
  const found: string[] = []
  for (const { name } of await db.listCollections().toArray()) {
    for await (const record of db.collection(name).find({})) {
      const text = JSON.stringify(record)
      for (const wanted of texts) if (text.includes(wanted)) found.push(`${name}: ${wanted}: ${text.slice(0, 300)}`)
    }
  }
  return found
}

/** A quarter of an hour later, once what was under way has ended. */
async function lastPass(): Promise<void> {
  await stage.product.settled()
  aheadMs += quarterMs
  await services().privacy.workDue(20)
  await stage.product.settled()
}

describe('the copy of everything', () => {
  it('of one account is one JSON document with what was said, decided and done', async () => {
    const { status, body, headers } = await stage.admin.get(`/api/privacy/export?locationId=${locationId}`)
    expect(status).toBe(200)
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="account-\d{4}-\d\d-\d\d\.json"$/)
    expect(body.accounts).toHaveLength(1)
    const [copy] = body.accounts
    expect(copy.account).toMatchObject({ locationId, name: accountName })
    expect(copy.users.length).toBeGreaterThanOrEqual(2)
    expect(copy.answers[0]).toMatchObject({ level: 'not_happy', comment: expect.stringContaining('Zebulon') })
    expect(copy.cases).toHaveLength(1)
    expect((copy.timeline as { type: string }[]).map(({ type }) => type)).toEqual(expect.arrayContaining(['feedback.received', 'case.opened']))
    expect(copy.points[0]).toMatchObject({ points: -50 })
    expect(body.settings).toBeUndefined()
  })

  it('of the agency has every account, the team and the settings; as CSV the answers', async () => {
    const { body } = await stage.admin.get('/api/privacy/export')
    expect(body.accounts.length).toBe((await stage.admin.get('/api/accounts')).body.total)
    expect(body.settings.values.prompt.answeredDays).toBe(30)
    expect(body.team.length).toBeGreaterThan(0)
    const table = await stage.admin.get('/api/privacy/export?format=csv')
    expect(table.headers.get('content-type')).toContain('text/csv')
    const lines = (table.body as string).split('\r\n')
    expect(lines.filter((line) => line.startsWith('Answered,'))).toHaveLength(1)
    expect(lines.filter((line) => line.includes('Not Happy') && line.includes('Zebulon'))).toHaveLength(1)
  })

  it('is for the agency’s own admins', async () => {
    for (const path of [`/api/privacy/export?locationId=${locationId}`, `/api/privacy/export?locationId=${locationId}&format=csv`]) {
      expect((await stage.otherAdmin.get(path)).status).toBe(404)
      expect((await stage.staff.get(path)).status).toBe(403)
    }
    const { body } = await stage.otherAdmin.get('/api/privacy/export')
    for (const mark of stage.marks) expect(JSON.stringify(body)).not.toContain(mark)
  })
})

describe('forgetting somebody', () => {
  it('is refused for who is not this agency’s, for staff, and to who is no admin; nothing changes', async () => {
    const { otherAdmin, staff, theirs, ours, product } = stage
    await Promise.all([stage.admin.token(), staff.token(), otherAdmin.token()])
    await product.settled()
    const before = await stage.recordsOf(product.companyId)
    const them = { locationId, userId: theirs['userId']! }
    expect((await otherAdmin.send('POST', '/api/privacy/erase', them)).status).toBe(404)
    expect((await otherAdmin.send('POST', '/api/privacy/erase', { locationId: ours['locationId'], userId: theirs['userId'] })).status).toBe(404)
    expect((await staff.send('POST', '/api/privacy/erase', them)).status).toBe(403)
    expect((await stage.admin.send('POST', '/api/privacy/erase', { locationId, userId: 'nobody' })).status).toBe(404)
    expect((await stage.admin.send('POST', '/api/privacy/erase', { locationId, userId: product.sandbox.company().staff[0]!.id })).status).toBe(404)
    expect((await stage.admin.send('POST', '/api/privacy/erase', { locationId })).status).toBe(400)
    expect((await stage.admin.get('/api/privacy/erasures')).body.items).toEqual([])
    expect(await stage.recordsOf(product.companyId)).toBe(before)
  })

  it('takes who they are out of every record at once, and the last trace of their id after a quarter of an hour; figures and the CRM stay', async () => {
    const who = await somebody('Zaphodson')
    const { sandbox, companyId } = stage.product
    expect((await traces(who.marks)).length).toBeGreaterThan(5)
    const contactsBefore = JSON.stringify(sandbox.state.contacts.values().filter(({ email }) => email === who.marks[1]))
    expect(contactsBefore).toContain('Quentin')

    const { status, body } = await erase(who)
    expect(status).toBe(200)
    expect(body).toMatchObject({ state: 'checking', locationIds: [locationId] })
    expect(await traces(who.marks)).toEqual([])
    // Again is the same.
    expect((await erase(who)).body).toEqual(body)
    const shown = JSON.stringify([await admin().get(`/api/accounts/${locationId}/users?removed=true`), (await admin().get(`/api/privacy/export?locationId=${locationId}`)).body.accounts[0].users])
    expect(shown).toContain(stage.theirs['userId'])
    expect(shown).not.toContain(who.userId)

    await lastPass()
    expect(await erasures()).toMatchObject([{ erasureId: body.erasureId, state: 'done' }])
    expect(await traces([...who.marks, who.userId])).toEqual([])
    expect((await erase(who)).body).toMatchObject({ erasureId: body.erasureId, state: 'done' })

    const [copy] = (await admin().get(`/api/privacy/export?locationId=${locationId}`)).body.accounts
    expect(copy.answers).toHaveLength(2)
    expect(copy.answers[0]).toMatchObject({ level: 'not_happy', comment: null, userName: 'Somebody' })
    expect((copy.cases as { userName: string }[]).find(({ userName }) => userName === 'Somebody')).toMatchObject({ state: 'closed', outcome: 'no_action' })
    const told = (copy.timeline as { type: string }[]).filter(({ type }) => type === 'privacy.person_forgotten')
    expect(told).toMatchObject([{ userId: null, actor: { kind: 'agency_user', id: sandbox.company().admin.id, name: null } }])
    // Their opinion counts no longer; the other person's does.
    expect(await services().happiness.reading(companyId, locationId)).toMatchObject({ level: 'not_happy', coverage: { answered: 1 } })
    expect(JSON.stringify(sandbox.state.contacts.values().filter(({ email }) => email === who.marks[1]))).toBe(contactsBefore)
  }, 60_000)

  it('is for good: no late event, no reading of the CRM, no visit and no link brings them back', async () => {
    const who = await somebody('Yggdrasil')
    const { product } = stage
    const { sandbox, companyId } = product
    const visitor = product.as(who)
    await visitor.token()
    const link = (await admin().send('POST', `/api/accounts/${locationId}/users/${who.userId}/feedback-link`, {})).body.url as string
    await erase(who)
    for (const round of ['between the passes', 'afterwards']) {
      sandbox.updateUser(who.userId, { firstName: 'Quentin', lastName: 'Yggdrasil', phone: '+15551234567' })
      await product.settled()
      await services().accounts.mirror(companyId, { kind: 'agency' })
      await product.settled()
      expect({ round, user: (await services().accounts.users(companyId, locationId)).filter(({ userId }) => userId === who.userId) }).toEqual({ round, user: [] })
      aheadMs += 10_000
      expect({ round, status: (await visitor.send('POST', '/api/answers', { level: 'happy', comment: 'Yggdrasil again', idempotencyKey: `again-${round}` })).status }).toEqual({ round, status: 401 })
      await expect(product.as(who).token()).rejects.toThrow('401')
      const answered = await fetch(`${product.url}${new URL(link).pathname}`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'level=happy' })
      expect({ round, status: answered.status }).toEqual({ round, status: 410 })
      await lastPass()
    }
    expect((await traces(who.marks)).filter((trace) => !trace.startsWith('inbox:'))).toEqual([])
  }, 60_000)

  it('reaches into every room, and leaves a namesake at another customer alone', async () => {
    const { product } = stage
    const { sandbox, companyId } = product
    const other = sandbox.company().accounts.find(({ id }) => id !== locationId)!.id
    await admin().send('PUT', `/api/accounts/${other}/feedback`, { enabled: true })
    expect((await admin().send('PUT', `/api/accounts/${other}/health`, { level: 'steady', note: 'All is calm.' })).status).toBe(200)
    const workflow = sandbox.createWorkflow(sandbox.company().headquarters.id, 'After an answer')
    const trigger = await sandbox.builder.addTrigger({ workflowId: workflow.id, key: 'happiness_level_changed', filters: [{ field: 'reading', value: 'person' }] })
    aheadMs += minuteMs
    // The first answer of this account, which is good news; the same name in the other one.
    const who = await somebody('Vandermolen', { at: other, level: 'very_happy' })
    const namesake = await somebody('Vandermolen', { email: 'another@molen.example', comment: 'The namesake likes it.' })
    await until('the workflow was started for both', () => sandbox.builder.executions(trigger.id).length >= 2)
    const contact = await until('the contact', () => sandbox.state.contacts.values().find(({ email }) => email === who.marks[1]))
    // What the team did about it, with their name and without; they have seen it.
    const { sayings } = (await admin().get(`/api/accounts/${other}/deeds`)).body as { sayings: { userId: string; answerId: string }[] }
    const { answerId } = sayings.find(({ userId }) => userId === who.userId)!
    for (const text of ['Called Quentin Vandermolen back.', 'Made the invoice one page.']) expect((await admin().send('POST', `/api/accounts/${other}/deeds`, { text, answerId, shown: true })).status).toBeLessThan(300)
    const reader = product.as({ userId: who.userId, locationId: other })
    const read = (await reader.get('/api/me/feedback')).body.deeds as { deedId: string }[]
    expect((await reader.send('POST', '/api/me/deeds/seen', { deedId: read[0]!.deedId })).status).toBeLessThan(300)
    expect((await traces([who.userId])).map((trace) => trace.split(':')[0])).toEqual(expect.arrayContaining(['deeds', 'deed_seen']))
    // What they show and write in the CRM.
    sandbox.updateContact(contact.id, { fields: { 'Health Status': 'Thriving' } })
    sandbox.reply(contact.id, 'Please call me about the umbrella.')
    await product.settled()
    await until('the status', async () => (await admin().get(`/api/accounts/${other}`)).body.health.level === 'thriving')
    expect(await traces(['Please call me about the umbrella.'])).toHaveLength(1)
    expect([...new Set((await traces([who.userId])).map((trace) => trace.split(':')[0]))]).toEqual(expect.arrayContaining(['health_readings', 'marketplace_executions', 'workflow_runs', 'inbox']))
    expect((await traces([who.marks[2]!])).map((trace) => trace.split(':')[0])).toContain('today_news')

    expect((await erase(who)).status).toBe(200)
    await lastPass()
    expect((await erasures())[0]).toMatchObject({ state: 'done' })
    expect(await traces([who.userId, who.marks[1]!, who.marks[2]!, 'Please call me about the umbrella.'])).toEqual([])
    expect((await admin().get(`/api/accounts/${other}`)).body.health.level).toBe('thriving')
    expect((await admin().get(`/api/accounts/${other}/deeds`)).body.items).toMatchObject([{ text: 'Made the invoice one page.', said: null, shown: true }])
    const [copyOfOther] = (await admin().get(`/api/privacy/export?locationId=${other}`)).body.accounts
    expect(copyOfOther.deeds).toMatchObject([{ text: 'Made the invoice one page.' }])
    const [copy] = (await admin().get(`/api/privacy/export?locationId=${locationId}`)).body.accounts
    expect((copy.answers as { userId: string }[]).find(({ userId }) => userId === namesake.userId)).toMatchObject({ userName: 'Quentin Vandermolen', comment: 'The namesake likes it.' })
    expect((await traces([namesake.userId])).map((trace) => trace.split(':')[0])).toEqual(expect.arrayContaining(['marketplace_executions', 'workflow_runs']))
    expect(await services().accounts.user(companyId, locationId, namesake.userId)).toMatchObject({ name: 'Quentin Vandermolen' })
  }, 90_000)

  it('asked for twice at once, and while an answer of theirs is under way, happens once and wholly', async () => {
    const who = await somebody('Umberton')
    const visitor = stage.product.as(who)
    await visitor.token()
    const asked: ReturnType<typeof erase>[] = []
    meanwhile = { point: 'answers.inserted', run: () => void asked.push(erase(who), erase(who)) }
    const comment = 'Umberton said this at the last moment.'
    await visitor.send('POST', '/api/answers', { level: 'not_happy', comment, idempotencyKey: 'at-the-last-moment' })
    const replies = await Promise.all(asked)
    expect(replies.map(({ status }) => status)).toEqual([200, 200])
    expect(replies[0]!.body.erasureId).toBe(replies[1]!.body.erasureId)
    await lastPass()
    expect(await erasures()).toMatchObject(expect.arrayContaining([{ erasureId: replies[0]!.body.erasureId, state: 'done', requestedAt: expect.any(String), requestedBy: expect.any(String), locationIds: [locationId], doneAt: expect.any(String) }]))
    expect(await traces([...who.marks, who.userId, comment])).toEqual([])
    const { items } = (await admin().get(`/api/accounts/${locationId}/timeline?pageSize=100`)).body as { items: { type: string; key?: string }[] }
    expect(items.filter(({ type }) => type === 'privacy.person_forgotten').length).toBe((await erasures()).filter(({ locationIds }) => locationIds.includes(locationId)).length)
  }, 60_000)

  it('ends only when nothing is under way that names them', async () => {
    const who = await somebody('Tamsworth')
    const { companyId } = stage.product
    const at = clock.now()
    await services().events.queue.insert({
      key: 'user.returned:late', lane: 'late', companyId, dueAt: new Date(clock.nowMs() + hourMs),
      data: { key: 'user.returned:late', companyId, locationId, userId: who.userId, at, type: 'user.returned', actor: { kind: 'account_user', id: who.userId, name: 'Quentin Tamsworth' }, source: 'page', summary: 'Quentin Tamsworth is back.', data: {} },
    })
    await erase(who)
    aheadMs += quarterMs
    await services().privacy.workDue(20)
    expect((await erasures())[0]).toMatchObject({ state: 'checking' })
    expect((await traces([who.userId])).length).toBeGreaterThan(0)
    aheadMs += hourMs
    await lastPass()
    expect((await erasures())[0]).toMatchObject({ state: 'done' })
    expect(await traces([...who.marks, who.userId])).toEqual([])
  }, 60_000)

  it('goes on after a crash, wherever it was', async () => {
    for (const [point, left] of [['erasure.begun', 1], ['erasure.room', 1], ['erasure.room', 7], ['erasure.room', 17]] as const) {
      const who = await somebody(`Xylo${point.length}x${left}`)
      crash = { point, left }
      expect({ point, left, status: (await erase(who)).status }).toEqual({ point, left, status: 500 })
      expect((await erasures())[0]).toMatchObject({ state: 'working' })
      aheadMs += 3 * minuteMs
      await services().privacy.workDue(20)
      expect({ point, left, traces: await traces(who.marks) }).toEqual({ point, left, traces: [] })
      crash = { point: 'erasure.room', left }
      aheadMs += quarterMs
      await services().privacy.workDue(20)
      aheadMs += 3 * minuteMs
      await lastPass()
      expect({ point, left, state: (await erasures())[0]?.state, traces: await traces([...who.marks, who.userId]) }).toEqual({ point, left, state: 'done', traces: [] })
    }
  }, 90_000)

  it('is refused for somebody of a customer who came to work for the agency', async () => {
    const before = await erasures()
    const who = await somebody('Wolframite')
    const { sandbox, companyId } = stage.product
    sandbox.state.users.put({ ...sandbox.state.users.get(who.userId)!, type: 'agency', locationIds: [] })
    await services().accounts.mirror(companyId, { kind: 'agency' })
    await until('one of the team', async () => (await services().accounts.agencyUser(companyId, who.userId)) !== null)
    expect(await erase(who)).toMatchObject({ status: 409, body: { error: { code: 'agency_staff' } } })
    expect(await erasures()).toEqual(before)
    expect((await traces([who.marks[2]!])).length).toBeGreaterThan(0)
  }, 60_000)
})
