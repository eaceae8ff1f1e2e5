import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sessionResponse } from '../../src/http/contract/session.ts'
import type { Client } from '../support/product.ts'
import { until } from '../support/until.ts'
import { exampleOf, operationsOf, type Operation } from './support/openapi.ts'
import { openTwoAgencies, type TwoAgencies } from './support/two-agencies.ts'

/** Every route that changes something, called by those of the agency who may not; the colleague's account, case and entry are real. */
let stage: TwoAgencies
let operations: Operation[]
/** A CSM, the colleague whose account it is, and somebody who only reads. */
let csm: Client
let colleague: Client
let reader: Client
let people: { csm: string; colleague: string; reader: string }
let colleagueName: string
let own: string
/** Ids of the colleague's things, by the names of path members. */
let values: Record<string, string>

const give = (team: object) => stage.admin.send('PATCH', '/api/settings', { team })
const roles = () => ({ everybodyElse: 'read_only', people: [{ userId: people.csm, role: 'csm' }, { userId: people.colleague, role: 'csm' }] })
const changing = (operation: Operation) => operation.method !== 'GET' && operation.access !== 'public'

beforeAll(async () => {
  stage = await openTwoAgencies()
  const { product, admin, theirs } = stage
  const { staff, accounts } = product.sandbox.company()
  people = { csm: staff[0]!.id, colleague: staff[1]!.id, reader: product.sandbox.createUser({ companyId: product.companyId, firstName: 'Rhea', lastName: 'Reads', email: 'rhea@agency.example' }).id }
  csm = product.as({ userId: people.csm })
  colleague = product.as({ userId: people.colleague })
  reader = product.as({ userId: people.reader })
  const account = theirs['locationId']!
  own = accounts.find(({ id }) => id !== account)!.id
  for (const [locationId, csmUserId] of [[account, people.colleague], [own, people.csm]]) expect((await admin.send('PUT', `/api/accounts/${locationId}/csm`, { csmUserId })).status).toBe(200)
  expect((await admin.send('POST', `/api/cases/${theirs['caseId']}/assign`, { userId: people.colleague })).status).toBe(200)
  const health = (await admin.send('PUT', `/api/accounts/${account}/health`, { level: 'steady', note: 'As agreed in May.' })).body
  const entry = (await colleague.send('POST', `/api/accounts/${account}/hours`, { minutes: 30, on: new Date().toISOString().slice(0, 10), idempotencyKey: 'colleague-entry' })).body
  colleagueName = (await admin.get(`/api/accounts/${account}`)).body.csm.name
  values = {
    locationId: account, userId: theirs['userId']!, id: theirs['caseId']!, changeId: health.changeId ?? 'none', entryId: entry.entryId,
    key: 'very_happy_review', version: '0', runId: 'none',
  }
  expect(entry.entryId).toBeTruthy()
  operations = operationsOf((await (await fetch(`${product.url}/api/openapi.json`)).json()) as never)
  expect((await give(roles())).status).toBe(200)
  for (const client of [csm, colleague, reader]) await client.token()
  await product.settled()
}, 90_000)
afterAll(() => stage.product.stop())

const pathOf = ({ path }: Operation): string => path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? 'none'))

async function attack(client: Client, operation: Operation): Promise<{ status: number; code: string; message: string }> {
  const body = operation.body === undefined ? undefined : JSON.stringify(exampleOf(operation.body))
  const { status, text } = await stage.call(operation.method, pathOf(operation), { token: await client.token(), ...(body === undefined ? {} : { body }) })
  const { code = '', message = '' } = (JSON.parse(text) as { error?: { code: string; message: string } }).error ?? {}
  return { status, code, message }
}

const nameOf = ({ method, path }: Operation) => `${method} ${path}`

describe('every route that changes something', () => {
  it('declares what it needs, and nothing that the access does not hold', () => {
    const mutating = operations.filter(({ method }) => method !== 'GET')
    expect(mutating.length).toBeGreaterThan(40)
    const wrong = mutating.filter(({ access, needs, path }) =>
      access === 'public' ? needs !== 'proof'
      : access === 'agency_admin' ? needs !== 'admin'
      : access === 'account_user' ? needs !== 'own'
      : path.includes('{locationId}') ? !(needs === 'own_book' || (needs === 'own' && path.includes('/watches/')) || (needs === 'part' && path.includes('/hours/')))
      : path.startsWith('/api/cases/{id}') ? needs !== 'own_case'
      : !['own', 'own_accounts', 'workflows', 'part', 'read'].includes(needs))
    expect(wrong.map(nameOf)).toEqual([])
    // What says that it only reads, though its method does not.
    expect(mutating.filter(({ needs }) => needs === 'read').map(nameOf)).toEqual(['POST /api/settings/try-level', 'POST /api/workflows/{key}/preview', 'POST /api/workflows/{key}/dry-run'])
    // One's own choices, and one's own ways to look at the list of accounts.
    expect(mutating.filter(({ needs, access }) => needs === 'own' && access !== 'account_user').map(({ path }) => path).filter((path) => !path.startsWith('/api/notifications/') && path !== '/api/views/{viewId}')).toEqual([])
  })

  it('refuses who is read-only, but for their own preferences, watches and read marks; nothing changes', async () => {
    const before = await stage.recordsOf(stage.product.companyId)
    const wrong: string[] = []
    for (const operation of operations.filter(changing)) {
      if (operation.needs === 'own' && operation.access === 'agency') continue
      const { status, message } = await attack(reader, operation)
      const expected = operation.needs === 'read' ? status !== 403 && status < 500 : status === 403 && message !== ''
      if (!expected) wrong.push(`${nameOf(operation)}: ${status} ${message}`)
    }
    expect(wrong).toEqual([])
    await stage.product.settled()
    expect(await stage.recordsOf(stage.product.companyId)).toBe(before)
    expect((await reader.send('PUT', '/api/notifications/preferences', { kinds: {} })).status).not.toBe(403)
    expect((await reader.send('POST', '/api/notifications/read', { all: true })).status).not.toBe(403)
    expect((await reader.send('PUT', `/api/notifications/watches/${values['locationId']}`, { watching: true })).status).toBe(200)
    for (const path of ['/api/accounts', `/api/accounts/${values['locationId']}`, '/api/cases', '/api/settings', '/api/reports/grid']) expect((await reader.get(path)).status).toBe(200)
  })

  it('refuses a CSM on a colleague\'s account and case in a sentence that names the colleague; nothing changes', async () => {
    const before = await stage.recordsOf(stage.product.companyId)
    const sentences = {
      own_book: { code: 'not_your_account', message: `This account is looked after by ${colleagueName}. Ask them or a lead.` },
      own_case: { code: 'not_your_case', message: `This case is with ${colleagueName}. Ask them or a lead.` },
    }
    const wrong: string[] = []
    let refused = 0
    for (const operation of operations.filter(changing)) {
      const { needs, path } = operation
      if (needs === 'read' || needs === 'own_accounts' || (needs === 'own' && operation.access === 'agency') || path.endsWith('/test')) continue
      const { status, ...said } = await attack(csm, operation)
      if (status === 403) refused += 1
      const sentence = needs === 'own_book' || needs === 'own_case' ? sentences[needs] : null
      if (status !== 403 || (sentence !== null && JSON.stringify(said) !== JSON.stringify(sentence))) wrong.push(`${nameOf(operation)}: ${status} ${JSON.stringify(said)}`)
    }
    expect(wrong).toEqual([])
    expect(refused).toBeGreaterThan(25)
    await stage.product.settled()
    expect(await stage.recordsOf(stage.product.companyId)).toBe(before)
  })

  it('does not know another agency\'s account or case, whatever the role', async () => {
    const { product, otherId } = stage
    const foreign = product.sandbox.company(otherId).accounts[0]!.id
    expect((await csm.send('PUT', `/api/accounts/${foreign}/feedback`, { enabled: true })).status).toBe(404)
    expect((await csm.send('POST', '/api/cases/none/assign', { userId: people.csm })).status).toBe(404)
    expect((await colleague.send('PUT', `/api/accounts/${foreign}/csm`, { csmUserId: people.colleague })).status).toBe(404)
  })
})

describe('many accounts at once', () => {
  const fault = () => ({ locationId: values['locationId'], ok: false, error: { code: 'not_your_account', message: `This account is looked after by ${colleagueName}. Ask them or a lead.` } })
  const accountOf = async (locationId: string | undefined) => (await stage.admin.get(`/api/accounts/${locationId}`)).body

  it.each([['ids', true], ['a filter', false]])('by %s: the colleague\'s fails with the reason, one\'s own is done', async (_how, byIds) => {
    const before = await accountOf(values['locationId'])
    const target = byIds ? { locationIds: [values['locationId'], own] } : { filter: {} }
    for (const action of ['premium_on', 'premium_off', 'feedback_off', 'feedback_on', 'confirm_health', 'request_feedback', 'set_health', 'assign_csm']) {
      const { status, body } = await csm.send('POST', '/api/accounts/bulk', { action, ...target, level: 'healthy', note: 'Went through the list.', csmUserId: people.csm })
      expect([action, status]).toEqual([action, 200])
      const results = body.results as { locationId: string; error?: { code: string } }[]
      expect(results.find((one) => one.locationId === values['locationId'])).toEqual(fault())
      const ownResult = results.find((one) => one.locationId === own)
      expect(ownResult).toBeDefined()
      expect(ownResult?.error?.code).not.toBe('not_your_account')
    }
    expect(await accountOf(values['locationId'])).toEqual(before)
    expect((await accountOf(own)).health.level).toBe('healthy')
  })

  it('by a rule: only one\'s own is given away, also in the plan', async () => {
    const request = { locationIds: [values['locationId'], own], rule: 'round_robin', csmUserIds: [people.csm] }
    for (const dryRun of [true, false]) {
      const { body } = await csm.send('POST', '/api/accounts/assign', { ...request, dryRun })
      expect((body.assigned as { locationId: string }[]).map((one) => one.locationId)).toEqual([own])
      expect(body.failed).toEqual([{ locationId: values['locationId'], error: fault().error }])
    }
    expect((await accountOf(values['locationId'])).csm.userId).toBe(people.colleague)
  })
})

describe('a CSM with their own', () => {
  it('does the daily work, and may give the account away but not take it back', async () => {
    const at = `/api/accounts/${own}`
    expect((await csm.send('PUT', `${at}/health`, { level: 'thriving', note: 'Signed for another year.' })).status).toBe(200)
    expect((await csm.send('PUT', `${at}/premium`, { premium: true })).status).toBe(200)
    const entry = await csm.send('POST', `${at}/hours`, { minutes: 15, on: new Date().toISOString().slice(0, 10), idempotencyKey: 'own-entry' })
    expect(entry.status).toBe(201)
    expect((await csm.send('PUT', `${at}/csm`, { csmUserId: people.colleague, note: 'On leave.' })).status).toBe(200)
    expect((await csm.send('PUT', `${at}/csm`, { csmUserId: people.csm })).body.error.code).toBe('not_your_account')
    // What one logged stays one's own.
    expect((await csm.send('DELETE', `${at}/hours/${entry.body.entryId}`)).status).toBe(200)
    expect((await colleague.send('PUT', `${at}/csm`, { csmUserId: null })).status).toBe(200)
    expect((await csm.send('PUT', `${at}/premium`, { premium: false })).body.error.message).toBe('Nobody looks after this account yet. Ask a lead to give it to you.')
  })

  it('works on a case that is theirs, on a colleague\'s account too', async () => {
    const at = `/api/cases/${values['id']}`
    expect((await colleague.send('POST', `${at}/assign`, { userId: people.csm })).status).toBe(200)
    expect((await csm.send('POST', `${at}/acknowledge`, { hours: 4 })).status).toBe(200)
    expect((await csm.send('POST', `${at}/close`, { outcome: 'resolved', note: 'Called, all good.' })).status).toBe(200)
  })

  it('previews, dry-runs and tests follow-ups, and changes none', async () => {
    const who = { locationId: values['locationId'], userId: values['userId'] }
    for (const client of [csm, reader]) {
      expect((await client.send('POST', '/api/workflows/very_happy_review/preview', who)).status).toBe(200)
      expect((await client.send('POST', '/api/workflows/very_happy_review/dry-run', {})).status).toBe(200)
    }
    expect((await csm.send('POST', '/api/workflows/very_happy_review/test', {})).status).not.toBe(403)
    expect((await csm.send('POST', '/api/workflows/very_happy_review/publish')).body.error.code).toBe('needs_lead')
  })
})

describe('a role', () => {
  const rightsOf = async (userId: string, locationId?: string) => {
    const encryptedData = stage.product.sandbox.userContext({ userId, ...(locationId === undefined ? {} : { locationId }) })
    const response = await fetch(`${stage.product.url}/api/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ encryptedData }) })
    return sessionResponse.parse(await response.json()).user
  }

  it('is told with the session, beside what HighLevel says', async () => {
    expect(await rightsOf(people.csm)).toMatchObject({ role: 'agency_user', rights: { role: 'csm', accounts: 'own', workflows: false, settings: false } })
    expect(await rightsOf(people.reader)).toMatchObject({ role: 'agency_user', rights: { role: 'read_only', accounts: 'none', workflows: false, settings: false } })
    expect(await rightsOf(stage.product.sandbox.company().admin.id)).toMatchObject({ role: 'agency_admin', rights: { role: 'agency_admin', accounts: 'all', workflows: true, settings: true } })
    expect(await rightsOf(values['userId']!, values['locationId'])).toMatchObject({ role: 'account_user', rights: { role: 'account_user', accounts: 'none', workflows: false, settings: false } })
  })

  it('that changes holds for sessions that are open, in this process and in others', async () => {
    const other = await stage.product.another()
    try {
      const at = `/api/accounts/${values['locationId']}/premium`
      const token = await reader.token()
      const there = async () =>
        (await fetch(`${other.url}${at}`, { method: 'PUT', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: '{"premium":true}' })).status
      expect(await there()).toBe(403)
      expect((await reader.send('PUT', at, { premium: true })).status).toBe(403)
      await give({ people: [...roles().people, { userId: people.reader, role: 'lead' }] })
      expect((await reader.send('PUT', at, { premium: true })).status).toBe(200)
      expect((await reader.send('POST', '/api/workflows/very_happy_review/publish')).status).toBe(200)
      await until('the role in the other process', async () => (await there()) === 200, 10_000)
      await give(roles())
      expect((await reader.send('PUT', at, { premium: false })).body.error.code).toBe('read_only')
      await until('the role gone in the other process', async () => (await there()) === 403, 10_000)
    } finally {
      await other.stop()
    }
  })

  it('of somebody who is no admin any more is not the token\'s', async () => {
    const { product, admin } = stage
    expect((await admin.get('/api/operations')).status).toBe(200)
    const [boss] = await product.app.services.accounts.agencyUsers(product.companyId).then((all) => all.filter(({ role }) => role === 'admin'))
    product.sandbox.updateUser(boss!.userId, { role: 'user' })
    await until('the admin is one no more', async () => (await product.app.services.accounts.agencyUser(product.companyId, boss!.userId))?.role === 'user')
    await until('the open session knows', async () => (await admin.get('/api/operations')).status === 403, 10_000)
    expect((await admin.send('PATCH', '/api/settings', { team: { people: [] } })).status).toBe(403)
  })
})
