import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startProduct, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'

interface Row { kind: string; account: { locationId: string; health: { changeId: string | null } } | null; reason: string; action: string; targetId: string | null; more: number; dueAt: string | null; since: string | null }
interface Lists { actNow: Row[]; goingStale: Row[]; goodNews: Row[] }

let product: Product
let first: { locationId: string; userIds: string[] }
let second: { locationId: string; userIds: string[] }
let anna: string

const today = async (query = '', client = product.admin()) => {
  const { status, body } = await client.get(`/api/today${query}`)
  expect(status).toBe(200)
  return body
}
const lists = async (query = ''): Promise<Lists> => {
  const body = await today(query)
  return { actNow: body.actNow.rows, goingStale: body.goingStale.rows, goodNews: body.goodNews.rows }
}
const of = (rows: Row[], locationId: string) => rows.filter((row) => row.account?.locationId === locationId)
const setHealth = (locationId: string, level: string, note = 'We spoke today.') => product.admin().send('PUT', `/api/accounts/${locationId}/health`, { level, note })
/** The one row of an account in a list, once it is as expected. */
async function row(list: keyof Lists, locationId: string, wanted: (row: Row) => boolean): Promise<Row> {
  return until(`a row in ${list}`, async () => {
    const found = of((await lists())[list], locationId)
    expect(found.length).toBeLessThanOrEqual(1)
    return found[0] !== undefined && wanted(found[0]) && found[0]
  })
}
const gone = (list: keyof Lists, locationId: string) => until(`no row in ${list}`, async () => of((await lists())[list], locationId).length === 0)

beforeAll(async () => {
  product = await startProduct({ sandbox: { seed: { accounts: 4, usersPerAccount: 3 } } })
  anna = product.sandbox.createUser({ companyId: product.companyId, firstName: 'Anna', lastName: 'Berg', email: 'anna@agency.example', role: 'admin' }).id
}, 120_000)
afterAll(() => product.stop())

describe('before anything is set up', () => {
  it('the lists are empty, and the page can say what to do next', async () => {
    await product.install()
    expect(await today()).toMatchObject({ setUp: false, csm: null, accounts: { mine: 0 }, actNow: { rows: [], total: 0, atLeast: false }, goingStale: { rows: [] }, goodNews: { rows: [] } })
    await product.setUp()
    first = await product.enableFeedback(0)
    second = await product.enableFeedback(1)
    expect(await today()).toMatchObject({ setUp: true })
  }, 120_000)
})

describe('act now', () => {
  it('a Not Happy answer is a case with the words, until the case is closed', async () => {
    await product.answer({ locationId: first.locationId, userId: first.userIds[0]! }, 'not_happy', { comment: 'Nobody called back.' })
    const found = await row('actNow', first.locationId, ({ kind }) => kind === 'case')
    expect(found).toMatchObject({ action: 'open_case', more: 0, reason: expect.stringContaining('“Nobody called back.” Nobody has the case yet.') })
    expect(Date.parse(found.dueAt!)).toBeGreaterThan(Date.now())
    const closed = await product.admin().send('POST', `/api/cases/${found.targetId}/close`, { outcome: 'resolved', note: 'Called, and agreed on a weekly call.' })
    expect(closed.status).toBe(200)
    await gone('actNow', first.locationId)
    expect(await row('goodNews', first.locationId, ({ kind }) => kind === 'case_closed')).toMatchObject({ reason: expect.stringContaining('“Called, and agreed on a weekly call.”'), action: 'open_account' })
  })

  it('a status far from what the users say is to be reviewed, once: “Still true” ends the row and the readings stay apart', async () => {
    await setHealth(first.locationId, 'thriving')
    const found = await row('actNow', first.locationId, ({ kind }) => kind === 'apart')
    expect(found).toMatchObject({ action: 'review_status', reason: expect.stringMatching(/Thriving.*Not Happy.*3 levels apart.*1 of 3 users answered\./) })
    const confirmed = await product.admin().send('POST', `/api/accounts/${first.locationId}/health/confirm`, { ifChangeId: found.account!.health.changeId })
    expect(confirmed.status).toBe(200)
    await gone('actNow', first.locationId)
    expect((await product.admin().get(`/api/accounts/${first.locationId}`)).body.disagreement).toBe('levels_apart')
  })

  it('several reasons are one row with the strongest, and how many more there are', async () => {
    const { locationId, userIds } = second
    await product.answer({ locationId, userId: userIds[0]! }, 'very_happy')
    await row('goodNews', locationId, ({ kind }) => kind === 'first_answer')
    await product.admin().send('POST', `/api/accounts/${locationId}/billing`, { fact: 'payment_failed', idempotencyKey: 'payment-of-may' })
    await row('actNow', locationId, ({ kind, more }) => kind === 'payment_failed' && more === 0)
    await product.answer({ locationId, userId: userIds[1]! }, 'not_happy')
    expect(await row('actNow', locationId, ({ kind, more }) => kind === 'case' && more >= 1)).toMatchObject({ reason: expect.stringContaining('left no words') })
    const body = await today()
    expect(body.actNow.total).toBe(new Set((body.actNow.rows as Row[]).map(({ account }) => account?.locationId)).size)
  })

  it('a status set in the CRM asks for its note, until it is written', async () => {
    const account = product.sandbox.company().accounts[2]!
    const { locationId, userId } = await product.enableFeedback(2)
    await product.answer({ locationId, userId }, 'happy')
    await setHealth(account.id, 'healthy')
    await product.settled()
    const hq = product.sandbox.company().headquarters.id
    const email = product.sandbox.accountUsersOf(account.id).find(({ id }) => id === userId)!.email.toLowerCase()
    const contact = await until('the contact', () => product.sandbox.state.contacts.by('location', hq).find((one) => one.email === email))
    product.sandbox.updateContact(contact.id, { fields: { 'Health Status': 'Steady' } })
    const found = await row('actNow', account.id, ({ kind }) => kind === 'note_missing')
    expect(found).toMatchObject({ action: 'add_note', reason: 'Set to Steady in the CRM without a note: what was learned?' })
    const { body } = await product.admin().get('/api/health/open-items')
    await product.admin().send('PUT', `/api/accounts/${account.id}/health/changes/${body.items[0].change.changeId}/note`, { note: 'Their season is over.' })
    await gone('actNow', account.id)
  })
})

describe('good news', () => {
  it('a review is asked for where everybody is happy, and not while a case is open', async () => {
    // The second account is happy in part and has an open case.
    expect(of((await lists()).goodNews, second.locationId)).toMatchObject([{ action: 'open_account' }])
    const { locationId, userId } = await product.enableFeedback(3)
    await product.answer({ locationId, userId }, 'very_happy', { comment: 'You are quick.' })
    expect(await row('goodNews', locationId, ({ kind }) => kind === 'first_answer')).toMatchObject({ action: 'ask_testimonial', reason: expect.stringContaining('is Very Happy. “You are quick.”') })
  })

  it('becoming Thriving is news; going back is news no more', async () => {
    const account = product.sandbox.company().accounts[2]!
    await setHealth(account.id, 'thriving', 'Their second shop opens.')
    await row('goodNews', account.id, ({ kind, reason }) => kind === 'thriving' && reason === 'Became Thriving, from Steady. “Their second shop opens.”')
    await product.admin().send('POST', `/api/accounts/${account.id}/health/undo`, {})
    await until('other news, or none', async () => of((await lists()).goodNews, account.id).every(({ kind }) => kind !== 'thriving'))
  })
})

describe('going stale', () => {
  it('accounts that are asked and have no status are to get one; a status makes the row go', async () => {
    const { locationId } = product.sandbox.company().accounts.map(({ id }) => ({ locationId: id }))[3]!
    expect(await row('goingStale', locationId, ({ kind }) => kind === 'no_status')).toMatchObject({ action: 'set_status' })
    await setHealth(locationId, 'healthy')
    await gone('goingStale', locationId)
  })

  it('a status past its days, and one that is about to be, is still true by one request', async () => {
    // A day is the shortest that a status may last; it is about to go stale from the beginning.
    expect((await product.admin().send('PATCH', '/api/settings', { health: { staleDays: { healthy: 1 } } })).status).toBe(200)
    const account = product.sandbox.company().accounts[3]!
    await setHealth(account.id, 'steady')
    await gone('goingStale', account.id)
    await setHealth(account.id, 'healthy')
    expect(await row('goingStale', account.id, ({ kind }) => kind === 'soon_stale')).toMatchObject({ action: 'still_true', reason: 'Set today, goes stale within a day.' })
  })
})

describe('whose', () => {
  it('one sees the accounts that one has, and everybody\'s when asked', async () => {
    await product.admin().send('PUT', `/api/accounts/${second.locationId}/csm`, { csmUserId: anna })
    const mine = product.as({ userId: anna })
    const body = await today('?csm=me', mine)
    expect(body).toMatchObject({ csm: anna, accounts: { mine: 1 } })
    const ids = [body.actNow, body.goingStale, body.goodNews].flatMap(({ rows }: { rows: Row[] }) => rows.map(({ account }) => account?.locationId))
    expect(new Set(ids)).toEqual(new Set([second.locationId]))
    expect((await today(`?csm=${anna}`)).actNow.rows).toEqual(body.actNow.rows)
    expect((await today('?csm=all', mine)).actNow.total).toBeGreaterThanOrEqual(body.actNow.total)
    expect((await today('?csm=all', mine)).accounts.mine).toBe(1)
    expect((await today('?csm=me')).actNow.rows).toEqual([])
    expect((await today('?limit=1')).actNow.rows).toHaveLength(1)
    expect((await product.admin().get('/api/today?limit=0')).status).toBe(400)
  })

  it('another agency sees nothing of it, and a customer is refused', async () => {
    const { services } = product.app
    expect(await services.today.look({ companyId: 'another-agency', userId: anna }, { csm: null, limit: 25 })).toMatchObject({ accounts: { mine: 0, all: 0 }, actNow: { total: 0 }, goingStale: { total: 0 }, goodNews: { total: 0 } })
    expect(await services.today.look({ companyId: 'another-agency', userId: anna }, { csm: anna, limit: 25 })).toMatchObject({ actNow: { total: 0 }, goingStale: { total: 0 }, goodNews: { total: 0 } })
    const customer = product.as({ userId: first.userIds[0]!, locationId: first.locationId })
    expect((await customer.get('/api/today')).status).toBe(403)
    expect((await fetch(`${product.url}/api/today`)).status).toBe(401)
  })
})
