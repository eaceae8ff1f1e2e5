import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { createCrowd, levels, setUp, type Crowd } from './support/customers.ts'
import { freePort, type ProductProcess } from './support/process.ts'
import { report } from './support/report.ts'
import { verify } from './support/verify.ts'
import { settled, startWorld, type World } from './support/world.ts'

let world: World
let crowd: Crowd
let processes: ProductProcess[]
let otherPort: number

beforeAll(async () => {
  world = await startWorld({ store: 'shared', accounts: 5, usersPerAccount: 2 })
  crowd = createCrowd(world)
  otherPort = await freePort()
  processes = [await world.start(), await world.start({ port: otherPort })]
  await setUp(world, crowd)
  // Everybody is signed in before the connection breaks.
  await burst('neutral', 0)
  await settled(world)
})

afterAll(() => world.stop())

/** Everybody answers at once, in both processes. */
async function burst(word: string, turn: number): Promise<void> {
  const urls = processes.map(({ url }) => url)
  await Promise.all(world.customers.flat().map((customer, index) => crowd.answer(customer, levels[(index + turn) % 4]!, `${word} ${index}`, { url: urls[index % urls.length]! })))
}

function refreshes(): number {
  return world.sandbox.calls.filter((call) => call.path === '/oauth/token' && call.status === 200).length
}

async function connection(): Promise<string> {
  return ((await crowd.admin('GET', '/api/operations')).body as { connection: { status: string } }).connection.status
}

it('renews an expired token once, however many calls in two processes need it', async () => {
  world.sandbox.resetCalls()
  world.sandbox.expireTokens({ companyId: world.companyId })
  await burst('expired', 1)
  await settled(world)
  const found = await verify(world, crowd)
  report('tokens expired in a burst, two processes', { expiry: 1, refresh: refreshes() }, found)
  expect(refreshes()).toBe(1)
  expect(found).toMatchObject({ lost: [], doubled: [] })
})

it('holds work while the installation is revoked, and delivers it after the agency has installed again', async () => {
  world.sandbox.revokeTokens({ companyId: world.companyId })
  await burst('revoked', 2)
  await until('the need to reconnect to be seen', async () => (await connection()) === 'needs_reconnect', 60_000, 100)
  const before = (await world.db()).db!
  await until('work to be held', async () => (await before.collection('effect_contacts').countDocuments({ state: 'held' })) > 0, 60_000, 100)
  expect((await world.sandbox.install()).callbackStatus).toBe(200)
  await settled(world)
  expect(await connection()).toBe('active')
  const found = await verify(world, crowd)
  report('tokens revoked, installed again', { revocation: 1 }, found)
  expect(found).toMatchObject({ lost: [], doubled: [] })
})

it('survives a death between the new token and its record: work waits for the agency, and nothing is lost', async () => {
  world.arm('tokens.granted')
  world.sandbox.expireTokens({ companyId: world.companyId })
  const work = burst('granted', 3)
  const dead = await until('one process to die', () => processes.find((process) => !process.isAlive()), 60_000)
  const diedAt = new Date()
  world.arm(null)
  const index = processes.indexOf(dead)
  processes[index] = await world.start(index === 0 ? {} : { port: otherPort })
  await world.leasesRunOut(diedAt)
  await work
  await until('the need to reconnect to be seen', async () => (await connection()) === 'needs_reconnect', 90_000, 100)
  expect((await world.sandbox.install()).callbackStatus).toBe(200)
  await settled(world)
  const found = await verify(world, crowd)
  report('kill -9 between new token and record', { 'kill at tokens.granted': 1 }, found)
  expect(found).toMatchObject({ lost: [], doubled: [] })
})
