import type { Engine } from './commands/command.ts'
import { afterPrefix, documentKey, recordOf, type Collection, type Index } from './catalog.ts'
import { encodeKey, inverted } from './keys.ts'
import { decode } from './values.ts'

interface SweeperOptions {
  engine: Engine
  transact: <T>(action: () => T) => T
  intervalMs: number
  onFault: (error: Error) => void
}

const batchSize = 500
const earliest = new Date(-8_640_000_000_000_000)

/** Removes documents whose TTL index says so, in small transactions. */
export function startSweeper({ engine, transact, intervalMs, onFault }: SweeperOptions): { stop(): void } {
  /** The records whose indexed date is older than the index allows; a document with several dates expires with the earliest. */
  function expired(index: Index): number[] {
    const first = index.fields[0]
    if (first === undefined || index.expireAfterSeconds === undefined) return []
    const oldest = encodeKey(earliest).bytes
    const limit = encodeKey(new Date(engine.nowMs() - index.expireAfterSeconds * 1000)).bytes
    const from = first.direction === 1 ? oldest : inverted(limit)
    const to = afterPrefix(first.direction === 1 ? limit : inverted(oldest))
    const records: number[] = []
    for (const key of engine.kv.keys({ from: Buffer.concat([index.prefix, from]), to: Buffer.concat([index.prefix, to]) })) {
      records.push(recordOf(key))
      if (records.length === batchSize) break
    }
    return [...new Set(records)]
  }

  function sweepIndex(collection: Collection, index: Index): void {
    for (;;) {
      const count = transact(() => {
        const records = expired(index)
        for (const record of records) {
          const raw = engine.kv.get(documentKey(collection, record))
          if (raw !== undefined) engine.records.remove(collection, record, decode(raw))
        }
        return records.length
      })
      if (count < batchSize) return
    }
  }

  function sweep(): void {
    try {
      engine.cursors.sweep()
      for (const collection of engine.catalog.list()) {
        for (const index of collection.indexes) if (index.expireAfterSeconds !== undefined && expired(index).length > 0) sweepIndex(collection, index)
      }
    } catch (error) {
      onFault(error instanceof Error ? error : new Error(String(error)))
    }
  }

  const timer = setInterval(sweep, intervalMs)
  return { stop: () => clearInterval(timer) }
}
