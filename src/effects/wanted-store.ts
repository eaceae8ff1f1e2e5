import type { Collection } from 'mongodb'
import { backoffMs } from '../kernel/backoff.ts'
import { minuteMs, secondMs, type Clock } from '../kernel/clock.ts'
import { describeError, retryVerdictOf } from '../kernel/errors.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import { newToken } from '../kernel/ids.ts'
import { isDuplicateKey, turnCounter, type Claimed, type PumpQueue } from '../store/index.ts'
import { wantedStates, type WantedRecord, type WantedState } from './wanted-record.ts'

/** Records of wanted state that are their own queue: a dirty record is work. */
export interface WantedStore<R extends WantedRecord> extends PumpQueue<R> {
  find(filter: Partial<Record<string, unknown>>): Promise<R | null>
  findMany(filter: Partial<Record<string, unknown>>, limit: number): Promise<R[]>
  /** @returns false if the record or one of its unique keys exists already */
  insert(record: R): Promise<boolean>
  /**
   * Reads, changes and writes a record by compare-and-set, again until nobody interfered. `change` returns the members to set, or null for nothing.
   * With `read`, a record read a moment ago, the first try goes without reading; a change in between is noticed by the write.
   * @returns the record after the change; null if it does not exist
   * @throws the store's duplicate-key error if a unique key is taken
   */
  mutate(id: string, change: (record: R) => Partial<R> | null, read?: R): Promise<R | null>
  /** Sets members if nobody has changed the record since it was read. @returns whether it did */
  setIfUnchanged(record: R, members: Partial<R>): Promise<boolean>
  remove(id: string): Promise<void>
  /** Members that make a record due, with bursts coalesced to one write per `minIntervalMs`. */
  dirtied(record: R): Partial<WantedRecord>
  release(companyId: string): Promise<number>
  /** Clean → dirty: looked at again. */
  markDirty(companyId: string): Promise<number>
  replay(companyId: string, id: string): Promise<boolean>
  counts(companyId?: string): Promise<Record<WantedState, number>>
}

export interface WantedStoreOptions {
  clock: Clock
  minIntervalMs: number
  leaseMs: number
  /** Claims that may end without a word (the worker died) before the record is dead. */
  maxCrashes: number
  faultPoint: FaultPoint
}

const backoff = { baseMs: secondMs, maxMs: 15 * minuteMs }
const maxTries = 50
const maxScanRounds = 12

export function createWantedStore<R extends WantedRecord>(records: Collection<WantedRecord>, options: WantedStoreOptions): WantedStore<R> {
  const { clock, minIntervalMs, leaseMs, maxCrashes, faultPoint } = options

  async function setIfUnchanged(record: R, members: Partial<R>): Promise<boolean> {
    const result = await records.updateOne({ _id: record._id, rev: record.rev }, { $set: { ...members, rev: record.rev + 1 } }, { ignoreUndefined: true })
    return result.matchedCount === 1
  }

  async function mutate(id: string, change: (record: R) => Partial<R> | null, read?: R): Promise<R | null> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const record = tries === 0 && read !== undefined ? read : ((await records.findOne({ _id: id })) as R | null)
      if (record === null) return null
      const members = change(record)
      if (members === null) return record
      if (await setIfUnchanged(record, members)) return { ...record, ...members, rev: record.rev + 1 }
    }
    throw new Error(`Record ${id} is changed too often by others`)
  }

  function dirtied(record: R): Partial<WantedRecord> {
    const nowMs = clock.nowMs()
    const earliestMs = record.lastWriteAt === null ? nowMs : Math.max(nowMs, record.lastWriteAt.getTime() + minIntervalMs)
    // Waiting for a retry: a new wish does not shorten the back-off.
    const dueMs = record.state === 'dirty' && record.failures > 0 ? Math.max(earliestMs, record.dueAt.getTime()) : earliestMs
    return { state: 'dirty', version: record.version + 1, dueAt: new Date(dueMs), reason: null, ...(record.state === 'dead' ? { attempts: 0, failures: 0, error: null } : {}) }
  }

  /** Ends the lease, if this worker still holds it. */
  async function settle(claimed: Claimed<R>, change: (record: R) => Partial<WantedRecord>): Promise<boolean> {
    let kept = false
    await mutate(claimed.key, (record) => {
      kept = record.token === claimed.token
      return kept ? ({ token: null, leaseUntil: null, ...change(record) } as Partial<R>) : null
    })
    return kept
  }

  async function lease({ _id, attempts, rev }: Pick<WantedRecord, '_id' | 'attempts' | 'rev'>, now: Date): Promise<Claimed<R> | null> {
    if (attempts >= maxCrashes) {
      const error = { code: 'lease_expired', message: 'The worker stopped before it finished this record.', at: now }
      await records.updateOne({ _id, rev }, { $set: { state: 'dead', token: null, leaseUntil: null, error, rev: rev + 1 } })
      return null
    }
    const token = newToken()
    const record = await records.findOneAndUpdate(
      { _id, rev },
      { $set: { token, leaseUntil: new Date(now.getTime() + leaseMs) }, $inc: { attempts: 1, rev: 1 } },
      { returnDocument: 'after' },
    )
    if (record === null) return null
    faultPoint('queue.claimed')
    return { key: _id, lane: _id, companyId: record.companyId, data: record as R, attempt: record.attempts, begunBefore: record.attempts > 1 || record.failures > 0, token, createdAt: record.createdAt }
  }

  return {
    mutate,
    setIfUnchanged,
    dirtied,
    find: async (filter) => (await records.findOne(filter)) as R | null,
    findMany: async (filter, limit) => (await records.find(filter).sort({ dueAt: 1 }).limit(limit).toArray()) as R[],

    async insert(record) {
      try {
        await records.insertOne(record, { ignoreUndefined: true })
        return true
      } catch (error) {
        if (isDuplicateKey(error)) return false
        throw error
      }
    },

    async remove(id) {
      await records.deleteOne({ _id: id })
    },

    async claim(limit, turns) {
      const now = clock.now()
      const due = { state: { $in: ['dirty', 'held'] satisfies WantedState[] }, dueAt: { $lte: now } }
      const free = { $or: [{ leaseUntil: null }, { leaseUntil: { $lte: now } }] }
      const counter = turnCounter(turns)
      const claims: Claimed<R>[] = []
      for (let round = 0; round < maxScanRounds && claims.length < limit; round += 1) {
        const full = counter.full()
        const others = full.length === 0 ? {} : { companyId: { $nin: full } }
        const asked = limit - claims.length
        const found = await records.find({ ...due, ...free, ...others }, { projection: { _id: 1, companyId: 1, attempts: 1, rev: 1 } }).sort({ dueAt: 1 }).limit(asked).toArray()
        const next = found.filter(({ companyId }) => counter.take(companyId))
        // All at once: the store makes many writes as durable as one in the same time.
        for (const claimed of await Promise.all(next.map((record) => lease(record, now)))) if (claimed !== null) claims.push(claimed)
        // One company's backlog may have hidden the others'.
        if (found.length < asked || next.length === found.length) break
      }
      return claims
    },

    complete: (claimed) =>
      settle(claimed, (record) => {
        const ended = { attempts: 0, failures: 0, error: null }
        if (record.version === claimed.data.version) return { ...ended, state: 'clean', reason: null }
        return { ...ended, ...dirtied(record), version: record.version }
      }),

    async fail(claimed, error) {
      const verdict = retryVerdictOf(error)
      const now = clock.now()
      const described = { ...describeError(error), at: now }
      const kept = await settle(claimed, (record) => {
        if (verdict.kind === 'permanent') return { state: 'dead', error: described, attempts: 0 }
        if (verdict.kind === 'retry_after') return { state: 'dirty', error: described, attempts: 0, dueAt: new Date(now.getTime() + verdict.retryAfterMs) }
        const failures = record.failures + 1
        return { state: 'dirty', error: described, attempts: 0, failures, dueAt: new Date(now.getTime() + backoffMs(failures, backoff)) }
      })
      return kept ? (verdict.kind === 'permanent' ? 'dead' : 'retry') : 'lost'
    },

    hold: (claimed, untilAt, reason) =>
      settle(claimed, (record) =>
        record.version === claimed.data.version ? { state: 'held', dueAt: untilAt, reason, attempts: 0 } : { ...dirtied(record), version: record.version, attempts: 0 },
      ),

    giveBack: (claimed) => settle(claimed, (record) => ({ attempts: Math.max(0, record.attempts - 1) })),

    extend: (claimed) => settle(claimed, () => ({ token: claimed.token, leaseUntil: new Date(clock.nowMs() + leaseMs) })),

    async nextDueAt(after = clock.now()) {
      const [next] = await records.find({ state: { $in: ['dirty', 'held'] }, dueAt: { $gt: after } }, { projection: { dueAt: 1 } }).sort({ dueAt: 1 }).limit(1).toArray()
      return next?.dueAt ?? null
    },

    async release(companyId) {
      const result = await records.updateMany({ companyId, state: 'held' }, { $set: { state: 'dirty', dueAt: clock.now(), reason: null }, $inc: { rev: 1 } })
      return result.modifiedCount
    },

    async markDirty(companyId) {
      const result = await records.updateMany({ companyId, state: 'clean' }, { $set: { state: 'dirty', dueAt: clock.now() }, $inc: { rev: 1, version: 1 } })
      return result.modifiedCount
    },

    async replay(companyId, id) {
      const result = await records.updateOne(
        { _id: id, companyId, state: { $in: ['dead', 'held'] } },
        { $set: { state: 'dirty', dueAt: clock.now(), attempts: 0, failures: 0, reason: null }, $inc: { rev: 1, version: 1 } },
      )
      return result.modifiedCount === 1
    },

    async counts(companyId) {
      const scope = companyId === undefined ? {} : { companyId }
      const pairs = await Promise.all(wantedStates.map(async (state) => [state, await records.countDocuments({ ...scope, state })] as const))
      return Object.fromEntries(pairs) as Record<WantedState, number>
    },
  }
}
