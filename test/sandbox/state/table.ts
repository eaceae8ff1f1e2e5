/** A keyed set of records with secondary indexes, so that look-ups stay constant when an agency has 10,000 accounts. */
export interface Table<T> {
  readonly size: number
  get(id: string): T | undefined
  has(id: string): boolean
  /** Inserts or replaces; the caller must `put` again after changing a record. */
  put(record: T): T
  delete(id: string): boolean
  values(): T[]
  /** Records whose index key equals `key`, in the order they were first put. */
  by(index: string, key: string): T[]
  find(check: (record: T) => boolean): T | undefined
  clear(): void
}

/** @param onChange called after every change, with the record's id and its new content (undefined: deleted) */
export function createTable<T>(
  idOf: (record: T) => string,
  indexes: Record<string, (record: T) => string> = {},
  onChange: (id: string, record: T | undefined) => void = () => undefined,
): Table<T> {
  const records = new Map<string, T>()
  const buckets = new Map<string, Map<string, Set<string>>>(Object.keys(indexes).map((name) => [name, new Map()]))
  const keysOf = new Map<string, Record<string, string>>()

  function unindex(id: string, keep: Record<string, string> = {}): void {
    const old = keysOf.get(id)
    if (old === undefined) return
    for (const [name, key] of Object.entries(old)) if (keep[name] !== key) buckets.get(name)?.get(key)?.delete(id)
  }

  return {
    get size() {
      return records.size
    },
    get: (id) => records.get(id),
    has: (id) => records.has(id),
    put(record) {
      const id = idOf(record)
      const keys = Object.fromEntries(Object.entries(indexes).map(([name, keyOf]) => [name, keyOf(record)]))
      unindex(id, keys)
      for (const [name, key] of Object.entries(keys)) {
        const index = buckets.get(name)
        const bucket = index?.get(key)
        if (bucket === undefined) index?.set(key, new Set([id]))
        else bucket.add(id)
      }
      keysOf.set(id, keys)
      records.set(id, record)
      onChange(id, record)
      return record
    },
    delete(id) {
      unindex(id)
      keysOf.delete(id)
      const existed = records.delete(id)
      if (existed) onChange(id, undefined)
      return existed
    },
    values: () => [...records.values()],
    by(index, key) {
      const bucket = buckets.get(index)
      if (bucket === undefined) throw new Error(`No index named ${index}`)
      return [...(bucket.get(key) ?? [])].flatMap((id) => {
        const record = records.get(id)
        return record === undefined ? [] : [record]
      })
    },
    find(check) {
      for (const record of records.values()) if (check(record)) return record
      return undefined
    },
    clear() {
      for (const id of [...records.keys()]) onChange(id, undefined)
      records.clear()
      keysOf.clear()
      for (const index of buckets.values()) index.clear()
    },
  }
}
