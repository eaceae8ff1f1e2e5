import type { Catalog, Collection } from '../catalog.ts'
import type { Cursors } from '../cursors.ts'
import { notSupported, ServerError } from '../errors.ts'
import type { Kv } from '../kv.ts'
import type { Execution, QueryRunner } from '../query.ts'
import type { Records } from '../records.ts'
import { isDoc, isNumber, toNumber, typeOf, type Doc, type Value } from '../values.ts'

/** Everything a command works on. */
export interface Engine {
  kv: Kv
  catalog: Catalog
  records: Records
  queries: QueryRunner
  cursors: Cursors
  nowMs: () => number
}

/** One command being run. */
export interface Call {
  engine: Engine
  db: string
  name: string
  body: Doc
  rawDocuments: Buffer[]
  execution: Execution
  connectionId: number
}

export interface Command {
  /** Runs inside a transaction whose end is waited for before the answer. */
  writes: boolean
  /** Members that the command understands, besides those that every command has. */
  options: string[]
  /** Members that MongoDB understands and this server refuses, because they would change the answer. */
  refused?: string[]
  /** @returns the answer; `ok: 1` is added to a document */
  run(call: Call): Doc | Buffer
}

const common = new Set([
  '$db', 'lsid', '$clusterTime', '$readPreference', 'writeConcern', 'readConcern', 'comment', 'maxTimeMS', 'apiVersion', 'apiStrict',
  'apiDeprecationErrors', 'bypassDocumentValidation', 'noResponse',
])

/** @throws when the command carries something that this server does not do */
export function checkOptions(command: Command, { name, body }: Call): void {
  for (const option of Object.keys(body)) {
    if (option === name || common.has(option) || command.options.includes(option)) continue
    if (option === 'collation') {
      const collation = body[option]
      if (isDoc(collation) && collation['locale'] === 'simple') continue
      throw notSupported('a collation')
    }
    if (['txnNumber', 'autocommit', 'startTransaction'].includes(option)) {
      throw new ServerError('IllegalOperation', 'Transaction numbers are only allowed on a replica set member or mongos')
    }
    if (command.refused?.includes(option) === true) {
      const value = body[option]
      // Drivers send some of these with the value that changes nothing.
      if (value === false || (isDoc(value) && Object.keys(value).length === 0)) continue
      throw notSupported(`the option '${option}' of ${name}`)
    }
    throw new ServerError(40415, `BSON field '${name}.${option}' is an unknown field.`)
  }
  const concern = body['writeConcern']
  const acknowledgements = isDoc(concern) ? concern['w'] : undefined
  if (isNumber(acknowledgements) && toNumber(acknowledgements) > 1) throw new ServerError('BadValue', "cannot use 'w' > 1 when a host is not replicated")
  const read = body['readConcern']
  if (isDoc(read) && (read['level'] === 'snapshot' || read['afterClusterTime'] !== undefined)) throw notSupported('this read concern', 'InvalidOptions')
}

/** The collection name that a command's first member holds. @throws InvalidNamespace */
export function collectionName({ name, body, db }: Call): string {
  const value = body[name]
  if (typeof value !== 'string') throw new ServerError('InvalidNamespace', `collection name has invalid type ${typeOf(value)}`)
  if (value === '' || value.includes('\0') || value.startsWith('.') || value.includes('$')) {
    throw new ServerError('InvalidNamespace', `Invalid namespace specified '${db}.${value}'`)
  }
  if (db === '' || /[\0/\\. "$]/.test(db)) throw new ServerError('InvalidNamespace', `Invalid database name: '${db}'`)
  if (Buffer.byteLength(`${db}.${value}`) > 255) throw new ServerError('InvalidNamespace', `Fully qualified namespace is too long: ${db}.${value}`)
  return value
}

export function collectionOf(call: Call): Collection | undefined {
  return call.engine.catalog.find(call.db, collectionName(call))
}

export function writableCollection(call: Call): Collection {
  const name = collectionName(call)
  return call.engine.catalog.find(call.db, name) ?? call.engine.catalog.create(call.db, name)
}

export function docOption(call: Call, option: string): Doc {
  return docOr(call.name, option, call.body[option])
}

export function docOr(owner: string, option: string, value: Value | undefined): Doc {
  if (value === undefined || value === null) return {}
  if (!isDoc(value)) throw new ServerError('TypeMismatch', `BSON field '${owner}.${option}' is the wrong type '${typeOf(value)}', expected type 'object'`)
  return value
}

/** A whole number that is not negative. */
export function countOption(call: Call, option: string): number | undefined {
  const value = call.body[option]
  if (value === undefined || value === null) return undefined
  if (!isNumber(value)) throw new ServerError('TypeMismatch', `BSON field '${call.name}.${option}' is the wrong type '${typeOf(value)}', expected types '[long, int, decimal, double]'`)
  const count = toNumber(value)
  if (!Number.isInteger(count) || count < 0) throw new ServerError('BadValue', `BSON field '${option}' value must be >= 0, actual value '${count}'`)
  return count
}

/** The index that a hint names. @throws BadValue when there is none */
export function hintOf(collection: Collection, hint: Value | undefined): Collection['indexes'][number] | '$natural' | undefined {
  if (hint === undefined || hint === null || (isDoc(hint) && Object.keys(hint).length === 0)) return undefined
  if (isDoc(hint) && Object.keys(hint)[0] === '$natural') return '$natural'
  const pattern = isDoc(hint) ? Object.entries(hint).map(([path, value]) => `${path}:${isNumber(value) ? toNumber(value) : ''}`).join() : undefined
  const index = collection.indexes.find(({ name, fields }) => name === hint || fields.map(({ path, direction }) => `${path}:${direction}`).join() === pattern)
  if (index === undefined) throw new ServerError('BadValue', 'error processing query: planner returned error :: caused by :: hint provided does not correspond to an existing index')
  return index
}
