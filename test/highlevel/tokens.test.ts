import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createCryptoBox } from '../../src/kernel/crypto-box.ts'
import { retryVerdictOf } from '../../src/kernel/errors.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'
import { startFakeHighLevel, type FakeHighLevel } from './support/fake-highlevel.ts'
import { companyGrant, locationGrant, makeGateway, testBox, type TestGateway } from './support/make-gateway.ts'

describe('tokens', () => {
  let store: TestStore
  let fake: FakeHighLevel
  let gateway: TestGateway
  const gateways: TestGateway[] = []

  beforeEach(async () => {
    store = await openTestStore()
    fake = await startFakeHighLevel()
    gateway = open(store.connection)
    await store.ensureIndexes()
  })
  afterEach(async () => {
    for (const each of gateways.splice(0)) await each.stop()
    await fake.close()
    await store.close()
  })

  function open(connection: TestStore['connection'], deps: Parameters<typeof makeGateway>[2] = {}): TestGateway {
    const made = makeGateway(connection, fake.url, deps)
    gateways.push(made)
    return made
  }

  /** Company and location answers for a token that works. */
  function answerCalls(): void {
    fake.script(({ path, headers }) => {
      if (path.startsWith('/oauth/')) return undefined
      if (!fake.tokens.valid.has((headers.authorization ?? '').replace('Bearer ', ''))) return { status: 401, json: { statusCode: 401, message: 'Invalid JWT' } }
      if (path.startsWith('/companies/')) return { status: 200, json: { company: { id: 'company1', name: 'Agency' } } }
      if (path.startsWith('/locations/')) return { status: 200, json: { location: { id: path.split('/')[2], companyId: 'company1', name: 'Place' } } }
      return undefined
    })
  }

  it('an authorization code is exchanged with a form and gives a grant', async () => {
    const grant = await gateway.exchangeCode('code-1', 'https://app.example.com/oauth/callback')
    expect(grant).toMatchObject({ userType: 'Company', companyId: 'company1', expiresInSeconds: 86_399, isBulkInstallation: true, scopes: ['contacts.readonly', 'contacts.write'] })
    const [request] = fake.requests('/oauth/token')
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(request?.headers['version']).toBeUndefined()
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toMatchObject({ grant_type: 'authorization_code', code: 'code-1', client_id: '0123456789abcdef01234567-abcdefgh', client_secret: 'client-secret-value' })
  })

  it('a rejected code is permanent', async () => {
    fake.script(() => ({ status: 401, json: { error: 'UnAuthorized!', error_description: 'Authorization code not found' } }))
    await expect(gateway.exchangeCode('used', 'https://app.example.com')).rejects.toMatchObject({ code: 'highlevel_code_rejected' })
  })

  it('50 calls with an expired token over two gateways refresh exactly once', async () => {
    answerCalls()
    const pair = fake.tokens.issue('company1', 'Company')
    fake.tokens.valid.clear()
    await gateway.storeTokens(companyGrant(pair, 1))
    const other = open(await store.another())
    const calls = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? gateway : other).company('company1', 'interactive').getCompany())
    const companies = await Promise.all(calls)
    expect(companies).toHaveLength(50)
    expect(fake.tokens.refreshes).toBe(1)
    expect(gateway.reconnects.concat(other.reconnects)).toEqual([])
  })

  it('50 calls whose token HighLevel rejects over two gateways refresh exactly once', async () => {
    answerCalls()
    await gateway.storeTokens(companyGrant(fake.tokens.issue('company1', 'Company')))
    fake.tokens.valid.clear()
    const other = open(await store.another())
    await Promise.all(Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? gateway : other).company('company1', 'interactive').getCompany()))
    expect(fake.tokens.refreshes).toBe(1)
  })

  it('a location token is minted from the company token, once, and minted again when it is rejected', async () => {
    answerCalls()
    await gateway.storeTokens(companyGrant(fake.tokens.issue('company1', 'Company')))
    const other = open(await store.another())
    await Promise.all(Array.from({ length: 10 }, () => gateway.location('company1', 'loc1', 'interactive').getLocation()))
    await other.location('company1', 'loc1', 'interactive').getLocation()
    expect(fake.tokens.mints).toBe(1)
    for (const token of fake.tokens.valid) if (token.includes('-loc1-')) fake.tokens.valid.delete(token)
    await expect(other.location('company1', 'loc1', 'interactive').getLocation()).resolves.toMatchObject({ id: 'loc1' })
    expect(fake.tokens.mints).toBe(2)
    expect(fake.tokens.refreshes).toBe(0)
  })

  it('a single-location installation refreshes its own token', async () => {
    answerCalls()
    const pair = fake.tokens.issue('loc9', 'Location')
    fake.tokens.valid.clear()
    await gateway.storeTokens(locationGrant('loc9', pair, 1))
    await expect(gateway.location('company1', 'loc9', 'interactive').getLocation()).resolves.toMatchObject({ id: 'loc9' })
    const form = new URLSearchParams(fake.requests('/oauth/token')[0]?.body)
    expect(form.get('user_type')).toBe('Location')
    expect(fake.tokens.mints).toBe(0)
  })

  it('a revoked refresh token asks for a reconnect exactly once, over all processes and calls', async () => {
    answerCalls()
    const pair = fake.tokens.issue('company1', 'Company')
    fake.tokens.valid.clear()
    fake.tokens.refresh.clear()
    await gateway.storeTokens(companyGrant(pair, 1))
    const other = open(await store.another())
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? gateway : other).company('company1', 'interactive').getCompany()))
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'highlevel_needs_reconnect' } })
    expect(gateway.reconnects.concat(other.reconnects)).toEqual(['company1'])
    // A new installation heals it.
    await gateway.storeTokens(companyGrant(fake.tokens.issue('company1', 'Company')))
    await expect(other.company('company1', 'interactive').getCompany()).resolves.toMatchObject({ name: 'Agency' })
  })

  it('work that needs a reconnect waits, it is not lost', async () => {
    answerCalls()
    await gateway.storeTokens(companyGrant({ access_token: 'a', refresh_token: 'b' }, 1))
    const error: unknown = await gateway.company('company1', 'bulk').getCompany().catch((thrown: unknown) => thrown)
    expect(retryVerdictOf(error).kind).toBe('retry_after')
  })

  it('a crash between grant and store: the company must reconnect, said once', async () => {
    answerCalls()
    const pair = fake.tokens.issue('company1', 'Company')
    fake.tokens.valid.clear()
    const crashing = open(await store.another(), {
      tokenLeaseMs: 300,
      faultPoint: () => {
        throw new Error('crash')
      },
    })
    await crashing.storeTokens(companyGrant(pair, 1))
    await expect(crashing.company('company1', 'interactive').getCompany()).rejects.toThrow('crash')
    await expect(gateway.company('company1', 'interactive').getCompany()).rejects.toMatchObject({ code: 'highlevel_needs_reconnect' })
    expect(gateway.reconnects).toEqual(['company1'])
  })

  it('a process that died while renewing holds the others up only until its lease ends', async () => {
    answerCalls()
    const pair = fake.tokens.issue('company1', 'Company')
    fake.tokens.valid.clear()
    await gateway.storeTokens(companyGrant(pair, 1))
    await store.connection.collection('highlevel_tokens').updateOne({ companyId: 'company1' }, { $set: { leaseOwner: 'dead', leaseUntil: new Date(Date.now() + 300) } })
    await expect(gateway.company('company1', 'interactive').getCompany()).resolves.toMatchObject({ name: 'Agency' })
    expect(fake.tokens.refreshes).toBe(1)
  })

  it('a lost location refresh is healed by minting when the company token is there', async () => {
    answerCalls()
    await gateway.storeTokens(locationGrant('loc1', { access_token: 'dead', refresh_token: 'dead' }, 1))
    await gateway.storeTokens(companyGrant(fake.tokens.issue('company1', 'Company')))
    await expect(gateway.location('company1', 'loc1', 'interactive').getLocation()).resolves.toMatchObject({ id: 'loc1' })
    expect(gateway.reconnects).toEqual([])
  })

  it('HighLevel failing during a refresh is transient and loses nothing', async () => {
    answerCalls()
    const pair = fake.tokens.issue('company1', 'Company')
    fake.tokens.valid.clear()
    await gateway.storeTokens(companyGrant(pair, 1))
    let failures = 0
    fake.script(({ path }) => (path === '/oauth/token' && failures++ < 1 ? { status: 503, text: '<html>busy</html>' } : undefined))
    await expect(gateway.company('company1', 'interactive').getCompany()).rejects.toMatchObject({ code: 'highlevel_unavailable' })
    await expect(gateway.company('company1', 'interactive').getCompany()).resolves.toMatchObject({ name: 'Agency' })
    expect(gateway.reconnects).toEqual([])
  })

  it('the token keeper renews tokens past three quarters of their life, once over two gateways', async () => {
    const clock = createFakeClock()
    const keeper = open(store.connection, { clock })
    const second = open(await store.another(), { clock })
    await keeper.storeTokens(companyGrant(fake.tokens.issue('company1', 'Company'), 86_400))
    clock.advanceMs(86_400_000 * 0.7)
    expect(await keeper.refreshDueTokens(10)).toBe(0)
    clock.advanceMs(86_400_000 * 0.06)
    await Promise.all([keeper.refreshDueTokens(10), second.refreshDueTokens(10)])
    expect(fake.tokens.refreshes).toBe(1)
    expect(await keeper.refreshDueTokens(10)).toBe(0)
  })

  it('purged tokens are gone; another company and location keep theirs', async () => {
    answerCalls()
    await gateway.storeTokens(companyGrant(fake.tokens.issue('company1', 'Company')))
    await gateway.storeTokens({ ...companyGrant(fake.tokens.issue('company2', 'Company')), companyId: 'company2' })
    await gateway.location('company1', 'loc1', 'bulk').getLocation()
    await gateway.purgeTokens('company1')
    await expect(gateway.company('company1', 'bulk').getCompany()).rejects.toMatchObject({ code: 'highlevel_not_installed' })
    await expect(gateway.location('company1', 'loc1', 'bulk').getLocation()).rejects.toMatchObject({ code: 'highlevel_not_installed' })
    await expect(gateway.company('company2', 'bulk').getCompany()).resolves.toMatchObject({ name: 'Agency' })
  })

  it('tokens sealed with the previous secret still open and are sealed again', async () => {
    answerCalls()
    await gateway.storeTokens(companyGrant(fake.tokens.issue('company1', 'Company')))
    const rotated = createCryptoBox('another test secret, long enough as well', 'a test secret that is long enough to be accepted')
    const after = open(await store.another(), { box: rotated })
    await after.refreshDueTokens(10)
    const record = await store.connection.collection('highlevel_tokens').findOne({ companyId: 'company1' })
    expect(rotated.isOutdated(String(record?.['sealedAccess']))).toBe(false)
    expect(() => testBox.open(String(record?.['sealedAccess']), String(record?._id))).toThrow()
    await expect(after.company('company1', 'bulk').getCompany()).resolves.toMatchObject({ name: 'Agency' })
  })

  it('no collection holds a token, a secret, a body or an address', async () => {
    answerCalls()
    fake.script(({ path }) => (path === '/contacts/' ? { status: 201, json: { contact: { id: 'contact1', email: 'ann@customer.example' } } } : undefined))
    await gateway.storeTokens(companyGrant(fake.tokens.issue('company1', 'Company')))
    await gateway.location('company1', 'loc1', 'interactive').createContact({ email: 'ann@customer.example', firstName: 'Annabel' })
    await gateway.stop()
    const log = await gateway.requestLog({ companyId: 'company1', page: 1, pageSize: 50 })
    expect(log.items.map(({ method, path, status, priority }) => ({ method, path, status, priority }))).toEqual(
      expect.arrayContaining([{ method: 'POST', path: '/contacts/', status: 201, priority: 'interactive' }]),
    )
    const collections = ['highlevel_tokens', 'highlevel_budgets', 'highlevel_requests']
    const dump = JSON.stringify(await Promise.all(collections.map((name) => store.connection.collection(name).find().toArray())))
    for (const secret of ['secret-access', 'secret-refresh', 'client-secret-value', 'ann@customer', 'Annabel', 'Bearer']) expect(dump).not.toContain(secret)
  })
})
