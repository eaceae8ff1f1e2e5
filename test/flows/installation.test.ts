import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createHmac } from 'node:crypto'
import { startProduct, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct({ sandbox: { seed: { accounts: 30, usersPerAccount: 1, companies: 2 } } })
}, 60_000)

afterAll(() => product.stop())

const admin = (): ReturnType<Product['admin']> => product.admin()
const statusOf = async (): Promise<string | undefined> => (await product.app.services.installations.get(product.companyId))?.status
const tokensOf = (companyId: string): Promise<number> => product.connection.collection('highlevel_tokens').countDocuments({ companyId })
const installations = (companyId: string): Promise<number> => product.connection.collection('installations').countDocuments({ companyId })
const callsOf = (companyId: string): number => product.sandbox.calls.filter((call) => call.companyId === companyId || product.sandbox.state.locations.get(call.locationId ?? '')?.companyId === companyId).length
const accountOf = (locationId: string) => product.app.services.accounts.get(product.companyId, locationId)
const totalAccounts = async (): Promise<number> => (await product.app.services.accounts.list(product.companyId, { page: 1, pageSize: 200, sort: 'name', includeSuccessLocation: true })).total

async function mirrored(): Promise<void> {
  await until('accounts and users mirrored', async () => {
    const progress = await product.app.services.accounts.progress(product.companyId)
    return progress.firstDoneAt !== null && !progress.running
  })
}

async function callback(query: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${product.url}/oauth/callback${query}`, { redirect: 'manual' })
  return { status: response.status, text: await response.text() }
}

/** The `state` that our own start page hands out. */
async function freshState(): Promise<string> {
  const response = await fetch(`${product.url}/oauth/install`, { redirect: 'manual' })
  expect(response.status).toBe(302)
  const location = new URL(response.headers.get('location') ?? '')
  expect(`${location.origin}${location.pathname}`).toBe(`${product.sandbox.url}/v2/oauth/chooselocation`)
  return location.searchParams.get('state') ?? ''
}

describe('an installation', () => {
  it('waits for the authorization when INSTALL comes first, for hundreds of sub-accounts at once', async () => {
    const { sandbox } = product
    const { accounts, headquarters } = sandbox.company()
    const bodies = Array.from({ length: 200 }, (_, index) => sandbox.webhook({
      type: 'INSTALL', companyId: product.companyId, locationId: [headquarters, ...accounts][index % 31]!.id, installType: 'Location', userId: sandbox.company().admin.id, planId: 'plan-1',
    }))
    const answers = await Promise.all(bodies.map((body) => sandbox.deliver(body)))
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]))
    await product.settled()
    expect(await statusOf()).toBe('pending')
    expect(await installations(product.companyId)).toBe(1)
    expect(callsOf(product.companyId)).toBe(0)
  })

  it('refuses a state that is forged or not ours, and changes nothing', async () => {
    const { sandbox } = product
    const { code } = await sandbox.install({ deliver: false })
    const state = await freshState()
    const [body = ''] = state.split('.')
    const altered = Buffer.from(JSON.stringify({ nonce: 'x', expiresAtMs: Date.now() + 3_600_000 })).toString('base64url')
    const foreign = `${altered}.${createHmac('sha256', 'somebody else').update(altered).digest('base64url')}`
    const past = Buffer.from(JSON.stringify({ nonce: 'x', expiresAtMs: Date.now() - 1 })).toString('base64url')
    const expired = `${past}.${createHmac('sha256', product.app.services.box.signingKeys('oauth-state')[0]!).update(past).digest('base64url')}`
    for (const wrong of [expired, 'nonsense', `${body}.`, `${altered}.${state.split('.')[1] ?? ''}`, foreign, `${state}.more`]) {
      const { status, text } = await callback(`?code=${code}&state=${encodeURIComponent(wrong)}`)
      expect(status).toBe(400)
      expect(text).toContain('/oauth/install')
    }
    expect(await statusOf()).toBe('pending')
    expect((await callback('')).status).toBe(400)
    expect((await callback('?code=never-issued')).status).toBe(400)
    expect((await callback('?error=access_denied')).status).toBe(400)
    expect((await callback(`?code=${code}&state=${encodeURIComponent(state)}`)).status).toBe(200)
    expect(await statusOf()).toBe('active')
  })

  it('reads every account of a bulk installation with its users', async () => {
    await mirrored()
    expect(await totalAccounts()).toBe(31)
    const progress = await product.app.services.accounts.progress(product.companyId)
    expect(progress.usersMirrored).toBe(30)
    const { body } = await admin().get('/api/accounts?pageSize=200')
    expect((body.items as { users: number }[]).filter((account) => account.users === 1)).toHaveLength(30)
  })

  it('ends on the same page when the callback is reloaded, also while it is still at work', async () => {
    const { sandbox } = product
    const { callbackUrl } = await sandbox.install({ deliver: false })
    const before = await tokensOf(product.companyId)
    const pages = await Promise.all(Array.from({ length: 5 }, () => fetch(callbackUrl)))
    expect(pages.map((page) => page.status)).toEqual([200, 200, 200, 200, 200])
    expect((await fetch(callbackUrl)).status).toBe(200)
    await sandbox.flushWebhooks()
    await product.settled()
    expect(await tokensOf(product.companyId)).toBe(before)
    expect(await installations(product.companyId)).toBe(1)
    expect(await totalAccounts()).toBe(31)
  })

  it('takes a sub-account that was opened later, although its INSTALL names no agency', async () => {
    const { sandbox } = product
    const location = sandbox.createLocation({ companyId: product.companyId, name: 'Late Bloom' })
    const user = sandbox.createUser({ locationId: location.id, firstName: 'Uma', lastName: 'Late', email: 'uma@late.example' })
    await until('the new account', async () => (await accountOf(location.id))?.name === 'Late Bloom')
    await until('its user', async () => (await product.app.services.accounts.user(product.companyId, location.id, user.id))?.email === 'uma@late.example')
    await product.settled()
    expect(await totalAccounts()).toBe(32)
  })

  it('keeps up with users and accounts that are changed in the CRM', async () => {
    const { sandbox } = product
    const account = sandbox.company().accounts[5]!
    const services = product.app.services
    const user = sandbox.createUser({ locationId: account.id, firstName: 'Nora', lastName: 'Quill', email: 'nora@quill.example' })
    const seen = () => services.accounts.user(product.companyId, account.id, user.id)
    await until('the user', async () => (await seen())?.name === 'Nora Quill')
    sandbox.updateUser(user.id, { lastName: 'Quillon', email: 'nora@quillon.example' })
    await until('the changed user', async () => (await seen())?.email === 'nora@quillon.example')
    sandbox.updateLocation(account.id, { name: 'Renamed Ltd' })
    await until('the new name', async () => (await accountOf(account.id))?.name === 'Renamed Ltd')
    sandbox.removeUser(user.id)
    await until('the removed user', async () => (await seen())?.removedAt !== null)
    expect((await services.accounts.users(product.companyId, account.id)).some((one) => one.userId === user.id)).toBe(false)
  })

  it('takes up details from UPDATE and the plan from PLAN_CHANGE', async () => {
    const { sandbox } = product
    sandbox.emit('UPDATE', { companyId: product.companyId }, { companyName: 'Northwind Growth Group' })
    sandbox.emit('PLAN_CHANGE', { companyId: product.companyId }, { currentPlanId: 'plan-1', newPlanId: 'plan-2' })
    await until('plan and name', async () => {
      const { body } = await admin().get('/api/installation')
      return body.planId === 'plan-2' && body.companyName === 'Northwind Growth Group'
    })
  })
})

describe('an opinion', () => {
  it('no longer counts once its user was removed', async () => {
    const { sandbox } = product
    const who = await product.enableFeedback(6)
    const leaver = sandbox.createUser({ locationId: who.locationId, firstName: 'Gone', lastName: 'Soon', email: 'gone@soon.example' })
    await until('the user', async () => (await product.app.services.accounts.user(product.companyId, who.locationId, leaver.id)) !== null)
    await product.answer({ locationId: who.locationId, userId: leaver.id }, 'not_happy')
    await product.answer(who, 'very_happy')
    const reading = async () => (await admin().get(`/api/accounts/${who.locationId}`)).body.happiness
    await until('both opinions', async () => (await reading()).coverage.answered === 2)
    expect((await reading()).dissent).toBe(true)
    sandbox.removeUser(leaver.id)
    await until('one opinion', async () => (await reading()).coverage.answered === 1)
    await until('its level', async () => (await reading()).level === 'very_happy')
    expect(await reading()).toMatchObject({ score: 50, dissent: false, coverage: { answered: 1, eligible: 1 } })
  })
})

describe('a revoked connection', () => {
  it('is marked, keeps what customers answer, and delivers it after the agency connected again', async () => {
    const { sandbox } = product
    await admin().send('PUT', '/api/setup/success-location', { locationId: sandbox.company().headquarters.id })
    await until('set-up complete', async () => (await admin().get('/api/setup')).body.ready === true)
    const who = await product.enableFeedback(7)
    await product.answer(who, 'happy')
    await product.settled()
    sandbox.revokeTokens({ companyId: product.companyId })
    await product.answer(who, 'neutral')
    await until('needs_reconnect', async () => (await statusOf()) === 'needs_reconnect')

    const during = await product.answer(who, 'not_happy', { comment: 'Nobody picks up.' })
    expect(during.status).toBe(201)
    const newcomer = { locationId: who.locationId, userId: who.userId }
    expect((await product.as(newcomer).get('/api/prompt')).status).toBe(200)
    const { body: setup } = await product.as({ userId: sandbox.company().admin.id }).get('/api/setup')
    expect((setup.checks as { key: string; ok: boolean; fix: string | null }[]).find((check) => check.key === 'installation')).toMatchObject({ ok: false, fix: expect.stringContaining('again') })
    const { body: notifications } = await admin().get('/api/notifications')
    expect(JSON.stringify(notifications.items)).toContain('connection to your CRM')
    await product.settled()
    const user = sandbox.state.users.get(who.userId)!
    const contact = () => sandbox.state.contacts.by('location', sandbox.company().headquarters.id).find((one) => one.email === user.email)!
    expect(contact().tags).toContain('happiness: happy')
    const quiet = sandbox.calls.length
    await product.answer(who, 'not_happy')
    await product.settled()
    expect(sandbox.calls.length).toBe(quiet)

    expect((await sandbox.install()).callbackStatus).toBe(200)
    expect(await statusOf()).toBe('active')
    await until('the held effects', () => contact().tags.includes('happiness: not happy'))
    expect(contact().tags).not.toContain('happiness: happy')
    expect(contact().customFields.map((field) => field.value)).toContain('Not Happy')
    expect(sandbox.state.opportunities.by('contact', contact().id)).toHaveLength(1)
  })
})

describe('an uninstallation', () => {
  it('of one sub-account ends the work there and purges its token; a late event changes nothing', async () => {
    const { sandbox } = product
    const account = sandbox.company().accounts[8]!
    const tokens = () => product.connection.collection('highlevel_tokens').countDocuments({ companyId: product.companyId, locationId: account.id })
    // A session in a sub-account asks about its user there, with a token of its own.
    const userId = sandbox.accountUsersOf(account.id)[0]!.id
    const user = product.as({ userId, locationId: account.id })
    expect((await user.get('/api/prompt')).status).toBe(200)
    expect(await tokens()).toBe(1)
    sandbox.uninstall({ locationId: account.id })
    await until('the account removed', async () => (await accountOf(account.id))?.removedAt !== null)
    await until('its token purged', async () => (await tokens()) === 0)
    expect(await statusOf()).toBe('active')
    await until('its user is out', async () => (await user.get('/api/prompt')).status === 401, 8_000)
    await sandbox.deliver(sandbox.webhook({ type: 'UserCreate', locationId: account.id, id: 'late-user', firstName: 'Late', email: 'late@late.example' }))
    await product.settled()
    expect(await tokens()).toBe(0)
    expect((await accountOf(account.id))?.removedAt).not.toBeNull()
  })

  it('of the agency stops every call, purges its tokens and refuses its sessions; data is kept', async () => {
    const { sandbox } = product
    const client = admin()
    const answers = await product.connection.collection('answers').countDocuments({ companyId: product.companyId })
    expect(answers).toBeGreaterThan(0)
    sandbox.uninstall()
    await until('uninstalled', async () => (await statusOf()) === 'uninstalled')
    await until('no tokens', async () => (await tokensOf(product.companyId)) === 0)
    await product.settled()
    sandbox.resetCalls()
    await until('the session ends', async () => (await client.get('/api/accounts')).status === 401, 8_000)
    const late = [
      { type: 'UserCreate', locationId: sandbox.company().accounts[0]!.id, id: 'late-user', firstName: 'Late', email: 'late@late.example' },
      { type: 'ContactUpdate', locationId: sandbox.company().headquarters.id, id: 'late-contact', tags: [] },
      { type: 'LocationUpdate', companyId: product.companyId, id: sandbox.company().accounts[0]!.id, name: 'Too late' },
    ]
    for (const event of late) expect((await sandbox.deliver(sandbox.webhook(event))).status).toBe(200)
    await product.settled()
    await product.app.services.installations.completeDue(10)
    expect(sandbox.calls).toHaveLength(0)
    expect(await tokensOf(product.companyId)).toBe(0)
    expect((await accountOf(sandbox.company().accounts[0]!.id))?.name).not.toBe('Too late')
    expect(await product.connection.collection('answers').countDocuments({ companyId: product.companyId })).toBe(answers)
  })

  it('is followed by one live installation with all its data when the agency comes back', async () => {
    const { sandbox } = product
    const answers = await product.connection.collection('answers').countDocuments({ companyId: product.companyId })
    expect((await sandbox.install({ order: 'callback-first' })).callbackStatus).toBe(200)
    await product.settled()
    expect(await statusOf()).toBe('active')
    expect(await installations(product.companyId)).toBe(1)
    // An old UNINSTALL that is delivered once more does not end the new installation.
    const old = sandbox.webhook({ type: 'UNINSTALL', companyId: product.companyId }, { timestamp: new Date(Date.now() - 3_600_000).toISOString() })
    expect((await sandbox.deliver(old)).status).toBe(200)
    await product.settled()
    expect(await statusOf()).toBe('active')
    expect(await tokensOf(product.companyId)).toBeGreaterThan(0)
    const { body } = await product.as({ userId: sandbox.company().admin.id }).get('/api/accounts?pageSize=200')
    expect((body.items as { happiness: { level: string | null } }[]).filter((account) => account.happiness.level !== null).length).toBeGreaterThanOrEqual(2)
    expect(await product.connection.collection('answers').countDocuments({ companyId: product.companyId })).toBe(answers)
    expect((await product.as({ userId: sandbox.company().admin.id }).get('/api/setup')).body).toMatchObject({ ready: true, locationId: sandbox.company().headquarters.id })
  })

  it('by our own Disconnect removes the app on the other side too', async () => {
    const { sandbox } = product
    const staff = product.as({ userId: sandbox.company().staff[0]!.id })
    expect((await staff.send('POST', '/api/installation/disconnect')).status).toBe(403)
    const { status, body } = await product.as({ userId: sandbox.company().admin.id }).send('POST', '/api/installation/disconnect')
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'uninstalled' } })
    expect(Date.parse(body.purgeAfter as string)).toBeGreaterThan(Date.now())
    expect(sandbox.state.installations.has(product.companyId)).toBe(false)
    await product.settled()
    expect(await statusOf()).toBe('uninstalled')
    expect(await tokensOf(product.companyId)).toBe(0)
  })
})

describe('a single sub-account', () => {
  it('installs for itself alone', async () => {
    const { sandbox } = product
    const otherId = sandbox.state.companies.values()[1]!.id
    const { accounts, company } = sandbox.company(otherId)
    const single = accounts[0]!
    expect((await sandbox.install({ single: single.id })).callbackStatus).toBe(200)
    const { services } = product.app
    await until('mirrored', async () => (await services.accounts.progress(company.id)).firstDoneAt !== null)
    const { items } = await services.accounts.list(company.id, { page: 1, pageSize: 200, sort: 'name', includeSuccessLocation: true })
    expect(items.map((account) => account.locationId)).toEqual([single.id])
    expect(items[0]?.users).toBe(1)
    expect(await services.installations.get(company.id)).toMatchObject({ kind: 'location', status: 'active' })
    sandbox.uninstall({ locationId: single.id })
    await until('uninstalled', async () => (await services.installations.get(company.id))?.status === 'uninstalled')
    expect(await tokensOf(company.id)).toBe(0)
  })
})
