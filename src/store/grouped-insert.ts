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
}

interface Waiting<T> {
  record: T
  resolve(outcome: 'inserted' | 'duplicate'): void
  reject(error: unknown): void
}

/**
 * Inserts that are wanted at the same time travel in one command, each with its own verdict: under load the cost of a command and of its commit is shared,
 * alone an insert goes out at once. Nobody is answered before the command that carried their record has been acknowledged.
 */
export function createGroupedInsert<T extends { _id: string }>(records: Collection<T>, options: GroupedInsertOptions = {}): Insert<T> {
  const { maxGroup = 200, maxUnderWay = 1, patienceMs = secondMs / 4 } = options
  let waiting: Waiting<T>[] = []
  let underWay = 0
  let scheduled = false

  function sendNext(): void {
    scheduled = false
    while (waiting.length > 0 && underWay < maxUnderWay) {
      const group = waiting.slice(0, maxGroup)
      waiting = waiting.slice(maxGroup)
      underWay += 1
      const leave = (): void => {
        clearTimeout(patience)
        if (left) return
        left = true
        underWay -= 1
        sendNext()
      }
      let left = false
      const patience = setTimeout(leave, patienceMs)
      void send(records, group).then(leave)
    }
  }

  return (record) =>
    new Promise((resolve, reject) => {
      waiting.push({ record, resolve, reject })
      if (scheduled || underWay >= maxUnderWay) return
      scheduled = true
      // Whatever else arrives in this turn of the event loop comes along.
      setImmediate(sendNext)
    })
}

/** Never rejects: every waiting insert gets its own outcome. */
async function send<T extends { _id: string }>(records: Collection<T>, group: readonly Waiting<T>[]): Promise<void> {
  const documents = group.map(({ record }) => record as OptionalUnlessRequiredId<T>)
  const [only] = documents
  try {
    if (only !== undefined && documents.length === 1) await records.insertOne(only, { ignoreUndefined: true })
    else await records.insertMany(documents, { ordered: false, ignoreUndefined: true })
    for (const { resolve } of group) resolve('inserted')
  } catch (error) {
    const refusals = refusalsOf(error, group.length)
    for (const [index, { resolve, reject }] of group.entries()) {
      const refusal = refusals === null ? error : refusals.get(index)
      if (refusal === undefined) resolve('inserted')
      else if (isDuplicateKey(refusal)) resolve('duplicate')
      else reject(refusal)
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
