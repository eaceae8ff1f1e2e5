import { comparison, type Filter, type Leaf } from './match.ts'
import { compareValues, equalValues } from './bson-order.ts'
import { boundsOf, conjunctsOf, rangeOf, type Conjuncts, type FieldBounds } from './bounds.ts'
import { afterPrefix, type Collection, type Index } from './catalog.ts'
import { inverted } from './keys.ts'
import type { SortField } from './sort.ts'
import type { Value } from './values.ts'

/** Part of an index to walk. `prefixLength` bytes are the same in all its keys. */
export interface ScanRange { from: Buffer; to: Buffer; prefixLength: number }
/** The bytes that a field of an index entry must lie between for the document to be worth reading. */
export interface KeyTest { field: number; ranges: { from: Buffer; to: Buffer }[] }

/** A condition on the text in a field of an index entry. */
export interface TextTest { field: number; check: (text: string) => boolean }

export interface IndexPlan {
  kind: 'index'
  index: Index
  ranges: ScanRange[]
  reverse: boolean
  /** All must hold. */
  tests: KeyTest[]
  /** Of each group at least one list of tests must hold. */
  anyTests: KeyTest[][][]
  /** All must hold: conditions on text, judged by the text in the key where it is there in full. A pass decides nothing. */
  textTests: TextTest[]
  /** The result comes in the wanted order. */
  sorted: boolean
  /** Ranges must be merged by what follows their prefix to come in order. */
  merge: boolean
  /** One document may appear more than once. */
  repeats: boolean
  /** Every entry in the ranges that passes the tests belongs to a matching document: documents need not be decoded. */
  covered: boolean
  /** What is left to judge by the document once its entry is in the ranges and passes the tests. */
  residual: Filter
}
export type Plan = IndexPlan | { kind: 'union'; branches: IndexPlan[] } | { kind: 'scan'; covered: boolean } | { kind: 'nothing' }

const maxRanges = 20_000
/** More sources than this are sorted rather than merged. */
const maxMerged = 200
/** An index that gives fewer entries than this is good enough to ask no further. */
const fewEntries = 100

/** Counts the entries of a plan, up to a limit. */
export type Estimate = (plan: IndexPlan, limit: number) => number

/** Chooses how to find the documents of a filter. `hint` limits the choice to one index, or to none with `$natural`. */
export function planQuery(collection: Collection, filter: Filter, sort: SortField[], estimate: Estimate, hint?: Index | '$natural'): Plan {
  const conjuncts = conjunctsOf(filter)
  const scan: Plan = { kind: 'scan', covered: filter.kind === 'and' && filter.children.length === 0 }
  if (hint === '$natural') return scan
  const indexes = hint === undefined ? collection.indexes : [hint]
  const best = bestIndexPlan(indexes, filter, conjuncts, sort, hint !== undefined, estimate)
  if (best === 'nothing') return { kind: 'nothing' }
  if (best !== undefined && hint !== undefined) return best.plan
  for (const branches of conjuncts.ors) {
    const plans = branches.map((branch) => {
      const own = conjunctsOf(branch)
      const joined = { leaves: [...conjuncts.leaves, ...own.leaves], ors: own.ors, others: true }
      return bestIndexPlan(indexes, filter, joined, [], false, estimate)
    })
    if (plans.every((plan) => plan === 'nothing' || (plan !== undefined && plan.score >= 2 && plan.score > (best?.score ?? 0)))) {
      const useful = plans.filter((plan) => plan !== 'nothing' && plan !== undefined)
      return useful.length === 0 ? { kind: 'nothing' } : { kind: 'union', branches: useful.map(({ plan }) => plan) }
    }
  }
  return best?.plan ?? scan
}

interface Scored { plan: IndexPlan; score: number }

function bestIndexPlan(indexes: Index[], filter: Filter, conjuncts: Conjuncts, sort: SortField[], hinted: boolean, estimate: Estimate): Scored | 'nothing' | undefined {
  const candidates: Scored[] = []
  for (const index of indexes) {
    const candidate = indexPlan(index, filter, conjuncts, sort)
    if (candidate === 'nothing') return candidate
    if (candidate === undefined || (candidate.score <= 0 && !hinted)) continue
    candidates.push(candidate)
  }
  candidates.sort((a, b) => b.score - a.score)
  const [best, ...others] = candidates
  if (best === undefined || best.score >= 100 || !others.some(({ score }) => score >= 4) || estimate(best.plan, fewEntries) < fewEntries) return best
  // The best by its form walks many entries: another that walks few is better.
  return others.find(({ plan, score }) => score >= 4 && estimate(plan, fewEntries) < fewEntries) ?? best
}

function indexPlan(index: Index, filter: Filter, conjuncts: Conjuncts, sort: SortField[]): Scored | 'nothing' | undefined {
  if (index.partial !== undefined && !implies(conjuncts.leaves, conjunctsOf(index.partial.filter))) return undefined
  const bounds = index.fields.map((_, at) => boundsOf(index, at, conjuncts.leaves))
  if (bounds.some((field) => field?.intervals.length === 0)) return 'nothing'
  if (index.sparse && !bounds.some((field) => field?.needsField === true)) return undefined

  let usedMulti = false
  const usable = bounds.map((field, at) => {
    if (field === undefined || (index.multi[at] === true && usedMulti)) return undefined
    usedMulti ||= index.multi[at] === true
    return field
  })
  let points = 0
  let product = 1
  for (const field of usable) {
    if (field === undefined || !field.points || product * field.intervals.length > maxRanges) break
    product *= field.intervals.length
    points += 1
  }
  const last = usable[points]
  const ranged = last !== undefined && product * last.intervals.length <= maxRanges
  const depth = points + (ranged ? 1 : 0)
  const order = sortFit(index, usable, points, sort)
  const tests = usable.flatMap((field, at): KeyTest[] => (at < depth || field === undefined ? [] : [keyTest(index, at, field)]))
  const anyTests = conjuncts.ors.map((branches) => branches.map((branch) => branchTests(index, branch))).filter((group) => group.every((list) => list.length > 0))

  const used = new Set(usable.flatMap((field) => (field?.exact === true ? field.used : [])))
  const covered = !conjuncts.others && conjuncts.leaves.every((leaf) => used.has(leaf))
  const repeats = index.multi.some(Boolean)
  let score = points * 4 + (ranged ? 2 : 0) + (order === undefined || sort.length === 0 ? 0 : 3) + Math.min(tests.length, 3) * 0.3 - (repeats ? 0.1 : 0)
  if (index.unique && points === index.fields.length) score += 100
  if (depth === 0 && (sort.length === 0 || order === undefined)) score = 0
  if (index.partial !== undefined) score += 0.5
  const plan: IndexPlan = {
    kind: 'index', index, ranges: scanRanges(index, usable.slice(0, depth)), reverse: order?.reverse ?? false, tests, anyTests,
    sorted: order !== undefined, merge: order?.merge ?? false, repeats, covered,
    textTests: textTests(index, conjuncts.leaves), residual: withoutLeaves(filter, used),
  }
  return { plan, score }
}

function scanRanges(index: Index, fields: (FieldBounds | undefined)[]): ScanRange[] {
  let prefixes: Buffer[] = [index.prefix]
  const result: ScanRange[] = []
  fields.forEach((field, at) => {
    const direction = index.fields[at]?.direction ?? 1
    const intervals = direction === 1 ? field?.intervals ?? [] : [...(field?.intervals ?? [])].reverse()
    if (field?.points === true) {
      const keys = intervals.map(({ low }) => (direction === 1 ? low.bytes : inverted(low.bytes)))
      prefixes = prefixes.flatMap((prefix) => keys.map((key) => Buffer.concat([prefix, key])))
      return
    }
    for (const prefix of prefixes) {
      for (const interval of intervals) {
        const { from, to } = rangeOf(interval, direction)
        result.push({ from: Buffer.concat([prefix, from]), to: Buffer.concat([prefix, to]), prefixLength: prefix.length })
      }
    }
  })
  const endsInRange = fields.at(-1)?.points === false
  return endsInRange ? result : prefixes.map((prefix) => ({ from: prefix, to: afterPrefix(prefix), prefixLength: prefix.length }))
}

/** Whether the index gives the wanted order after its fields with fixed values. */
function sortFit(index: Index, bounds: (FieldBounds | undefined)[], points: number, sort: SortField[]): { reverse: boolean; merge: boolean } | undefined {
  const fixed = (at: number): boolean => at < points && bounds[at]?.intervals.length === 1
  const isFixedPath = (path: string): boolean => index.fields.some((field, at) => field.path === path && fixed(at) && index.multi[at] !== true)
  const wanted = sort.filter((field) => !isFixedPath(field.path))
  if (wanted.length === 0) return { reverse: false, merge: false }
  if (index.inexact) return undefined
  let at = 0
  while (at < points && index.fields[at]?.path !== wanted[0]?.path) at += 1
  const merge = bounds.slice(0, at).some((field) => field !== undefined && field.intervals.length > 1)
  if (merge && bounds.slice(0, at).reduce((product, field) => product * (field?.intervals.length ?? 1), 1) > maxMerged) return undefined
  let reverse: boolean | undefined
  for (const { path, direction } of wanted) {
    while (at < index.fields.length && index.fields[at]?.path !== path && fixed(at)) at += 1
    const field = index.fields[at]
    if (field?.path !== path || index.multi[at] === true) return undefined
    const needsReverse = field.direction !== direction
    if (reverse !== undefined && reverse !== needsReverse) return undefined
    reverse = needsReverse
    at += 1
  }
  // When several prefixes are merged, what is compared begins right behind the prefix, so the prefix must end where the order begins.
  if (merge && points > index.fields.findIndex((field) => field.path === wanted[0]?.path)) return undefined
  return { reverse: reverse ?? false, merge }
}

function keyTest(index: Index, field: number, bounds: FieldBounds): KeyTest {
  const direction = index.fields[field]?.direction ?? 1
  return { field, ranges: bounds.intervals.map((interval) => rangeOf(interval, direction)) }
}

/** Regular expressions on fields without arrays: such a field has one value, and its key holds it. */
function textTests(index: Index, leaves: Leaf[]): TextTest[] {
  return index.fields.flatMap(({ path }, field): TextTest[] =>
    index.multi[field] === true ? [] : leaves.filter((leaf) => leaf.path === path && leaf.operator === '$regex').map(({ check }) => ({ field, check: (text) => check(text, undefined) })))
}

/** The filter without conditions that are known to hold. */
function withoutLeaves(filter: Filter, known: ReadonlySet<Leaf>): Filter {
  if (filter.kind === 'leaf') return known.has(filter) ? { kind: 'and', children: [] } : filter
  if (filter.kind !== 'and') return filter
  return { kind: 'and', children: filter.children.filter((child) => child.kind !== 'leaf' || !known.has(child)).map((child) => withoutLeaves(child, known)) }
}

/** What an $or branch asks of the index's own fields; empty when it asks nothing that the entry can answer. */
function branchTests(index: Index, branch: Filter): KeyTest[] {
  const { leaves } = conjunctsOf(branch)
  return index.fields.flatMap((_, at): KeyTest[] => {
    const bounds = index.multi[at] === true ? undefined : boundsOf(index, at, leaves)
    return bounds === undefined ? [] : [keyTest(index, at, bounds)]
  })
}

/** Whether every document that meets the conditions is in a partial index. */
function implies(leaves: Leaf[], partial: Conjuncts): boolean {
  return !partial.others && partial.leaves.every((needed) => leaves.some((leaf) => leaf.path === needed.path && leafImplies(leaf, needed)))
}

function leafImplies(leaf: Leaf, needed: Leaf): boolean {
  if (leaf.operator === needed.operator && equalValues(leaf.operand, needed.operand)) return true
  const values: Value[] | undefined = leaf.operator === '$eq' ? [leaf.operand] : leaf.operator === '$in' ? leaf.operand as Value[] : undefined
  if (values !== undefined) return values.every((value) => value !== null && !Array.isArray(value) && needed.check(value, undefined))
  const isRange = leaf.operator === '$gt' || leaf.operator === '$gte' || leaf.operator === '$lt' || leaf.operator === '$lte'
  if (!isRange || leaf.operand === null) return false
  if (needed.operator === '$exists') return true
  if (needed.operator !== '$gt' && needed.operator !== '$gte' && needed.operator !== '$lt' && needed.operator !== '$lte') return false
  if (leaf.operator.slice(0, 3) !== needed.operator.slice(0, 3)) return false
  const sameKind = comparison('$lte', needed.operand)(leaf.operand) || comparison('$gte', needed.operand)(leaf.operand)
  const order = compareValues(leaf.operand, needed.operand)
  if (!sameKind) return false
  if (order === 0) return needed.operator.endsWith('e') || !leaf.operator.endsWith('e')
  return leaf.operator.startsWith('$g') ? order > 0 : order < 0
}
