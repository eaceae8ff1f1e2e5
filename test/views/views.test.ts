import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startProduct, type Client, type Product } from '../support/product.ts'

let product: Product
let csm: Client
const look = { filters: { health: 'struggling', stale: 'true' }, sort: '-happiness', columns: ['health', 'happiness'] }
const names = async (client: Client) => ((await client.get('/api/views')).body.items as { name: string }[]).map(({ name }) => name)

beforeAll(async () => {
  product = await startProduct()
  const { id } = product.sandbox.createUser({ companyId: product.companyId, firstName: 'Ben', lastName: 'Cole', email: 'ben@agency.example' })
  await product.install()
  csm = product.as({ userId: id })
}, 120_000)
afterAll(() => product.stop())

describe('saved views', () => {
  it('are one\'s own: saved, changed under the same id, deleted, and nobody else\'s business', async () => {
    expect(await csm.send('PUT', '/api/views/my-worries', { name: ' Worries ', look })).toMatchObject({ status: 200, body: { viewId: 'my-worries', name: 'Worries', look, shared: false, editable: true } })
    expect((await csm.send('PUT', '/api/views/my-worries', { name: 'My worries', look: { filters: {} } })).status).toBe(200)
    expect((await csm.get('/api/views')).body.items).toEqual([{ viewId: 'my-worries', name: 'My worries', look: { filters: {} }, shared: false, editable: true }])
    expect(await names(product.admin())).toEqual([])
    expect((await product.admin().send('PUT', '/api/views/my-worries', { name: 'Mine now', look })).status).toBe(404)
    expect((await product.admin().send('DELETE', '/api/views/my-worries')).status).toBe(404)
    expect((await csm.send('DELETE', '/api/views/my-worries')).status).toBe(200)
    expect((await csm.send('DELETE', '/api/views/my-worries')).status).toBe(404)
    expect(await names(csm)).toEqual([])
  })

  it('are shared by admins only; everybody sees those', async () => {
    expect(await csm.send('PUT', '/api/views/for-the-team', { name: 'Team', look, shared: true })).toMatchObject({ status: 403, body: { error: { code: 'admins_only' } } })
    expect((await product.admin().send('PUT', '/api/views/for-the-team', { name: 'Team', look, shared: true })).status).toBe(200)
    expect((await csm.get('/api/views')).body.items).toMatchObject([{ name: 'Team', shared: true, editable: false }])
    expect((await csm.send('PUT', '/api/views/for-the-team', { name: 'Ours', look })).status).toBe(403)
    expect((await csm.send('DELETE', '/api/views/for-the-team')).status).toBe(403)
    expect(await names(csm)).toEqual(['Team'])
  })

  it('are bounded, checked, and out of reach for customers and other agencies', async () => {
    for (const body of [{ name: '', look }, { name: 'A', look: { filters: { $where: '1' } } }, { name: 'A', look: { filters: {}, columns: ['secrets'] } }, { name: 'A' }]) expect((await csm.send('PUT', '/api/views/not-a-view', body)).status).toBe(400)
    for (let count = 0; count < 30; count += 1) expect((await csm.send('PUT', `/api/views/many-${count}-views`, { name: `View ${count}`, look })).status).toBe(200)
    expect(await csm.send('PUT', '/api/views/one-too-many', { name: 'One more', look })).toMatchObject({ status: 409, body: { error: { code: 'too_many_views' } } })
    const account = product.sandbox.company().accounts[0]!
    const customer = product.as({ userId: product.sandbox.accountUsersOf(account.id)[0]!.id, locationId: account.id })
    expect((await customer.get('/api/views')).status).toBe(403)
    const stranger = { companyId: 'another-agency', userId: 'somebody', userName: 'Somebody', role: 'agency_admin' as const, locationId: null }
    expect(await product.app.services.views.list(stranger)).toEqual([])
    await expect(product.app.services.views.remove(stranger, 'for-the-team')).rejects.toMatchObject({ code: 'not_found' })
  })
})
