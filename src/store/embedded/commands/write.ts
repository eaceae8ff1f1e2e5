import { Int32, ObjectId } from 'bson'
import type { Collection } from '../catalog.ts'
import { ServerError } from '../errors.ts'
import { parseFilter, testFilter, type Filter, type MatchDetails } from '../match.ts'
import { parseProjection } from '../projection.ts'
import type { Found, Query } from '../query.ts'
import { parseSort } from '../sort.ts'
import { applyUpdate, parseUpdate, upsertBase, type Update } from '../update.ts'
import { decode, encode, intValue, isDoc, isNumber, member, toNumber, typeOf, type Doc, type Value } from '../values.ts'
import { collectionOf, docOption, docOr, hintOf, writableCollection, type Call, type Command } from './command.ts'

const maxStatements = 100_000

/** Runs the statements of one command; with `ordered` the first error ends it. */
function eachStatement<T>(call: Call, statements: T[], run: (statement: T, index: number) => void): Doc[] {
  if (statements.length === 0 || statements.length > maxStatements) {
    throw new ServerError('InvalidLength', `Write batch sizes must be between 1 and ${maxStatements}. Got ${statements.length} operations.`)
  }
  const errors: Doc[] = []
  for (const [index, statement] of statements.entries()) {
    call.execution.checkTime()
    try {
      run(statement, index)
    } catch (error) {
      if (!(error instanceof ServerError) || error.codeName === 'MaxTimeMSExpired') throw error
      errors.push({ index: new Int32(index), code: new Int32(error.code), errmsg: error.message, ...error.extra })
      if (call.body['ordered'] !== false) break
    }
  }
  return errors
}

function checkId(id: Value | undefined): void {
  const type = typeOf(id)
  if (type === 'array' || type === 'regex') throw new ServerError('InvalidIdField', `The '_id' value cannot be of type ${type}`)
}

const idElement = Buffer.from('_id\0')

/** Stores a document; one without `_id` gets one, and `_id` is made the first field, as in MongoDB. */
function insertDoc(call: Call, collection: Collection, doc: Doc, given: Buffer | undefined): Doc {
  const id = member(doc, '_id')
  checkId(id)
  const isFirst = given !== undefined && given.length > 9 && given.compare(idElement, 0, 4, 5, 9) === 0
  const stored = isFirst ? doc : { _id: id ?? new ObjectId(), ...doc }
  call.engine.records.insert(collection, stored, isFirst ? given : encode(stored))
  return stored
}

const insert: Command = {
  writes: true,
  options: ['documents', 'ordered'],
  run(call) {
    let inserted = 0
    const collection = writableCollection(call)
    const writeErrors = eachStatement(call, call.rawDocuments, (raw) => {
      insertDoc(call, collection, decode(raw), raw)
      inserted += 1
    })
    return { n: intValue(inserted), ...(writeErrors.length > 0 ? { writeErrors } : {}) }
  },
}

/** A found document with its filter's details, changed by an update. Returns the new document, or undefined when nothing changed. */
function updateFound(call: Call, collection: Collection, found: Found, filter: Filter, update: Update): Doc | undefined {
  const before = found.doc()
  const details: MatchDetails = { arrayIndex: undefined }
  if (update.kind === 'modify' && update.needsArrayIndex) testFilter(filter, before, details)
  const after = applyUpdate(update, before, { arrayIndex: details.arrayIndex, inserting: false, nowMs: call.engine.nowMs() })
  const raw = encode(after)
  if (raw.equals(found.raw)) return undefined
  call.engine.records.replace(collection, found.record, before, after, raw)
  return after
}

function upsert(call: Call, collection: Collection, filter: Doc, update: Update): Doc {
  const base = upsertBase(filter)
  const id = member(base, '_id')
  const start: Doc = update.kind === 'replace' ? (id === undefined ? {} : { _id: id }) : base
  const doc = applyUpdate(update, start, { arrayIndex: undefined, inserting: true, nowMs: call.engine.nowMs() })
  return insertDoc(call, collection, doc, undefined)
}

function firstOf<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item
  return undefined
}

function statementsOf(call: Call, option: string, known: string[]): Doc[] {
  const statements = call.body[option]
  if (!Array.isArray(statements)) throw new ServerError('TypeMismatch', `BSON field '${call.name}.${option}' is missing or not an array`)
  return statements.map((statement) => {
    if (!isDoc(statement)) throw new ServerError('TypeMismatch', `BSON field '${call.name}.${option}' must hold objects`)
    for (const name of Object.keys(statement)) {
      if (known.includes(name)) continue
      if (name === 'collation') throw new ServerError('CommandNotSupported', 'a collation is not supported by the embedded store; set MONGODB_URI to use MongoDB')
      throw new ServerError(40415, `BSON field '${call.name}.${option}.${name}' is an unknown field.`)
    }
    return statement
  })
}

function queryOf(collection: Collection, filter: Filter, statement: Doc): Query {
  const hint = hintOf(collection, statement['hint'])
  return { filter, sort: parseSort(docOr('update', 'sort', statement['sort'])), ...(hint === undefined ? {} : { hint }) }
}

const update: Command = {
  writes: true,
  options: ['updates', 'ordered'],
  refused: ['let'],
  run(call) {
    // Only an upsert that inserts makes the collection.
    let collection = collectionOf(call)
    const upserted: Doc[] = []
    let matched = 0
    let modified = 0
    const statements = statementsOf(call, 'updates', ['q', 'u', 'multi', 'upsert', 'arrayFilters', 'hint', 'sort'])
    const writeErrors = eachStatement(call, statements, (statement, index) => {
      const filterDoc = docOr('update.updates', 'q', statement['q'])
      const filter = parseFilter(filterDoc)
      const change = parseUpdate(statement['u'], statement['arrayFilters'])
      const multi = statement['multi'] === true
      if (multi && change.kind === 'replace') throw new ServerError('FailedToParse', 'multi update is not supported for replacement-style update')
      const found = collection === undefined ? [] : call.engine.queries.find(collection, queryOf(collection, filter, statement), call.execution)
      // A changed document could come again further on in the index, so a multi update first collects what it will change.
      const targets = multi ? recordsOf(found) : [firstOf(found)].filter((item) => item !== undefined)
      if (targets.length === 0 && statement['upsert'] === true) {
        collection ??= writableCollection(call)
        const doc = upsert(call, collection, filterDoc, change)
        upserted.push({ index: new Int32(index), _id: doc['_id'] as Value })
        matched += 1
        return
      }
      for (const target of targets) {
        if (collection === undefined) break
        const current = typeof target === 'number' ? call.engine.queries.read(collection, target) : target
        if (current === undefined) continue
        call.execution.checkTime()
        const changed = updateFound(call, collection, current, filter, change)
        matched += 1
        if (changed !== undefined) modified += 1
      }
    })
    return {
      n: intValue(matched), nModified: intValue(modified), ...(upserted.length > 0 ? { upserted } : {}), ...(writeErrors.length > 0 ? { writeErrors } : {}),
    }
  },
}

function recordsOf(found: Iterable<Found>): number[] {
  const records: number[] = []
  for (const { record } of found) records.push(record)
  return records
}

const remove: Command = {
  writes: true,
  options: ['deletes', 'ordered'],
  refused: ['let'],
  run(call) {
    const collection = collectionOf(call)
    let removed = 0
    const statements = statementsOf(call, 'deletes', ['q', 'limit', 'hint'])
    const writeErrors = eachStatement(call, statements, (statement) => {
      const filter = parseFilter(docOr('delete.deletes', 'q', statement['q']))
      const limit = statement['limit']
      if (!isNumber(limit) || ![0, 1].includes(toNumber(limit))) throw new ServerError('FailedToParse', 'The limit field in delete objects must be 0 or 1')
      if (collection === undefined) return
      const found = call.engine.queries.find(collection, queryOf(collection, filter, statement), call.execution)
      const targets = toNumber(limit) === 1 ? [firstOf(found)] : recordsOf(found)
      for (const target of targets) {
        const current = typeof target === 'number' ? call.engine.queries.read(collection, target) : target
        if (current === undefined) continue
        call.engine.records.remove(collection, current.record, current.doc())
        removed += 1
      }
    })
    return { n: intValue(removed), ...(writeErrors.length > 0 ? { writeErrors } : {}) }
  },
}

const findAndModify: Command = {
  writes: true,
  options: ['query', 'update', 'remove', 'new', 'upsert', 'fields', 'sort', 'arrayFilters', 'hint'],
  refused: ['let'],
  run(call) {
    const { body, engine } = call
    const filterDoc = docOption(call, 'query')
    const filter = parseFilter(filterDoc)
    const project = parseProjection(docOption(call, 'fields'))
    const removes = body['remove'] === true
    if (removes && body['update'] !== undefined) throw new ServerError('FailedToParse', 'Cannot specify both an update and remove=true')
    if (removes && body['upsert'] === true) throw new ServerError('FailedToParse', 'Cannot specify both upsert=true and remove=true')
    if (removes && body['new'] === true) throw new ServerError('FailedToParse', "Cannot specify both new=true and remove=true; 'remove' always returns the deleted document")
    if (!removes && body['update'] === undefined) throw new ServerError('FailedToParse', "Either an update or remove=true must be specified")
    const change = removes ? undefined : parseUpdate(body['update'], body['arrayFilters'])
    const collection = collectionOf(call) ?? (!removes && body['upsert'] === true ? writableCollection(call) : undefined)
    const found = collection === undefined ? undefined : firstOf(engine.queries.find(collection, queryOf(collection, filter, body), call.execution))
    const shown = (doc: Doc): Doc => (project === undefined ? doc : project(doc))
    if (collection === undefined || (found === undefined && (change === undefined || body['upsert'] !== true))) {
      return { lastErrorObject: { n: new Int32(0), ...(removes ? {} : { updatedExisting: false }) }, value: null }
    }
    if (change === undefined) {
      const target = found as Found
      engine.records.remove(collection, target.record, target.doc())
      return { lastErrorObject: { n: new Int32(1) }, value: shown(target.doc()) }
    }
    if (found === undefined) {
      const doc = upsert(call, collection, filterDoc, change)
      return {
        lastErrorObject: { n: new Int32(1), updatedExisting: false, upserted: doc['_id'] as Value },
        value: body['new'] === true ? shown(doc) : null,
      }
    }
    const before = found.doc()
    const after = updateFound(call, collection, found, filter, change) ?? before
    return { lastErrorObject: { n: new Int32(1), updatedExisting: true }, value: shown(body['new'] === true ? after : before) }
  },
}

export const writeCommands: Record<string, Command> = { insert, update, delete: remove, findAndModify, findandmodify: findAndModify }
