import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createLeasedQueue, type Claimed, type LeasedQueue } from '../../src/store/index.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

interface Work {
  n: number
}

const leaseMs = 10_000
const lanes = ['a', 'b', 'c']

/** A step of one of two workers. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('insert' as const), worker: fc.nat(1), lane: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('claim' as const), worker: fc.nat(1), limit: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('complete' as const, 'fail' as const, 'hold' as const, 'giveBack' as const), worker: fc.nat(1), pick: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), durationMs: fc.integer({ min: 1, max: 15_000 }) }) },
)

describe('two workers in any interleaving', () => {
  let store: TestStore
  let connections: TestStore['connection'][]
  let runs = 0

  beforeAll(async () => {
    store = await openTestStore()
    connections = [store.connection, await store.another()]
  })
  afterAll(() => store.close())

  it('never work on one lane at once, finish each item once and in its lane\'s order, and lose none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        runs += 1
        const clock = createFakeClock()
        const collection = `interleaved_${runs}`
        const options = { collection, clock, leaseMs, maxAttempts: 1_000, maxCrashes: 1_000, backoff: { baseMs: 1_000, maxMs: 5_000 } }
        const queues = connections.map((connection) => createLeasedQueue<Work>(connection, options))
        await store.connection.models[collection]?.createIndexes()
        const held: { claimed: Claimed<Work>; untilMs: number }[][] = [[], []]
        const finished: string[] = []
        const inserted: { key: string; lane: string }[] = []

        const take = async (worker: number, queue: LeasedQueue<Work>, limit: number): Promise<void> => {
          for (const claimed of await queue.claim(limit)) {
            const others = held.flat().filter((other) => other.claimed.lane === claimed.lane && other.untilMs > clock.nowMs())
            expect(others).toEqual([])
            held[worker]!.push({ claimed, untilMs: clock.nowMs() + leaseMs })
          }
        }
        for (const one of steps) {
          if (one.kind === 'advance') {
            clock.advanceMs(one.durationMs)
            continue
          }
          const queue = queues[one.worker]!
          if (one.kind === 'insert') {
            const item = { key: `k${String(inserted.length).padStart(3, '0')}`, lane: lanes[one.lane]! }
            inserted.push(item)
            await queue.insert({ ...item, companyId: 'c', data: { n: inserted.length } })
            // Both workers' clocks are one here; a millisecond apart, as real inserts in one lane are.
            clock.advanceMs(1)
          } else if (one.kind === 'claim') await take(one.worker, queue, one.limit)
          else {
            const [entry] = held[one.worker]!.splice(one.pick % Math.max(1, held[one.worker]!.length), 1)
            if (entry === undefined) continue
            if (one.kind === 'complete') {
              if (await queue.complete(entry.claimed)) finished.push(entry.claimed.key)
            } else if (one.kind === 'fail') await queue.fail(entry.claimed, new Error('flaky'))
            else if (one.kind === 'hold') await queue.hold(entry.claimed, new Date(clock.nowMs() + 3_000), 'waits')
            else await queue.giveBack(entry.claimed)
          }
        }
        // One worker is left and finishes everything.
        held[0] = []
        held[1] = []
        for (let turn = 0; finished.length < inserted.length && turn < 500; turn += 1) {
          clock.advanceMs(leaseMs + 5_001)
          for (const claimed of await queues[0]!.claim(5)) if (await queues[0]!.complete(claimed)) finished.push(claimed.key)
        }
        expect([...finished].sort()).toEqual(inserted.map((item) => item.key))
        for (const lane of lanes) {
          const ofLane = new Set(inserted.filter((item) => item.lane === lane).map((item) => item.key))
          const order = finished.filter((key) => ofLane.has(key))
          expect(order).toEqual([...order].sort())
        }
      }),
      { numRuns: 40 },
    )
  }, 120_000)
})
