import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { startSandbox, type Exchange, type Sandbox } from '../index.ts'
import { clientFor, send, type ApiAnswer, type ApiClient } from '../support/api-client.ts'

describe('every API call', () => {
  let clock: FakeClock
  let sandbox: Sandbox
  let api: ApiClient
  let home: string

  beforeEach(async () => {
    clock = createFakeClock()
    sandbox = await startSandbox({ clock, seed: { accounts: 2, companies: 2 }, limits: { burstMax: 5, burstWindowMs: 10_000, dailyMax: 12 } })
    api = await clientFor(sandbox)
    home = sandbox.company().headquarters.id
  })
  afterEach(() => sandbox.stop())

  it('is refused for one reason at a time: route, token, version, scope, tenant, content', async () => {
    sandbox.settings.limits.burstMax = 100
    sandbox.settings.limits.dailyMax = 1_000
    const other = sandbox.company(sandbox.state.companies.values()[1]?.id).headquarters.id
    expect((await api('GET', '/nowhere')).body).toEqual({ statusCode: 404, message: 'Cannot GET /nowhere', error: 'Not Found' })
    expect((await api('GET', `/locations/${home}`, undefined, { authorization: undefined, version: undefined })).body).toMatchObject({ statusCode: 401, message: 'Invalid JWT' })
    expect((await api('GET', `/locations/${other}`, undefined, { version: undefined })).body).toMatchObject({ statusCode: 401, message: 'version header was not found.' })
    expect((await api('GET', `/companies/${sandbox.companyId}`)).body).toMatchObject({ statusCode: 401, message: /authClass type is not allowed/ })
    sandbox.settings.app.scopes = ['locations.readonly']
    const narrow = await clientFor(sandbox)
    expect((await narrow('POST', '/contacts/', { locationId: other, foo: 1 })).body).toMatchObject({ statusCode: 401, message: 'The token is not authorized for this scope.' })
    expect((await api('POST', '/contacts/', { locationId: other, foo: 1 })).body).toMatchObject({ statusCode: 403, message: 'The token does not have access to this location.' })
    const unprocessable = await api('POST', '/contacts/', { locationId: home, foo: 1, email: 'not an address' })
    expect(unprocessable.status).toBe(422)
    expect(unprocessable.body).toMatchObject({ statusCode: 422, error: 'Unprocessable Entity', message: ['email must be an email', 'property foo should not exist'].sort() })
    expect(typeof unprocessable.body['traceId']).toBe('string')
    expect((await api('GET', '/contacts/unknown')).body).toMatchObject({ statusCode: 400, message: 'Contact with id unknown not found' })
  })

  it('of another version of the API is refused and says so', async () => {
    expect((await api('GET', '/workflows/?locationId=' + home, undefined, { version: 'v3' })).body).toMatchObject({ error: { code: 'BAD_REQUEST', message: expect.stringMatching(/not available in API version v3/) } })
    expect((await api('GET', '/workflows/?locationId=' + home, undefined, { version: '2020-01-01' })).status).toBe(400)
  })

  it('carries the quota of its location, and is refused past the burst until the window has passed', async () => {
    const answers: ApiAnswer[] = []
    for (let call = 0; call < 7; call += 1) answers.push(await api('GET', `/locations/${home}`))
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200, 429, 429])
    expect(answers.map((answer) => answer.headers.get('x-ratelimit-remaining'))).toEqual(['4', '3', '2', '1', '0', '0', '0'])
    expect(Object.fromEntries(['limit-daily', 'daily-remaining', 'interval-milliseconds', 'max'].map((name) => [name, answers[6]?.headers.get(`x-ratelimit-${name}`)]))).toEqual({
      'limit-daily': '12', 'daily-remaining': '7', 'interval-milliseconds': '10000', max: '5',
    })
    expect(sandbox.maxInWindow(home, 10_000)).toBe(5)
    clock.advanceMs(10_000)
    expect((await api('GET', `/locations/${home}`)).status).toBe(200)
  })

  it('counts against its own resource and its own day', async () => {
    const company = await clientFor(sandbox, { companyId: sandbox.companyId })
    for (let call = 0; call < 5; call += 1) await api('GET', `/locations/${home}`)
    expect((await company('GET', '/locations/search')).status).toBe(200)
    for (let round = 0; round < 2; round += 1) {
      clock.advanceMs(10_000)
      for (let call = 0; call < 5; call += 1) await api('GET', `/locations/${home}`)
    }
    clock.advanceMs(10_000)
    const spent = await api('GET', `/locations/${home}`)
    expect([spent.status, spent.headers.get('x-ratelimit-daily-remaining')]).toEqual([429, '0'])
    clock.advanceMs(86_400_000)
    const tomorrow = await clientFor(sandbox)
    expect((await tomorrow('GET', `/locations/${home}`)).status).toBe(200)
  })

  it('is written to the ledger with its template and the names of its members, never values', async () => {
    sandbox.resetCalls()
    await api('POST', '/contacts/', { locationId: home, email: 'someone@example.com' })
    expect(sandbox.calls).toEqual([
      { at: clock.nowMs(), method: 'POST', path: '/contacts/', url: '/contacts/', status: 201, bodyKeys: ['email', 'locationId'], companyId: sandbox.companyId, locationId: home },
    ])
  })

  it('can be listened to, without its token', async () => {
    const seen: Exchange[] = []
    const end = sandbox.exchanges((exchange) => seen.push(exchange))
    await api('GET', `/workflows/?locationId=${home}`)
    end()
    await api('GET', `/workflows/?locationId=${home}`)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({ method: 'GET', template: '/workflows/', query: { locationId: home }, status: 200, headers: { version: '2021-07-28' } })
    expect(JSON.stringify(seen)).not.toContain('Bearer')
  })

  it('answers 400 in a suspended location, whose refresh is refused too', async () => {
    const grant = sandbox.tokenFor({ locationId: home })
    sandbox.updateLocation(home, { active: false })
    expect((await api('GET', `/locations/${home}`)).body).toMatchObject({ statusCode: 400, message: 'Location is not active' })
    const { clientId, clientSecret } = sandbox.credentials
    const refresh = await send(sandbox.url, 'POST', '/oauth/token', new URLSearchParams({ client_id: clientId, client_secret: clientSecret, grant_type: 'refresh_token', refresh_token: grant.refreshToken }))
    expect(refresh).toMatchObject({ status: 400, body: { message: 'Location is not active' } })
  })
})

describe('an injected fault', () => {
  let sandbox: Sandbox
  let api: ApiClient
  let home: string

  beforeEach(async () => {
    sandbox = await startSandbox({ seed: { accounts: 1 } })
    api = await clientFor(sandbox)
    home = sandbox.company().headquarters.id
  })
  afterEach(() => sandbox.stop())

  it('meets the calls it was meant for, as often as asked, and does no work', async () => {
    sandbox.faults.next({ method: 'POST', path: /^\/contacts/ }, { status: 503, headers: { 'retry-after': '7' } }, 2)
    const first = await api('POST', '/contacts/', { locationId: home, email: 'a@example.com' })
    expect([first.status, first.headers.get('retry-after')]).toEqual([503, '7'])
    expect((await api('GET', `/locations/${home}`)).status).toBe(200)
    expect((await api('POST', '/contacts/', { locationId: home, email: 'a@example.com' })).status).toBe(503)
    expect((await api('POST', '/contacts/', { locationId: home, email: 'a@example.com' })).status).toBe(201)
    expect(sandbox.faults.injected()).toEqual({ 503: 2 })
  })

  it('may cut the connection after the work is done', async () => {
    sandbox.faults.next({ path: '/contacts/' }, { acceptThen: 'reset' })
    await expect(api('POST', '/contacts/', { locationId: home, email: 'kept@example.com' })).rejects.toThrow()
    expect(sandbox.state.contacts.by('email', `${home}/kept@example.com`)).toHaveLength(1)
    expect(sandbox.calls.at(-1)).toMatchObject({ status: 0, fault: 'accept then reset' })
  })

  it('may cut the connection before any work, answer HTML, or never answer', async () => {
    sandbox.faults.next({}, 'reset')
    await expect(api('POST', '/contacts/', { locationId: home, email: 'lost@example.com' })).rejects.toThrow()
    expect(sandbox.state.contacts.by('email', `${home}/lost@example.com`)).toHaveLength(0)
    sandbox.faults.next({}, 'html')
    const page = await fetch(`${sandbox.url}/locations/${home}`)
    expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html'])
    sandbox.faults.next({}, 'timeout')
    await expect(fetch(`${sandbox.url}/locations/${home}`, { signal: AbortSignal.timeout(100) })).rejects.toThrow()
  })

  it('at random is the same for the same seed', async () => {
    const outcomes = async (): Promise<number[]> => {
      sandbox.faults.random(0.5, 42, [{ status: 500 }])
      const statuses: number[] = []
      for (let call = 0; call < 12; call += 1) statuses.push((await api('GET', `/locations/${home}`)).status)
      sandbox.faults.clear()
      return statuses
    }
    const first = await outcomes()
    expect(first).toEqual(await outcomes())
    expect(new Set(first)).toEqual(new Set([200, 500]))
  })
})
