import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startProduct, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'

describe('owners in the whole product', () => {
  let product: Product
  let anna: string
  let ben: string
  const get = async (path: string) => (await product.admin().get(path)).body
  const ownerOf = async (locationId: string): Promise<string | null> => (await get(`/api/accounts/${locationId}`)).csm?.userId ?? null
  const timelineOf = async (locationId: string): Promise<{ type: string; summary: string; actor: { kind: string } }[]> => (await get(`/api/accounts/${locationId}/timeline?types=csm.assigned`)).items

  beforeAll(async () => {
    product = await startProduct()
    anna = product.sandbox.createUser({ companyId: product.companyId, firstName: 'Anna', lastName: 'Berg', email: 'anna@agency.example', role: 'admin' }).id
    ben = product.sandbox.createUser({ companyId: product.companyId, firstName: 'Ben', lastName: 'Cole', email: 'ben@agency.example' }).id
    await product.install()
    await product.settled()
  })
  afterAll(() => product.stop())

  it('a new sub-account has an owner by the agency\'s rule a moment after it was created, once, and the brief is there', async () => {
    const saved = await product.admin().send('PATCH', '/api/settings', { ownership: { newAccounts: 'round_robin', csmUserIds: [anna, ben] } })
    expect(saved.status).toBe(200)
    const ids = ['First Light', 'Second Wind', 'Third Way'].map((name) => product.sandbox.createLocation({ companyId: product.companyId, name }).id)
    await until('all have an owner', async () => (await Promise.all(ids.map(ownerOf))).every((owner) => owner !== null))
    const owners = await Promise.all(ids.map(ownerOf))
    expect([anna, ben].map((userId) => owners.filter((owner) => owner === userId).length).sort()).toEqual([1, 2])
    for (const id of ids) expect(await timelineOf(id)).toMatchObject([{ type: 'csm.assigned', actor: { kind: 'system' } }])
    const text = await product.admin().get(`/api/accounts/${ids[0]}/brief?format=text`)
    expect(text.body).toContain('Hand-over brief: First Light')
    const csms: { userId: string; accounts: number }[] = (await get('/api/csms')).items
    expect(csms.find((row) => row.userId === anna)?.accounts).toBe(owners.filter((owner) => owner === anna).length)
  })

  it('when an owner leaves the agency, their accounts have none, and their timelines say why', async () => {
    const [locationId] = product.sandbox.company().accounts.map((account) => account.id)
    expect((await product.admin().send('PUT', `/api/accounts/${locationId}/csm`, { csmUserId: ben, note: 'Please call' })).body.csm).toMatchObject({ userId: ben })
    product.sandbox.removeUser(ben)
    await until('nobody owns the account', async () => (await ownerOf(locationId!)) === null)
    await product.settled()
    expect((await timelineOf(locationId!)).map((entry) => entry.summary)).toEqual(['Ben Cole left the team: the account has no owner now.', 'Ben Cole looks after the account now. Note: Please call'])
    expect((await get(`/api/accounts?csm=${ben}`)).total).toBe(0)
  })

  it('a customer\'s user sees none of it', async () => {
    const [account] = product.sandbox.company().accounts
    const [user] = product.sandbox.accountUsersOf(account!.id)
    const customer = product.as({ userId: user!.id, locationId: account!.id })
    for (const path of ['people', 'brief', 'hours']) expect((await customer.get(`/api/accounts/${account!.id}/${path}`)).status).toBe(403)
    expect((await product.admin().get('/api/accounts/none-of-ours/people')).status).toBe(404)
  })
})
