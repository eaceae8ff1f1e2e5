import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { endpoints, productionLimits, type CompanyApi, type LocationApi } from '../../src/highlevel/index.ts'
import { startSandbox, type Exchange, type Sandbox } from '../sandbox/index.ts'
import { openTestStore, type TestStore } from '../support/store.ts'
import { makeGateway, type TestGateway } from './support/make-gateway.ts'

describe('gateway against the local platform', () => {
  let store: TestStore
  let sandbox: Sandbox
  let gateway: TestGateway
  let hub: LocationApi
  let agency: CompanyApi
  let hubId: string
  const seen: Exchange[] = []

  beforeAll(async () => {
    store = await openTestStore()
    sandbox = await startSandbox({ webhooks: { enabled: false } })
    sandbox.exchanges((exchange) => seen.push(exchange))
    const { clientId, clientSecret, appId } = sandbox.credentials
    gateway = makeGateway(store.connection, sandbox.url, { config: { apiUrl: sandbox.url, clientId, clientSecret, appId } })
    await store.ensureIndexes()
    const { code } = await sandbox.install({ deliver: false })
    const grant = await gateway.exchangeCode(code, 'https://app.example.com/oauth/callback')
    expect(grant).toMatchObject({ userType: 'Company', companyId: sandbox.companyId })
    await gateway.storeTokens(grant)
    hubId = sandbox.company().headquarters.id
    hub = gateway.location(sandbox.companyId, hubId, 'interactive')
    agency = gateway.company(sandbox.companyId, 'interactive')
  })
  afterAll(async () => {
    await gateway.stop()
    await sandbox.stop()
    await store.close()
  })
  beforeEach(() => sandbox.faults.clear())

  it('a code works once', async () => {
    const { code } = await sandbox.install({ deliver: false })
    await gateway.storeTokens(await gateway.exchangeCode(code, 'https://app.example.com/oauth/callback'))
    await expect(gateway.exchangeCode(code, 'https://app.example.com/oauth/callback')).rejects.toMatchObject({ code: 'highlevel_code_rejected' })
  })

  it('reads the agency, its locations and its people', async () => {
    expect(await agency.getCompany()).toMatchObject({ id: sandbox.companyId, name: expect.any(String) })
    const { locations } = await agency.searchLocations({ skip: 0, limit: 100 })
    expect(locations.map(({ id }) => id)).toContain(hubId)
    const firstPage = await agency.searchLocations({ skip: 0, limit: 2 })
    const secondPage = await agency.searchLocations({ skip: 2, limit: 2 })
    expect([...firstPage.locations, ...secondPage.locations].map(({ id }) => id)).toEqual(locations.slice(0, 4).map(({ id }) => id))
    const installed = await agency.listInstalledLocations({ skip: 0, limit: 5 })
    expect(installed.locations).toHaveLength(5)
    expect(installed.total).toBe(locations.length)
    const everybody = await agency.searchUsers({ limit: 100 })
    expect(everybody.users.some(({ type }) => type === 'agency')).toBe(true)
    const { accounts, admin } = sandbox.company()
    const [account] = accounts
    const ofAccount = await agency.searchUsers({ locationId: account?.id ?? '', limit: 100 })
    expect(ofAccount.users.filter(({ type }) => type === 'account').map(({ id }) => id).sort()).toEqual(sandbox.accountUsersOf(account?.id ?? '').map(({ id }) => id).sort())
    expect((await agency.searchUsers({ ids: [admin.id] })).users).toEqual([expect.objectContaining({ id: admin.id, type: 'agency', role: 'admin', deleted: false })])
    expect(await hub.getLocation()).toMatchObject({ id: hubId, companyId: sandbox.companyId, timezone: expect.any(String) })
    const [someone] = sandbox.usersOf(account?.id ?? '').filter(({ type }) => type === 'account')
    const accountApi = gateway.location(sandbox.companyId, account?.id ?? '', 'interactive')
    expect((await accountApi.searchUsers({ ids: [someone?.id ?? ''] })).users).toEqual([expect.objectContaining({ id: someone?.id, type: 'account', locationIds: expect.arrayContaining([account?.id]) })])
  })

  it('creates, reads and changes custom fields with options', async () => {
    const options = ['Very Happy', 'Happy', 'Neutral', 'Not Happy']
    const field = await hub.createCustomField({ name: 'Test Happiness', dataType: 'SINGLE_OPTIONS', options })
    expect(field).toMatchObject({ name: 'Test Happiness', dataType: 'SINGLE_OPTIONS', options, fieldKey: 'contact.test_happiness' })
    expect(await hub.listCustomFields()).toEqual(expect.arrayContaining([field]))
    const changed = await hub.updateCustomField(field.id, { name: 'Test Happiness', dataType: 'SINGLE_OPTIONS', options: [...options, 'Unsure'] })
    expect(changed).toMatchObject({ id: field.id, options: [...options, 'Unsure'] })
    for (const dataType of ['NUMERICAL', 'DATE', 'LARGE_TEXT', 'TEXT'] as const) expect(await hub.createCustomField({ name: `Test ${dataType}`, dataType })).toMatchObject({ dataType })
  })

  it('lists and creates tags', async () => {
    await hub.createTag('happiness: very happy')
    expect((await hub.listTags()).map(({ name }) => name)).toContain('happiness: very happy')
  })

  it('creates pipelines and adds stages without losing any', async () => {
    const created = await hub.createPipeline('Test Happiness', ['Not Happy', 'Happy'])
    expect(created.stages.map(({ name }) => name)).toEqual(['Not Happy', 'Happy'])
    const grown = await hub.addPipelineStages(created.id, ['happy', 'Very Happy'])
    expect(grown.stages.map(({ name }) => name)).toEqual(['Not Happy', 'Happy', 'Very Happy'])
    expect(grown.stages.slice(0, 2).map(({ id }) => id)).toEqual(created.stages.map(({ id }) => id))
    expect((await hub.listPipelines()).find(({ id }) => id === created.id)).toEqual(grown)
    await hub.addPipelineStages(created.id, ['Very Happy'])
    expect((await hub.listPipelines()).find(({ id }) => id === created.id)).toEqual(grown)
  })

  it('says so where pipelines may not be created', async () => {
    sandbox.settings.pipelinesV3 = false
    await expect(hub.createPipeline('Never', ['One'])).rejects.toMatchObject({ code: 'highlevel_scope' })
    sandbox.settings.pipelinesV3 = true
  })

  it('creates, finds, changes and tags contacts; a second one with the same address is the first', async () => {
    const field = await hub.createCustomField({ name: 'Test Score', dataType: 'NUMERICAL' })
    const created = await hub.createContact({ email: 'Ann@Customer.Example', firstName: 'Ann', lastName: 'Lee', companyName: 'Customer', source: 'test', customFields: [{ id: field.id, value: 12 }] })
    expect(created).toMatchObject({ email: 'ann@customer.example', firstName: 'Ann' })
    expect(created.customFields).toEqual([{ id: field.id, value: 12 }])
    expect(await hub.findContactByEmail('ANN@customer.example')).toMatchObject({ id: created.id })
    expect(await hub.findContactByEmail('nobody@customer.example')).toBeNull()
    expect(await hub.createContact({ email: 'ann@customer.example', firstName: 'Other' })).toMatchObject({ id: created.id, firstName: 'Ann' })
    const updated = await hub.updateContact(created.id, { companyName: 'ignored', customFields: [{ id: field.id, value: 40 }] })
    expect(updated.id).toBe(created.id)
    await hub.addTags(created.id, ['happiness: happy', 'vip'])
    await hub.removeTags(created.id, ['vip'])
    expect(await hub.getContact(created.id)).toMatchObject({ tags: ['happiness: happy'], customFields: [{ id: field.id, value: 40 }], dnd: false })
    await hub.updateContact(created.id, { customFields: [{ id: field.id, value: '' }] })
    expect((await hub.getContact(created.id))?.tags).toEqual(['happiness: happy'])
  })

  it.each([400, 404] as const)('a contact that is gone reads as null and writes as permanent (%i)', async (status) => {
    sandbox.settings.missingContactStatus = status
    expect(await hub.getContact('AAAAAAAAAAAAAAAAAAAA')).toBeNull()
    await expect(hub.updateContact('AAAAAAAAAAAAAAAAAAAA', { firstName: 'X' })).rejects.toMatchObject({ code: 'highlevel_not_found' })
    expect(await hub.getOpportunity('AAAAAAAAAAAAAAAAAAAA')).toBeNull()
    await expect(hub.moveOpportunity('AAAAAAAAAAAAAAAAAAAA', { pipelineId: 'AAAAAAAAAAAAAAAAAAAA', stageId: 'b2d3c1a0-0000-4000-8000-000000000000' })).rejects.toMatchObject({ code: expect.stringMatching(/highlevel_(not_found|invalid)/) })
  })

  it('creates, finds and moves cards', async () => {
    const pipeline = await hub.createPipeline('Test Cards', ['One', 'Two'])
    const [one, two] = pipeline.stages
    const contact = await hub.createContact({ email: 'card@customer.example' })
    const card = await hub.createOpportunity({ pipelineId: pipeline.id, stageId: one?.id ?? '', contactId: contact.id, name: 'Card of Ann' })
    expect(card).toMatchObject({ pipelineId: pipeline.id, stageId: one?.id, contactId: contact.id, status: 'open', name: 'Card of Ann' })
    expect(await hub.findOpportunities({ pipelineId: pipeline.id, contactId: contact.id })).toEqual([card])
    expect(await hub.moveOpportunity(card.id, { pipelineId: pipeline.id, stageId: two?.id ?? '' })).toMatchObject({ id: card.id, stageId: two?.id })
    expect(await hub.getOpportunity(card.id)).toMatchObject({ stageId: two?.id })
  })

  it('sends messages and finds them again', async () => {
    const contact = await hub.createContact({ email: 'mail@customer.example', phone: '+18885550100' })
    expect(await hub.listMessages(contact.id, 10)).toEqual([])
    const mail = await hub.sendMessage({ kind: 'email', contactId: contact.id, subject: 'Thank you', html: '<p>Hello Ann</p>', text: 'Hello Ann' })
    expect(mail).toMatchObject({ messageId: expect.stringMatching(/\w+/), conversationId: expect.stringMatching(/\w+/) })
    await hub.sendMessage({ kind: 'sms', contactId: contact.id, text: 'Short hello' })
    const messages = await hub.listMessages(contact.id, 10)
    expect(messages).toHaveLength(2)
    expect(messages.map(({ direction }) => direction)).toEqual(['outbound', 'outbound'])
    expect(messages.some(({ body }) => body.includes('Hello Ann'))).toBe(true)
    expect(messages.some(({ body }) => body.includes('Short hello'))).toBe(true)
  })

  it('creates tasks and notes and lists them', async () => {
    const contact = await hub.createContact({ email: 'task@customer.example' })
    const task = await hub.createTask(contact.id, { title: 'Call Ann', body: 'She is not happy', dueAt: new Date('2026-11-03T10:00:00Z'), assignedTo: sandbox.company().admin.id })
    expect(await hub.listTasks(contact.id)).toEqual([{ id: task.id, title: 'Call Ann', body: 'She is not happy', completed: false }])
    const note = await hub.createNote(contact.id, 'Spoke with Ann')
    expect(await hub.listNotes(contact.id)).toEqual([{ id: note.id, body: 'Spoke with Ann' }])
  })

  it('expired tokens are renewed on the way, revoked ones ask for a reconnect', async () => {
    sandbox.expireTokens({ companyId: sandbox.companyId })
    await expect(hub.getLocation()).resolves.toMatchObject({ id: hubId })
    await expect(agency.getCompany()).resolves.toMatchObject({ id: sandbox.companyId })
    sandbox.revokeTokens({ companyId: sandbox.companyId })
    await expect(agency.getCompany()).rejects.toMatchObject({ code: 'highlevel_needs_reconnect' })
    await expect(hub.getLocation()).rejects.toMatchObject({ code: 'highlevel_needs_reconnect' })
    expect(gateway.reconnects).toEqual([sandbox.companyId])
    const { code } = await sandbox.install({ deliver: false })
    await gateway.storeTokens(await gateway.exchangeCode(code, 'https://app.example.com/oauth/callback'))
    await expect(hub.getLocation()).resolves.toMatchObject({ id: hubId })
  })

  it('an idempotent call survives one failure; an unsafe one is not sent twice', async () => {
    sandbox.faults.next({ method: 'GET', path: `/locations/${hubId}` }, 'html')
    await expect(hub.getLocation()).resolves.toMatchObject({ id: hubId })
    sandbox.faults.next({ method: 'POST', path: '/contacts/' }, { acceptThen: 'reset' })
    await expect(hub.createContact({ email: 'once@customer.example' })).rejects.toMatchObject({ code: 'highlevel_unavailable', details: { mayHaveReached: true } })
    expect(await hub.findContactByEmail('once@customer.example')).not.toBeNull()
    sandbox.faults.next({ method: 'PUT' }, 'timeout')
    const contact = await hub.findContactByEmail('once@customer.example')
    await expect(hub.updateContact(contact?.id ?? '', { firstName: 'Late' })).rejects.toMatchObject({ code: 'highlevel_unavailable', details: { failure: 'ETIMEDOUT' } })
  })

  it('stays within the quota: never a 429 over two gateways', async () => {
    const before = { ...sandbox.settings.limits }
    // The margin is what a busy machine may hold a request up on its way.
    Object.assign(sandbox.settings.limits, { burstMax: 20, burstWindowMs: 2_000 })
    const limits = { ...productionLimits, windowMs: 2_000, maxPerWindow: 20, permitLifeMs: 300, marginMs: 600, maxWaitMs: { interactive: 60_000, webhook: 60_000, bulk: 60_000 } }
    const { clientId, clientSecret, appId } = sandbox.credentials
    const config = { apiUrl: sandbox.url, clientId, clientSecret, appId }
    const one = makeGateway(store.connection, sandbox.url, { config, limits })
    const other = makeGateway(await store.another(), sandbox.url, { config, limits })
    const [account] = sandbox.company().accounts
    const statuses = seen.length
    await Promise.all(Array.from({ length: 80 }, (_, index) => (index % 2 === 0 ? one : other).location(sandbox.companyId, account?.id ?? '', index % 3 === 0 ? 'interactive' : 'bulk').getLocation()))
    expect(seen.slice(statuses).filter(({ status }) => status === 429)).toEqual([])
    expect(seen.slice(statuses).filter(({ path }) => path === `/locations/${account?.id}`)).toHaveLength(80)
    await one.stop()
    await other.stop()
    Object.assign(sandbox.settings.limits, before)
  })

  it('every call matches the endpoint table: path, version, no stray headers', () => {
    const table = Object.values(endpoints).map((endpoint) => ({ ...endpoint, pattern: new RegExp(`^${endpoint.path.replace(/\{\w+\}/g, '[^/]+')}$`) }))
    expect(seen.length).toBeGreaterThan(40)
    for (const exchange of seen) {
      const match = table.find(({ method, pattern, version }) => method === exchange.method && pattern.test(exchange.path) && (version ?? undefined) === exchange.headers['version'])
      expect(match === undefined ? `${exchange.method} ${exchange.path} ${String(exchange.headers['version'])}` : 'known').toBe('known')
    }
  })

  it('uninstalls; afterwards nothing works any more', async () => {
    await agency.uninstall('Closed by the agency')
    await gateway.purgeTokens(sandbox.companyId)
    await expect(agency.getCompany()).rejects.toMatchObject({ code: 'highlevel_not_installed' })
  })
})
