import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { productionLimits, type BudgetLimits, type Priority } from '../../src/highlevel/index.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createRequestBudget } from '../../src/highlevel/budget.ts'
import { locationResource } from '../../src/highlevel/resource.ts'
import { openTestStore, type TestStore } from '../support/store.ts'
import { until } from '../support/until.ts'
import { maxInWindow, startFakeHighLevel, type FakeHighLevel } from './support/fake-highlevel.ts'
import { companyGrant, makeGateway, type TestGateway } from './support/make-gateway.ts'

/** Ten requests per 400 ms instead of a hundred per ten seconds. */
const small: BudgetLimits = {
  ...productionLimits, windowMs: 400, maxPerWindow: 10, permitLifeMs: 60, marginMs: 120, blockSize: 2, maxBlockSize: 5,
  maxWaitMs: { interactive: 60_000, webhook: 60_000, bulk: 60_000 },
}

describe('request budget', () => {
  let store: TestStore
  let fake: FakeHighLevel
  const gateways: TestGateway[] = []

  beforeEach(async () => {
    store = await openTestStore()
    fake = await startFakeHighLevel()
    fake.script(({ path }) => (path.startsWith('/locations/') ? { status: 200, json: { location: { id: path.split('/')[2], name: 'Place' } } } : undefined))
  })
  afterEach(async () => {
    for (const each of gateways.splice(0)) await each.stop()
    await fake.close()
    await store.close()
  })

  async function open(limits: BudgetLimits, connection = store.connection): Promise<TestGateway> {
    const made = makeGateway(connection, fake.url, { limits })
    gateways.push(made)
    await store.ensureIndexes()
    return made
  }

  async function openTwo(limits: BudgetLimits): Promise<[TestGateway, TestGateway]> {
    const pair: [TestGateway, TestGateway] = [await open(limits), await open(limits, await store.another())]
    await pair[0].storeTokens(companyGrant(fake.tokens.issue('company1', 'Company')))
    return pair
  }

  const read = (gateway: TestGateway, locationId: string, priority: Priority) => gateway.location('company1', locationId, priority).getLocation()
  const timesOf = (locationId: string) => fake.requests(`/locations/${locationId}`).map(({ atMs }) => atMs)

  it('two gateways together never exceed the limit in any sliding window', async () => {
    // With the margin that ships: it is what a busy machine may hold a request up between its permit and its arrival.
    const limits = { ...small, windowMs: 1_000, permitLifeMs: 100, marginMs: productionLimits.marginMs }
    const [one, two] = await openTwo(limits)
    const priorities: Priority[] = ['interactive', 'webhook', 'bulk']
    await Promise.all(Array.from({ length: 60 }, (_, index) => read(index % 2 === 0 ? one : two, 'busy', priorities[index % 3] ?? 'bulk')))
    expect(timesOf('busy')).toHaveLength(60)
    expect(maxInWindow(timesOf('busy'), limits.windowMs)).toBeLessThanOrEqual(limits.maxPerWindow)
  })

  it('a busy location does not hold up a quiet one', async () => {
    // The busy location needs a second window, long after the quiet one's five calls.
    const [one, two] = await openTwo({ ...small, windowMs: 4_000 })
    const busy = Promise.allSettled(Array.from({ length: 30 }, (_, index) => read(index % 2 === 0 ? one : two, 'busy', 'bulk')))
    await until('the busy location is under way', () => timesOf('busy').length > 0)
    for (let index = 0; index < 5; index++) await read(one, 'quiet', 'webhook')
    expect(timesOf('quiet')).toHaveLength(5)
    expect(timesOf('busy').length).toBeLessThan(30)
    await busy
  })

  it('work that a person waits for overtakes bulk work of the same location', async () => {
    const [one] = await openTwo(small)
    await read(one, 'busy', 'interactive')
    const order: Priority[] = []
    const note = (priority: Priority) => read(one, 'busy', priority).then(() => order.push(priority))
    const bulk = Array.from({ length: 20 }, () => note('bulk'))
    await until('bulk work is under way', () => order.length > 0)
    await note('interactive')
    expect(order.filter((priority) => priority === 'bulk').length).toBeLessThan(20)
    await Promise.all(bulk)
  })

  it('who cannot wait is told when to come back', async () => {
    const [one] = await openTwo({ ...small, windowMs: 5_000, maxWaitMs: { interactive: 50, webhook: 50, bulk: 50 } })
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => read(one, 'busy', 'bulk')))
    const refused = results.filter((result) => result.status === 'rejected').map((result) => result.reason as { code: string; retryAfterMs: number })
    expect(refused).toHaveLength(14)
    for (const error of refused) {
      expect(error.code).toBe('highlevel_rate_limited')
      expect(error.retryAfterMs).toBeGreaterThan(1_000)
      expect(error.retryAfterMs).toBeLessThanOrEqual(5_180)
    }
    expect(timesOf('busy')).toHaveLength(6)
  })

  it('a 429 pauses the location in every process, and only that location', async () => {
    const [one, two] = await openTwo({ ...small, maxWaitMs: { interactive: 10, webhook: 10, bulk: 10 } })
    await read(one, 'busy', 'webhook')
    await read(two, 'busy', 'webhook')
    let refusals = 0
    fake.script(({ path }) => (path === '/locations/busy' && refusals++ === 0 ? { status: 429, json: { statusCode: 429, message: 'Too Many Requests' }, headers: { 'x-ratelimit-interval-milliseconds': '3000' } } : undefined))
    await expect(read(one, 'busy', 'interactive')).rejects.toMatchObject({ code: 'highlevel_rate_limited' })
    // A block that the other process holds already is used up first; after that it reads of the pause.
    const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => read(two, 'busy', 'interactive')))
    expect(attempts.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(5)
    await expect(read(one, 'busy', 'interactive')).rejects.toMatchObject({ code: 'highlevel_rate_limited' })
    await expect(read(two, 'quiet', 'bulk')).resolves.toMatchObject({ id: 'quiet' })
    expect((await one.budgets('company1')).find(({ locationId }) => locationId === 'busy')?.pausedUntil).toBeInstanceOf(Date)
  })

  it('learns the limits that HighLevel names in its headers', async () => {
    const [one] = await openTwo(productionLimits)
    fake.script(({ path }) =>
      path === '/locations/small'
        ? { status: 200, json: { location: { id: 'small', name: 'Place' } }, headers: { 'X-RateLimit-Max': '25', 'X-RateLimit-Remaining': '24', 'X-RateLimit-Limit-Daily': '10000', 'X-RateLimit-Daily-Remaining': '400', 'X-RateLimit-Interval-Milliseconds': '10000' } }
        : undefined,
    )
    await read(one, 'small', 'interactive')
    for (let index = 0; index < 4; index++) await read(one, 'small', 'interactive')
    expect((await one.budgets('company1')).find(({ locationId }) => locationId === 'small')).toMatchObject({ maxPerWindow: 25 })
    // 400 of 10,000 is below the reserve: bulk work rests, people go on.
    await expect(read(one, 'small', 'bulk')).rejects.toMatchObject({ code: 'highlevel_rate_limited', details: { reason: 'day' } })
    await expect(read(one, 'small', 'interactive')).resolves.toMatchObject({ id: 'small' })
  })

  it('many turns at once cost few writes', async () => {
    const budget = createRequestBudget({ connection: store.connection, clock: systemClock, limits: productionLimits })
    const resource = locationResource('company1', 'many')
    await Promise.all(Array.from({ length: 75 }, () => budget.acquire(resource, 'webhook')))
    const record = await store.connection.collection('highlevel_budgets').findOne({ locationId: 'many' })
    // The first lease is for one waiter, the rest come in blocks.
    expect(record?.['version']).toBeLessThanOrEqual(6)
    expect(record?.['usedToday']).toBeLessThanOrEqual(80)
  })
})
