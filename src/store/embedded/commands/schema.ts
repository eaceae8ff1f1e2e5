import { Double, Int32 } from 'bson'
import type { Collection, Index, IndexDefinition } from '../catalog.ts'
import { conjunctsOf } from '../bounds.ts'
import { equalValues } from '../bson-order.ts'
import { notSupported, ServerError } from '../errors.ts'
import { parseFilter, testFilter } from '../match.ts'
import { isArrayIndex } from '../paths.ts'
import { keyPattern } from '../records.ts'
import { encode, intValue, isDoc, isNumber, toNumber, type Doc, type Value } from '../values.ts'
import { cursorAnswer } from '../wire.ts'
import { collectionName, collectionOf, docOption, writableCollection, type Call, type Command } from './command.ts'

const create: Command = {
  writes: true,
  options: ['validationLevel', 'validationAction', 'storageEngine', 'indexOptionDefaults'],
  refused: ['capped', 'size', 'max', 'timeseries', 'viewOn', 'pipeline', 'validator', 'clusteredIndex', 'expireAfterSeconds', 'changeStreamPreAndPostImages', 'encryptedFields'],
  run(call) {
    const name = collectionName(call)
    if (call.engine.catalog.find(call.db, name) !== undefined) throw new ServerError('NamespaceExists', `Collection ${call.db}.${name} already exists.`)
    call.engine.catalog.create(call.db, name)
    return {}
  },
}

const drop: Command = {
  writes: true,
  options: [],
  run(call) {
    const collection = collectionOf(call)
    // Since MongoDB 7.0 dropping what is not there is no error.
    if (collection === undefined) return {}
    call.engine.catalog.drop(collection)
    return { nIndexesWas: new Int32(collection.indexes.length), ns: collection.ns }
  },
}

const dropDatabase: Command = {
  writes: true,
  options: [],
  run({ engine, db }) {
    const own = engine.catalog.list().filter((collection) => collection.db === db)
    for (const collection of own) engine.catalog.drop(collection)
    return own.length > 0 ? { dropped: db } : {}
  },
}

const listCollections: Command = {
  writes: false,
  options: ['filter', 'nameOnly', 'authorizedCollections', 'cursor'],
  run(call) {
    const filter = parseFilter(docOption(call, 'filter'))
    const infos = call.engine.catalog.list().filter((collection) => collection.db === call.db).map((collection): Doc => ({
      name: collection.name, type: 'collection', options: {}, info: { readOnly: false }, idIndex: indexInfo(collection.indexes[0] as Index),
    })).filter((info) => testFilter(filter, info, undefined))
    const shown = call.body['nameOnly'] === true ? infos.map((info): Doc => ({ name: info['name'] as Value, type: 'collection' })) : infos
    return cursorAnswer('firstBatch', shown.map(encode), 0n, `${call.db}.$cmd.listCollections`)
  },
}

const listDatabases: Command = {
  writes: false,
  options: ['filter', 'nameOnly', 'authorizedDatabases'],
  run(call) {
    const filter = parseFilter(docOption(call, 'filter'))
    const names = [...new Set(call.engine.catalog.list().map((collection) => collection.db))].sort()
    const databases = names.map((name): Doc => ({ name, sizeOnDisk: new Double(0), empty: false })).filter((info) => testFilter(filter, info, undefined))
    return call.body['nameOnly'] === true
      ? { databases: databases.map((info): Doc => ({ name: info['name'] as Value })) }
      : { databases, totalSize: new Double(0) }
  },
}

function indexInfo(index: Index): Doc {
  return {
    v: new Int32(2), key: keyPattern(index), name: index.name,
    ...(index.unique && index.name !== '_id_' ? { unique: true } : {}),
    ...(index.sparse ? { sparse: true } : {}),
    ...(index.partial === undefined ? {} : { partialFilterExpression: index.partial.doc }),
    ...(index.expireAfterSeconds === undefined ? {} : { expireAfterSeconds: intValue(index.expireAfterSeconds) }),
  }
}

const listIndexes: Command = {
  writes: false,
  options: ['cursor'],
  run(call) {
    const collection = collectionOf(call)
    if (collection === undefined) throw new ServerError('NamespaceNotFound', `ns does not exist: ${call.db}.${collectionName(call)}`)
    return cursorAnswer('firstBatch', collection.indexes.map((index) => encode(indexInfo(index))), 0n, collection.ns)
  },
}

const indexOptions = new Set(['v', 'key', 'name', 'unique', 'sparse', 'partialFilterExpression', 'expireAfterSeconds', 'background', 'ns'])

function definitionOf(spec: Value): IndexDefinition {
  if (!isDoc(spec)) throw new ServerError('TypeMismatch', 'The elements of the indexes array must be objects')
  for (const [option, value] of Object.entries(spec)) {
    if (indexOptions.has(option) || (option === 'hidden' && value === false)) continue
    if (option === 'collation' && isDoc(value) && value['locale'] === 'simple') continue
    if (['collation', 'hidden', 'weights', 'default_language', 'language_override', 'textIndexVersion', '2dsphereIndexVersion', 'bits', 'min', 'max', 'wildcardProjection', 'storageEngine', 'prepareUnique', 'clustered'].includes(option)) {
      throw notSupported(`the index option ${option}`)
    }
    throw new ServerError(197, `The field '${option}' is not valid for an index specification. Specification: ${JSON.stringify(Object.keys(spec))}`)
  }
  const keyDoc = spec['key']
  if (!isDoc(keyDoc)) throw new ServerError('FailedToParse', "The 'key' field is a required property of an index specification")
  const key = Object.entries(keyDoc).map(([path, direction]) => ({ path, direction: directionOf(path, direction) }))
  if (key.length === 0) throw new ServerError('CannotCreateIndex', 'Index keys cannot be an empty object')
  if (key.length > 32) throw new ServerError(13103, 'too many compound keys')
  const name = spec['name']
  if (typeof name !== 'string' || name === '') throw new ServerError(name === '' ? 'CannotCreateIndex' : 'FailedToParse', "The 'name' field is a required property of an index specification")
  const partial = spec['partialFilterExpression']
  if (partial !== undefined && !isDoc(partial)) throw new ServerError('TypeMismatch', "The field 'partialFilterExpression' must be an object")
  const sparse = isTrue(spec['sparse'])
  if (partial !== undefined) checkPartial(partial, sparse)
  return { name, key, unique: isTrue(spec['unique']), sparse, partial, expireAfterSeconds: expiryOf(spec['expireAfterSeconds'], key.length, key[0]?.path) }
}

function isTrue(value: Value | undefined): boolean {
  return isNumber(value) ? toNumber(value) !== 0 : value === true
}

function directionOf(path: string, direction: Value): 1 | -1 {
  if (path === '' || path.split('.').includes('')) throw new ServerError('CannotCreateIndex', 'Index keys cannot contain an empty field.')
  if (path.split('.').some((part) => part.startsWith('$') || isArrayIndex(part))) throw new ServerError('CannotCreateIndex', `Index key contains an illegal field name: '${path}'`)
  if (typeof direction === 'string') throw notSupported(`an index of type ${direction}`)
  const number = isNumber(direction) ? toNumber(direction) : Number.NaN
  if (Number.isNaN(number) || number === 0) throw new ServerError('CannotCreateIndex', `Values in v:2 index key pattern cannot be of this type or 0. Only numbers > 0, numbers < 0, and strings are allowed.`)
  return number > 0 ? 1 : -1
}

function checkPartial(partial: Doc, sparse: boolean): void {
  if (sparse) throw new ServerError('CannotCreateIndex', "cannot mix 'partialFilterExpression' and 'sparse' options")
  const { leaves, others } = conjunctsOf(parseFilter(partial))
  const allowed = ['$eq', '$gt', '$gte', '$lt', '$lte', '$exists', '$type']
  if (others || leaves.some(({ operator }) => !allowed.includes(operator))) {
    throw new ServerError('CannotCreateIndex', 'Error in specification: unsupported expression in partial index')
  }
}

function expiryOf(value: Value | undefined, fields: number, path: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!isNumber(value)) throw new ServerError('CannotCreateIndex', "TTL index 'expireAfterSeconds' option must be numeric")
  const seconds = toNumber(value)
  if (seconds < 0 || seconds > 2147483647) throw new ServerError('CannotCreateIndex', "TTL index 'expireAfterSeconds' option must be within an acceptable range")
  if (fields > 1) throw new ServerError('CannotCreateIndex', 'TTL indexes are single-field indexes, compound indexes do not support TTL.')
  if (path === '_id') throw new ServerError('CannotCreateIndex', "The field 'expireAfterSeconds' is not valid for an _id index specification.")
  return Math.trunc(seconds)
}

function sameKey(index: Index, definition: IndexDefinition): boolean {
  return index.fields.length === definition.key.length && index.fields.every((field, at) => {
    const wanted = definition.key[at]
    return field.path === wanted?.path && field.direction === wanted.direction
  })
}

/** What makes two indexes on the same fields different indexes rather than one with other options. */
function sameIdentity(index: Index, definition: IndexDefinition): boolean {
  if (!sameKey(index, definition) || index.unique !== definition.unique || index.sparse !== definition.sparse) return false
  return index.partial === undefined ? definition.partial === undefined : definition.partial !== undefined && equalValues(index.partial.doc, definition.partial)
}

/** Whether the same index is there already. @throws IndexOptionsConflict, IndexKeySpecsConflict as MongoDB does */
function existsAlready(collection: Collection, definition: IndexDefinition): boolean {
  const requested = `Requested index: { ${definition.key.map(({ path, direction }) => `${path}: ${direction}`).join(', ')} }, name: ${definition.name}`
  if (definition.key.length === 1 && definition.key[0]?.path === '_id') return true
  const named = collection.indexes.find((index) => index.name === definition.name)
  if (named !== undefined) {
    if (!sameIdentity(named, definition)) {
      throw new ServerError('IndexKeySpecsConflict', `An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. ${requested}`)
    }
    if (named.expireAfterSeconds === definition.expireAfterSeconds) return true
    throw new ServerError('IndexOptionsConflict', `An equivalent index already exists with the same name but different options. ${requested}`)
  }
  const same = collection.indexes.find((index) => sameIdentity(index, definition))
  if (same === undefined) return false
  throw same.expireAfterSeconds === definition.expireAfterSeconds
    ? new ServerError('IndexOptionsConflict', `Index already exists with a different name: ${same.name}`)
    : new ServerError('IndexOptionsConflict', `An equivalent index already exists with a different name and options. ${requested}`)
}

const createIndexes: Command = {
  writes: true,
  options: ['indexes', 'commitQuorum'],
  run(call) {
    const specs = call.body['indexes']
    if (!Array.isArray(specs) || specs.length === 0) throw new ServerError('BadValue', 'Must specify at least one index to create')
    const definitions = specs.map(definitionOf)
    const existed = collectionOf(call) !== undefined
    const collection = writableCollection(call)
    const before = collection.indexes.length
    const added: Index[] = []
    try {
      for (const definition of definitions) {
        if (existsAlready(collection, definition)) continue
        const index = call.engine.catalog.addIndex(collection, definition)
        added.push(index)
        call.engine.records.build(collection, index, documentsOf(call, collection))
      }
    } catch (error) {
      for (const index of added) call.engine.catalog.dropIndex(collection, index)
      throw error
    }
    return {
      numIndexesBefore: new Int32(before), numIndexesAfter: new Int32(collection.indexes.length), createdCollectionAutomatically: !existed,
      ...(added.length === 0 ? { note: 'all indexes already exist' } : {}),
    }
  },
}

function* documentsOf(call: Call, collection: Collection): Iterable<{ record: number; doc: Doc }> {
  for (const found of call.engine.queries.find(collection, { filter: { kind: 'and', children: [] }, sort: [], hint: '$natural' }, call.execution)) {
    yield { record: found.record, doc: found.doc() }
  }
}

const dropIndexes: Command = {
  writes: true,
  options: ['index'],
  run(call) {
    const collection = collectionOf(call)
    if (collection === undefined) throw new ServerError('NamespaceNotFound', `ns not found ${call.db}.${collectionName(call)}`)
    const wanted = call.body['index'] as Value
    const before = collection.indexes.length
    const names = wanted === '*' ? collection.indexes.slice(1).map((index) => index.name) : Array.isArray(wanted) ? wanted : [wanted]
    for (const name of names) {
      const index = collection.indexes.find((candidate) => candidate.name === name || (isDoc(name) && equalValues(keyPattern(candidate), name)))
      if (index === undefined) throw new ServerError('IndexNotFound', `index not found with name [${typeof name === 'string' ? name : '?'}]`)
      if (index.name === '_id_') throw new ServerError('InvalidOptions', 'cannot drop _id index')
      call.engine.catalog.dropIndex(collection, index)
    }
    return { nIndexesWas: new Int32(before) }
  },
}

export const schemaCommands: Record<string, Command> = { create, drop, dropDatabase, listCollections, listDatabases, listIndexes, createIndexes, dropIndexes }
