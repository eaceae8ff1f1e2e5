import { afterPrefix, documentKey, recordBytes, recordOf, type Collection, type Index } from './catalog.ts'
import { ServerError } from './errors.ts'
import { inverted, textOfKey } from './keys.ts'
import type { Kv } from './kv.ts'
import { testFilter, type Filter } from './match.ts'
import { partDecoder, type DecodePart } from './partial.ts'
import { planQuery, type IndexPlan, type KeyTest, type Plan, type TextTest } from './planner.ts'
import { sorter, type SortField } from './sort.ts'
import { decode, type Doc } from './values.ts'

/** Time limit and counters of one command. */
export interface Execution {
  /** @throws MaxTimeMSExpired */
  checkTime(): void
  keysExamined: number
  docsExamined: number
}

/** A document that a query found; decoded only when somebody asks. */
export interface Found {
  record: number
  raw: Buffer
  doc(): Doc
}

/** A document on its way through a query, with what was decoded to judge it. */
interface Candidate { record: number; raw: Buffer; part: Doc | undefined }

export interface Query {
  filter: Filter
  sort: SortField[]
  hint?: Index | '$natural'
}

export function createExecution(maxTimeMs: number, nowMs: () => number): Execution {
  const deadline = maxTimeMs > 0 ? nowMs() + maxTimeMs : undefined
  let calls = 0
  return {
    checkTime() {
      calls += 1
      if (deadline === undefined || (calls & 63) !== 0 || nowMs() <= deadline) return
      throw new ServerError('MaxTimeMSExpired', 'operation exceeded time limit')
    },
    keysExamined: 0,
    docsExamined: 0,
  }
}

function foundOf(record: number, raw: Buffer): Found {
  let doc: Doc | undefined
  return { record, raw, doc: () => (doc ??= decode(raw)) }
}

/** Runs queries on one store. */
export interface QueryRunner {
  plan(collection: Collection, query: Query): Plan
  /** Matching documents in the wanted order. Lazy as far as the plan allows. */
  find(collection: Collection, query: Query, execution: Execution): Iterable<Found>
  /** Number of matching documents. */
  count(collection: Collection, query: Query, execution: Execution): number
  /** One document by its record, if it is still there. */
  read(collection: Collection, record: number): Found | undefined
}

export function createQueryRunner(kv: Kv): QueryRunner {
  /** How many entries an index plan would walk, counted up to a small limit. */
  function estimate({ ranges }: IndexPlan, limit: number): number {
    let count = 0
    for (const range of ranges) {
      for (const key of kv.keys(range)) {
        count += key.length > 0 ? 1 : 0
        if (count >= limit) return limit
      }
    }
    return count
  }
  const plan = (collection: Collection, query: Query): Plan => planQuery(collection, query.filter, query.sort, estimate, query.hint)

  /** `decodePart` makes at least what the filter looks at. */
  function* matching(collection: Collection, filter: Filter, chosen: Plan, decodePart: DecodePart, execution: Execution): Iterable<Candidate> {
    const covered = (chosen.kind === 'index' || chosen.kind === 'scan') && chosen.covered
    const judged = (record: number, raw: Buffer): Candidate | undefined => {
      execution.docsExamined += 1
      if (covered) return { record, raw, part: undefined }
      const part = decodePart(raw)
      return testFilter(filter, part, undefined) ? { record, raw, part } : undefined
    }
    if (chosen.kind === 'scan') {
      for (const { key, value } of kv.range({ from: collection.prefix, to: afterPrefix(collection.prefix) })) {
        execution.checkTime()
        const candidate = judged(recordOf(key), value)
        if (candidate !== undefined) yield candidate
      }
      return
    }
    for (const record of records(kv, chosen, execution)) {
      const raw = kv.get(documentKey(collection, record))
      if (raw === undefined) throw new Error(`index entry without document in ${collection.ns}`)
      const candidate = judged(record, raw)
      if (candidate !== undefined) yield candidate
    }
  }

  return {
    plan,
    find(collection, query, execution) {
      const chosen = plan(collection, query)
      const sorted = query.sort.length === 0 || (chosen.kind === 'index' && chosen.sorted) || chosen.kind === 'nothing'
      const filter = residualOf(chosen, query.filter)
      const decodePart = partDecoder(filter, sorted ? [] : query.sort)
      const found = matching(collection, filter, chosen, decodePart, execution)
      if (sorted) return allFound(found)
      const { keyOf, compare } = sorter(query.sort)
      const keyed: { key: ReturnType<typeof keyOf>; record: number }[] = []
      for (const item of found) keyed.push({ key: keyOf(item.part ?? decodePart(item.raw)), record: item.record })
      keyed.sort((a, b) => compare(a.key, b.key))
      return readAll(kv, collection, keyed)
    },
    count(collection, query, execution) {
      const chosen = plan(collection, query)
      if (chosen.kind === 'nothing') return 0
      if (chosen.kind === 'scan' && chosen.covered) return (collection.count ??= kv.count({ from: collection.prefix, to: afterPrefix(collection.prefix) }))
      let count = 0
      if (chosen.kind === 'index' && chosen.covered) {
        // The entries say all there is to know: no document is read.
        if (!chosen.repeats && chosen.tests.length === 0) return chosen.ranges.reduce((sum, range) => sum + kv.count(range), 0)
        for (const record of records(kv, chosen, execution)) count += record > 0 ? 1 : 0
        return count
      }
      const filter = residualOf(chosen, query.filter)
      for (const found of matching(collection, filter, chosen, partDecoder(filter, []), execution)) count += found.raw.length > 0 ? 1 : 0
      return count
    },
    read(collection, record) {
      const raw = kv.get(documentKey(collection, record))
      return raw === undefined ? undefined : foundOf(record, raw)
    },
  }
}

/** What documents must still be judged by. */
function residualOf(plan: Plan, filter: Filter): Filter {
  return plan.kind === 'index' ? plan.residual : filter
}

function* allFound(candidates: Iterable<Candidate>): Iterable<Found> {
  for (const { record, raw } of candidates) yield foundOf(record, raw)
}

function* readAll(kv: Kv, collection: Collection, keyed: { record: number }[]): Iterable<Found> {
  for (const { record } of keyed) {
    const raw = kv.get(documentKey(collection, record))
    if (raw !== undefined) yield foundOf(record, raw)
  }
}

/** The records of a plan, each once, in the plan's order. */
function* records(kv: Kv, plan: IndexPlan | { kind: 'union'; branches: IndexPlan[] } | { kind: 'nothing' }, execution: Execution): Iterable<number> {
  if (plan.kind === 'nothing') return
  const once = plan.kind === 'union' || plan.repeats ? new Set<number>() : undefined
  for (const branch of plan.kind === 'union' ? plan.branches : [plan]) {
    for (const key of entries(kv, branch, execution)) {
      const record = recordOf(key)
      if (once?.has(record) === true) continue
      once?.add(record)
      yield record
    }
  }
}

function* entries(kv: Kv, plan: IndexPlan, execution: Execution): Iterable<Buffer> {
  const ranges = plan.reverse && !plan.merge ? [...plan.ranges].reverse() : plan.ranges
  if (plan.merge && ranges.length > 1) {
    yield* merged(ranges.map((range) => ({ keys: rangeEntries(kv, plan, range, execution), prefixLength: range.prefixLength })), plan.reverse)
    return
  }
  for (const range of ranges) yield* rangeEntries(kv, plan, range, execution)
}

function* rangeEntries(kv: Kv, plan: IndexPlan, range: { from: Buffer; to: Buffer }, execution: Execution): Iterable<Buffer> {
  const options = { from: range.from, to: range.to, reverse: plan.reverse }
  if (plan.tests.length === 0 && plan.anyTests.length === 0 && plan.textTests.length === 0) {
    for (const key of kv.keys(options)) {
      execution.checkTime()
      execution.keysExamined += 1
      yield key
    }
    return
  }
  for (const { key, value } of kv.range(options)) {
    execution.checkTime()
    execution.keysExamined += 1
    const passes = (test: KeyTest): boolean => passesTest(plan.index, key, value, test)
    if (!plan.tests.every(passes) || !plan.textTests.every((test) => passesTextTest(plan.index, key, value, test))) continue
    if (plan.anyTests.every((group) => group.some((tests) => tests.every(passes)))) yield key
  }
}

/** Where a field's bytes lie in an index entry: [start, stop). */
function fieldStart(index: Index, offsets: Buffer, field: number): number {
  return field === 0 ? index.prefix.length : offsets.readUInt16BE((field - 1) * 2)
}

function fieldStop(key: Buffer, offsets: Buffer, field: number): number {
  return offsets.length === 0 ? key.length - recordBytes : offsets.readUInt16BE(field * 2)
}

function passesTest(index: Index, key: Buffer, offsets: Buffer, test: KeyTest): boolean {
  const start = fieldStart(index, offsets, test.field)
  const stop = fieldStop(key, offsets, test.field)
  return test.ranges.some(({ from, to }) => key.compare(from, 0, from.length, start, stop) >= 0 && key.compare(to, 0, to.length, start, stop) < 0)
}

function passesTextTest(index: Index, key: Buffer, offsets: Buffer, { field, check }: TextTest): boolean {
  const bytes = key.subarray(fieldStart(index, offsets, field), fieldStop(key, offsets, field))
  const text = textOfKey(index.fields[field]?.direction === -1 ? inverted(bytes) : bytes, index.limit)
  return text === undefined || check(text)
}

/** Merges ordered lists by the bytes behind their prefixes. */
function* merged(sources: { keys: Iterable<Buffer>; prefixLength: number }[], reverse: boolean): Iterable<Buffer> {
  const heads: { rest: Buffer; key: Buffer; next: Iterator<Buffer>; prefixLength: number }[] = []
  const advance = (next: Iterator<Buffer>, prefixLength: number): void => {
    const step = next.next()
    if (step.done === true) return
    const rest = step.value.subarray(prefixLength)
    // Few sources: keep them sorted, the best one last.
    let at = heads.length
    while (at > 0 && before(heads[at - 1] as { rest: Buffer }, rest)) at -= 1
    heads.splice(at, 0, { rest, key: step.value, next, prefixLength })
  }
  const before = (head: { rest: Buffer }, rest: Buffer): boolean => (Buffer.compare(head.rest, rest) < 0) !== reverse
  try {
    for (const { keys, prefixLength } of sources) advance(keys[Symbol.iterator](), prefixLength)
    for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
      // Back first, so that the source is among those that are closed if nobody wants more.
      const { key } = head
      advance(head.next, head.prefixLength)
      yield key
    }
  } finally {
    for (const { next } of heads) next.return?.()
  }
}
