import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { createCrowd, levels, setUp, type Crowd, type Level } from './support/customers.ts'
import type { ProductProcess } from './support/process.ts'
import { report, rounds } from './support/report.ts'
import { verify } from './support/verify.ts'
import { settled, startWorld, type World } from './support/world.ts'

/** Points in the code, with the passing at which the process dies: one death after the other. */
const pairs = [
  ['inbox.inserted:1', 'effects.accepted:1'],
  ['answers.inserted:1', 'queue.claimed:4'],
  ['effects.recorded:1', 'answers.corrected:1'],
  ['queue.claimed:1', 'effects.accepted:3'],
  ['effects.recorded:4', 'queue.claimed:9'],
  ['effects.accepted:6', 'effects.recorded:2'],
] as const
/** Calls whose answer the process never learns, because it dies while HighLevel has done the work. */
const creations = [
  { what: 'contact', method: 'POST', path: /^\/contacts\/$/ },
  { what: 'card', method: 'POST', path: /^\/opportunities\/$/ },
  { what: 'message', method: 'POST', path: /^\/conversations\/messages$/ },
  { what: 'task', method: 'POST', path: /^\/contacts\/[^/]+\/tasks$/ },
]

let world: World
let crowd: Crowd
let process: ProductProcess
const injected: Record<string, number> = {}
let account = 0

beforeAll(async () => {
  world = await startWorld({ store: 'own', accounts: (2 * pairs.length + creations.length) * rounds(1), usersPerAccount: 3 })
  crowd = createCrowd(world)
  process = await world.start()
  await setUp(world, crowd)
})

afterAll(() => world.stop())

/** A burst on an account of its own: two answers, a change of one, a renamed account and a user. */
async function burst(firstLevel: Level): Promise<void> {
  const [one, two, quiet] = world.customers[account]!
  account += 1
  const other = levels[account % 4]!
  world.sandbox.updateLocation(one!.locationId, { name: `Renamed ${account}` })
  world.sandbox.updateUser(quiet!.userId, { firstName: `Renamed${account}` })
  const first = crowd.answer(one!, firstLevel, `comment ${account}`)
  const second = crowd.answer(two!, other, `first thought ${account}`).then((answer) => crowd.correct(answer, 'neutral', `changed ${account}`))
  await Promise.all([first, second])
}

/** Waits for the death, starts anew and lets everything come to rest. */
async function recover(name: string): Promise<void> {
  const { signal } = await process.ended
  const diedAt = new Date()
  expect(signal).toBe('SIGKILL')
  injected[`kill at ${name}`] = (injected[`kill at ${name}`] ?? 0) + 1
  world.arm(null)
  process = await world.start()
  await world.leasesRunOut(diedAt)
}

/** Kills the process at the named point while it works on a burst. */
async function dieAt(point: string): Promise<{ work: Promise<void> }> {
  world.arm(point)
  const work = burst('not_happy')
  await until(`the process to die at ${point}`, () => !process.isAlive(), 60_000)
  return { work }
}

/** Kills the process when HighLevel has made the thing and has not answered yet. */
async function dieBeforeHearing({ what, method, path }: (typeof creations)[number]): Promise<{ work: Promise<void> }> {
  const name = 'accept then timeout'
  const before = world.sandbox.faults.injected()[name] ?? 0
  world.sandbox.faults.next({ method, path }, { acceptThen: 'timeout' })
  const work = burst('not_happy')
  await until(`the ${what} to be made`, () => (world.sandbox.faults.injected()[name] ?? 0) > before, 60_000)
  process.signal('SIGKILL')
  // Somebody whose contact nobody has recorded yet writes at once.
  const newest = world.sandbox.state.contacts.by('location', world.headquartersId).at(-1)
  if (what === 'contact' && newest !== undefined) world.sandbox.reply(newest.id, 'Hello')
  return { work }
}

describe('kill -9 at a named point', () => {
  for (let round = 0; round < rounds(1); round += 1) {
    // Two deaths before everything comes to rest: the second one meets the recovery from the first.
    for (const [first, second] of pairs) {
      it(`loses and doubles nothing at ${first} and then ${second}, round ${round + 1}`, async () => {
        for (const point of [first, second]) {
          const { work } = await dieAt(point)
          await recover(point.split(':')[0]!)
          await work
        }
        await settled(world)
        expect(await verify(world, crowd)).toMatchObject({ lost: [], doubled: [] })
      })
    }
    for (const creation of creations) {
      it(`makes the ${creation.what} once if it dies before it hears that it was made, round ${round + 1}`, async () => {
        const { work } = await dieBeforeHearing(creation)
        await recover(`${creation.what} made, not recorded`)
        await work
        await settled(world)
        expect(await verify(world, crowd)).toMatchObject({ lost: [], doubled: [] })
      })
    }
  }

  it('is counted', async () => {
    report('kill -9 at named points', injected, await verify(world, crowd))
  })
})
