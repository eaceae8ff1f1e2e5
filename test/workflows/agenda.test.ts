import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Connection } from 'mongoose'
import { systemClock } from '../../src/kernel/clock.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { createScheduler, type RecurringJob, type Scheduler } from '../../workflows/agenda.ts'
import { openTestStore, type TestStore } from '../support/store.ts'
import { until } from '../support/until.ts'

let store: TestStore
const started: Scheduler[] = []
beforeEach(async () => {
  store = await openTestStore()
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((scheduler) => scheduler.stop()))
  await store.close()
})

async function schedule(connection: Connection, jobs: RecurringJob[], lockLifetimeMs = 4_000): Promise<Scheduler> {
  const scheduler = createScheduler({ connection, jobs, logger: createLogger('silent'), clock: systemClock, processEveryMs: 50, lockLifetimeMs })
  started.push(scheduler)
  await scheduler.start()
  return scheduler
}

const records = () => store.connection.collection('agendaJobs').find({}).toArray()

/** Work that is counted and goes on until it is let go. */
function slowWork() {
  let running = 0
  let most = 0
  let runs = 0
  let letGo: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (letGo = resolve))
  return {
    letGo: () => letGo(),
    get running() {
      return running
    },
    get most() {
      return most
    },
    get runs() {
      return runs
    },
    run: async () => {
      runs += 1
      running += 1
      most = Math.max(most, running)
      await gate
      running -= 1
    },
  }
}

describe('the scheduler', () => {
  it('fires a job again and again', async () => {
    let runs = 0
    const scheduler = await schedule(store.connection, [{ name: 'tick', everyMs: 100, run: async () => (runs += 1) }])
    await until('three runs', () => runs >= 3)
    await until('the end of a run is known', () => scheduler.lastEndedAt().has('tick'))
  })

  it('a second process that boots does not clear a running lock, nor run the job beside the first', async () => {
    const work = slowWork()
    const jobs = [{ name: 'slow', everyMs: 100, run: work.run }]
    await schedule(store.connection, jobs)
    await until('the job runs', () => work.running === 1)
    await until('it is locked', async () => (await records())[0]?.['lockedAt'] !== null)
    const lockedBefore = (await records())[0]
    await schedule(await store.another(), jobs)
    const after = await records()
    expect(after).toHaveLength(1)
    expect(after[0]?.['lockedAt']).toEqual(lockedBefore?.['lockedAt'])
    // A job of the second process has come round several times by now; the slow one has not.
    let ticks = 0
    await schedule(await store.another(), [{ name: 'tick', everyMs: 60, run: async () => (ticks += 1) }, ...jobs])
    await until('the others go on', () => ticks >= 5)
    expect(work.most).toBe(1)
    work.letGo()
  })

  it('a job that outlasts Agenda’s lock still runs in one process at a time', async () => {
    const work = slowWork()
    const jobs = [{ name: 'slow', everyMs: 60, run: work.run }]
    let ticks = 0
    await schedule(store.connection, jobs, 400)
    await schedule(await store.another(), [...jobs, { name: 'tick', everyMs: 60, run: async () => (ticks += 1) }], 400)
    await until('many lifetimes went by', () => ticks >= 15)
    expect(work.most).toBe(1)
    expect(work.runs).toBe(1)
    work.letGo()
    await until('it comes round again', () => work.runs >= 2)
    expect(work.most).toBe(1)
  })

  it('many processes that boot at once make one record per job', async () => {
    const jobs = ['a', 'b', 'c'].map((name) => ({ name, everyMs: 3_600_000, run: async () => undefined }))
    const connections = [store.connection, await store.another(), await store.another()]
    await Promise.all(connections.map((connection) => schedule(connection, jobs)))
    expect((await records()).map((record) => String(record['name'])).sort()).toEqual(['a', 'b', 'c'])
  })

  it('a job that fails is fired again, and the others go on', async () => {
    let failures = 0
    let ticks = 0
    await schedule(store.connection, [
      { name: 'broken', everyMs: 60, run: async () => { failures += 1; throw new Error('no') } },
      { name: 'tick', everyMs: 60, run: async () => (ticks += 1) },
    ])
    await until('both came round', () => failures >= 3 && ticks >= 3)
  })

  it('stop waits for what runs and leaves nothing locked', async () => {
    const work = slowWork()
    let ended = false
    const scheduler = await schedule(store.connection, [
      { name: 'slow', everyMs: 60, run: async () => { await work.run(); ended = true } },
      ...['a', 'b', 'c', 'd'].map((name) => ({ name, everyMs: 60, run: async () => undefined })),
    ])
    await until('the job runs', () => work.running === 1)
    const stopped = scheduler.stop()
    work.letGo()
    await stopped
    expect(ended).toBe(true)
    expect((await records()).filter((record) => record['lockedAt'] !== null)).toEqual([])
    expect(await store.connection.collection('leases').countDocuments({})).toBe(0)
  })

  it('a changed interval is taken over without touching the rest of the record', async () => {
    const first = await schedule(store.connection, [{ name: 'tick', everyMs: 3_600_000, run: async () => undefined }])
    await until('it ran once', () => first.lastEndedAt().has('tick'))
    await first.stop()
    const [before] = await records()
    let runs = 0
    await schedule(store.connection, [{ name: 'tick', everyMs: 100, run: async () => (runs += 1) }])
    await until('the new interval holds', () => runs >= 2)
    const [after] = await records()
    expect(after?._id).toEqual(before?._id)
    expect(after?.['repeatInterval']).toBe(100)
  })

  it('refuses more jobs than a clock should have, and two of one name', () => {
    const job = (name: string) => ({ name, everyMs: 1_000, run: async () => undefined })
    const make = (jobs: RecurringJob[]) => () => createScheduler({ connection: store.connection, jobs, logger: createLogger('silent'), clock: systemClock })
    expect(make(Array.from({ length: 11 }, (_, index) => job(`job${index}`)))).toThrow(/At most 10/)
    expect(make([job('a'), job('a')])).toThrow(/same name/)
  })
})
