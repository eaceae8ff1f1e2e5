import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { accountRoutes } from '../../src/accounts/index.ts'
import { accountQuery, bulkRequest } from '../../src/http/contract/accounts.ts'
import type { Session } from '../../src/kernel/route.ts'
import { openTenants, type Tenants } from '../support/tenants.ts'

describe('the portfolio', () => {
  let t: Tenants
  const boss: Session = { companyId: 'c1', userId: 'boss', role: 'agency_admin', locationId: null, userName: 'Boss' }
  const ids = async (query: object): Promise<string[]> => (await t.accounts.list('c1', accountQuery.parse(query))).items.map((account) => account.locationId)

  beforeAll(async () => {
    t = await openTenants()
    for (const [id, name] of [['l1', 'Alpha'], ['l2', 'beta (west)'], ['l3', 'Gamma'], ['l4', 'Delta']] as const) t.fake.addPlace('c1', id, name)
    t.fake.addPlace('c2', 'm1', 'Foreign')
    t.fake.addUser('c1', { id: 'boss', type: 'agency', role: 'admin' })
    t.fake.addUser('c1', { id: 'u1', locationIds: ['l1'] })
    await t.install('c1')
    await t.install('c2')
    await t.accounts.setHappiness('c1', 'l1', { level: 'happy', score: 20, answered: 1, newestAt: t.clock.now(), dissent: false })
    await t.accounts.setHappiness('c1', 'l3', { level: 'not_happy', score: -50, answered: 1, newestAt: t.clock.now(), dissent: false })
    await t.accounts.setPremium('c1', 'l3', true)
    await t.accounts.applyLocationEvent({ kind: 'updated', companyId: 'c1', locationId: 'l4', name: 'Delta', email: null, stripeProductId: 'prod_1', at: t.clock.now(), eventId: 'e1' })
  })
  afterAll(() => t.store.close())

  it('is filtered, sorted and paged; text is taken literally', async () => {
    expect(await ids({})).toEqual(['l1', 'l2', 'l4', 'l3'])
    expect(await ids({ happiness: 'none' })).toEqual(['l2', 'l4'])
    expect(await ids({ happiness: 'not_happy' })).toEqual(['l3'])
    expect(await ids({ group: 'premium' })).toEqual(['l3'])
    expect(await ids({ group: 'saas' })).toEqual(['l4'])
    expect(await ids({ health: 'none', q: 'ETA (' })).toEqual(['l2'])
    expect(await ids({ q: '.*' })).toEqual([])
    expect(await ids({ sort: '-happiness' })).toEqual(['l1', 'l3', 'l4', 'l2'])
    expect(await ids({ sort: 'name', page: '2', pageSize: '3' })).toEqual(['l3'])
    expect(() => accountQuery.parse({ pageSize: '201' })).toThrow()
    expect(() => accountQuery.parse({ csm: { $ne: null } })).toThrow()
  })

  it('the feedback toggle is told once per real change', async () => {
    const actor = { kind: 'agency_user' as const, id: 'boss', name: 'Boss' }
    for (const enabled of [true, true, false, true]) await t.accounts.setFeedbackEnabled('c1', 'l1', enabled, actor, 'page')
    expect([...t.events.values()].map((event) => event.type).filter((type) => type.startsWith('feedback'))).toEqual(['feedback.enabled', 'feedback.disabled', 'feedback.enabled'])
    expect(await ids({ feedback: 'on' })).toEqual(['l1'])
  })

  it('a bulk action has one outcome per account, and another agency\'s account is simply not there', async () => {
    const { results } = await t.accounts.bulk(boss, bulkRequest.parse({ locationIds: ['l2', 'm1', 'l3', 'l2'], action: 'feedback_on' }))
    expect(results).toMatchObject([{ locationId: 'l2', ok: true }, { locationId: 'm1', ok: false, error: { code: 'not_found' } }, { locationId: 'l3', ok: true }])
    expect(await t.accounts.get('c2', 'm1')).toMatchObject({ feedbackEnabled: false })
    expect((await t.accounts.bulk(boss, bulkRequest.parse({ filter: { feedback: true }, action: 'assign_csm', csmUserId: 'boss' }))).results).toHaveLength(3)
    expect(await ids({ csm: 'boss' })).toEqual(['l1', 'l2', 'l3'])
    expect(await ids({ csm: 'none' })).toEqual(['l4'])
    expect(await t.accounts.bulk(boss, bulkRequest.parse({ locationIds: ['l1'], action: 'assign_csm', csmUserId: 'u1' }))).toMatchObject({ results: [{ ok: false, error: { code: 'csm_unknown' } }], left: [] })
    expect(() => bulkRequest.parse({ action: 'feedback_on' })).toThrow()
    expect(() => bulkRequest.parse({ locationIds: ['l1'], action: 'assign_csm' })).toThrow()
  })

  it('request_feedback goes to whoever registered for it, with this agency\'s accounts only', async () => {
    await expect(t.accounts.bulk(boss, bulkRequest.parse({ locationIds: ['l1'], action: 'request_feedback' }))).rejects.toMatchObject({ code: 'action_unavailable' })
    const asked: string[][] = []
    t.accounts.registerBulkAction('request_feedback', (_session, locationIds) => {
      asked.push(locationIds)
      return Promise.resolve(locationIds.map((locationId) => ({ locationId, ok: true })))
    })
    expect(await t.accounts.bulk(boss, bulkRequest.parse({ locationIds: ['l1', 'm1'], action: 'request_feedback' }))).toMatchObject({ results: [{ locationId: 'l1', ok: true }, { locationId: 'm1', ok: false }], left: [] })
    expect(asked).toEqual([['l1']])
  })

  it('every route is for the agency\'s people only', () => {
    expect(accountRoutes(t.accounts).map((route) => route.access)).toEqual(['agency', 'agency', 'agency', 'agency', 'agency'])
  })

  it('new accounts ask for feedback by themselves where the agency says so', async () => {
    await t.settings.update('c1', { prompt: { newAccounts: 'on' } }, 'boss')
    t.clock.advanceMs(1_000)
    await t.accounts.applyLocationEvent({ kind: 'created', companyId: 'c1', locationId: 'l9', name: 'Nine', email: null, at: t.clock.now(), eventId: 'e9' })
    expect(await t.accounts.get('c1', 'l9')).toMatchObject({ feedbackEnabled: true, group: 'regular' })
    expect(t.events.has('account.created:c1:l9')).toBe(true)
  })
})
