import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createRandom } from '../sandbox/state/make-ids.ts'
import { createCrowd, setUp, type Crowd } from './support/customers.ts'
import { report, rounds } from './support/report.ts'
import { callsAtRest, startTraffic } from './support/traffic.ts'
import { verify } from './support/verify.ts'
import { settled, startWorld, type World } from './support/world.ts'

let world: World
let crowd: Crowd

beforeAll(async () => {
  world = await startWorld({ store: 'own', accounts: 6, usersPerAccount: 3 })
  crowd = createCrowd(world)
})

afterAll(() => world.stop())

it('loses and doubles nothing when it is killed again and again in a stream of answers and webhooks', async () => {
  const kills = rounds(4)
  const random = createRandom(kills)
  let process = await world.start()
  await setUp(world, crowd)
  const traffic = startTraffic(world, crowd, { seed: 11 })
  let diedAt = new Date()
  for (let round = 0; round < kills; round += 1) {
    await sleep(1_000 + random() * 1_000)
    process.signal('SIGKILL')
    await process.ended
    diedAt = new Date()
    process = await world.start()
  }
  await sleep(1_000)
  await traffic.stop()
  await world.leasesRunOut(diedAt)
  await settled(world)
  const found = await verify(world, crowd)
  const calls = await callsAtRest(world)
  report('random kill -9 in a stream', { 'kill -9': kills, 'unanswered attempts': Object.values(crowd.refused).reduce((sum, count) => sum + count, 0) }, found)
  report('  at rest afterwards', { 'API calls in 3 s': calls }, { acknowledged: 0, lost: [], doubled: Array.from({ length: calls }, () => 'call') })
  expect(found).toMatchObject({ lost: [], doubled: [] })
  expect(calls).toBe(0)
})
