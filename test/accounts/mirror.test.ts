import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { accountQuery } from '../../src/http/contract/accounts.ts'
import { openTenants, type Tenants } from '../support/tenants.ts'

const everything = accountQuery.parse({ pageSize: '200' })

describe('the mirror of accounts and users', () => {
  let t: Tenants
  beforeEach(async () => {
    t = await openTenants()
    for (let n = 1; n <= 23; n += 1) {
      const locationId = `l${String(n).padStart(2, '0')}`
      t.fake.addPlace('c1', locationId, `Account ${n}`)
      t.fake.addUser('c1', { id: `u${n}`, locationIds: [locationId] })
    }
    t.fake.addUser('c1', { id: 'boss', type: 'agency', role: 'admin' })
    t.fake.addUser('c1', { id: 'both', locationIds: ['l01', 'l02'] })
  })
  afterEach(() => t.store.close())

  it('reads every account and every user, in pages; staff are never account users', async () => {
    await t.install('c1')
    const list = await t.accounts.list('c1', everything)
    expect(list.total).toBe(23)
    expect(list.items[0]).toMatchObject({ locationId: 'l01', name: 'Account 1', group: 'regular', users: 2, timezone: 'Europe/Berlin', feedbackEnabled: false, health: { level: null }, happiness: { level: null, coverage: { answered: 0, eligible: 2 } } })
    expect(await t.accounts.progress('c1')).toMatchObject({ accountsMirrored: 23, usersMirrored: 24, running: false })
    expect(await t.accounts.agencyUsers('c1')).toMatchObject([{ userId: 'boss', role: 'admin' }])
    expect(await t.accounts.user('c1', 'l01', 'boss')).toBeNull()
    expect((await t.accounts.users('c1', 'l01')).map((user) => [user.userId, user.joinedAt])).toEqual([['both', null], ['u1', null]])
    expect([...t.events.values()].map((event) => event.type)).toEqual(['installation.installed'])
    expect(t.fake.calls.filter((call) => call === 'company.searchUsers').length).toBe(3)
  })

  it('goes on after a crash at any call, reads no stored page again and ends in the same records', async () => {
    const crashes = { count: 0 }
    const seen = new Set<number>()
    t.fake.before = (name, call) => {
      // Every reading call crashes once, at its first try.
      if (['listInstalledLocations', 'searchLocations', 'company.searchUsers'].includes(name) && !seen.has(call - crashes.count)) {
        seen.add(call - crashes.count)
        crashes.count += 1
        throw new Error('crash')
      }
    }
    await t.install('c1')
    for (let round = 0; round < 60 && ((await t.accounts.progress('c1')).firstDoneAt === null); round += 1) {
      t.clock.advanceMs(301_000)
      await (await t.another()).installations.completeDue(10)
    }
    expect(crashes.count).toBeGreaterThan(5)
    expect(await t.accounts.progress('c1')).toMatchObject({ accountsMirrored: 23, usersMirrored: 24, running: false })
    expect((await t.accounts.list('c1', everything)).items.every((account) => account.users >= 1)).toBe(true)
    expect(t.fake.count('listInstalledLocations') - 3).toBeLessThanOrEqual(3)
  })

  it('the nightly reading finds what no webhook told, and takes nothing for deleted that a list merely left out', async () => {
    await t.install('c1')
    t.fake.installed.delete('l05')
    t.fake.users = t.fake.users.filter((entry) => entry.user.id !== 'u7')
    t.fake.addPlace('c1', 'l99', 'Late')
    t.fake.addUser('c1', { id: 'u99', locationIds: ['l99'] })
    t.clock.advanceMs(21 * 3_600_000)
    expect(await t.installations.reconcileDue(5)).toBe(1)
    expect(await t.accounts.get('c1', 'l05')).toMatchObject({ group: 'churned' })
    expect(await t.accounts.user('c1', 'l07', 'u7')).toMatchObject({ removedAt: t.clock.now().toISOString() })
    expect(await t.accounts.get('c1', 'l99')).toMatchObject({ group: 'regular', users: 1 })
    expect([...t.events.values()].map((event) => `${event.type} ${event.locationId ?? ''}`).sort()).toEqual(['account.created l99', 'account.group_changed l05', 'account.removed l05', 'installation.installed ', 'user.removed l07'])
    // A list that names no customer at all is not believed.
    const kept = t.fake.users
    t.fake.users = []
    t.clock.advanceMs(21 * 3_600_000)
    await t.installations.reconcileDue(5)
    expect(await t.accounts.user('c1', 'l01', 'u1')).toMatchObject({ removedAt: null })
    t.fake.users = kept
  })

  it('where the agency-wide list names no customers, each account is asked for its own', async () => {
    const whole = { ...t.fake.gateway }
    t.fake.gateway.company = (companyId, priority) => {
      const api = whole.company(companyId, priority)
      return { ...api, searchUsers: async (query) => {
        const page = await api.searchUsers(query)
        return query.locationId === undefined && query.ids === undefined ? { users: page.users.filter((user) => user.type === 'agency'), total: 1 } : page
      } }
    }
    await t.install('c1')
    expect(await t.accounts.progress('c1')).toMatchObject({ usersMirrored: 24 })
    expect((await t.accounts.users('c1', 'l01')).map((user) => user.joinedAt)).toEqual([null, null])
  })

  it('users who come after the first reading have joined, and an account that comes later has users who were there', async () => {
    await t.install('c1')
    const at = t.clock.now()
    await t.accounts.applyUserEvent({ kind: 'created', companyId: 'c1', userId: 'new', agencyUser: false, locationIds: ['l01'], completeList: false, firstName: 'New', lastName: null, email: 'New@Example.com', phone: null, role: 'user', at, eventId: 'e1' })
    expect(await t.accounts.user('c1', 'l01', 'new')).toMatchObject({ joinedAt: at.toISOString(), email: 'new@example.com' })
    expect(await t.accounts.get('c1', 'l01')).toMatchObject({ users: 3 })
    t.fake.addPlace('c1', 'l50', 'Fifty')
    t.fake.addUser('c1', { id: 'u50', locationIds: ['l50'] })
    await t.installations.handleInstall({ companyId: 'c1', locationId: 'l50', at, eventId: 'e2' })
    await t.installations.completeDue(5)
    expect(await t.accounts.user('c1', 'l50', 'u50')).toMatchObject({ joinedAt: null })
    expect([...t.events.keys()].filter((key) => !key.startsWith('installation'))).toEqual([`user.added:c1:l01:new:${at.toISOString()}`, 'account.created:c1:l50'])
  })

  it('a location that moves to another agency is gone for the old one and fresh for the new one', async () => {
    t.fake.addPlace('c2', 'm01', 'Other')
    await t.install('c1')
    await t.install('c2')
    await t.accounts.setPremium('c1', 'l03', true)
    t.clock.advanceMs(1_000)
    const at = t.clock.now()
    await t.accounts.applyLocationEvent({ kind: 'updated', companyId: 'c2', locationId: 'l03', name: 'Moved', email: null, at, eventId: 'e1' })
    expect(await t.accounts.get('c1', 'l03')).toBeNull()
    await expect(t.accounts.setPremium('c1', 'l03', true)).rejects.toMatchObject({ status: 404 })
    expect(await t.accounts.get('c2', 'l03')).toMatchObject({ name: 'Moved', premium: false })
    expect(await t.accounts.companyOf('l03')).toBe('c2')
    expect((await t.accounts.list('c1', everything)).total).toBe(22)
    // The old agency's event, arriving late, does not bring it back.
    await t.accounts.applyLocationEvent({ kind: 'updated', companyId: 'c1', locationId: 'l03', name: 'Old', email: null, at: new Date(at.getTime() - 500), eventId: 'e0' })
    expect(await t.accounts.get('c1', 'l03')).toBeNull()
    expect(await t.accounts.get('c2', 'l03')).toMatchObject({ name: 'Moved' })
  })
})
