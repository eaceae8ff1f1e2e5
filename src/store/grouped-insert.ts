import type { Collection, OptionalUnlessRequiredId } from 'mongodb'
import { secondMs } from '../kernel/clock.ts'
import { isDuplicateKey } from './duplicate-key.ts'

/** Stores one record. @throws the store's error if this record was not stored, or nobody knows */
export type Insert<T> = (record: T) => Promise<'inserted' | 'duplicate'>

export interface GroupedInsertOptions {
  /** Most records that travel in one command; default 200. */
  maxGroup?: number
  /** Commands under way at once, so that the next group gathers meanwhile; default 1. */
  maxUnderWay?: number
  /** A command that takes longer than this holds up nobody else; default 250 ms. */
  patienceMs?: number
  /** While inserts come together, commands begin this far apart at least, so that groups grow with the load; default 8 ms. */
  apartMs?: number
}

interface Waiting<T> {
  record: T
  resolve(outcome: 'inserted' | 'duplicate'): void
  reject(error: unknown): void
}

/**
 * Inserts that are wanted at the same time travel in one command, each with its own verdict: under load the cost of a command and of its commit is shared;
 * an insert that is alone goes out at once. Nobody is answered before the command that carried their record was acknowledged.
 */
export function createGroupedInsert<T extends { _id: string }>(records: Collection<T>, options: GroupedInsertOptions = {}): Insert<T> {
  const { maxGroup = 200, maxUnderWay = 1, patienceMs = secondMs / 4, apartMs = 8 } = options
  let waiting: Waiting<T>[] = []
  let underWay = 0
  let scheduled = false
  let nextMs = Number.NEGATIVE_INFINITY

  function schedule(): void {
    if (scheduled || waiting.length === 0 || underWay >= maxUnderWay) return
    scheduled = true
    const waitMs = nextMs - performance.now()
    // At once, but with whatever else arrives in this turn of the event loop.
    if (waitMs <= 0) setImmediate(sendNext)
    else setTimeout(sendNext, waitMs)
  }

  function sendNext(): void {
    scheduled = false
    while (waiting.length > 0 && underWay < maxUnderWay) {
      const group = waiting.slice(0, maxGroup)
      waiting = waiting.slice(maxGroup)
      underWay += 1
      // Whoever inserts one after the other is not held up.
      nextMs = group.length === 1 ? Number.NEGATIVE_INFINITY : performance.now() + apartMs
      const leave = (): void => {
        clearTimeout(patience)
        if (left) return
        left = true
        underWay -= 1
        schedule()
      }
      let left = false
      const patience = setTimeout(leave, patienceMs)
      void send(records, group).then(leave)
    }
  }

  return (record) =>
    new Promise((resolve, reject) => {
      waiting.push({ record, resolve, reject })
      schedule()
    })
}

/** Never rejects: every waiting insert gets its own outcome. */
async function send<T extends { _id: string }>(records: Collection<T>, group: readonly Waiting<T>[]): Promise<void> {
  const documents = group.map(({ record }) => record as OptionalUnlessRequiredId<T>)
  const [only] = documents
  try {
    if (only !== undefined && documents.length === 1) await records.insertOne(only, { ignoreUndefined: true })
    else await records.insertMany(documents, { ordered: false, ignoreUndefined: true })
    for (const one of group) one.resolve('inserted')
  } catch (error) {
    const refusals = refusalsOf(error, group.length)
    for (const [index, one] of group.entries()) {
      const refusal = refusals?.get(index)
      if (refusals === null) one.reject(error)
      else if (refusal === undefined) one.resolve('inserted')
      else if (isDuplicateKey(refusal)) one.resolve('duplicate')
      else one.reject(refusal)
    }
  }
}

/** The parts of the driver's bulk error that tell the records apart. */
interface BulkError {
  insertedCount?: unknown
  writeErrors?: unknown
  result?: { getWriteConcernError?: () => unknown }
}

/** Which records of a group were refused, and why. @returns null if the error does not account for every one of them: then none counts as stored */
function refusalsOf(error: unknown, count: number): Map<number, unknown> | null {
  if (typeof error !== 'object' || error === null) return null
  const { insertedCount, writeErrors, result } = error as BulkError
  if (count === 1 && writeErrors === undefined) return new Map([[0, error]])
  if (!Array.isArray(writeErrors) || typeof insertedCount !== 'number' || insertedCount + writeErrors.length !== count) return null
  if (result?.getWriteConcernError?.() !== undefined) return null
  return new Map(writeErrors.map((part: unknown) => [(part as { index: number }).index, part]))
}
