import { Double, Int32 } from 'bson'
import type { Collection } from '../catalog.ts'
import type { Cursor } from '../cursors.ts'
import { ServerError } from '../errors.ts'
import { encodeKey } from '../keys.ts'
import { parseFilter, testFilter, type Filter } from '../match.ts'
import { walkPath } from '../paths.ts'
import { parsePipeline } from '../pipeline.ts'
import { parseProjection, type Projection } from '../projection.ts'
import type { Found, Query } from '../query.ts'
import { keyPattern } from '../records.ts'
import { parseSort } from '../sort.ts'
import { encode, intValue, isDoc, isNumber, toNumber, type Doc, type Value } from '../values.ts'
import { cursorAnswer } from '../wire.ts'
import { collectionName, collectionOf, countOption, docOption, docOr, hintOf, type Call, type Command } from './command.ts'

const maxBatchBytes = 16 * 1024 * 1024
const maxResultBytes = 100 * 1024 * 1024
const defaultFirstBatch = 101

/** Takes up to `limit` documents and 16 MB from a cursor. */
function takeBatch(cursor: Cursor, limit: number): Buffer[] {
  const batch: Buffer[] = []
  let bytes = 0
  while (batch.length < limit && bytes < maxBatchBytes && !cursor.done()) {
    const document = cursor.next()
    if (document === undefined) break
    batch.push(document)
    bytes += document.length
  }
  return batch
}

function firstAnswer(call: Call, cursor: Cursor, batchSize: number | undefined, single: boolean): Buffer {
  const batch = takeBatch(cursor, batchSize ?? defaultFirstBatch)
  const id = cursor.done() || single ? 0n : call.engine.cursors.add(cursor)
  return cursorAnswer('firstBatch', batch, id, cursor.ns)
}

function cursorOver(ns: string, documents: Buffer[]): Cursor {
  let at = 0
  return { ns, next: () => documents[at++], done: () => at >= documents.length }
}

/**
 * A cursor that holds the numbers of the records it has still to give. A record that has changed or gone since the query ran is judged
 * again when it is fetched.
 */
function recordCursor(call: Call, collection: Collection, found: Iterable<Found>, filter: Filter, project: Projection, batchSize: number): Cursor {
  const ready: Buffer[] = []
  const records: number[] = []
  for (const item of found) {
    if (ready.length < batchSize) ready.push(project === undefined ? item.raw : encode(project(item.doc())))
    else records.push(item.record)
  }
  let at = 0
  let upcoming: Buffer | undefined
  const fetch = (): Buffer | undefined => {
    if (ready.length > 0) return ready.shift()
    while (at < records.length) {
      const item = call.engine.queries.read(collection, records[at] as number)
      at += 1
      if (item === undefined || !testFilter(filter, item.doc(), undefined)) continue
      return project === undefined ? item.raw : encode(project(item.doc()))
    }
    return undefined
  }
  return {
    ns: collection.ns,
    next() {
      const document = upcoming ?? fetch()
      upcoming = undefined
      return document
    },
    done() {
      upcoming ??= fetch()
      return upcoming === undefined
    },
  }
}

function* window<T>(items: Iterable<T>, skip: number, limit: number): Iterable<T> {
  let seen = 0
  for (const item of items) {
    seen += 1
    if (seen <= skip) continue
    yield item
    if (limit > 0 && seen === skip + limit) return
  }
}

function queryOf(call: Call, collection: Collection, filterName: string): Query {
  const hint = hintOf(collection, call.body['hint'])
  return { filter: parseFilter(docOption(call, filterName)), sort: parseSort(docOption(call, 'sort')), ...(hint === undefined ? {} : { hint }) }
}

const find: Command = {
  writes: false,
  options: ['filter', 'sort', 'projection', 'hint', 'skip', 'limit', 'batchSize', 'singleBatch', 'noCursorTimeout', 'allowPartialResults', 'allowDiskUse'],
  refused: ['tailable', 'awaitData', 'oplogReplay', 'min', 'max', 'returnKey', 'showRecordId', 'let'],
  run(call) {
    const project = parseProjection(docOption(call, 'projection'))
    const collection = collectionOf(call)
    const batchSize = countOption(call, 'batchSize')
    const skip = countOption(call, 'skip') ?? 0
    const limit = countOption(call, 'limit') ?? 0
    const single = call.body['singleBatch'] === true
    if (collection === undefined) {
      parseFilter(docOption(call, 'filter'))
      parseSort(docOption(call, 'sort'))
      return cursorAnswer('firstBatch', [], 0n, `${call.db}.${collectionName(call)}`)
    }
    const query = queryOf(call, collection, 'filter')
    const found = window(call.engine.queries.find(collection, query, call.execution), skip, limit)
    const first = batchSize ?? defaultFirstBatch
    return firstAnswer(call, recordCursor(call, collection, found, query.filter, project, first), first, single)
  },
}

const getMore: Command = {
  writes: false,
  options: ['collection', 'batchSize'],
  run(call) {
    const given = call.body['getMore']
    if (!isNumber(given)) throw new ServerError('TypeMismatch', "BSON field 'getMore.getMore' is the wrong type, expected type 'long'")
    const id = BigInt(given.toString())
    const cursor = call.engine.cursors.get(id)
    const batchSize = countOption(call, 'batchSize')
    const batch = takeBatch(cursor, batchSize === undefined || batchSize === 0 ? Infinity : batchSize)
    const isDone = cursor.done()
    if (isDone) call.engine.cursors.remove(id)
    return cursorAnswer('nextBatch', batch, isDone ? 0n : id, cursor.ns)
  },
}

const killCursors: Command = {
  writes: false,
  options: ['cursors'],
  run({ body, engine }) {
    const ids = Array.isArray(body['cursors']) ? body['cursors'] : []
    const [killed, missing]: [Value[], Value[]] = [[], []]
    for (const id of ids) (isNumber(id) && engine.cursors.remove(BigInt(id.toString())) ? killed : missing).push(id)
    return { cursorsKilled: killed, cursorsNotFound: missing, cursorsAlive: [], cursorsUnknown: [] }
  },
}

const count: Command = {
  writes: false,
  options: ['query', 'limit', 'skip', 'hint', 'fields'],
  run(call) {
    const collection = collectionOf(call)
    const filter = parseFilter(docOption(call, 'query'))
    if (collection === undefined) return { n: new Int32(0) }
    const hint = hintOf(collection, call.body['hint'])
    const total = call.engine.queries.count(collection, { filter, sort: [], ...(hint === undefined ? {} : { hint }) }, call.execution)
    const left = Math.max(0, total - (countOption(call, 'skip') ?? 0))
    const limit = countOption(call, 'limit') ?? 0
    return { n: intValue(limit > 0 ? Math.min(limit, left) : left) }
  },
}

const distinct: Command = {
  writes: false,
  options: ['key', 'query', 'hint'],
  run(call) {
    const path = call.body['key']
    if (typeof path !== 'string') throw new ServerError('TypeMismatch', "BSON field 'distinct.key' is the wrong type, expected type 'string'")
    const filter = parseFilter(docOption(call, 'query'))
    const collection = collectionOf(call)
    const values = new Map<string, Value>()
    if (collection !== undefined) {
      const hint = hintOf(collection, call.body['hint'])
      for (const found of call.engine.queries.find(collection, { filter, sort: [], ...(hint === undefined ? {} : { hint }) }, call.execution)) {
        walkPath(found.doc(), path.split('.'), false, (value) => {
          for (const item of Array.isArray(value) ? value : value === undefined ? [] : [value]) {
            const key = encodeKey(item).bytes.toString('latin1')
            if (!values.has(key)) values.set(key, item)
          }
          return false
        })
      }
    }
    return { values: [...values.values()] }
  },
}

const aggregate: Command = {
  writes: false,
  options: ['pipeline', 'cursor', 'hint', 'allowDiskUse'],
  refused: ['explain', 'let'],
  run(call) {
    const pipeline = parsePipeline(call.body['pipeline'])
    const cursorOptions = call.body['cursor']
    if (!isDoc(cursorOptions)) throw new ServerError('FailedToParse', "The 'cursor' option is required, except for aggregate with the explain argument")
    const size = docOr('aggregate', 'cursor', cursorOptions)['batchSize']
    const batchSize = isNumber(size) ? toNumber(size) : undefined
    const collection = collectionOf(call)
    const ns = `${call.db}.${collectionName(call)}`
    const { filter, sort, skip, limit } = pipeline
    const hint = collection === undefined ? undefined : hintOf(collection, call.body['hint'])
    const query: Query = { filter, sort, ...(hint === undefined ? {} : { hint }) }
    if (pipeline.countOnly !== undefined) {
      const all = collection === undefined ? 0 : call.engine.queries.count(collection, query, call.execution)
      const left = Math.max(0, all - skip)
      const total = limit > 0 ? Math.min(limit, left) : left
      return firstAnswer(call, cursorOver(ns, total === 0 ? [] : [encode(pipeline.countOnly(total))]), batchSize, false)
    }
    const found = collection === undefined ? [] : window(call.engine.queries.find(collection, query, call.execution), skip, limit)
    if (pipeline.plain && collection !== undefined) {
      const first = batchSize ?? defaultFirstBatch
      return firstAnswer(call, recordCursor(call, collection, found, filter, undefined, first), first, false)
    }
    const results = pipeline.stages.reduce((docs, stage) => stage(docs, call.execution), decoded(found))
    const documents: Buffer[] = []
    let bytes = 0
    for (const doc of results) {
      const raw = encode(doc)
      bytes += raw.length
      if (bytes > maxResultBytes) throw new ServerError('QueryExceededMemoryLimit', `the result of the aggregation is larger than ${maxResultBytes} bytes`)
      documents.push(raw)
    }
    return firstAnswer(call, cursorOver(ns, documents), batchSize, false)
  },
}

function* decoded(found: Iterable<Found>): Iterable<Doc> {
  for (const item of found) yield item.doc()
}

const explain: Command = {
  writes: false,
  options: ['verbosity'],
  run(call) {
    const inner = call.body['explain']
    if (!isDoc(inner)) throw new ServerError('TypeMismatch', "BSON field 'explain.explain' is the wrong type, expected type 'object'")
    const name = Object.keys(inner)[0] ?? ''
    const query: Doc = name === 'aggregate' ? {} : inner
    if (!['find', 'count', 'aggregate', 'distinct'].includes(name)) throw new ServerError('CommandNotFound', `Explain failed due to unknown command: ${name}`)
    const filterName = name === 'find' ? 'filter' : 'query'
    const innerCall: Call = { ...call, name, body: inner }
    const collection = collectionOf(innerCall)
    if (collection === undefined) return { queryPlanner: { winningPlan: { stage: 'EOF' } }, executionStats: statsOf(0, call) }
    const pipeline = name === 'aggregate' ? parsePipeline(inner['pipeline']) : undefined
    const asked: Query = pipeline ?? queryOf({ ...innerCall, body: { ...query } }, collection, filterName)
    const { skip, limit } = pipeline ?? { skip: countOption(innerCall, 'skip') ?? 0, limit: countOption(innerCall, 'limit') ?? 0 }
    let returned = 0
    for (const item of window(call.engine.queries.find(collection, asked, call.execution), skip, limit)) returned += item.record > 0 ? 1 : 0
    const plan = call.engine.queries.plan(collection, asked)
    const winningPlan = explained(plan)
    const needsSort = asked.sort.length > 0 && !(plan.kind === 'index' && plan.sorted) && plan.kind !== 'nothing'
    return {
      queryPlanner: { namespace: collection.ns, winningPlan: needsSort ? { stage: 'SORT', inputStage: winningPlan } : winningPlan, rejectedPlans: [] },
      executionStats: statsOf(returned, call),
    }
  },
}

function statsOf(returned: number, { execution }: Call): Doc {
  return {
    executionSuccess: true, nReturned: intValue(returned), totalKeysExamined: intValue(execution.keysExamined), totalDocsExamined: intValue(execution.docsExamined),
  }
}

function explained(plan: ReturnType<Call['engine']['queries']['plan']>): Doc {
  if (plan.kind === 'nothing') return { stage: 'EOF' }
  if (plan.kind === 'scan') return { stage: 'COLLSCAN', direction: 'forward' }
  if (plan.kind === 'union') return { stage: 'OR', inputStages: plan.branches.map(explained) }
  const { index } = plan
  if (index.name === '_id_' && plan.ranges.length === 1) return { stage: 'IDHACK', indexName: index.name }
  return {
    stage: 'FETCH',
    inputStage: {
      stage: 'IXSCAN', indexName: index.name, keyPattern: keyPattern(index), direction: plan.reverse ? 'backward' : 'forward', isMultiKey: index.multi.some(Boolean),
      ranges: new Double(plan.ranges.length),
    },
  }
}

export const readCommands: Record<string, Command> = { find, getMore, killCursors, count, distinct, aggregate, explain }
