import { open, type RootDatabase } from 'lmdb'

/** One entry of the ordered store. */
export interface Entry { key: Buffer; value: Buffer }
export interface RangeOptions {
  /** First key, included (the last one when going backwards is below `to`). */
  from: Buffer
  /** First key that is not included. */
  to: Buffer
  reverse?: boolean
}

/** An ordered, durable map from bytes to bytes. Writes only inside `transaction`. */
export interface Kv {
  get(key: Buffer): Buffer | undefined
  put(key: Buffer, value: Buffer): void
  remove(key: Buffer): void
  range(options: RangeOptions): Iterable<Entry>
  keys(options: RangeOptions): Iterable<Buffer>
  count(options: RangeOptions): number
  /** Runs `action` and returns after its writes are flushed to disk; undoes all of them when it throws. */
  transaction<T>(action: () => T): T
  /** Lets reads outside transactions see what was committed last. */
  refresh(): void
  close(): Promise<void>
}

export function openKv(path: string): Kv {
  const db: RootDatabase<Buffer, Buffer> = open<Buffer, Buffer>({
    path, noSubdir: true, encoding: 'binary', keyEncoding: 'binary', overlappingSync: false, cache: false, maxDbs: 1,
  })
  // Going backwards lmdb wants the upper end first, includes it and leaves out the lower end.
  const bounds = ({ from, to, reverse }: RangeOptions) =>
    reverse === true ? { start: to, end: from, reverse: true, exclusiveStart: true, inclusiveEnd: true } : { start: from, end: to }
  return {
    get: (key) => db.getBinary(key),
    put: (key, value) => db.putSync(key, value),
    remove: (key) => void db.removeSync(key),
    range: (options) => db.getRange(bounds(options)),
    keys: (options) => db.getKeys(bounds(options)),
    count: (options) => db.getKeysCount(bounds(options)),
    transaction: (action) => {
      const result = db.transactionSync(action)
      db.resetReadTxn()
      return result
    },
    refresh: () => db.resetReadTxn(),
    close: () => db.close(),
  }
}
