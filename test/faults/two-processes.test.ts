import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { createCrowd, setUp, type Crowd } from './support/customers.ts'
import { freePort, type ProductProcess } from './support/process.ts'
import { report } from './support/report.ts'
import { startTraffic } from './support/traffic.ts'
import { verify } from './support/verify.ts'
import { leaseMs, settled, startWorld, type World } from './support/world.ts'

let world: World
let crowd: Crowd
let one: ProductProcess
let two: ProductProcess
let otherPort: number

beforeAll(async () => {
  world = await startWorld({ store: 'shared', accounts: 6, usersPerAccount: 3 })
  crowd = createCrowd(world)
  otherPort = await freePort()
  one = await world.start()
  two = await world.start({ port: otherPort })
  await setUp(world, crowd)
})

afterAll(() => world.stop())

/** Every delivery so far again, to both processes at once. @returns how many were sent */
async function deliverAllAgain(): Promise<number> {
  const bodies = world.sandbox.deliveries().filter((delivery) => delivery.status === 'delivered')
  const statuses = await Promise.all(
    bodies.flatMap(({ body, signature }) =>
      [one, two].map(async ({ url }) => {
        const headers = { 'content-type': 'application/json', 'x-ghl-signature': signature }
        return (await world.sandbox.deliver({ body, headers }, `${url}/webhooks/highlevel`)).status
      }),
    ),
  )
  expect(new Set(statuses)).toEqual(new Set([200]))
  return statuses.length
}

it('gives every fact one set of effects when answers and webhooks reach both processes', async () => {
  const traffic = startTraffic(world, crowd, { seed: 21, urls: [one.url, two.url] })
  await sleep(3_000)
  await traffic.stop()
  // The same answer, at once, from both sides.
  const customer = world.customers[0]![0]!
  await Promise.all([one, two].flatMap(({ url }) => [1, 2, 3].map(() => crowd.answer(customer, 'happy', 'the same', { key: 'the-same-key', url }))))
  const duplicates = await deliverAllAgain()
  await settled(world)
  const found = await verify(world, crowd)
  report('two processes, duplicates', { 'webhook again': duplicates, 'answer again': 5 }, found)
  expect(found).toMatchObject({ lost: [], doubled: [] })
})

it('loses and doubles nothing when one is frozen past its leases and goes on, and the other is killed meanwhile', async () => {
  world.sandbox.settings.latencyMs = 250
  const traffic = startTraffic(world, crowd, { seed: 22, urls: [one.url] })
  await sleep(1_500)
  two.signal('SIGSTOP')
  const frozenAtMs = Date.now()
  await sleep(1_500)
  one.signal('SIGKILL')
  await one.ended
  one = await world.start()
  await sleep(1_500)
  await traffic.stop()
  world.sandbox.settings.latencyMs = 0
  // What the frozen process had leased is done by the other one first.
  await sleep(Math.max(0, frozenAtMs + leaseMs + 4_000 - Date.now()))
  two.signal('SIGCONT')
  await settled(world)
  const found = await verify(world, crowd)
  report('one frozen past its leases, one killed', { SIGSTOP: 1, 'kill -9': 1 }, found)
  expect(found).toMatchObject({ lost: [], doubled: [] })
})

it('stops under load with exit code 0, leaves nothing leased and loses nothing', async () => {
  const traffic = startTraffic(world, crowd, { seed: 23, urls: [one.url], pauseMs: 40 })
  await sleep(1_500)
  two.signal('SIGTERM')
  expect(await two.ended).toEqual({ code: 0, signal: null })
  await traffic.stop()
  one.signal('SIGTERM')
  expect(await one.ended).toEqual({ code: 0, signal: null })
  const database = (await world.db()).db!
  for (const name of ['inbox', 'answer_work', 'events', 'workflow_steps', 'outbox']) expect(await database.collection(name).countDocuments({ state: 'leased' })).toBe(0)
  for (const name of ['effect_contacts', 'effect_cards']) expect(await database.collection(name).countDocuments({ token: { $type: 'string' } })).toBe(0)
  // The process that was killed before may still have its lock; those that were asked to stop have none.
  for (const { pid } of [one, two]) {
    expect(await database.collection('agendaJobs').countDocuments({ lockedAt: { $type: 'date' }, lastModifiedBy: { $regex: `:${pid}:` } })).toBe(0)
  }
  one = await world.start()
  await until('deliveries to go on', () => world.sandbox.pendingDeliveries().length === 0)
  await settled(world)
  const found = await verify(world, crowd)
  report('SIGTERM under load', { SIGTERM: 2 }, found)
  expect(found).toMatchObject({ lost: [], doubled: [] })
})
