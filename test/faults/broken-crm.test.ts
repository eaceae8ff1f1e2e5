import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createCrowd, setUp, type Crowd } from './support/customers.ts'
import { report, rounds } from './support/report.ts'
import { callsAtRest, startTraffic } from './support/traffic.ts'
import { verify } from './support/verify.ts'
import { settled, startWorld, type World } from './support/world.ts'

let world: World
let crowd: Crowd

beforeAll(async () => {
  world = await startWorld({ store: 'shared', accounts: 5, usersPerAccount: 3 })
  crowd = createCrowd(world)
})

afterAll(() => world.stop())

it('agrees with a CRM that failed one call in three, and made nothing twice', async () => {
  await world.start()
  await setUp(world, crowd)
  const { faults } = world.sandbox
  faults.next({ method: 'POST', path: /^\/contacts\/$/ }, { acceptThen: 'timeout' })
  faults.next({ method: 'POST', path: /^\/conversations\/messages$/ }, { acceptThen: 'timeout' })
  faults.next({ method: 'POST', path: /^\/opportunities\/$/ }, { acceptThen: { status: 500 } })
  faults.next({ method: 'POST', path: /^\/contacts\/[^/]+\/tasks$/ }, { acceptThen: 'html' })
  for (let round = 1; round <= rounds(1); round += 1) {
    faults.random(0.3, round, [
      { status: 500, body: { statusCode: 500, message: 'Internal Server Error' } }, { status: 503 }, 'html', 'reset', { acceptThen: 'reset' }, { acceptThen: 'html' },
      { acceptThen: { status: 502 } }, { status: 429, body: { statusCode: 429, message: 'Too Many Requests' } },
    ])
    const traffic = startTraffic(world, crowd, { seed: 100 + round, pauseMs: 400 })
    await sleep(5_000)
    await traffic.stop()
    faults.clear()
    await settled(world, 240_000)
  }
  const found = await verify(world, crowd)
  const calls = await callsAtRest(world)
  report('CRM fails one call in three', faults.injected(), found)
  report('  at rest afterwards', { 'API calls in 3 s': calls }, { acknowledged: 0, lost: [], doubled: Array.from({ length: calls }, () => 'call') })
  expect(found).toMatchObject({ lost: [], doubled: [] })
  expect(calls).toBe(0)
})
