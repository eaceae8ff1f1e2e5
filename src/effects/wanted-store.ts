import type { Collection } from 'mongodb'
import { backoffMs } from '../kernel/backoff.ts'
import { minuteMs, secondMs, type Clock } from '../kernel/clock.ts'
import { describeError, retryVerdictOf } from '../kernel/errors.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import { newToken } from '../kernel/ids.ts'
import { isDuplicateKey, turnCounter, type Claimed, type Pump, type PumpQueue } from '../store/index.ts'
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
  /**
   * Sets members if nobody has changed the record since it was read. A record that this makes due at once is leased by the same write, if a hand is free.
   * @returns whether it did
   */
  setIfUnchanged(record: R, members: Partial<R>): Promise<boolean>
  /** The last change of a reconcile that ended well and the end of its lease in one write; `complete` has nothing left to do then. @returns false if the lease was lost, and nothing was written */
  finish(claimed: Claimed<R>, change: (record: R) => Partial<R> | null): Promise<boolean>
  remove(id: string): Promise<void>
  /** Members that make a record due, with bursts coalesced to one write per `minIntervalMs`. */
  dirtied(record: R): Partial<WantedRecord>
  release(companyId: string): Promise<number>
  /** Clean → dirty: looked at again. */
  markDirty(companyId: string): Promise<number>
  replay(companyId: string, id: string): Promise<boolean>
  counts(companyId?: string): Promise<Record<WantedState, number>>
}

export interface WantedStoreOptions<R> {
  clock: Clock
  minIntervalMs: number
  leaseMs: number
  /** Claims that may end without a word (the worker died) before the record is dead. */
  maxCrashes: number
  faultPoint: FaultPoint
  /** Who works on records of this process that are due at once: nobody has to look for them then. */
  hands?: Pick<Pump<R>, 'hasRoom' | 'take'>
  /** A record became due that nobody has in hand. */
  onDue?: () => void
}

const backoff = { baseMs: secondMs, maxMs: 15 * minuteMs }
const maxTries = 50
const maxScanRounds = 12
/** How far a look sees ahead: a pump looks again after that time in any case. */
const lookAheadMs = 30 * secondMs

export function createWantedStore<R extends WantedRecord>(records: Collection<WantedRecord>, options: WantedStoreOptions<R>): WantedStore<R> {
  const { clock, minIntervalMs, leaseMs, maxCrashes, faultPoint, hands, onDue } = options

  /** What this process holds leases on, as last written, by token: its end needs no reading. */
  const held = new Map<string, R>()
  /** Leases that ended with their last change. */
  const finished = new Set<string>()

  /** @returns the record as it is now; null if somebody changed it */
  async function write(record: R, members: Partial<R>): Promise<R | null> {
    const result = await records.updateOne({ _id: record._id, rev: record.rev }, { $set: { ...members, rev: record.rev + 1 } }, { ignoreUndefined: true })
    if (result.matchedCount !== 1) return null
    const written = { ...record, ...members, rev: record.rev + 1 }
    if (written.token !== null && held.has(written.token)) held.set(written.token, written)
    return written
  }

  function claimedOf(record: R, token: string): Claimed<R> {
    held.set(token, record)
    const { _id: key, companyId, attempts: attempt, failures, createdAt } = record
    faultPoint('queue.claimed')
    return { key, lane: key, companyId, data: record, attempt, begunBefore: attempt > 1 || failures > 0, token, createdAt }
  }

  /** The members of a lease, if the record would be due at once, is free, and somebody here can work on it. */
  function leaseOf(record: R): Pick<WantedRecord, 'token' | 'leaseUntil' | 'attempts'> | null {
    const now = clock.now()
    const free = record.leaseUntil === null || record.leaseUntil <= now
    if (!free || record.state !== 'dirty' || record.dueAt > now || record.attempts >= maxCrashes || hands?.hasRoom(record.companyId) !== true) return null
    return { token: newToken(), leaseUntil: new Date(now.getTime() + leaseMs), attempts: record.attempts + 1 }
  }

  function begin(record: R): void {
    if (record.token !== null) hands?.take(claimedOf(record, record.token))
  }

  /** Writes from outside of a lease: what they make due is begun at once where possible. */
  async function change(record: R, members: Partial<R>): Promise<R | null> {
    if (members.state !== 'dirty') return write(record, members)
    const lease = leaseOf({ ...record, ...members })
    const written = await write(record, { ...members, ...lease })
    if (written !== null && lease !== null) begin(written)
    // Whoever holds it finds the newer version at its end.
    else if (written !== null && (written.leaseUntil === null || written.leaseUntil <= clock.now())) onDue?.()
    return written
  }

  async function mutate(id: string, changes: (record: R) => Partial<R> | null, read?: R): Promise<R | null> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const record = tries === 0 && read !== undefined ? read : ((await records.findOne({ _id: id })) as R | null)
      if (record === null) return null
      const members = changes(record)
      if (members === null) return record
      const written = await change(record, members)
      if (written !== null) return written
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

  /** Ends or lengthens the lease, if this worker still holds it. */
  async function settle(claimed: Claimed<R>, changes: (record: R) => Partial<R> | Partial<WantedRecord>): Promise<boolean> {
    let record = held.get(claimed.token) ?? null
    for (let tries = 0; tries < maxTries; tries += 1) {
      if (record?.token !== claimed.token) break
      const written = await write(record, { token: null, leaseUntil: null, ...changes(record) } as Partial<R>)
      if (written !== null) {
        if (written.token === null) {
          held.delete(claimed.token)
          if (written.state === 'dirty' || written.state === 'held') onDue?.()
        }
        return true
      }
      record = (await records.findOne({ _id: claimed.key })) as R | null
    }
    held.delete(claimed.token)
    if (record?.token === claimed.token) throw new Error(`Record ${claimed.key} is changed too often by others`)
    return false
  }

  /** Members of a record whose reconcile ended well: a newer wish leaves it due. */
  function ended(claimed: Claimed<R>, record: R): Partial<WantedRecord> {
    const calm = { attempts: 0, failures: 0, error: null }
    if (record.version === claimed.data.version) return { ...calm, state: 'clean', reason: null }
    return { ...calm, ...dirtied(record), version: record.version }
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
    return record === null ? null : claimedOf(record as R, token)
  }

  return {
    mutate,
    setIfUnchanged: async (record, members) => (await change(record, members)) !== null,
    async finish(claimed, changes) {
      const kept = await settle(claimed, (record) => {
        const members = changes(record)
        return { ...members, ...ended(claimed, { ...record, ...members }) }
      })
      if (kept) finished.add(claimed.token)
      return kept
    },
    dirtied,
    find: async (filter) => (await records.findOne(filter)) as R | null,
    findMany: async (filter, limit) => (await records.find(filter).sort({ dueAt: 1 }).limit(limit).toArray()) as R[],

    async insert(record) {
      try {
        const lease = leaseOf(record)
        // With the lease it is another record than the caller has in hand: what they write by that one must not take the lease away.
        const stored = lease === null ? record : { ...record, ...lease, rev: record.rev + 1 }
        await records.insertOne(stored, { ignoreUndefined: true })
        if (lease !== null) begin(stored)
        else onDue?.()
        return true
      } catch (error) {
        if (isDuplicateKey(error)) return false
        throw error
      }
    },

    async remove(id) {
      await records.deleteOne({ _id: id })
    },

    async look(limit, turns) {
      const now = clock.now()
      // Records that are leased by another worker are due when it has ended, or when its lease has: nobody waits for them here.
      const soon = { state: { $in: ['dirty', 'held'] satisfies WantedState[] }, dueAt: { $lte: new Date(now.getTime() + lookAheadMs) } }
      const free = { $or: [{ leaseUntil: null }, { leaseUntil: { $lte: now } }] }
      const counter = turnCounter(turns)
      const claims: Claimed<R>[] = []
      let left = false
      let nextDueAt: Date | null = null
      for (let round = 0; ; round += 1) {
        if (round >= maxScanRounds || claims.length >= limit) {
          left = true
          break
        }
        const full = counter.full()
        if (full.length > 0) left = true
        const others = full.length === 0 ? {} : { companyId: { $nin: full } }
        const asked = limit - claims.length
        const found = await records.find({ ...soon, ...free, ...others }, { projection: { _id: 1, companyId: 1, dueAt: 1, attempts: 1, rev: 1 } }).sort({ dueAt: 1 }).limit(asked).toArray()
        const due = found.filter(({ dueAt }) => dueAt.getTime() <= now.getTime())
        nextDueAt = found[due.length]?.dueAt ?? null
        const next = due.filter(({ companyId }) => counter.take(companyId))
        // All at once: the store makes many writes as durable as one in the same time.
        for (const claimed of await Promise.all(next.map((record) => lease(record, now)))) if (claimed !== null) claims.push(claimed)
        if (next.length < due.length) left = true
        // One company's backlog may have hidden the others'.
        if (due.length < asked || next.length === due.length) {
          if (due.length === asked) left = true
          break
        }
      }
      return { claims, left, nextDueAt }
    },

    async complete(claimed) {
      if (finished.delete(claimed.token)) return true
      return settle(claimed, (record) => ended(claimed, record))
    },

    async fail(claimed, error) {
      const verdict = retryVerdictOf(error)
      const now = clock.now()
      const described = { ...describeError(error), at: now }
      const kept = await settle(claimed, (record): Partial<WantedRecord> => {
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
