import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createLeasedQueue, type LeasedQueue } from '../../src/store/index.ts'
import { PermanentError, RetryAfterError } from '../../src/kernel/errors.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

interface Work {
  n: number
}

const leaseMs = 60_000

describe('the leased queue', () => {
  let store: TestStore
  let clock: FakeClock
  let one: LeasedQueue<Work>
  let two: LeasedQueue<Work>
  let number = 0

  beforeAll(async () => {
    store = await openTestStore()
  })
  afterAll(() => store.close())
  beforeEach(async () => {
    clock = createFakeClock()
    number += 1
    const options = { collection: `work_${number}`, clock, leaseMs, maxAttempts: 5, maxCrashes: 3, doneTtlDays: 1 }
    one = createLeasedQueue<Work>(store.connection, options)
    two = createLeasedQueue<Work>(await store.another(), options)
    await store.ensureIndexes()
  })

  const put = (key: string, lane: string, n = 0, dueAt?: Date): Promise<string> => one.insert({ key, lane, companyId: 'c1', data: { n }, ...(dueAt === undefined ? {} : { dueAt }) })

  it('rewrites and removes what nobody works on, of one company only, whatever its state', async () => {
    for (const [key, n] of [['done', 1], ['waits', 2], ['worked on', 3], ['stays', 4]] as const) await put(key, key, n)
    await one.insert({ key: 'other', lane: 'x', companyId: 'c2', data: { n: 1 } })
    const claims = await one.claim(10)
    await one.complete(claims.find(({ key }) => key === 'done')!)
    await one.complete(claims.find(({ key }) => key === 'stays')!)
    await one.giveBack(claims.find(({ key }) => key === 'waits')!)
    const seen: string[] = []
    const changed = await two.rewrite('c1', ({ key, open, data }) => {
      seen.push(`${key} ${open ? 'open' : 'closed'}`)
      return data.n === 1 ? { data: { n: 10 }, lane: 'elsewhere' } : data.n === 2 ? 'remove' : null
    })
    expect(changed).toBe(2)
    expect(seen.sort()).toEqual(['done closed', 'stays closed', 'waits open'])
    expect((await one.list({ companyId: 'c1', page: 1, pageSize: 10 })).items.map(({ key }) => key).sort()).toEqual(['done', 'stays', 'worked on'])
    expect((await store.connection.collection<{ _id: string; lane: string; data: Work }>(`work_${number}`).findOne({ _id: 'done' }))).toMatchObject({ lane: 'elsewhere', data: { n: 10 } })
    expect(await one.complete(claims.find(({ key }) => key === 'worked on')!)).toBe(true)
  })

  it('stores a key once, however often and from wherever it is inserted', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : two).insert({ key: 'k', lane: 'l', companyId: 'c1', data: { n } })))
    expect(outcomes.filter((outcome) => outcome === 'inserted')).toHaveLength(1)
    expect((await one.list({ companyId: 'c1', page: 1, pageSize: 10 })).total).toBe(1)
  })

  it('gives the items of a lane one at a time and in order, over two connections', async () => {
    for (let n = 0; n < 6; n += 1) await put(`k${n}`, n % 2 === 0 ? 'even' : 'odd', n)
    const seen: number[] = []
    for (let turn = 0; turn < 6; turn += 1) {
      const [ofOne, ofTwo] = await Promise.all([one.claim(10), two.claim(10)])
      const claims = [...ofOne.map((claimed) => ({ claimed, queue: one })), ...ofTwo.map((claimed) => ({ claimed, queue: two }))]
      expect(new Set(claims.map(({ claimed }) => claimed.lane)).size).toBe(claims.length)
      for (const { claimed, queue } of claims) {
        seen.push(claimed.data.n)
        expect(await queue.complete(claimed)).toBe(true)
      }
    }
    expect(seen.filter((n) => n % 2 === 0)).toEqual([0, 2, 4])
    expect(seen.filter((n) => n % 2 === 1)).toEqual([1, 3, 5])
  })

  it('keeps a lane waiting while its first item backs off, and lets other lanes pass', async () => {
    await put('a1', 'a')
    await put('a2', 'a')
    const [first] = await one.claim(1)
    expect(await one.fail(first!, new Error('flaky'))).toBe('retry')
    for (let n = 0; n < 40; n += 1) await put(`a-more-${n}`, 'a')
    await put('b1', 'b')
    expect((await two.claim(10)).map((claimed) => claimed.key)).toEqual(['b1'])
    clock.advanceMs(1_000)
    expect((await two.claim(10)).map((claimed) => claimed.key)).toEqual(['a1'])
  })

  it('refuses the work of a lease that was lost', async () => {
    await put('k', 'l')
    const [late] = await one.claim(1)
    expect(await two.claim(1)).toEqual([])
    clock.advanceMs(leaseMs + 1)
    const [current] = await two.claim(1)
    expect(current).toMatchObject({ key: 'k', attempt: 2 })
    expect(await one.complete(late!)).toBe(false)
    expect(await one.fail(late!, new Error('too late'))).toBe('lost')
    expect(await one.hold(late!, clock.now(), 'too late')).toBe(false)
    expect(await one.extend(late!)).toBe(false)
    expect(await two.complete(current!)).toBe(true)
    expect(await one.counts()).toMatchObject({ done: 1, pending: 0, leased: 0 })
  })

  it('keeps an item whose lease is lengthened', async () => {
    await put('k', 'l')
    const [claimed] = await one.claim(1)
    clock.advanceMs(leaseMs - 1_000)
    expect(await one.extend(claimed!)).toBe(true)
    clock.advanceMs(leaseMs - 1_000)
    expect(await two.claim(1)).toEqual([])
    expect(await one.complete(claimed!)).toBe(true)
  })

  it('declares an item dead after three workers died on it, and goes on with its neighbours', async () => {
    await put('poison', 'l')
    await put('neighbour', 'l')
    for (let crash = 1; crash <= 3; crash += 1) {
      expect((await one.claim(5)).map((claimed) => claimed.key)).toEqual(['poison'])
      clock.advanceMs(leaseMs + 1)
    }
    expect((await one.claim(5)).map((claimed) => claimed.key)).toEqual(['neighbour'])
    const { items } = await one.list({ companyId: 'c1', states: ['dead'], page: 1, pageSize: 10 })
    expect(items).toMatchObject([{ key: 'poison', attempts: 3, error: { code: 'lease_expired' } }])
  })

  it('works a replayed item once more, with fresh attempts, for its own company only', async () => {
    await put('k', 'l')
    const [claimed] = await one.claim(1)
    expect(await one.fail(claimed!, new PermanentError('broken', 'Cannot be done.'))).toBe('dead')
    expect(await one.replay('another', 'k')).toBe(false)
    expect(await two.replay('c1', 'k')).toBe(true)
    expect(await two.replay('c1', 'k')).toBe(false)
    const [again] = await two.claim(1)
    expect(again).toMatchObject({ key: 'k', attempt: 1 })
    expect(await two.complete(again!)).toBe(true)
    expect(await one.claim(1)).toEqual([])
  })

  it('is dead after its last transient failure', async () => {
    await put('k', 'l')
    const verdicts: string[] = []
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const [claimed] = await one.claim(1)
      verdicts.push(await one.fail(claimed!, new Error('flaky')))
      clock.advanceMs(900_000)
    }
    expect(verdicts).toEqual(['retry', 'retry', 'retry', 'retry', 'dead'])
  })

  it('waits as long as the other side asks, without counting the attempt', async () => {
    await put('k', 'l')
    for (let turn = 0; turn < 10; turn += 1) {
      const [claimed] = await one.claim(1)
      expect(claimed?.attempt).toBe(1)
      expect(await one.fail(claimed!, new RetryAfterError('busy', 'Later.', 30_000))).toBe('retry')
      clock.advanceMs(29_999)
      expect(await one.claim(1)).toEqual([])
      clock.advanceMs(1)
    }
  })

  it('holds an item until its company is released, or its time has come', async () => {
    await put('k', 'l')
    await put('after', 'l')
    const [claimed] = await one.claim(1)
    expect(await one.hold(claimed!, new Date(clock.nowMs() + 3_600_000), 'reconnect')).toBe(true)
    expect(await one.claim(5)).toEqual([])
    expect(await one.release('another')).toBe(0)
    expect(await one.release('c1')).toBe(1)
    const [again] = await one.claim(5)
    expect(again).toMatchObject({ key: 'k', attempt: 1 })
    await one.hold(again!, new Date(clock.nowMs() + 5_000), 'short')
    expect((await one.look(5)).nextDueAt?.getTime()).toBe(clock.nowMs() + 5_000)
    clock.advanceMs(5_000)
    expect((await one.claim(5)).map((item) => item.key)).toEqual(['k'])
  })

  it('does not give an item before its time, nor one that was cancelled', async () => {
    const dueAt = new Date(clock.nowMs() + 60_000)
    await put('later', 'a', 0, dueAt)
    await put('never', 'b', 0, dueAt)
    expect(await one.claim(5)).toEqual([])
    expect(await one.cancel('another', 'never', 'recovered')).toBe(false)
    expect(await one.cancel('c1', 'never', 'recovered')).toBe(true)
    clock.advanceMs(60_000)
    const claims = await one.claim(5)
    expect(claims.map((claimed) => claimed.key)).toEqual(['later'])
    expect(await one.cancel('c1', 'later', 'too late')).toBe(false)
  })

  it('keeps what needs no work as ignored, and remembers its key', async () => {
    expect(await one.insertIgnored({ key: 'k', lane: 'l', companyId: 'c1', data: { n: 1 } }, 'unknown_type', 7)).toBe('inserted')
    expect(await one.insertIgnored({ key: 'k', lane: 'l', companyId: 'c1', data: { n: 1 } }, 'unknown_type', 7)).toBe('duplicate')
    expect(await one.claim(5)).toEqual([])
    expect((await one.list({ companyId: 'c1', page: 1, pageSize: 5 })).items).toMatchObject([{ state: 'ignored', reason: 'unknown_type' }])
  })

  it('tells how long work has been waiting', async () => {
    expect(await one.oldestPendingAt()).toBeNull()
    const insertedAt = clock.now()
    await put('k', 'l')
    clock.advanceMs(5_000)
    expect(await one.oldestPendingAt()).toEqual(insertedAt)
  })
})
