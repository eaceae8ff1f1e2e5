import { Int32 } from 'bson'
import { afterPrefix, documentKey, recordBytes, recordOf, type Catalog, type Collection, type Index } from './catalog.ts'
import { ServerError } from './errors.ts'
import { fieldKey, keyDocument, type KeyValue } from './keys.ts'
import type { Kv } from './kv.ts'
import { testFilter } from './match.ts'
import { extractKeys } from './paths.ts'
import { shellText } from './shell-text.ts'
import type { Doc, Value } from './values.ts'

/** Largest document, in bytes, as in MongoDB. */
export const maxDocumentBytes = 16 * 1024 * 1024

const ascending = new Int32(1)
const descending = new Int32(-1)

/** One document's entry in one index. */
interface IndexEntry { key: Buffer; value: Buffer; fields: KeyValue[] }

/** Stored documents and their index entries. Every key is computed and checked before the first write of a document. */
export interface Records {
  /** @throws DuplicateKey, CannotIndexParallelArrays, BSONObjectTooLarge */
  insert(collection: Collection, doc: Doc, raw: Buffer): void
  replace(collection: Collection, record: number, before: Doc, after: Doc, raw: Buffer): void
  remove(collection: Collection, record: number, doc: Doc): void
  /** Enters all documents into a new index. @throws as insert */
  build(collection: Collection, index: Index, documents: Iterable<{ record: number; doc: Doc }>): void
}

export function createRecords(kv: Kv, catalog: Catalog): Records {
  function entriesOf(collection: Collection, index: Index, doc: Doc, record: number): Map<string, IndexEntry> {
    const entries = new Map<string, IndexEntry>()
    if (index.partial !== undefined && !testFilter(index.partial.filter, doc, undefined)) return entries
    const { keys, multi, exists } = extractKeys(doc, index.fields.map((field) => field.parts))
    if (index.sparse && !exists) return entries
    const newlyMulti = multi.some((isMulti, at) => isMulti && index.multi[at] !== true)
    if (newlyMulti) index.multi = index.multi.map((isMulti, at) => isMulti || multi[at] === true)
    let newlyInexact = false
    for (const fields of keys) {
      const parts: Buffer[] = [index.prefix]
      const offsets = Buffer.alloc(index.fields.length > 1 ? index.fields.length * 2 : 0)
      let length = index.prefix.length
      for (const [at, { direction }] of index.fields.entries()) {
        const { bytes, inexact } = fieldKey(fields[at], direction, index.limit)
        parts.push(bytes)
        length += bytes.length
        if (offsets.length > 0) offsets.writeUInt16BE(length, at * 2)
        newlyInexact ||= inexact && !index.inexact
      }
      const tail = Buffer.allocUnsafe(recordBytes)
      tail.writeUIntBE(record, 0, recordBytes)
      parts.push(tail)
      const key = Buffer.concat(parts)
      entries.set(key.toString('latin1'), { key, value: offsets, fields })
    }
    if (newlyInexact) index.inexact = true
    if (newlyMulti || newlyInexact) catalog.save(collection)
    return entries
  }

  function checkUnique(collection: Collection, index: Index, entry: IndexEntry, record: number): void {
    const from = entry.key.subarray(0, entry.key.length - recordBytes)
    for (const key of kv.keys({ from, to: afterPrefix(from) })) {
      if (recordOf(key) !== record) throw duplicateKey(collection, index, entry.fields)
    }
  }

  function checkSize(raw: Buffer): void {
    if (raw.length > maxDocumentBytes) throw new ServerError('BSONObjectTooLarge', `BSONObj size: ${raw.length} is invalid. Size must be between 0 and ${maxDocumentBytes}`)
  }

  return {
    insert(collection, doc, raw) {
      checkSize(raw)
      const record = collection.nextRecord
      const added: IndexEntry[] = []
      for (const index of collection.indexes) {
        for (const entry of entriesOf(collection, index, doc, record).values()) {
          if (index.unique) checkUnique(collection, index, entry, record)
          added.push(entry)
        }
      }
      collection.nextRecord += 1
      if (collection.count !== undefined) collection.count += 1
      kv.put(documentKey(collection, record), raw)
      for (const { key, value } of added) kv.put(key, value)
    },
    replace(collection, record, before, after, raw) {
      checkSize(raw)
      const added: IndexEntry[] = []
      const removed: Buffer[] = []
      for (const index of collection.indexes) {
        const old = entriesOf(collection, index, before, record)
        const fresh = entriesOf(collection, index, after, record)
        for (const [text, entry] of fresh) {
          if (old.delete(text)) continue
          if (index.unique) checkUnique(collection, index, entry, record)
          added.push(entry)
        }
        for (const entry of old.values()) removed.push(entry.key)
      }
      kv.put(documentKey(collection, record), raw)
      for (const key of removed) kv.remove(key)
      for (const { key, value } of added) kv.put(key, value)
    },
    remove(collection, record, doc) {
      const removed = collection.indexes.flatMap((index) => [...entriesOf(collection, index, doc, record).values()])
      kv.remove(documentKey(collection, record))
      for (const { key } of removed) kv.remove(key)
      if (collection.count !== undefined) collection.count -= 1
    },
    build(collection, index, documents) {
      for (const { record, doc } of documents) {
        for (const entry of entriesOf(collection, index, doc, record).values()) {
          if (index.unique) checkUnique(collection, index, entry, record)
          kv.put(entry.key, entry.value)
        }
      }
    },
  }
}

function duplicateKey(collection: Collection, index: Index, fields: KeyValue[]): ServerError {
  const keyValue = keyDocument(index.fields.map((field) => field.path), fields)
  const message = `E11000 duplicate key error collection: ${collection.ns} index: ${index.name} dup key: ${shellText(keyValue)}`
  return new ServerError('DuplicateKey', message, { keyPattern: keyPattern(index), keyValue })
}

/** The index's fields and directions as a document. */
export function keyPattern(index: Index): Doc {
  return keyDocument(index.fields.map((field) => field.path), index.fields.map((field) => direction(field.direction)))
}

function direction(value: 1 | -1): Value {
  return value === 1 ? ascending : descending
}
