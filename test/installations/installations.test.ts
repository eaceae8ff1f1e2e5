import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { accountQuery } from '../../src/http/contract/accounts.ts'
import { installationRoutes } from '../../src/installations/index.ts'
import { installationStatus } from '../../src/installations/rules.ts'
import { PermanentError } from '../../src/kernel/errors.ts'
import { fakeGrant } from '../support/fake-company.ts'
import { openTenants, type Tenants } from '../support/tenants.ts'

const everything = accountQuery.parse({ pageSize: '200' })

describe('an installation', () => {
  let t: Tenants
  const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 2, 9, 0, 0) + seconds * 1_000)

  beforeEach(async () => {
    t = await openTenants()
    t.fake.addPlace('c1', 'l1', 'One')
    t.fake.addPlace('c1', 'l2', 'Two')
    t.fake.addUser('c1', { id: 'u1', locationIds: ['l1'] })
  })
  afterEach(() => t.store.close())

  it('finishes without a state, and a reload says calmly that it is installed', async () => {
    t.fake.grants.set('code', fakeGrant('c1'))
    expect(await t.installations.handleCallback({ code: 'code' })).toEqual({ kind: 'installed', companyId: 'c1' })
    expect(await t.installations.handleCallback({ code: 'code' })).toEqual({ kind: 'already_installed' })
    expect(t.fake.count('exchangeCode')).toBe(1)
    expect(await t.installations.isLive('c1')).toBe(true)
    expect(t.released).toEqual(['c1'])
  })

  it('exchanges a code once when the browser asks twice at the same time, in two processes', async () => {
    t.fake.grants.set('code', fakeGrant('c1'))
    const other = await t.another()
    const outcomes = await Promise.all([t.installations.handleCallback({ code: 'code' }), other.installations.handleCallback({ code: 'code' })])
    expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(['already_installed', 'installed'])
  })

  it('takes our own state, and refuses a foreign, altered or expired one before the code is used', async () => {
    const state = new URL(t.installations.installUrl()).searchParams.get('state') ?? ''
    t.fake.grants.set('code', fakeGrant('c1'))
    for (const wrong of ['x', `${state}x`, `x${state}`, 'e30.e30', `${state}.x`]) expect(await t.installations.handleCallback({ code: 'code', state: wrong })).toEqual({ kind: 'state_refused' })
    t.clock.advanceMs(3_600_001)
    expect(await t.installations.handleCallback({ code: 'code', state })).toEqual({ kind: 'state_refused' })
    expect(t.fake.count('exchangeCode')).toBe(0)
    const fresh = new URL(t.installations.installUrl()).searchParams.get('state') ?? ''
    expect(await t.installations.handleCallback({ code: 'code', state: fresh })).toMatchObject({ kind: 'installed' })
  })

  it('an unknown code leads to a page with the fix; an unreachable other side to one that may be reloaded', async () => {
    const route = installationRoutes(t.installations).find((candidate) => candidate.path === '/oauth/callback')
    const call = (query: object) => route?.handler({ query, params: undefined, body: undefined, session: null, ip: '', headers: {} } as never)
    expect(await call({ code: 'nonsense' })).toMatchObject({ status: 400, text: expect.stringContaining('/oauth/install') })
    t.fake.grants.set('good', fakeGrant('c1'))
    t.fake.before = () => {
      throw new Error('reset')
    }
    expect(await call({ code: 'good' })).toMatchObject({ status: 503 })
    t.fake.before = () => undefined
    expect(await call({ code: 'good' })).toMatchObject({ status: 200, text: expect.stringContaining('is installed') })
    expect(await call({})).toMatchObject({ status: 400 })
  })

  it('INSTALL before the code exchange waits, then both together are one installation', async () => {
    await t.installations.handleInstall({ companyId: 'c1', locationId: null, at: at(-5), eventId: 'e1', companyName: 'Northlight', whitelabelDomain: 'app.northlight.test' })
    expect(await t.installations.get('c1')).toMatchObject({ status: 'pending', companyName: 'Northlight' })
    expect(await t.installations.isLive('c1')).toBe(false)
    expect(await t.installations.lookup('c1', null)).toBe('live')
    await t.install('c1')
    expect(await t.installations.get('c1')).toMatchObject({ status: 'active', companyName: 'Northlight' })
    expect(await t.installations.whitelabelDomains()).toEqual(['app.northlight.test'])
  })

  it('a burst of hundreds of INSTALL events makes no call of its own, and the lists are read once', async () => {
    for (let n = 100; n < 300; n += 1) t.fake.addPlace('c1', `l${n}`, `Burst ${n}`)
    await Promise.all(Array.from({ length: 200 }, (_, n) => t.installations.handleInstall({ companyId: 'c1', locationId: `l${n + 100}`, at: at(-1), eventId: `e${n}` })))
    expect(t.fake.calls).toEqual([])
    t.fake.grants.set('code', fakeGrant('c1'))
    await t.installations.handleCallback({ code: 'code' })
    t.fake.calls.length = 0
    await t.installations.completeDue(5)
    expect((await t.accounts.list('c1', everything)).total).toBe(202)
    expect(t.fake.count('listInstalledLocations')).toBe(21)
  }, 180_000)

  it('INSTALL without an agency is parked until a list names the sub-account', async () => {
    await t.install('c1')
    await t.installations.handleInstall({ companyId: null, locationId: 'l9', at: at(10), eventId: 'e1' })
    await t.installations.completeDue(5)
    expect(await t.accounts.get('c1', 'l9')).toBeNull()
    t.fake.addPlace('c1', 'l9', 'Nine')
    await t.installations.completeDue(5)
    expect(await t.accounts.get('c1', 'l9')).toBeNull()
    t.clock.advanceMs(61_000)
    await t.installations.completeDue(5)
    await t.installations.completeDue(5)
    expect(await t.accounts.get('c1', 'l9')).toMatchObject({ name: 'Nine', removedAt: null })
  })

  it('UNINSTALL of the agency stops at once, purges tokens and keeps the data until retention ends', async () => {
    await t.install('c1')
    const purged: string[] = []
    t.installations.onPurge('notes', (companyId) => {
      purged.push(companyId)
      return Promise.resolve()
    })
    t.clock.advanceMs(1_000)
    await t.installations.handleUninstall({ companyId: 'c1', locationId: null, at: t.clock.now(), eventId: 'e1' })
    expect(await t.installations.isLive('c1')).toBe(false)
    expect(await t.installations.lookup('c1', null)).toBe('uninstalled')
    expect(t.fake.tokens.size).toBe(0)
    expect((await t.accounts.list('c1', everything)).total).toBe(2)
    t.clock.advanceMs(29 * 86_400_000)
    expect(await t.installations.sweepRetention(10)).toBe(0)
    t.clock.advanceMs(2 * 86_400_000)
    expect(await t.installations.sweepRetention(10)).toBe(1)
    expect(purged).toEqual(['c1'])
    expect((await t.accounts.list('c1', everything)).total).toBe(0)
    expect(await t.installations.lookup('c1', 'l1')).toBe('unknown')
  })

  it('events after UNINSTALL and re-INSTALL end in one live installation whatever order they arrive in', async () => {
    await t.install('c1')
    const uninstall = { companyId: 'c1', locationId: null, at: new Date(t.clock.nowMs() + 1_000), eventId: 'e1' }
    const install = { companyId: 'c1', locationId: null, at: new Date(t.clock.nowMs() + 2_000), eventId: 'e2' }
    t.clock.advanceMs(3_000)
    await t.install('c1')
    await t.installations.handleInstall(install)
    await t.installations.handleUninstall(uninstall)
    await t.installations.handleUninstall(uninstall)
    expect(await t.installations.get('c1')).toMatchObject({ status: 'active' })
    expect([...t.fake.tokens]).toEqual(['c1'])
  })

  it('the status is the same for every order of the same facts', () => {
    const instant = fc.option(fc.integer({ min: 0, max: 4 }).map(at), { nil: null })
    fc.assert(
      fc.property(fc.record({ installedAt: instant, uninstalledAt: instant, authorizedAt: instant, reconnectAt: instant }), (facts) => {
        const status = installationStatus(facts)
        if (status === 'active') expect(facts.authorizedAt !== null && (facts.uninstalledAt === null || facts.authorizedAt > facts.uninstalledAt)).toBe(true)
        if (facts.uninstalledAt === null && facts.authorizedAt !== null && facts.reconnectAt === null) expect(status).toBe('active')
      }),
    )
  })

  it('UNINSTALL of one sub-account of an agency removes that account only', async () => {
    await t.install('c1')
    t.clock.advanceMs(1_000)
    await t.installations.handleUninstall({ companyId: null, locationId: 'l2', at: t.clock.now(), eventId: 'e1' })
    expect(await t.installations.isLive('c1')).toBe(true)
    expect(await t.accounts.get('c1', 'l2')).toMatchObject({ group: 'churned' })
    expect(await t.accounts.get('c1', 'l1')).toMatchObject({ group: 'regular' })
  })

  it('a single sub-account can install by itself, and its UNINSTALL ends the installation', async () => {
    t.fake.tokens.add('c1:l1')
    t.fake.grants.set('code', fakeGrant('c1', 'l1'))
    await t.installations.handleCallback({ code: 'code' })
    await t.installations.completeDue(5)
    expect(await t.installations.get('c1')).toMatchObject({ kind: 'location', status: 'active' })
    expect((await t.accounts.list('c1', everything)).items).toMatchObject([{ locationId: 'l1', name: 'One', users: 1 }])
    t.clock.advanceMs(1_000)
    await t.installations.handleUninstall({ companyId: null, locationId: 'l1', at: t.clock.now(), eventId: 'e1' })
    expect(await t.installations.get('c1')).toMatchObject({ status: 'uninstalled' })
    expect(t.fake.tokens.size).toBe(0)
  })

  it('refused tokens mark it for reconnection; a new authorization makes it live and releases held work', async () => {
    await t.install('c1')
    t.clock.advanceMs(1_000)
    await t.installations.markNeedsReconnect('c1')
    expect(await t.installations.get('c1')).toMatchObject({ status: 'needs_reconnect' })
    expect(await t.installations.lookup('c1', 'l1')).toBe('live')
    t.clock.advanceMs(1_000)
    await t.install('c1')
    expect(await t.installations.get('c1')).toMatchObject({ status: 'active' })
    expect(t.released).toEqual(['c1', 'c1'])
    expect([...t.events.values()].map((event) => event.type)).toEqual(['installation.installed', 'installation.needs_reconnect', 'installation.installed'])
  })

  it('disconnecting removes the app on the other side first, and stops here even if it is gone there already', async () => {
    await t.install('c1')
    t.clock.advanceMs(1_000)
    t.fake.before = (name) => {
      if (name === 'uninstall') throw new Error('timeout')
    }
    await expect(t.installations.disconnect('c1', 'u1')).rejects.toThrow('timeout')
    expect(await t.installations.isLive('c1')).toBe(true)
    t.fake.before = (name) => {
      if (name === 'uninstall') throw new PermanentError('highlevel_not_found', 'gone')
    }
    await t.installations.disconnect('c1', 'u1')
    expect(await t.installations.get('c1')).toMatchObject({ status: 'uninstalled', purgeAfter: new Date(t.clock.nowMs() + 30 * 86_400_000) })
  })

  it('a plan change and an update are recorded by their own time', async () => {
    await t.install('c1')
    await t.installations.handlePlanChange({ companyId: 'c1', locationId: 'l1', newPlanId: 'gold', at: at(20), eventId: 'e2' })
    await t.installations.handlePlanChange({ companyId: 'c1', locationId: 'l1', newPlanId: 'silver', at: at(10), eventId: 'e1' })
    expect(await t.installations.get('c1')).toMatchObject({ planId: 'gold' })
    await t.installations.handleUpdate({ companyId: 'c1', locationId: null, versionId: 'v2', at: at(30), eventId: 'e3' })
    expect(await t.installations.get('c1')).toMatchObject({ status: 'active', planId: 'gold' })
    // An older event that says something else arrives late, and counts.
    await t.installations.handleUpdate({ companyId: 'c1', locationId: null, companyName: 'Northwind Growth', at: at(15), eventId: 'e0' })
    await t.installations.handleUpdate({ companyId: 'c1', locationId: null, companyName: 'Northwind', at: at(12), eventId: 'e4' })
    expect(await t.installations.get('c1')).toMatchObject({ planId: 'gold', companyName: 'Northwind Growth' })
  })
})
