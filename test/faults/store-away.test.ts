import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { createCrowd, setUp, type Crowd } from './support/customers.ts'
import type { ProductProcess } from './support/process.ts'
import { report } from './support/report.ts'
import { startTraffic } from './support/traffic.ts'
import { verify } from './support/verify.ts'
import { settled, startWorld, type World } from './support/world.ts'

let world: World
let crowd: Crowd
let process: ProductProcess

beforeAll(async () => {
  world = await startWorld({ store: 'stoppable', accounts: 4, usersPerAccount: 3 })
  crowd = createCrowd(world)
  process = await world.start()
  await setUp(world, crowd)
})

afterAll(() => world.stop())

it('asks senders to come again while its store is away, and misses nothing', async () => {
  const { sandbox } = world
  const webhookStatuses = new Map<number, number>()
  const traffic = startTraffic(world, crowd, { seed: 31 })
  await sleep(1_500)
  await world.store.stop()
  const goneAt = new Date()
  const customer = world.customers[0]![0]!
  for (let count = 0; count < 4; count += 1) {
    const { body, signature } = sandbox.deliveries().at(-1)!
    const headers = { 'content-type': 'application/json', 'x-ghl-signature': signature }
    // A new event each time: its id is not known yet.
    const fresh = count === 0 ? { body, headers } : sandbox.webhook({ type: 'LocationUpdate', id: customer.locationId, companyId: world.companyId, name: 'Never stored' })
    const { status } = await sandbox.deliver(fresh)
    webhookStatuses.set(status, (webhookStatuses.get(status) ?? 0) + 1)
  }
  const reply = await crowd.call(customer, 'POST', '/api/answers', { level: 'happy', idempotencyKey: 'while-away', comment: 'away' })
  const readiness = await fetch(`${process.url}/readyz`)
  await readiness.text()
  await world.store.start()
  let notReady = ''
  try {
    await until('the process to be ready again', async () => {
      const again = await fetch(`${process.url}/readyz`)
      notReady = await again.text()
      return again.status === 200
    }, 60_000, 100)
  } catch (error) {
    throw new Error(`${String(error)}: ${notReady}\n${process.log.slice(-10).join('\n')}`, { cause: error })
  }
  await sleep(1_000)
  await traffic.stop()
  // Work that was in hand when the store went could not be given back.
  await world.leasesRunOut(goneAt)
  await settled(world)
  const found = await verify(world, crowd)
  const refusals = [...sandbox.deliveries()].reduce((sum, delivery) => sum + delivery.attempts - 1, 0)
  report('store away at ingest', { outage: 1, 'webhook refused': refusals, 'answer refused': Object.values(crowd.refused).reduce((sum, count) => sum + count, 0) }, found)
  expect(found).toMatchObject({ lost: [], doubled: [] })
  expect([...webhookStatuses.keys()]).toEqual([429])
  expect(reply.status).toBeGreaterThanOrEqual(500)
  expect(reply.body).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } })
  expect(readiness.status).toBe(503)
  expect(process.isAlive()).toBe(true)
})
