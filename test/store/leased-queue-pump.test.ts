import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createLogger } from '../../src/kernel/logger.ts'
import { createWake } from '../../src/kernel/wake.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createLeasedQueue, createPump, type Claimed, type LeasedQueue, type PumpOptions } from '../../src/store/index.ts'
import { openTestStore, type TestStore } from '../support/store.ts'
import { until } from '../support/until.ts'

interface Work {
  n: number
}

const logger = createLogger('silent')

/** A promise with its key outside. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

describe('a pump', () => {
  let store: TestStore
  let queue: LeasedQueue<Work>
  let number = 0

  beforeAll(async () => {
    store = await openTestStore()
  })
  afterAll(() => store.close())
  beforeEach(async () => {
    number += 1
    queue = createLeasedQueue<Work>(store.connection, { collection: `pumped_${number}`, clock: systemClock })
    await store.ensureIndexes()
  })

  const put = (key: string, lane = key): Promise<string> => queue.insert({ key, lane, companyId: 'c', data: { n: 0 } })
  const pump = (handle: (claimed: Claimed<Work>) => Promise<void>, more: Partial<PumpOptions<Work>> = {}) =>
    createPump<Work>({ name: 'test', queue, handle, clock: systemClock, logger, ...more })

  it('works until nothing is due', async () => {
    for (let n = 0; n < 30; n += 1) await put(`k${n}`, `lane${n % 4}`)
    const handled: string[] = []
    const drained = await pump(async ({ key }) => void handled.push(key), { batch: 5, concurrency: 3 }).drain()
    expect(drained).toBe(30)
    expect(new Set(handled).size).toBe(30)
    expect(await queue.counts()).toMatchObject({ done: 30, pending: 0 })
  })

  it('does new work while an old item is slow', async () => {
    const slow = gate()
    const handled: string[] = []
    const wake = createWake()
    const running = pump(
      async ({ key }) => {
        if (key === 'slow') await slow.opened
        handled.push(key)
      },
      { wake, pumpName: 'runs', concurrency: 4 },
    )
    await put('slow')
    running.start()
    await until('the slow item to be begun', async () => (await queue.counts()).leased === 1)
    await put('quick')
    wake.signal('runs')
    await until('the quick item', () => handled.includes('quick'))
    slow.open()
    await until('the slow item', () => handled.includes('slow'))
    await running.stop()
  })

  it('joins callers of a run in progress, and looks once more for them', async () => {
    const first = gate()
    const one = pump(async ({ key }) => {
      if (key === 'first') await first.opened
    })
    await put('first')
    const running = one.drain()
    await until('the first item to be begun', async () => (await queue.counts()).leased === 1)
    await put('second')
    const joined = one.drain()
    first.open()
    expect(await running).toBe(2)
    expect(await joined).toBe(2)
  })

  it('waits for work in progress when it stops, and gives back what it has not begun', async () => {
    const slow = gate()
    const begun: string[] = []
    const one = pump(
      async ({ key }) => {
        begun.push(key)
        await slow.opened
      },
      { batch: 5, concurrency: 1 },
    )
    for (let n = 0; n < 5; n += 1) await put(`k${n}`)
    one.start()
    await until('one item to be begun', () => begun.length === 1)
    const stopped = one.stop()
    slow.open()
    await stopped
    expect(begun).toHaveLength(1)
    expect(await queue.counts()).toMatchObject({ done: 1, pending: 4, leased: 0 })
    expect((await queue.claim(1)).map((claimed) => claimed.attempt)).toEqual([1])
  })

  it('holds what its handler holds, and goes on with what failed later', async () => {
    await put('held')
    await put('broken')
    const untilAt = new Date(Date.now() + 3_600_000)
    const handle = async ({ key }: Claimed<Work>) => {
      if (key === 'broken') throw new Error('flaky')
      return { hold: { untilAt, reason: 'reconnect' } }
    }
    await createPump<Work>({ name: 'test', queue, handle, clock: systemClock, logger }).drain()
    const { items } = await queue.list({ companyId: 'c', page: 1, pageSize: 5 })
    const byKey = new Map(items.map((item) => [item.key, item]))
    expect(byKey.get('held')).toMatchObject({ state: 'held', reason: 'reconnect', attempts: 0 })
    expect(['pending', 'dead']).toContain(byKey.get('broken')?.state)
    expect(byKey.get('broken')?.error).toMatchObject({ message: 'flaky' })
  })

  it('keeps hands free for others while one company has more work than its share', async () => {
    for (let n = 0; n < 40; n += 1) await queue.insert({ key: `busy${n}`, lane: `busy${n}`, companyId: 'busy', data: { n } })
    await put('quiet')
    const { opened, open } = gate()
    const begun: string[] = []
    const draining = pump(async ({ key }) => {
      begun.push(key)
      if (key !== 'quiet') await opened
    }, { concurrency: 8, batch: 8, perCompany: 2 }).drain()
    await until('the quiet item', () => begun.includes('quiet'))
    expect(begun.filter((key) => key.startsWith('busy'))).toHaveLength(2)
    open()
    expect(await draining).toBe(41)
  })

  it('begins nothing more of a company whose work rests, and all of the others', async () => {
    for (let n = 0; n < 10; n += 1) await queue.insert({ key: `busy${n}`, lane: `busy${n}`, companyId: 'busy', data: { n } })
    for (let n = 0; n < 5; n += 1) await put(`quiet${n}`)
    const begun: string[] = []
    const untilAt = new Date(Date.now() + 3_600_000)
    const handle = async ({ key }: Claimed<Work>) => {
      begun.push(key)
      return key.startsWith('busy') ? { hold: { untilAt, reason: 'too_many' } } : undefined
    }
    await createPump<Work>({ name: 'test', queue, handle, clock: systemClock, logger, concurrency: 4, batch: 4, perCompany: 1, restsCompany: (reason) => reason === 'too_many' }).drain()
    expect(begun.filter((key) => key.startsWith('quiet'))).toHaveLength(5)
    expect(begun.filter((key) => key.startsWith('busy'))).toEqual(['busy0'])
  })

  it('wakes by itself when an item falls due', async () => {
    const handled: string[] = []
    const one = pump(async ({ key }) => void handled.push(key))
    await queue.insert({ key: 'soon', lane: 'l', companyId: 'c', dueAt: new Date(Date.now() + 150), data: { n: 1 } })
    one.start()
    await until('the item', () => handled.includes('soon'))
    await one.stop()
  })

  it('tells its caller when the store cannot be reached', async () => {
    const broken: LeasedQueue<Work> = { ...queue, look: () => Promise.reject(new Error('store is down')) }
    const one = createPump<Work>({ name: 'test', queue: broken, handle: async () => undefined, clock: systemClock, logger })
    await expect(one.drain()).rejects.toThrow('store is down')
    await expect(one.drain()).rejects.toThrow('store is down')
  })
})
