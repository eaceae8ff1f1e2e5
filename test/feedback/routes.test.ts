import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import request from 'supertest'
import { accountScores, answerView, feedbackRequestResult, promptInspection, promptView } from '../../src/http/contract/feedback.ts'
import { caseList } from '../../src/http/contract/cases.ts'
import { locationId, newKey, openRig, type Rig } from './rig.ts'
import { webOf } from './web.ts'

let rig: Rig
let web: Express
beforeEach(async () => {
  rig = await openRig()
  web = webOf(rig)
})
afterEach(() => rig.close())

type Who = 'a' | 'b' | 'csm' | 'other' | 'otheragency'
const as = (who: Who) => ({ Authorization: `Bearer u.${who}.s` })
const post = (who: Who, path: string, body: object = {}) => request(web).post(path).set(as(who)).send(body)

it('an answer is 201, its repeat 200, another body under the key 409, a change 200', async () => {
  const body = { level: 'happy', comment: 'fine', idempotencyKey: newKey() }
  const first = await post('a', '/api/answers', body)
  expect(first.status).toBe(201)
  expect(answerView.parse(first.body)).toMatchObject({ level: 'happy', comment: 'fine' })
  const again = await post('a', '/api/answers', body)
  expect([again.status, again.body]).toEqual([200, first.body])
  expect((await post('a', '/api/answers', { ...body, level: 'neutral' })).status).toBe(409)
  const changed = await request(web).patch(`/api/answers/${first.body.answerId}`).set(as('a')).send({ level: 'not_happy' })
  expect([changed.status, changed.body.level]).toEqual([200, 'not_happy'])
  expect((await request(web).patch(`/api/answers/${first.body.answerId}`).set(as('b')).send({ level: 'happy' })).status).toBe(404)
})

describe('bad input is refused, names the field, and leaves nothing behind', () => {
  it.each([
    ['an unknown level', { level: 'ecstatic', idempotencyKey: 'k'.repeat(12) }, 'level'],
    ['an operator', { level: { $gt: '' }, idempotencyKey: 'k'.repeat(12) }, 'level'],
    ['no key', { level: 'happy' }, 'idempotencyKey'],
    ['a key that is too short', { level: 'happy', idempotencyKey: 'k' }, 'idempotencyKey'],
    ['a key that is an object', { level: 'happy', idempotencyKey: { $ne: null } }, 'idempotencyKey'],
    ['another tenant in the body', { level: 'happy', idempotencyKey: 'k'.repeat(12), companyId: 'agency2' }, 'body'],
    ['a comment that is far too long', { level: 'happy', idempotencyKey: 'k'.repeat(12), comment: 'x'.repeat(5_001) }, 'comment'],
    ['a comment longer than the agency allows', { level: 'happy', idempotencyKey: 'k'.repeat(12), comment: 'x'.repeat(2_001) }, 'comment'],
  ])('%s', async (_name, body, field) => {
    const answer = await post('a', '/api/answers', body)
    expect(answer.status).toBe(400)
    expect(answer.body.error.details.fields[0].field).toBe(field)
    expect(await rig.store.connection.collection('answers').countDocuments()).toBe(0)
  })

  it('an empty change', async () => {
    expect((await request(web).patch('/api/answers/x').set(as('a')).send({})).status).toBe(400)
  })
})

it("only the account's own users answer, and a session of another agency finds no account", async () => {
  const body = { level: 'happy', idempotencyKey: newKey() }
  expect((await post('csm', '/api/answers', body)).status).toBe(403)
  expect((await request(web).post('/api/answers').send(body)).status).toBe(401)
  expect((await post('other', '/api/answers', body)).status).toBe(404)
})

it('the prompt and its outcome speak the contract', async () => {
  const prompt = promptView.parse((await request(web).get('/api/prompt').set(as('a'))).body)
  expect(prompt).toMatchObject({ due: true, reason: 'first_time' })
  const shown = await post('a', '/api/prompt/outcome', { outcome: 'shown', promptId: prompt.promptId })
  expect(shown.body).toMatchObject({ recorded: true })
  // Who does not name the prompt means the one in front of them.
  expect((await post('a', '/api/prompt/outcome', { outcome: 'shown' })).body).toMatchObject({ recorded: false })
  expect((await post('a', '/api/prompt/outcome', { outcome: 'vanished', promptId: prompt.promptId })).body.error).toMatchObject({
    code: 'invalid_input', details: { fields: [{ field: 'outcome', problem: 'must be one of shown, later, closed' }] },
  })
  expect((await request(web).get('/api/prompt').set(as('csm'))).body).toMatchObject({ due: false, reason: 'agency_staff' })
})

it('the agency inspects, requests, reads points and works on cases; customers and other agencies do not', async () => {
  await post('a', '/api/answers', { level: 'not_happy', idempotencyKey: newKey() })
  const inspectPath = `/api/accounts/${locationId}/users/a/prompt`
  expect(promptInspection.parse((await request(web).get(inspectPath).set(as('csm'))).body).reason).toBe('case_open')
  expect((await request(web).get(inspectPath).set(as('a'))).status).toBe(403)
  expect((await request(web).get(inspectPath).set(as('otheragency'))).status).toBe(404)

  const requestPath = `/api/accounts/${locationId}/request-feedback`
  expect(feedbackRequestResult.parse((await post('csm', requestPath)).body).requested).toEqual(['b', 'c'])
  expect((await post('otheragency', requestPath)).status).toBe(404)

  const scoresPath = `/api/accounts/${locationId}/scores`
  expect(accountScores.parse((await request(web).get(scoresPath).set(as('csm'))).body).total).toBe(-50)
  expect((await request(web).get(scoresPath).set(as('otheragency'))).status).toBe(404)

  const listed = caseList.parse((await request(web).get('/api/cases?state=open&owner=me').set(as('csm'))).body)
  expect(listed.total).toBe(1)
  const id = listed.items[0]!.caseId
  expect((await request(web).get(`/api/cases/${id}`).set(as('otheragency'))).status).toBe(404)
  expect((await post('csm', `/api/cases/${id}/close`, { outcome: 'resolved' })).status).toBe(400)
  expect((await post('csm', `/api/cases/${id}/assign`, { userId: 'csm2' })).body.owner.name).toBe('Tom Okafor')
  expect((await post('csm', `/api/cases/${id}/close`, { outcome: 'resolved', note: 'Called.' })).body.state).toBe('closed')
  expect((await post('a', `/api/cases/${id}/close`, { outcome: 'resolved', note: 'Called.' })).status).toBe(403)
})

it('every route is in the OpenAPI document', async () => {
  const document = (await request(web).get('/api/openapi.json')).body as { paths: Record<string, unknown> }
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining([
      '/api/prompt',
      '/api/answers',
      '/api/answers/{id}',
      '/api/cases',
      '/a/{token}',
      '/api/accounts/{locationId}/users/{userId}/prompt',
    ]),
  )
})

it('a link can be had for a known user only', async () => {
  const made = await post('csm', `/api/accounts/${locationId}/users/a/feedback-link`)
  expect(made.body.url).toMatch(/^https:\/\/app\.example\.com\/a\/[\w-]+\.[\w-]+$/)
  expect((await request(web).get(new URL(made.body.url as string).pathname)).status).toBe(200)
  expect((await post('csm', `/api/accounts/${locationId}/users/nobody/feedback-link`)).status).toBe(404)
})
