import type { UpdateFilter } from 'mongodb'
import type { Connection, IndexDefinition } from 'mongoose'
import { backoffMs, type BackoffPolicy } from '../kernel/backoff.ts'
import { dayMs, minuteMs, secondMs, type Clock } from '../kernel/clock.ts'
import { describeError, retryVerdictOf } from '../kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import { newToken } from '../kernel/ids.ts'
import { isDuplicateKey } from './duplicate-key.ts'
import { queueCollection, queueStates, type QueueRecord, type QueueState } from './queue-record.ts'

/** Work to be stored. */
export interface QueueItem<T> {
  /** Unique for ever: a second insert of the same key is a duplicate. */
  key: string
  /** Items of one lane are worked on one at a time, in the order of their insertion. */
  lane: string
  /** The tenant; null only while it is not known yet. */
  companyId: string | null
  /** Not before this instant; now if left out. */
  dueAt?: Date
  data: T
}

/** An item that this process may work on until its lease ends. */
export interface Claimed<T> {
  key: string
  lane: string
  companyId: string | null
  data: T
  /** Number of this attempt, from 1; counted at the claim, so that an attempt that kills the process counts too. */
  attempt: number
  /** True if work on it was begun before, also if it was dead in between and somebody replayed it. */
  begunBefore: boolean
  /** Fencing token: only its holder may finish the item. */
  token: string
  createdAt: Date
}

/** An item as operators see it; without its data. */
export interface QueueListing {
  key: string
  lane: string
  state: QueueState
  attempts: number
  dueAt: Date
  createdAt: Date
  reason: string | null
  error: { code: string; message: string; at: Date } | null
}

/** So that one company's work cannot take all hands. */
export interface Turns {
  /** Items of one company in work at most. */
  perCompany: number
  /** Items in work now, by company; Infinity for a company whose work rests. */
  taken: ReadonlyMap<string, number>
}

/** Counts who may still have how many. @returns `take`, which says whether one more item of a company may be claimed, and the companies that may have none */
export function turnCounter(turns: Turns | undefined): { take(companyId: string | null): boolean; full(): string[] } {
  const taken = new Map(turns?.taken)
  return {
    take(companyId) {
      if (turns === undefined || companyId === null) return true
      const count = taken.get(companyId) ?? 0
      if (count >= turns.perCompany) return false
      taken.set(companyId, count + 1)
      return true
    },
    full: () => (turns === undefined ? [] : [...taken].filter(([, count]) => count >= turns.perCompany).map(([companyId]) => companyId)),
  }
}

/** A durable queue: leases with fencing tokens, counted attempts, dead letters and replay; strict order in each lane. */
export interface LeasedQueue<T> {
  insert(item: QueueItem<T>): Promise<'inserted' | 'duplicate'>
  /** Keeps an item that needs no work, as `ignored` with its reason, for `ttlDays`. */
  insertIgnored(item: QueueItem<T>, reason: string, ttlDays: number): Promise<'inserted' | 'duplicate'>
  /** Leases due items, longest due first, at most one per lane and never one whose lane has an earlier open item. */
  claim(limit: number, turns?: Turns): Promise<Claimed<T>[]>
  /** @returns false if the lease was lost: somebody else has the item, and this work must not count */
  complete(claimed: Claimed<T>, state?: 'done' | 'ignored'): Promise<boolean>
  /** Permanent errors → dead; retry-after → then, uncounted; all others → back-off, dead after `maxAttempts`. */
  fail(claimed: Claimed<T>, error: unknown): Promise<'retry' | 'dead' | 'lost'>
  /** Waits without counting the attempt, for example for a reconnect. @returns false if the lease was lost */
  hold(claimed: Claimed<T>, untilAt: Date, reason: string): Promise<boolean>
  /** Gives an item back untouched; the attempt does not count. */
  giveBack(claimed: Claimed<T>): Promise<boolean>
  /** Lengthens the lease. @returns false if it was lost */
  extend(claimed: Claimed<T>): Promise<boolean>
  /** Finishes an item that nobody has begun (pending or held). @returns false if it is begun, finished or not there */
  cancel(companyId: string, key: string, reason: string): Promise<boolean>
  /** Like `cancel`, but leaves alone what was tried before: such an attempt may have had its effect. */
  cancelUntried(companyId: string, key: string, reason: string): Promise<boolean>
  /** Dead or held → due now with fresh attempts. */
  replay(companyId: string, key: string): Promise<boolean>
  /** All held items of a company → due now. @returns how many */
  release(companyId: string): Promise<number>
  list(query: { companyId: string; states?: readonly QueueState[]; page: number; pageSize: number }): Promise<{ items: QueueListing[]; total: number }>
  /** Items per state, of one company or of all; `done` and `ignored` are counted up to 10,000. */
  counts(companyId?: string): Promise<Record<QueueState, number>>
  /** Insert time of the item that has been due for longest, for lag alarms. */
  oldestPendingAt(): Promise<Date | null>
  /** The next instant after `after` (now, if left out) at which an item falls due, to set a timer by. */
  nextDueAt(after?: Date): Promise<Date | null>
  /** Removes every item of a company, when its data need not be kept any more. */
  purge(companyId: string): Promise<void>
}

export interface LeasedQueueOptions {
  collection: string
  clock: Clock
  /** Default 60 s. */
  leaseMs?: number
  /** Attempts before an item is dead; default 8. */
  maxAttempts?: number
  /** Leases that may run out (a worker died or hung) before an item is dead; default 3. */
  maxCrashes?: number
  backoff?: BackoffPolicy
  /** Shortest wait after a failed attempt; default 0. */
  minRetryMs?: number
  /** Days that finished items are kept (and their keys remembered); null keeps them for ever. Default 35. */
  doneTtlDays?: number | null
  /** Further indexes on the collection, for reading `data`. */
  indexes?: IndexDefinition[]
  faultPoint?: FaultPoint
}

type StoredItem = QueueRecord<unknown>

const countCap = 10_000
const maxScanRounds = 12

/** Opens (and declares) the queue that lives in `collection`. */
export function createLeasedQueue<T>(connection: Connection, options: LeasedQueueOptions): LeasedQueue<T> {
  const { clock, leaseMs = minuteMs, maxAttempts = 8, maxCrashes = 3, minRetryMs = 0, doneTtlDays = 35, faultPoint = noFaultPoint } = options
  const backoff = options.backoff ?? { baseMs: secondMs, maxMs: 15 * minuteMs }
  const records = queueCollection(connection, options.collection, options.indexes)
  const sweepEveryMs = Math.min(5 * secondMs, Math.ceil(leaseMs / 3))
  let nextSweepMs = Number.NEGATIVE_INFINITY
  let lastOrder = 0

  /** Grows with every call; comparable between processes to the millisecond of their clocks. */
  function nextOrder(): number {
    lastOrder = Math.max(lastOrder + 1, clock.nowMs() * 1_024)
    return lastOrder
  }

  const released = { token: '', leaseUntil: '', laneLock: '' } as const

  function finished(state: 'done' | 'ignored' | 'dead'): Partial<StoredItem> {
    const now = clock.now()
    const kept = state === 'dead' || doneTtlDays === null
    return { state, open: false, finishedAt: now, ...(kept ? {} : { expireAt: new Date(now.getTime() + doneTtlDays * dayMs) }) }
  }

  async function store(item: QueueItem<T>, members: Partial<StoredItem> & Pick<StoredItem, 'state' | 'open'>): Promise<'inserted' | 'duplicate'> {
    const now = clock.now()
    const { key, lane, companyId, dueAt = now, data } = item
    try {
      const record: StoredItem = { _id: key, lane, companyId, dueAt, order: nextOrder(), createdAt: now, attempts: 0, crashes: 0, data, ...members }
      await records.insertOne(record, { ignoreUndefined: true })
      return 'inserted'
    } catch (error) {
      if (isDuplicateKey(error)) return 'duplicate'
      throw error
    }
  }

  /** Ends leases that ran out and wakes held items whose time has come. */
  async function sweep(): Promise<void> {
    const nowMs = clock.nowMs()
    if (nowMs < nextSweepMs) return
    nextSweepMs = nowMs + sweepEveryMs
    const now = new Date(nowMs)
    const expired = { state: 'leased' as const, leaseUntil: { $lte: now } }
    const error = { code: 'lease_expired', message: 'The worker stopped before it finished this item.', at: now }
    const exhausted = { $or: [{ attempts: { $gte: maxAttempts } }, { crashes: { $gte: maxCrashes - 1 } }] }
    await records.updateMany({ ...expired, ...exhausted }, { $set: { ...finished('dead'), error }, $unset: released, $inc: { crashes: 1 } })
    await records.updateMany(expired, { $set: { state: 'pending', error, dueAt: now }, $unset: released, $inc: { crashes: 1 } })
    await records.updateMany({ state: 'held', dueAt: { $lte: now } }, { $set: { state: 'pending' }, $unset: { reason: '' } })
  }

  /** Of each lane its first open item, where that one is pending. */
  async function dueHeads(lanes: string[]): Promise<{ key: string; lane: string; companyId: string | null }[]> {
    const heads = await Promise.all(
      lanes.map(async (lane) => {
        const [head] = await records.find({ lane, open: true }, { projection: { _id: 1, state: 1, companyId: 1 } }).sort({ order: 1 }).limit(1).toArray()
        return head?.state === 'pending' ? [{ key: head._id, lane, companyId: head.companyId }] : []
      }),
    )
    return heads.flat()
  }

  async function lease(key: string, lane: string): Promise<Claimed<T> | null> {
    const now = clock.now()
    const token = newToken()
    try {
      const record = await records.findOneAndUpdate(
        { _id: key, state: 'pending', dueAt: { $lte: now } },
        { $set: { state: 'leased', token, leaseUntil: new Date(now.getTime() + leaseMs), laneLock: lane }, $inc: { attempts: 1 } },
        { returnDocument: 'after' },
      )
      if (record === null) return null
      faultPoint('queue.claimed')
      return { key, lane, companyId: record.companyId, data: record.data as T, attempt: record.attempts, begunBefore: record.attempts > 1 || record.replays !== undefined, token, createdAt: record.createdAt }
    } catch (error) {
      // The unique lane lock: another item of this lane is being worked on.
      if (isDuplicateKey(error)) return null
      throw error
    }
  }

  /** Changes an item that this worker still holds. @returns false if it does not */
  async function settle(claimed: Claimed<T>, update: UpdateFilter<StoredItem>): Promise<boolean> {
    const result = await records.updateOne({ _id: claimed.key, state: 'leased', token: claimed.token }, update)
    return result.matchedCount === 1
  }

  return {
    insert: (item) => store(item, { state: 'pending', open: true }),

    insertIgnored(item, reason, ttlDays) {
      const now = clock.now()
      return store(item, { state: 'ignored', open: false, reason, finishedAt: now, expireAt: new Date(now.getTime() + ttlDays * dayMs) })
    },

    async claim(limit, turns) {
      await sweep()
      const claims: Claimed<T>[] = []
      const visitedLanes: string[] = []
      const counter = turnCounter(turns)
      // Each round looks at the longest due items of lanes not looked at yet, so a blocked lane's backlog cannot hide the others.
      for (let round = 0; round < maxScanRounds && claims.length < limit; round += 1) {
        const full = counter.full()
        const others = full.length === 0 ? {} : { companyId: { $nin: full } }
        const filter = { state: 'pending' as const, dueAt: { $lte: clock.now() }, ...others, ...(visitedLanes.length === 0 ? {} : { lane: { $nin: visitedLanes } }) }
        const scanLimit = (limit - claims.length) * 2 + 8
        const due = await records.find(filter, { projection: { _id: 1, lane: 1 } }).sort({ dueAt: 1, order: 1 }).limit(scanLimit).toArray()
        const lanes = [...new Set(due.map((record) => record.lane))]
        if (lanes.length === 0) break
        visitedLanes.push(...lanes)
        const heads = (await dueHeads(lanes)).filter(({ companyId }) => counter.take(companyId)).slice(0, limit - claims.length)
        // All at once: the store makes many writes as durable as one in the same time.
        for (const claimed of await Promise.all(heads.map(({ key, lane }) => lease(key, lane)))) if (claimed !== null) claims.push(claimed)
        if (due.length < scanLimit) break
      }
      return claims
    },

    complete: (claimed, state = 'done') => settle(claimed, { $set: finished(state), $unset: { ...released, error: '' } }),

    async fail(claimed, error) {
      const now = clock.now()
      const verdict = retryVerdictOf(error)
      const described = { ...describeError(error), at: now }
      if (verdict.kind === 'permanent' || (verdict.kind === 'transient' && claimed.attempt >= maxAttempts)) {
        const kept = await settle(claimed, { $set: { ...finished('dead'), error: described }, $unset: released })
        return kept ? 'dead' : 'lost'
      }
      const waitMs = verdict.kind === 'retry_after' ? verdict.retryAfterMs : Math.max(minRetryMs, backoffMs(claimed.attempt, backoff))
      const update: UpdateFilter<StoredItem> = {
        $set: { state: 'pending', dueAt: new Date(now.getTime() + waitMs), error: described },
        $unset: released,
        ...(verdict.kind === 'retry_after' ? { $inc: { attempts: -1 } } : {}),
      }
      return (await settle(claimed, update)) ? 'retry' : 'lost'
    },

    hold(claimed, untilAt, reason) {
      nextSweepMs = Math.min(nextSweepMs, untilAt.getTime())
      return settle(claimed, { $set: { state: 'held', dueAt: untilAt, reason }, $unset: released, $inc: { attempts: -1 } })
    },

    giveBack: (claimed) => settle(claimed, { $set: { state: 'pending' }, $unset: released, $inc: { attempts: -1 } }),

    extend: (claimed) => settle(claimed, { $set: { leaseUntil: new Date(clock.nowMs() + leaseMs) } }),

    async cancel(companyId, key, reason) {
      const result = await records.updateOne(
        { _id: key, companyId, state: { $in: ['pending', 'held'] } },
        { $set: { ...finished('ignored'), reason } },
      )
      return result.modifiedCount === 1
    },

    async cancelUntried(companyId, key, reason) {
      const result = await records.updateOne(
        { _id: key, companyId, state: { $in: ['pending', 'held'] }, attempts: 0, replays: { $exists: false } },
        { $set: { ...finished('ignored'), reason } },
      )
      return result.modifiedCount === 1
    },

    async replay(companyId, key) {
      const result = await records.updateOne(
        { _id: key, companyId, state: { $in: ['dead', 'held'] } },
        { $set: { state: 'pending', open: true, attempts: 0, crashes: 0, dueAt: clock.now() }, $unset: { reason: '', finishedAt: '', expireAt: '' }, $inc: { replays: 1 } },
      )
      return result.modifiedCount === 1
    },

    async release(companyId) {
      const result = await records.updateMany(
        { companyId, state: 'held' },
        { $set: { state: 'pending', dueAt: clock.now() }, $unset: { reason: '' } },
      )
      return result.modifiedCount
    },

    async list({ companyId, states = queueStates, page, pageSize }) {
      const filter = { companyId, state: { $in: [...states] } }
      const [found, total] = await Promise.all([
        records.find(filter, { projection: { data: 0 } }).sort({ order: -1 }).skip((page - 1) * pageSize).limit(pageSize).toArray(),
        records.countDocuments(filter),
      ])
      const items = found.map((record) => ({
        key: record._id,
        lane: record.lane,
        state: record.state,
        attempts: record.attempts,
        dueAt: record.dueAt,
        createdAt: record.createdAt,
        reason: record.reason ?? null,
        error: record.error ?? null,
      }))
      return { items, total }
    },

    async counts(companyId) {
      const scope = companyId === undefined ? {} : { companyId }
      const pairs = await Promise.all(
        queueStates.map(async (state) => {
          const capped = state === 'done' || state === 'ignored' ? { limit: countCap } : {}
          return [state, await records.countDocuments({ ...scope, state }, capped)] as const
        }),
      )
      return Object.fromEntries(pairs) as Record<QueueState, number>
    },

    async oldestPendingAt() {
      const [oldest] = await records.find({ state: 'pending', dueAt: { $lte: clock.now() } }, { projection: { createdAt: 1 } }).sort({ dueAt: 1, order: 1 }).limit(1).toArray()
      return oldest?.createdAt ?? null
    },

    async nextDueAt(after = clock.now()) {
      const later = { $gt: after }
      const soonest = await Promise.all(
        (['pending', 'held'] as const).map((state) => records.find({ state, dueAt: later }, { projection: { dueAt: 1 } }).sort({ dueAt: 1, order: 1 }).limit(1).toArray()),
      )
      const times = soonest.flat().map((record) => record.dueAt.getTime())
      return times.length === 0 ? null : new Date(Math.min(...times))
    },

    async purge(companyId) {
      await records.deleteMany({ companyId })
    },
  }
}
