import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { dayMs, minuteMs } from '../../src/kernel/clock.ts'
import { startProduct, type Client, type Product, type Reply } from '../support/product.ts'
import { until } from '../support/until.ts'
import { createRunningClock } from './support/running-clock.ts'

const clock = createRunningClock(new Date('2026-11-03T17:00:00Z'))

let product: Product
let people: { locationId: string; userId: string; userIds: string[] }[]

beforeAll(async () => {
  product = await startProduct({ clock, sandbox: { seed: { accounts: 6, usersPerAccount: 2 } } })
  await product.setUp()
  people = []
  for (let index = 0; index < 4; index += 1) people.push(await product.enableFeedback(index))
}, 60_000)

afterAll(() => product.stop())

/** A fresh session: sessions last half an hour, these stories months. */
const admin = (): Client => product.as({ userId: product.sandbox.company().admin.id })
const as = ({ locationId, userId }: { locationId: string; userId: string }): Client => product.as({ locationId, userId })

let keys = 0
const give = (who: { locationId: string; userId: string }, level: string, more: object = {}): Promise<Reply> => as(who).send('POST', '/api/answers', { level, idempotencyKey: `feedback-key-${(keys += 1)}`, ...more })
const prompt = async (who: { locationId: string; userId: string }) => (await as(who).get('/api/prompt')).body as { due: boolean; reason: string; nextAt: string | null; promptId: string | null; button: boolean; copy: { question: string } | null }
const inspect = async (who: { locationId: string; userId: string }) => (await admin().get(`/api/accounts/${who.locationId}/users/${who.userId}/prompt`)).body as { due: boolean; reason: string; gates: { key: string; passed: boolean; label: string }[]; history: { kind: string }[] }
const daysUntil = (at: string | null): number => (Date.parse(at ?? '') - clock.nowMs()) / dayMs
const answersOf = (who: { userId: string }): Promise<number> => product.connection.collection('answers').countDocuments({ userId: who.userId })

describe('the prompt', () => {
  it('is due at first, is the same when asked again, and looking at it records nothing', async () => {
    const who = people[0]!
    const first = await prompt(who)
    expect(first).toMatchObject({ due: true, reason: 'first_time', button: true })
    expect(first.copy?.question).not.toBe('')
    expect((await prompt(who)).promptId).toBe(first.promptId)
    expect((await inspect(who)).history).toEqual([])
  })

  it('put off comes back in 3 days, closed in 14, answered in 30', async () => {
    const who = people[0]!
    const outcome = async (kind: string): Promise<Reply> => as(who).send('POST', '/api/prompt/outcome', { outcome: kind, promptId: (await prompt(who)).promptId })
    const later = await outcome('later')
    expect(later.body.recorded).toBe(true)
    expect(await prompt(who)).toMatchObject({ due: false, reason: 'asked_later', promptId: null, button: true })
    expect(daysUntil(later.body.nextAt as string)).toBeCloseTo(3, 1)
    clock.advanceMs(3 * dayMs)
    expect(await prompt(who)).toMatchObject({ due: true, reason: 'asked_again' })
    await outcome('closed')
    const closed = await prompt(who)
    expect(closed).toMatchObject({ due: false, reason: 'closed_recently' })
    expect(daysUntil(closed.nextAt)).toBeCloseTo(14, 1)
    clock.advanceMs(14 * dayMs)
    expect((await prompt(who)).due).toBe(true)
    expect((await give(who, 'happy')).status).toBe(201)
    const answered = await prompt(who)
    expect(answered).toMatchObject({ due: false, reason: 'answered_recently' })
    expect(daysUntil(answered.nextAt)).toBeCloseTo(30, 1)
    clock.advanceMs(29 * dayMs)
    expect((await prompt(who)).due).toBe(false)
    clock.advanceMs(dayMs)
    expect(await prompt(who)).toMatchObject({ due: true, reason: 'cycle_over' })
  })

  it('that is ignored comes on three days, then skips the cycle', async () => {
    const who = people[1]!
    for (let day = 0; day < 3; day += 1) {
      const { due, promptId } = await prompt(who)
      expect(due).toBe(true)
      const shown = await as(who).send('POST', '/api/prompt/outcome', { outcome: 'shown', promptId })
      expect(shown.body.recorded).toBe(true)
      expect((await as(who).send('POST', '/api/prompt/outcome', { outcome: 'shown', promptId })).body.recorded).toBe(false)
      expect(await prompt(who)).toMatchObject({ due: false, reason: day < 2 ? 'shown_today' : 'cycle_skipped' })
      clock.advanceMs(dayMs)
    }
    expect(await prompt(who)).toMatchObject({ due: false, reason: 'cycle_skipped' })
    clock.advanceMs(29 * dayMs)
    expect((await prompt(who)).due).toBe(true)
  })

  it('takes outcomes of its own prompts only', async () => {
    const [mine, theirs] = [people[0]!, people[1]!]
    const { promptId } = await prompt(theirs)
    const foreign = await as(mine).send('POST', '/api/prompt/outcome', { outcome: 'later', promptId })
    expect({ status: foreign.status, code: foreign.body.error.code as string }).toEqual({ status: 409, code: 'prompt_gone' })
    expect((await as(mine).send('POST', '/api/prompt/outcome', { outcome: 'answered', promptId })).status).toBe(400)
    expect((await prompt(theirs)).due).toBe(true)
  })

  it('is not for new users, agency staff, or while a Not Happy case is open; the inspector says why', async () => {
    const { sandbox } = product
    const { locationId } = people[2]!
    const fresh = sandbox.createUser({ locationId, firstName: 'Finn', lastName: 'Fresh', email: 'finn@fresh.example' })
    await until('the user', async () => (await product.app.services.accounts.user(product.companyId, locationId, fresh.id)) !== null)
    const newcomer = { locationId, userId: fresh.id }
    expect(await prompt(newcomer)).toMatchObject({ due: false, reason: 'new_user', button: true })
    expect((await inspect(newcomer)).gates.filter((gate) => !gate.passed)).toMatchObject([{ key: 'not_new' }])
    clock.advanceMs(7 * dayMs)
    expect((await prompt(newcomer)).due).toBe(true)

    const staff = { locationId, userId: sandbox.company().staff[0]!.id }
    expect(await prompt(staff)).toMatchObject({ due: false, reason: 'agency_staff', button: false })
    expect((await give(staff, 'very_happy')).status).toBe(403)

    const who = people[2]!
    expect((await give(who, 'not_happy')).status).toBe(201)
    clock.advanceMs(40 * dayMs)
    const caseId = await until('the case', async () => ((await admin().get(`/api/cases?locationId=${locationId}`)).body.items as { caseId: string }[])[0]?.caseId, 15_000, 200)
    expect(await prompt(who)).toMatchObject({ due: false, reason: 'case_open', nextAt: null })
    const inspected = await inspect(who)
    expect(inspected.gates.filter((gate) => !gate.passed)).toMatchObject([{ key: 'no_open_case' }])
    expect(inspected.history.map((entry) => entry.kind)).toEqual(['answered'])
    await admin().send('POST', `/api/cases/${caseId}/close`, { outcome: 'explained', note: 'We talked.' })
    expect(await prompt(who)).toMatchObject({ due: true, reason: 'cycle_over' })
    expect((await admin().get(`/api/accounts/${locationId}/users/nobody/prompt`)).status).toBe(404)
  })
})

describe('an answer', () => {
  it('may be changed by its user for ten minutes, and counts once', async () => {
    const who = people[3]!
    const { body: answer } = await give(who, 'very_happy')
    const path = `/api/answers/${answer.answerId as string}`
    const stranger = { locationId: who.locationId, userId: who.userIds[1]! }
    expect((await as(stranger).send('PATCH', path, { level: 'not_happy' })).status).toBe(404)
    expect((await as(who).send('PATCH', path, {})).status).toBe(400)
    const changed = await as(who).send('PATCH', path, { level: 'neutral', comment: 'On second thoughts.' })
    expect(changed).toMatchObject({ status: 200, body: { level: 'neutral', comment: 'On second thoughts.' } })
    await product.settled()
    const { body: account } = await admin().get(`/api/accounts/${who.locationId}`)
    expect(account.happiness).toMatchObject({ level: 'neutral', score: -25, coverage: { answered: 1, eligible: 2 } })
    const { body: scores } = await admin().get(`/api/accounts/${who.locationId}/scores?userId=${who.userId}`)
    expect(scores.total).toBe(-25)
    clock.advanceMs(11 * minuteMs)
    expect((await as(who).send('PATCH', path, { level: 'happy' })).status).toBe(409)
    expect(await answersOf(who)).toBe(1)
  })

  it('under a key that was used for another answer is refused; nobody else\'s key stands in the way', async () => {
    const who = people[3]!
    const other = { locationId: who.locationId, userId: who.userIds[1]! }
    const key = { idempotencyKey: 'a-shared-idempotency-key' }
    expect((await give(who, 'happy', key)).status).toBe(201)
    expect((await give(who, 'happy', key)).status).toBe(200)
    expect((await give(who, 'not_happy', key)).status).toBe(409)
    expect((await give(other, 'not_happy', key)).status).toBe(201)
  })
})

describe('a one-tap link', () => {
  it('records nothing when it is opened, one answer when its button is pressed, and dies with time', async () => {
    const who = { locationId: people[1]!.locationId, userId: people[1]!.userIds[1]! }
    const { body } = await admin().send('POST', `/api/accounts/${who.locationId}/users/${who.userId}/feedback-link`, {})
    const url = new URL(body.url as string)
    const at = (query = ''): string => `${product.url}${url.pathname}${query}`
    const before = await answersOf(who)
    for (const query of ['', '?l=happy', '?l=not_happy', '?l=<script>']) {
      for (const method of ['GET', 'HEAD']) {
        const response = await fetch(at(query), { method })
        expect(response.status).toBe(200)
        expect(await response.text()).not.toContain('<script>')
      }
    }
    expect(await answersOf(who)).toBe(before)
    const press = (level: string) => fetch(at(), { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' }, body: new URLSearchParams({ level, comment: '<b>Fine</b>' }) })
    const page = await press('happy')
    expect(page.status).toBe(200)
    expect(await page.text()).not.toContain('<b>Fine</b>')
    expect((await press('happy')).status).toBe(200)
    expect(await answersOf(who)).toBe(before + 1)
    const token = url.pathname.split('/').at(-1) ?? ''
    for (const wrong of [`${token}x`, token.slice(0, -2), 'nonsense']) {
      expect((await fetch(`${product.url}/a/${wrong}`)).status).toBe(404)
      expect((await fetch(`${product.url}/a/${wrong}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"level":"happy"}' })).status).toBe(404)
    }
    clock.advanceMs(15 * dayMs)
    expect((await fetch(at())).status).toBe(410)
    expect((await press('not_happy')).status).toBe(410)
    expect(await answersOf(who)).toBe(before + 1)
  })
})

describe('the agency', () => {
  it('asks now, whatever the clock says: one account, some users, or many accounts', async () => {
    const who = people[0]!
    expect((await give(who, 'happy')).status).toBe(201)
    expect((await prompt(who)).due).toBe(false)
    const asked = await admin().send('POST', `/api/accounts/${who.locationId}/request-feedback`, { userIds: [who.userId, 'nobody'] })
    expect(asked).toMatchObject({ status: 200, body: { requested: [who.userId] } })
    expect(await prompt(who)).toMatchObject({ due: true, reason: 'requested' })
    expect((await give(who, 'happy')).status).toBe(201)
    expect((await prompt(who)).due).toBe(false)
    const off = product.sandbox.company().accounts[5]!.id
    expect((await admin().send('POST', `/api/accounts/${off}/request-feedback`, {})).status).toBe(409)
    const bulk = await admin().send('POST', '/api/accounts/bulk', { action: 'request_feedback', locationIds: [who.locationId, people[3]!.locationId, off] })
    expect(bulk.body).toMatchObject({ done: 2, failed: 1 })
    expect(await prompt(who)).toMatchObject({ due: true, reason: 'requested' })
    expect((await prompt(people[3]!)).due).toBe(true)
  })

  it('switches feedback off and on, alone and for many; off means no button, no prompt and no answer', async () => {
    const who = people[0]!
    expect((await admin().send('PUT', `/api/accounts/${who.locationId}/feedback`, { enabled: false })).body.feedbackEnabled).toBe(false)
    expect(await prompt(who)).toMatchObject({ due: false, reason: 'feedback_off', button: false, copy: null })
    const refused = await give(who, 'happy')
    expect({ status: refused.status, code: refused.body.error.code as string }).toEqual({ status: 403, code: 'feedback_off' })
    const { body } = await admin().send('POST', '/api/accounts/bulk', { action: 'feedback_on', filter: {} })
    expect(body).toMatchObject({ done: 6, failed: 0 })
    expect((await admin().get('/api/accounts?feedback=on')).body.total).toBe(6)
    expect((await prompt(who)).button).toBe(true)
    expect((await admin().send('PATCH', '/api/settings', { prompt: { enabled: false } })).status).toBe(200)
    expect(await prompt(who)).toMatchObject({ due: false, button: false })
    expect((await admin().send('POST', '/api/settings/reset', { paths: ['prompt.enabled'] })).status).toBe(200)
    expect((await prompt(who)).button).toBe(true)
  })
})
