import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { startSandbox, type Sandbox } from '../index.ts'
import { clientFor, send, type ApiAnswer } from '../support/api-client.ts'

let clock: FakeClock
let sandbox: Sandbox

beforeEach(async () => {
  clock = createFakeClock()
  sandbox = await startSandbox({ clock, seed: { accounts: 3, usersPerAccount: 1 }, app: { redirectUri: 'http://127.0.0.1:1/oauth/callback' } })
})
afterEach(() => sandbox.stop())

function token(form: Record<string, string>): Promise<ApiAnswer> {
  const { clientId, clientSecret } = sandbox.credentials
  return send(sandbox.url, 'POST', '/oauth/token', new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...form }))
}

const exchange = (code: string): Promise<ApiAnswer> => token({ grant_type: 'authorization_code', code })
const refresh = (refreshToken: string): Promise<ApiAnswer> => token({ grant_type: 'refresh_token', refresh_token: refreshToken })
const bearer = (answer: ApiAnswer) => ({ authorization: `Bearer ${String(answer.body['access_token'])}`, version: '2021-07-28' })

describe('an authorization code', () => {
  it('gives a company token that names the chosen accounts, once', async () => {
    const { code, callbackUrl } = await sandbox.install({ deliver: false, withState: 'ours' })
    expect(callbackUrl).toBe(`http://127.0.0.1:1/oauth/callback?code=${code}&state=ours`)
    const first = await exchange(code)
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject({ token_type: 'Bearer', expires_in: 86_399, userType: 'Company', companyId: sandbox.companyId, isBulkInstallation: true, approveAllLocations: true })
    expect(first.body['approvedLocations']).toHaveLength(4)
    expect(await exchange(code)).toMatchObject({ status: 401, body: { error: 'UnAuthorized!', error_description: 'Authorization code not found' } })
  })

  it('of one account gives that account a location token', async () => {
    const locationId = sandbox.company().accounts[0]?.id ?? ''
    const { code } = await sandbox.install({ deliver: false, single: locationId })
    expect((await exchange(code)).body).toMatchObject({ userType: 'Location', locationId, isBulkInstallation: false })
  })

  it('expires, and needs the right client', async () => {
    const { code } = await sandbox.install({ deliver: false })
    expect((await token({ grant_type: 'authorization_code', code, client_secret: 'wrong' })).body).toMatchObject({ error_description: 'Invalid client: client is invalid' })
    clock.advanceMs(3_600_000)
    expect((await exchange(code)).status).toBe(401)
  })
})

describe('a refresh token', () => {
  it('works once: the next one replaces it and the old one is refused', async () => {
    const first = await exchange((await sandbox.install({ deliver: false })).code)
    const second = await refresh(String(first.body['refresh_token']))
    expect(second.status).toBe(200)
    expect(second.body['refresh_token']).not.toBe(first.body['refresh_token'])
    expect(await refresh(String(first.body['refresh_token']))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await refresh(String(second.body['refresh_token']))).status).toBe(200)
  })

  it('outlives its access token', async () => {
    const first = await exchange((await sandbox.install({ deliver: false })).code)
    clock.advanceMs(86_400_000)
    expect((await send(sandbox.url, 'GET', '/locations/search', undefined, bearer(first))).body).toMatchObject({ statusCode: 401, message: 'Invalid token: access token is invalid' })
    const second = await refresh(String(first.body['refresh_token']))
    expect((await send(sandbox.url, 'GET', '/locations/search', undefined, bearer(second))).status).toBe(200)
  })
})

describe('a company token', () => {
  it('mints tokens for the accounts where the app is installed, and for no others', async () => {
    const [installed, other] = sandbox.company().accounts
    const { code } = await sandbox.install({ deliver: false, locationIds: [installed?.id ?? ''] })
    const company = bearer(await exchange(code))
    const mint = (locationId: string): Promise<ApiAnswer> =>
      send(sandbox.url, 'POST', '/oauth/locationToken', new URLSearchParams({ companyId: sandbox.companyId, locationId }), company)
    const minted = await mint(installed?.id ?? '')
    expect(minted.body).toMatchObject({ userType: 'Location', locationId: installed?.id })
    expect((await send(sandbox.url, 'GET', `/locations/${installed?.id ?? ''}`, undefined, bearer(minted))).status).toBe(200)
    expect((await mint(other?.id ?? '')).status).toBe(400)
    expect((await mint('nowhere')).status).toBe(403)
  })

  it('lists installed accounts in pages, and names the installer', async () => {
    const company = await clientFor(sandbox, { companyId: sandbox.companyId })
    const { appId } = sandbox.credentials
    const page = await company('GET', `/oauth/installedLocations?companyId=${sandbox.companyId}&appId=${appId}&isInstalled=true&skip=3&limit=2`)
    expect(page.body).toMatchObject({ count: 4, installToFutureLocations: true })
    expect(page.body['locations']).toHaveLength(1)
    expect((await company('GET', `/marketplace/app/${appId}/installations`)).body).toMatchObject({ installationDetails: { companyId: sandbox.companyId, userId: sandbox.company().admin.id } })
  })
})

describe('an uninstall', () => {
  it('kills every token at once, also the refresh tokens', async () => {
    const first = await exchange((await sandbox.install({ deliver: false })).code)
    const headers = { ...bearer(first), 'content-type': 'application/json' }
    expect((await send(sandbox.url, 'DELETE', `/marketplace/app/${sandbox.credentials.appId}/installations`, { companyId: sandbox.companyId }, headers)).body).toEqual({ success: true })
    expect((await send(sandbox.url, 'GET', '/locations/search', undefined, bearer(first))).status).toBe(401)
    expect(await refresh(String(first.body['refresh_token']))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  it('of one account leaves the others alone', async () => {
    const [one, two] = sandbox.company().accounts
    const gone = await clientFor(sandbox, { locationId: one?.id ?? '' })
    const kept = await clientFor(sandbox, { locationId: two?.id ?? '' })
    sandbox.uninstall({ locationId: one?.id ?? '' })
    expect((await gone('GET', `/locations/${one?.id ?? ''}`)).status).toBe(401)
    expect((await kept('GET', `/locations/${two?.id ?? ''}`)).status).toBe(200)
  })
})

describe('the page that chooses where to install', () => {
  const address = (extra = ''): string => `/v2/oauth/chooselocation?response_type=code&client_id=${sandbox.credentials.clientId}&redirect_uri=http://127.0.0.1:1/cb${extra}`

  it('sends a plain client on to the callback with a good code and its state', async () => {
    const response = await fetch(sandbox.url + address('&state=abc'), { redirect: 'manual' })
    const target = new URL(response.headers.get('location') ?? '')
    expect([response.status, target.origin + target.pathname, target.searchParams.get('state')]).toEqual([302, 'http://127.0.0.1:1/cb', 'abc'])
    expect((await exchange(target.searchParams.get('code') ?? '')).status).toBe(200)
  })

  it('shows a browser a form, and installs what was chosen', async () => {
    const page = await fetch(sandbox.url + address(), { headers: { accept: 'text/html' } })
    expect(await page.text()).toContain('Northwind Growth')
    const locationId = sandbox.company().accounts[1]?.id ?? ''
    const body = new URLSearchParams({ client_id: sandbox.credentials.clientId, redirect_uri: 'http://127.0.0.1:1/cb', companyId: sandbox.companyId, locationId })
    const response = await fetch(`${sandbox.url}/v2/oauth/chooselocation`, { method: 'POST', body, redirect: 'manual' })
    const answer = await exchange(new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? '')
    expect(answer.body).toMatchObject({ approvedLocations: [locationId], installToFutureLocations: false })
  })

  it('refuses an unknown client', async () => {
    expect((await fetch(`${sandbox.url}/v2/oauth/chooselocation?client_id=other&redirect_uri=http://127.0.0.1:1/cb`, { redirect: 'manual' })).status).toBe(400)
  })
})
