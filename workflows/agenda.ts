import { hostname } from 'node:os'
import { Agenda, InMemoryNotificationChannel } from 'agenda'
import { MongoBackend } from '@agendajs/mongo-backend'
import type { Connection } from 'mongoose'
import { minuteMs, secondMs, type Clock } from '../src/kernel/clock.ts'
import { describeError } from '../src/kernel/errors.ts'
import { newToken } from '../src/kernel/ids.ts'
import type { Logger } from '../src/kernel/logger.ts'
import { createLeases, isDuplicateKey, type Lease } from '../src/store/index.ts'

/** Something that happens again and again, in one process at a time. */
export interface RecurringJob {
  name: string
  /** Pause between two beginnings, in milliseconds; at least one second. */
  everyMs: number
  /** May be called again after any crash, and must itself bound what it does at once. */
  run(): Promise<unknown>
}

/** The clock of the product. */
export interface Scheduler {
  /** Creates the jobs' records where they are missing and begins to fire. */
  start(): Promise<void>
  /** Fires nothing new, waits for what runs (at most `deadlineMs`, default 10 s) and leaves no lock behind. */
  stop(deadlineMs?: number): Promise<void>
  /** When each job last ended well in this process, for readiness and metrics. */
  lastEndedAt(): ReadonlyMap<string, Date>
}

export interface SchedulerDeps {
  /** Connected; its driver is the one that the jobs' records are written with. */
  connection: Connection
  jobs: readonly RecurringJob[]
  logger: Logger
  clock: Clock
  /** How often due jobs are looked for. */
  processEveryMs?: number
  /** Age at which a job's lock counts as left behind by a crash; far above any run's share of time (see `maxAwaitedMs`). */
  lockLifetimeMs?: number
}

const collectionName = 'agendaJobs'
const maxJobs = 10

/**
 * Agenda as the clock, and as nothing else: a handful of records, one per recurring job. What is known to go wrong is kept out of reach:
 * records are inserted once and never saved again by a boot (that would clear running locks); one record per name is a unique index, not a hope;
 * handlers take one argument, hold a lease of their own across processes, and give Agenda its lock back long before it can run out;
 * `stop` gives back locks that were taken while it was called; errors are listened to; Agenda's own log stays off.
 */
export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { connection, jobs, logger, clock, processEveryMs = secondMs, lockLifetimeMs = 2 * minuteMs } = deps
  if (jobs.length > maxJobs) throw new Error(`At most ${maxJobs} recurring jobs: due work belongs into a queue`)
  if (new Set(jobs.map((job) => job.name)).size < jobs.length) throw new Error('Two recurring jobs have the same name')
  /** A handler that takes longer goes on under its own lease, but Agenda is told that it ended. */
  const maxAwaitedMs = lockLifetimeMs / 4
  const leaseMs = minuteMs
  const leases = createLeases(connection, clock)
  const name = `${hostname()}:${process.pid}:${newToken().slice(0, 8)}`
  const inWork = new Set<Promise<void>>()
  const storeCalls = new Set<Promise<unknown>>()
  const endedAt = new Map<string, Date>()
  let agenda: Agenda | undefined
  let starting: Promise<void> | undefined
  let stopping = false

  function database(): NonNullable<Connection['db']> {
    const { db } = connection
    if (db === undefined) throw new Error('The scheduler needs a connection that is open')
    return db
  }

  /** Runs the job if no other process does; ends when the job ends. */
  async function runLeased(job: RecurringJob): Promise<void> {
    const lease = await leases.acquire(`job:${job.name}`, leaseMs)
    if (lease === null) return
    const heartbeat = setInterval(() => void renew(job, lease), leaseMs / 3)
    heartbeat.unref()
    try {
      await job.run()
      endedAt.set(job.name, clock.now())
    } finally {
      clearInterval(heartbeat)
      await leases.release(lease)
    }
  }

  async function renew(job: RecurringJob, lease: Lease): Promise<void> {
    try {
      if (!(await leases.renew(lease, leaseMs))) logger.warn({ job: job.name }, 'lease of a recurring job was lost')
    } catch (error) {
      logger.warn({ job: job.name, code: describeError(error).code }, 'lease of a recurring job could not be renewed')
    }
  }

  /** Never rejects: a failed job is logged and comes again. */
  async function fire(job: RecurringJob): Promise<void> {
    if (stopping) return
    const work: Promise<void> = runLeased(job)
      .catch((error: unknown) => {
        const { code, message } = describeError(error)
        logger.error({ job: job.name, code, reason: message }, 'recurring job failed')
      })
      .finally(() => inWork.delete(work))
    inWork.add(work)
    await withDeadline(work, maxAwaitedMs)
  }

  function track<A extends unknown[], R>(call: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return (...args) => {
      const result = call(...args)
      const settled: Promise<unknown> = result.then(() => undefined, () => undefined).finally(() => storeCalls.delete(settled))
      storeCalls.add(settled)
      return result
    }
  }

  /** One record per job, inserted if absent; a changed interval is the only thing that is ever updated from here. */
  async function ensureRecords(): Promise<void> {
    const records = database().collection(collectionName)
    await records.createIndex({ name: 1, type: 1 }, { name: 'one_record_per_recurring_job', unique: true }, {})
    const now = new Date()
    for (const job of jobs) {
      const found = await records.findOne({ name: job.name, type: 'single' }, { projection: { repeatInterval: 1 } })
      if (found === null) {
        try {
          await records.insertOne({
            name: job.name, type: 'single', priority: 0, data: {}, repeatInterval: job.everyMs, repeatTimezone: null,
            nextRunAt: now, lockedAt: null, lastRunAt: null, lastFinishedAt: null, disabled: null, lastModifiedBy: name,
          })
        } catch (error) {
          // Another process booted at the same time and was first.
          if (!isDuplicateKey(error)) throw error
        }
      } else if (found['repeatInterval'] !== job.everyMs) {
        await records.updateOne({ _id: found._id }, { $set: { repeatInterval: job.everyMs }, $min: { nextRunAt: new Date(now.getTime() + job.everyMs) } })
      }
    }
  }

  async function begin(): Promise<void> {
    await ensureRecords()
    const backend = new MongoBackend({ mongo: database(), collection: collectionName })
    const { repository } = backend
    repository.getNextJobToRun = track(repository.getNextJobToRun.bind(repository))
    repository.saveJobState = track(repository.saveJobState.bind(repository))
    const created = new Agenda({
      backend,
      name,
      processEvery: processEveryMs,
      defaultConcurrency: 1,
      defaultLockLimit: 1,
      maxConcurrency: maxJobs,
      defaultLockLifetime: lockLifetimeMs,
      logging: false,
      notificationChannel: new InMemoryNotificationChannel(),
    })
    created.on('error', (error: unknown) => {
      const { code, message } = describeError(error)
      logger.error({ code, reason: message }, 'the job clock failed')
    })
    for (const job of jobs) created.define(job.name, (_job) => fire(job), { concurrency: 1, lockLimit: 1, lockLifetime: lockLifetimeMs })
    await created.start()
    agenda = created
  }

  /** Waits until the store has answered every call of Agenda's, those included that an answer leads to. */
  async function storeIsQuiet(): Promise<void> {
    for (let quietTurns = 0; quietTurns < 3; quietTurns += 1) {
      if (storeCalls.size > 0) {
        quietTurns = -1
        await Promise.all(storeCalls)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  return {
    start() {
      stopping = false
      starting ??= begin()
      return starting
    },

    async stop(deadlineMs = 10 * secondMs) {
      if (starting === undefined || stopping) return
      stopping = true
      await starting
      await agenda?.stop(false)
      await withDeadline(Promise.all(inWork), deadlineMs)
      await withDeadline(storeIsQuiet(), deadlineMs)
      if (inWork.size > 0) logger.warn({ jobs: inWork.size }, 'stopped before all recurring jobs ended')
      // A lock that was taken while stop was called belongs to nobody: the name is this instance's alone.
      await database().collection(collectionName).updateMany({ lastModifiedBy: name, lockedAt: { $type: 'date' } }, { $set: { lockedAt: null } })
      agenda = undefined
      starting = undefined
    },

    lastEndedAt: () => endedAt,
  }
}

async function withDeadline(work: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs)
  })
  await Promise.race([work, deadline])
  clearTimeout(timer)
}
