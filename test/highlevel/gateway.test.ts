import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openTestStore, type TestStore } from '../support/store.ts'
import { startFakeHighLevel, type FakeHighLevel } from './support/fake-highlevel.ts'
import { companyGrant, makeGateway, type TestGateway } from './support/make-gateway.ts'
import type { LocationApi } from '../../src/highlevel/index.ts'

describe('gateway', () => {
  let store: TestStore
  let fake: FakeHighLevel
  let gateway: TestGateway
  let api: LocationApi

  beforeEach(async () => {
    store = await openTestStore()
    fake = await startFakeHighLevel()
    gateway = makeGateway(store.connection, fake.url, { timeoutMs: 1_000, circuit: { threshold: 3, restMs: 60_000, maxRestMs: 60_000 } })
    await store.ensureIndexes()
    await gateway.storeTokens(companyGrant(fake.tokens.issue('company1', 'Company')))
    api = gateway.location('company1', 'loc1', 'interactive')
  })
  afterEach(async () => {
    await gateway.stop()
    await fake.close()
    await store.close()
  })

  const answerJson = (path: string | RegExp, json: unknown, status = 200) => fake.script((request) => ((typeof path === 'string' ? request.path === path : path.test(request.path)) ? { status, json } : undefined))

  it('sends the version, the token and no SDK-only headers', async () => {
    answerJson('/contacts/contact1', { contact: { id: 'contact1' } })
    await api.getContact('contact1')
    const [request] = fake.requests('/contacts/contact1')
    expect(request?.headers).toMatchObject({ version: '2021-07-28', accept: 'application/json', authorization: expect.stringMatching(/^Bearer secret-access-loc1/) })
    expect(Object.keys(request?.headers ?? {})).not.toEqual(expect.arrayContaining(['locationid']))
    expect(Object.keys(request?.headers ?? {})).not.toEqual(expect.arrayContaining(['companyid']))
  })

  it('one PUT carries all fields by id, and never tags, company or location', async () => {
    answerJson('/contacts/contact1', { succeded: true, contact: { id: 'contact1' } })
    await api.updateContact('contact1', { firstName: 'Ann', companyName: 'Customer', customFields: [{ id: 'f1', value: 'Happy' }, { id: 'f2', value: 25 }] })
    expect(JSON.parse(fake.requests('/contacts/contact1')[0]?.body ?? '')).toEqual({ firstName: 'Ann', customFields: [{ id: 'f1', field_value: 'Happy' }, { id: 'f2', field_value: 25 }] })
  })

  it('reads every known form of custom field values', async () => {
    const customFields = [{ id: 'a', value: 'text' }, { id: 'b', value: 12 }, { id: 'c', value: ['x', 'y'] }, { id: 'd', fieldValueString: 'typed', type: 'string' }, { id: 'e', field_value: 'written' }, { id: 'f' }]
    answerJson('/contacts/contact1', { contact: { id: 'contact1', email: 'ANN@Customer.example', tags: null, dnd: null, customFields } })
    expect(await api.getContact('contact1')).toEqual({
      id: 'contact1', email: 'ann@customer.example', firstName: null, lastName: null, name: null, tags: [], dnd: false,
      customFields: [{ id: 'a', value: 'text' }, { id: 'b', value: 12 }, { id: 'c', value: ['x', 'y'] }, { id: 'd', value: 'typed' }, { id: 'e', value: 'written' }, { id: 'f', value: null }],
    })
  })

  it('reads pipelines whose stages are an array of arrays', async () => {
    answerJson('/opportunities/pipelines', { pipelines: [{ id: 'p', name: 'P', stages: [[{ id: 's2', name: 'Two', position: 1 }, { id: 's1', name: 'One', position: 0 }]] }] })
    expect(await api.listPipelines()).toEqual([{ id: 'p', name: 'P', stages: [{ id: 's1', name: 'One', position: 0 }, { id: 's2', name: 'Two', position: 1 }] }])
  })

  it('adding stages sends every existing stage back as it came', async () => {
    const stages = [{ id: 's1', name: 'Not Happy', position: 0, showInFunnel: false, stageWinProbability: 10 }, { id: 's2', name: 'Mine', position: 4 }]
    answerJson('/opportunities/pipelines/p1', { id: 'p1', name: 'Happiness Level', stages })
    await api.addPipelineStages('p1', ['not happy', 'Happy'])
    const [get, put] = fake.requests('/opportunities/pipelines/p1')
    expect([get?.headers['version'], put?.method, put?.headers['version']]).toEqual(['v3', 'PUT', 'v3'])
    expect(JSON.parse(put?.body ?? '')).toEqual({ name: 'Happiness Level', stages: [...stages, { name: 'Happy', position: 5, showInFunnel: true, showInPieChart: true }] })
  })

  it('a search by e-mail believes only the same address', async () => {
    answerJson('/contacts/search/duplicate', { contact: { id: 'contact1', email: 'other@customer.example', additionalEmails: [{ email: 'Ann@Customer.example' }] } })
    expect(await api.findContactByEmail('ann@customer.example')).toMatchObject({ id: 'contact1' })
    expect(await api.findContactByEmail('ann@customer.exam')).toBeNull()
    expect(fake.requests('/contacts/search/duplicate')[0]?.query).toEqual({ locationId: 'loc1', email: 'ann@customer.example' })
  })

  it('a contact refused as a duplicate is the existing one', async () => {
    answerJson('/contacts/ocQHyuzHvysMo5N5VsXc', { contact: { id: 'ocQHyuzHvysMo5N5VsXc' } })
    answerJson('/contacts/', { statusCode: 400, message: 'This location does not allow duplicated contacts.', meta: { contactId: 'ocQHyuzHvysMo5N5VsXc' } }, 400)
    expect(await api.createContact({ email: 'ann@customer.example' })).toMatchObject({ id: 'ocQHyuzHvysMo5N5VsXc' })
  })

  it('looks up the bodies of e-mails that the list leaves out, newest first', async () => {
    answerJson('/conversations/search', { conversations: [{ id: 'conv1' }], total: 1 })
    answerJson('/conversations/conv1/messages', { messages: { lastMessageId: 'm1', nextPage: false, messages: [
      { id: 'm1', messageType: 'TYPE_SMS', direction: 'inbound', body: 'Hi', dateAdded: '2026-11-01T10:00:00Z' },
      { id: 'm2', messageType: 'TYPE_EMAIL', direction: 'outbound', dateAdded: '2026-11-01T11:00:00Z', meta: { email: { messageIds: ['e2'] } } },
    ] } })
    answerJson('/conversations/messages/email/e2', { emailMessage: { id: 'e2', subject: 'Thank you', body: '<p>Hello</p>' } })
    expect(await api.listMessages('contact1', 10)).toEqual([
      { id: 'm2', direction: 'outbound', body: '<p>Hello</p>', subject: 'Thank you', createdAt: new Date('2026-11-01T11:00:00Z') },
      { id: 'm1', direction: 'inbound', body: 'Hi', subject: null, createdAt: new Date('2026-11-01T10:00:00Z') },
    ])
    expect(fake.requests('/conversations/conv1/messages')[0]?.headers['version']).toBe('2021-04-15')
  })

  it('searches opportunities in the words of that endpoint and keeps only the asked pipeline and contact', async () => {
    answerJson('/opportunities/search', { opportunities: [
      { id: 'o1', name: 'A', pipelineId: 'p1', pipelineStageId: 's1', status: 'open', contact: { id: 'c1' } },
      { id: 'o2', name: 'B', pipelineId: 'p2', pipelineStageId: 's1', status: 'open', contactId: 'c1' },
    ] })
    expect(await api.findOpportunities({ pipelineId: 'p1', contactId: 'c1' })).toEqual([{ id: 'o1', name: 'A', contactId: 'c1', pipelineId: 'p1', stageId: 's1', status: 'open' }])
    expect(fake.requests('/opportunities/search')[0]?.query).toMatchObject({ location_id: 'loc1', pipeline_id: 'p1', contact_id: 'c1' })
  })

  it('an id that is none never becomes a path', async () => {
    for (const id of ['../oauth/token', 'a/b', '..', '', 'a?b', 'a b']) await expect(api.updateContact(id, {})).rejects.toMatchObject({ code: 'highlevel_invalid' })
    expect(fake.seen.filter(({ method }) => method === 'PUT')).toEqual([])
  })

  it('an unsafe call that fails goes out once; a safe one twice', async () => {
    fake.script(({ path }) => (path.startsWith('/contacts/') ? { status: 502, text: '<html>Bad Gateway</html>' } : undefined))
    await expect(api.createContact({ email: 'a@b.example' })).rejects.toMatchObject({ code: 'highlevel_unavailable', details: { mayHaveReached: true } })
    await expect(api.getContact('contact1')).rejects.toMatchObject({ code: 'highlevel_unavailable' })
    expect(fake.requests('/contacts/')).toHaveLength(1)
    expect(fake.requests('/contacts/contact1')).toHaveLength(2)
  })

  it('a hanging call is cut off and said to be transient', async () => {
    fake.script(({ path }) => (path === '/contacts/contact1' ? { status: 200, hang: true } : undefined))
    await expect(api.getContact('contact1')).rejects.toMatchObject({ code: 'highlevel_unavailable', details: { failure: 'ETIMEDOUT' } })
    expect(fake.requests('/contacts/contact1')).toHaveLength(1)
  })

  it('a location that keeps failing rests; another goes on', async () => {
    fake.script(({ path }) => (path === '/locations/loc1' ? { status: 0, reset: true } : path === '/locations/loc2' ? { status: 200, json: { location: { id: 'loc2' } } } : undefined))
    for (let call = 0; call < 2; call++) await expect(api.getLocation()).rejects.toMatchObject({ code: 'highlevel_unavailable' })
    await expect(api.getLocation()).rejects.toMatchObject({ code: 'highlevel_circuit_open' })
    const calls = fake.requests('/locations/loc1').length
    await expect(api.getLocation()).rejects.toMatchObject({ code: 'highlevel_circuit_open' })
    expect(fake.requests('/locations/loc1')).toHaveLength(calls)
    await expect(gateway.location('company1', 'loc2', 'bulk').getLocation()).resolves.toMatchObject({ id: 'loc2' })
  })

  it('a missing scope does not rotate tokens', async () => {
    answerJson('/contacts/contact1', { statusCode: 401, message: 'The token is not authorized for this scope.' }, 401)
    for (let call = 0; call < 3; call++) await expect(api.getContact('contact1')).rejects.toMatchObject({ code: 'highlevel_scope', message: expect.stringContaining('contacts.readonly') })
    expect([fake.tokens.refreshes, fake.tokens.mints]).toEqual([0, 1])
  })

  it('a location where the app is not installed is said so', async () => {
    answerJson('/oauth/locationToken', { statusCode: 400, message: 'App is not installed on this location' }, 400)
    await expect(api.getLocation()).rejects.toMatchObject({ code: 'highlevel_not_installed' })
  })

  it('a suspended location waits a day', async () => {
    answerJson('/locations/loc1', { statusCode: 400, message: 'Location is not active' }, 400)
    await expect(api.getLocation()).rejects.toMatchObject({ code: 'highlevel_location_inactive', retryAfterMs: 86_400_000 })
  })

  it('the request log is a company’s own and holds every attempt', async () => {
    fake.script(({ path }) => (path === '/contacts/contact1' ? { status: 503, json: {} } : undefined))
    await expect(api.getContact('contact1')).rejects.toMatchObject({ code: 'highlevel_unavailable' })
    await gateway.stop()
    const { items, total } = await gateway.requestLog({ companyId: 'company1', locationId: 'loc1', page: 1, pageSize: 10 })
    expect(items.map(({ path, status, attempt }) => [path, status, attempt])).toEqual(expect.arrayContaining([['/contacts/{contactId}', 503, 1], ['/contacts/{contactId}', 503, 2]]))
    expect(total).toBe(2)
    expect((await gateway.requestLog({ companyId: 'company2', page: 1, pageSize: 10 })).total).toBe(0)
  })
})
