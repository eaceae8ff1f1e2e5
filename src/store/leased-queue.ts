import type { UpdateFilter } from 'mongodb'
import type { Connection, IndexDefinition } from 'mongoose'
import { backoffMs, type BackoffPolicy } from '../kernel/backoff.ts'
import { dayMs, minuteMs, secondMs, type Clock } from '../kernel/clock.ts'
import { describeError, retryVerdictOf } from '../kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import { newToken } from '../kernel/ids.ts'
import { areDuplicateKeys, isDuplicateKey } from './duplicate-key.ts'
import { createGroupedInsert, type Insert } from './grouped-insert.ts'
import { positionOf, queueCollection, queueStates, type QueueRecord, type QueueState } from './queue-record.ts'
import { turnCounter, type Claimed, type LeasedQueue, type Look, type QueueItem, type Turns } from './queue-types.ts'

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
  /** Inserts that are wanted at the same time travel in one command. Default false. */
  groupInserts?: boolean
  faultPoint?: FaultPoint
}

type StoredItem = QueueRecord<unknown>

/** The first open item of a lane. */
interface Head {
  key: string
  lane: string
  companyId: string | null
}

/** Open items looked at together beyond two per lane. */
const headsSlack = 16

/** How far a look sees ahead: a pump looks again after that time in any case. */
const lookAheadMs = 30 * secondMs
const countCap = 10_000
const maxScanRounds = 12

/** Opens (and declares) the queue that lives in `collection`. */
export function createLeasedQueue<T>(connection: Connection, options: LeasedQueueOptions): LeasedQueue<T> {
  const { clock, leaseMs = minuteMs, maxAttempts = 8, maxCrashes = 3, minRetryMs = 0, doneTtlDays = 35, faultPoint = noFaultPoint } = options
  const backoff = options.backoff ?? { baseMs: secondMs, maxMs: 15 * minuteMs }
  const records = queueCollection(connection, options.collection, options.indexes)
  const sweepEveryMs = Math.min(5 * secondMs, Math.ceil(leaseMs / 3))
  let heldNextMs = Number.POSITIVE_INFINITY
  let nextSweepMs = Number.NEGATIVE_INFINITY
  let lastOrder = 0

  /** Grows with every call; comparable between processes to the millisecond of their clocks. */
  function nextOrder(): number {
    lastOrder = Math.max(lastOrder + 1, positionOf(clock.nowMs()))
    return lastOrder
  }

  const released = { token: '', leaseUntil: '', laneLock: '' } as const

  function finished(state: 'done' | 'ignored' | 'dead'): Partial<StoredItem> {
    const now = clock.now()
    const kept = state === 'dead' || doneTtlDays === null
    return { state, open: false, finishedAt: now, ...(kept ? {} : { expireAt: new Date(now.getTime() + doneTtlDays * dayMs) }) }
  }

  function recordOf(item: QueueItem<T>, members: Partial<StoredItem> = {}): StoredItem {
    const now = clock.now()
    const { key, lane, companyId, dueAt = now, ignored, data } = item
    const state = ignored === undefined ? { state: 'pending' as const, open: true } : { ...finished('ignored'), state: 'ignored' as const, open: false, reason: ignored }
    return { _id: key, lane, companyId, dueAt, order: nextOrder(), createdAt: now, attempts: 0, crashes: 0, data, ...state, ...members }
  }

  async function storeAlone(record: StoredItem): Promise<'inserted' | 'duplicate'> {
    try {
      await records.insertOne(record, { ignoreUndefined: true })
      return 'inserted'
    } catch (error) {
      if (isDuplicateKey(error)) return 'duplicate'
      throw error
    }
  }
  const store: Insert<StoredItem> = options.groupInserts === true ? createGroupedInsert(records) : storeAlone

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
    const [held] = await records.find({ state: 'held', dueAt: { $gt: now } }, { projection: { dueAt: 1 } }).sort({ dueAt: 1, order: 1 }).limit(1).toArray()
    heldNextMs = held?.dueAt.getTime() ?? Number.POSITIVE_INFINITY
  }

  /** Of each lane its first open item, where that one is pending. */
  async function dueHeads(lanes: string[]): Promise<Head[]> {
    const projection = { _id: 1, lane: 1, state: 1, companyId: 1 } as const
    // One look for all lanes; those behind a long backlog are looked at one by one.
    const together = lanes.length > 1 ? lanes.length * 2 + headsSlack : 0
    const open = together === 0 ? [] : await records.find({ lane: { $in: lanes }, open: true }, { projection }).sort({ lane: 1, order: 1 }).limit(together).toArray()
    const seen = new Map<string, (typeof open)[number]>()
    for (const record of open) if (!seen.has(record.lane)) seen.set(record.lane, record)
    const unseen = together > 0 && open.length < together ? [] : lanes.filter((lane) => !seen.has(lane))
    const rest = await Promise.all(unseen.map((lane) => records.find({ lane, open: true }, { projection }).sort({ order: 1 }).limit(1).toArray()))
    return [...seen.values(), ...rest.flat()].filter(({ state }) => state === 'pending').map(({ _id: key, lane, companyId }) => ({ key, lane, companyId }))
  }

  function claimedOf(record: StoredItem, token: string): Claimed<T> {
    const { _id: key, lane, companyId, attempts, replays, createdAt } = record
    faultPoint('queue.claimed')
    return { key, lane, companyId, data: record.data as T, attempt: attempts, begunBefore: attempts > 1 || replays !== undefined, ...(replays === undefined ? {} : { replays }), token, createdAt }
  }

  /** Leases those that are still free. The unique lane lock keeps out whoever comes second in a lane. */
  async function leaseAll(heads: readonly Head[]): Promise<Claimed<T>[]> {
    const now = clock.now()
    const token = newToken()
    const free = (key: string) => ({ _id: key, state: 'pending' as const, dueAt: { $lte: now } })
    const change = (lane: string) => ({ $set: { state: 'leased' as const, token, leaseUntil: new Date(now.getTime() + leaseMs), laneLock: lane }, $inc: { attempts: 1 } })
    const [only] = heads
    if (only === undefined) return []
    try {
      if (heads.length === 1) {
        const record = await records.findOneAndUpdate(free(only.key), change(only.lane), { returnDocument: 'after' })
        return record === null ? [] : [claimedOf(record, token)]
      }
      await records.bulkWrite(heads.map(({ key, lane }) => ({ updateOne: { filter: free(key), update: change(lane) } })), { ordered: false })
    } catch (error) {
      if (!areDuplicateKeys(error)) throw error
      if (heads.length === 1) return []
    }
    // What carries this token is ours, and nothing else.
    const keys = heads.map(({ key }) => key)
    const leased = new Map((await records.find({ _id: { $in: keys }, token }).toArray()).map((record) => [record._id, record]))
    return keys.flatMap((key) => leased.get(key) ?? []).map((record) => claimedOf(record, token))
  }

  async function look(limit: number, turns?: Turns): Promise<Look<T>> {
    await sweep()
    const nowMs = clock.nowMs()
    const claims: Claimed<T>[] = []
    const visitedLanes: string[] = []
    const counter = turnCounter(turns)
    let left = false
    let nextMs = heldNextMs
    // Each round looks at the longest due items of lanes not looked at yet, so a blocked lane's backlog cannot hide the others.
    for (let round = 0; ; round += 1) {
      if (round >= maxScanRounds || claims.length >= limit) {
        left = true
        break
      }
      const full = counter.full()
      if (full.length > 0) left = true
      const others = full.length === 0 ? {} : { companyId: { $nin: full } }
      const soon = { $lte: new Date(nowMs + lookAheadMs) }
      const filter = { state: 'pending' as const, dueAt: soon, ...others, ...(visitedLanes.length === 0 ? {} : { lane: { $nin: visitedLanes } }) }
      const scanLimit = (limit - claims.length) * 2 + 8
      const found = await records.find(filter, { projection: { _id: 1, lane: 1, dueAt: 1 } }).sort({ dueAt: 1, order: 1 }).limit(scanLimit).toArray()
      const due = found.filter(({ dueAt }) => dueAt.getTime() <= nowMs)
      nextMs = Math.min(nextMs, found[due.length]?.dueAt.getTime() ?? Number.POSITIVE_INFINITY)
      const lanes = [...new Set(due.map((record) => record.lane))]
      if (lanes.length === 0) break
      visitedLanes.push(...lanes)
      const heads = (await dueHeads(lanes)).filter(({ companyId }) => counter.take(companyId)).slice(0, limit - claims.length)
      const leased = await leaseAll(heads)
      claims.push(...leased)
      // Some have a predecessor in work, a company without a turn, or were taken by another process.
      if (leased.length < due.length) left = true
      if (due.length < scanLimit) break
    }
    return { claims, left, nextDueAt: nextMs === Number.POSITIVE_INFINITY ? null : new Date(nextMs) }
  }

  /** Changes an item that this worker still holds. @returns false if it does not */
  async function settle(claimed: Claimed<T>, update: UpdateFilter<StoredItem>): Promise<boolean> {
    const result = await records.updateOne({ _id: claimed.key, state: 'leased', token: claimed.token }, update)
    return result.matchedCount === 1
  }

  return {
    insert: (item) => store(recordOf(item)),

    async insertAll(items) {
      const [only] = items
      if (only === undefined) return
      if (items.length === 1) {
        await store(recordOf(only))
        return
      }
      try {
        await records.insertMany(items.map((item) => recordOf(item)), { ordered: false, ignoreUndefined: true })
      } catch (error) {
        if (!areDuplicateKeys(error)) throw error
      }
    },

    insertIgnored(item, reason, ttlDays) {
      const now = clock.now()
      return store(recordOf(item, { state: 'ignored', open: false, reason, finishedAt: now, ...(ttlDays === null ? {} : { expireAt: new Date(now.getTime() + ttlDays * dayMs) }) }))
    },

    look,
    claim: async (limit, turns) => (await look(limit, turns)).claims,

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
      heldNextMs = Math.min(heldNextMs, untilAt.getTime())
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

    async rewrite(companyId, change, among = {}) {
      let changed = 0
      for await (const { _id, lane, open, data } of records.find({ companyId, state: { $ne: 'leased' }, ...among }, { projection: { lane: 1, open: 1, data: 1 } })) {
        const next = change({ key: _id, lane, open, data: data as T })
        // Begun in between: its turn comes with the next look.
        const untouched = { _id, companyId, open, state: { $ne: 'leased' as const } }
        if (next === 'remove') changed += (await records.deleteOne(untouched)).deletedCount
        else if (next !== null) changed += (await records.updateOne(untouched, { $set: { lane, ...next } })).modifiedCount
      }
      return changed
    },

    async isUnderWay(companyId, isMeant, states = ['pending', 'leased', 'held']) {
      for await (const { _id, lane, data } of records.find({ companyId, state: { $in: [...states] } }, { projection: { lane: 1, data: 1 } })) {
        if (isMeant({ key: _id, lane, data: data as T })) return true
      }
      return false
    },

    async purge(companyId) {
      await records.deleteMany({ companyId })
    },
  }
}
