import { Int32 } from 'bson'
import type { Kv } from './kv.ts'
import { fieldLimit } from './keys.ts'
import { parseFilter, type Filter } from './match.ts'
import { decode, encode, toNumber, type Doc, type NumberValue, type Value } from './values.ts'

/** An index as the catalog knows it. */
export interface Index {
  id: number
  name: string
  /** Dotted paths and directions. */
  fields: { path: string; parts: string[]; direction: 1 | -1 }[]
  unique: boolean
  sparse: boolean
  partial: { doc: Doc; filter: Filter } | undefined
  expireAfterSeconds: number | undefined
  /** Per field: some document has an array on the path, so one document may have several keys. Never goes back to false. */
  multi: boolean[]
  /** Some key was cut or is inexact, so the order of keys cannot be trusted for sorting. Never goes back to false. */
  inexact: boolean
  prefix: Buffer
  /** Bytes that one field of a key may take. */
  limit: number
}

export interface Collection {
  db: string
  name: string
  /** `db.name` */
  ns: string
  id: number
  /** The first one is always `_id_`. */
  indexes: Index[]
  prefix: Buffer
  nextRecord: number
  /** Number of documents; undefined until somebody asks: counting at the start would bring every page of the file into memory. */
  count: number | undefined
}

export interface Catalog {
  find(db: string, name: string): Collection | undefined
  list(): Collection[]
  create(db: string, name: string): Collection
  drop(collection: Collection): void
  addIndex(collection: Collection, definition: IndexDefinition): Index
  dropIndex(collection: Collection, index: Index): void
  /** Writes the collection's flags (multi, inexact) and index options. */
  save(collection: Collection): void
  /** Forgets everything in memory and reads it again, after a transaction was undone. */
  reload(): void
}

export type IndexDefinition = Pick<Index, 'name' | 'unique' | 'sparse' | 'expireAfterSeconds'> & {
  key: { path: string; direction: 1 | -1 }[]
  partial: Doc | undefined
}

const catalogByte = 0x01
const documentByte = 0x02
const indexByte = 0x03
export const recordBytes = 6

function idPrefix(kind: number, id: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes[0] = kind
  bytes.writeUInt32BE(id, 1)
  return bytes
}

/** The first key after all keys that begin with these bytes. */
export function afterPrefix(bytes: Buffer): Buffer {
  let length = bytes.length
  while (length > 0 && bytes[length - 1] === 0xff) length -= 1
  const result = Buffer.from(bytes.subarray(0, length))
  if (length > 0) result[length - 1] = (result[length - 1] as number) + 1
  return result
}

export function documentKey(collection: Collection, record: number): Buffer {
  const key = Buffer.allocUnsafe(5 + recordBytes)
  collection.prefix.copy(key)
  key.writeUIntBE(record, 5, recordBytes)
  return key
}

/** The record that a document's key or an index entry ends with. */
export function recordOf(key: Buffer): number {
  return key.readUIntBE(key.length - recordBytes, recordBytes)
}

function indexOf(id: number, definition: IndexDefinition): Index {
  return {
    id,
    name: definition.name,
    fields: definition.key.map(({ path, direction }) => ({ path, parts: path.split('.'), direction })),
    unique: definition.unique,
    sparse: definition.sparse,
    partial: definition.partial === undefined ? undefined : { doc: definition.partial, filter: parseFilter(definition.partial) },
    expireAfterSeconds: definition.expireAfterSeconds,
    multi: definition.key.map(() => false),
    inexact: false,
    prefix: idPrefix(indexByte, id),
    limit: fieldLimit(definition.key.length),
  }
}

function indexToDoc(index: Index): Doc {
  return {
    id: new Int32(index.id),
    name: index.name,
    key: index.fields.map(({ path, direction }) => [path, new Int32(direction)]),
    unique: index.unique,
    sparse: index.sparse,
    partial: index.partial?.doc ?? null,
    expireAfterSeconds: index.expireAfterSeconds === undefined ? null : new Int32(index.expireAfterSeconds),
    multi: index.multi,
    inexact: index.inexact,
  }
}

function indexFromDoc(doc: Doc): Index {
  const number = (value: Value | undefined): number => toNumber(value as NumberValue)
  const key = (doc['key'] as [string, NumberValue][]).map(([path, direction]) => ({ path, direction: toNumber(direction) === 1 ? 1 as const : -1 as const }))
  const index = indexOf(number(doc['id']), {
    name: doc['name'] as string,
    key,
    unique: doc['unique'] === true,
    sparse: doc['sparse'] === true,
    partial: doc['partial'] === null ? undefined : doc['partial'] as Doc,
    expireAfterSeconds: doc['expireAfterSeconds'] === null ? undefined : number(doc['expireAfterSeconds']),
  })
  index.multi = doc['multi'] as boolean[]
  index.inexact = doc['inexact'] === true
  return index
}

/** Collections and indexes: kept in memory, stored next to the data, changed inside the caller's transaction. */
export function openCatalog(kv: Kv): Catalog {
  const collections = new Map<string, Collection>()
  let nextId = 1

  function keyOf(ns: string): Buffer {
    return Buffer.concat([Buffer.from([catalogByte]), Buffer.from(ns)])
  }
  function write(collection: Collection): void {
    kv.put(keyOf(collection.ns), encode({
      db: collection.db, name: collection.name, id: new Int32(collection.id), indexes: collection.indexes.map(indexToDoc),
    }))
  }
  function clear(prefix: Buffer): void {
    for (const key of [...kv.keys({ from: prefix, to: afterPrefix(prefix) })]) kv.remove(key)
  }
  function load(): void {
    collections.clear()
    nextId = 1
    for (const { value } of kv.range({ from: Buffer.from([catalogByte]), to: Buffer.from([catalogByte + 1]) })) {
      const doc = decode(value)
      const id = toNumber(doc['id'] as NumberValue)
      const prefix = idPrefix(documentByte, id)
      const range = { from: prefix, to: afterPrefix(prefix) }
      const [last] = [...firstOf(kv.keys({ ...range, reverse: true }))]
      const collection: Collection = {
        db: doc['db'] as string,
        name: doc['name'] as string,
        ns: `${doc['db'] as string}.${doc['name'] as string}`,
        id,
        indexes: (doc['indexes'] as Doc[]).map(indexFromDoc),
        prefix,
        nextRecord: last === undefined ? 1 : recordOf(last) + 1,
        count: undefined,
      }
      collections.set(collection.ns, collection)
      nextId = Math.max(nextId, id + 1, ...collection.indexes.map((index) => index.id + 1))
    }
  }
  load()

  function addIndex(collection: Collection, definition: IndexDefinition): Index {
    const index = indexOf(nextId, definition)
    nextId += 1
    collection.indexes.push(index)
    write(collection)
    return index
  }
  return {
    find: (db, name) => collections.get(`${db}.${name}`),
    list: () => [...collections.values()],
    create(db, name) {
      const id = nextId
      nextId += 1
      const collection: Collection = { db, name, ns: `${db}.${name}`, id, indexes: [], prefix: idPrefix(documentByte, id), nextRecord: 1, count: 0 }
      collections.set(collection.ns, collection)
      addIndex(collection, { name: '_id_', key: [{ path: '_id', direction: 1 }], unique: true, sparse: false, partial: undefined, expireAfterSeconds: undefined })
      return collection
    },
    drop(collection) {
      clear(collection.prefix)
      for (const index of collection.indexes) clear(index.prefix)
      kv.remove(keyOf(collection.ns))
      collections.delete(collection.ns)
    },
    addIndex,
    dropIndex(collection, index) {
      clear(index.prefix)
      collection.indexes = collection.indexes.filter((other) => other !== index)
      write(collection)
    },
    save: write,
    reload: load,
  }
}

function* firstOf<T>(items: Iterable<T>): Iterable<T> {
  for (const item of items) {
    yield item
    return
  }
}
