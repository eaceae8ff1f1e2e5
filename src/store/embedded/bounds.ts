import { typeRank } from './bson-order.ts'
import { afterPrefix, type Index } from './catalog.ts'
import { emptyArrayKey, encodeKey, fieldKey, inverted, type KeyValue } from './keys.ts'
import type { Filter, Leaf } from './match.ts'
import { BSONRegExp } from 'bson'
import { isArrayIndex } from './paths.ts'
import { isNumber, toNumber, typeOf, type Value } from './values.ts'

/** A border between keys of one field: just before or just after all keys that begin with these (ascending) bytes. */
interface Border { bytes: Buffer; side: 'before' | 'after' }
interface Interval { low: Border; high: Border; point: boolean }

/** Which keys of one index field a filter needs. Always a superset of the keys of matching documents. */
export interface FieldBounds {
  intervals: Interval[]
  /** All intervals are single values. */
  points: boolean
  /** The bounds say exactly what the conditions say, on a field without arrays. */
  exact: boolean
  /** Documents without the field cannot match. */
  needsField: boolean
  /** The conditions that went into it. */
  used: Leaf[]
}

/** All conditions that every matching document must meet, and whether there are others that are not simple conditions on paths. */
export interface Conjuncts { leaves: Leaf[]; ors: Filter[][]; others: boolean }

export function conjunctsOf(filter: Filter): Conjuncts {
  const result: Conjuncts = { leaves: [], ors: [], others: false }
  collect(filter, result, '')
  return result
}

function collect(filter: Filter, result: Conjuncts, prefix: string): void {
  if (filter.kind === 'and') for (const child of filter.children) collect(child, result, prefix)
  else if (filter.kind === 'leaf') {
    if (filter.inner !== undefined) {
      result.others = true
      collect(filter.inner, result, `${prefix}${filter.path}.`)
    } else if (prefix === '') result.leaves.push(filter)
    else if (isArrayIndex(filter.parts[0] as string)) result.others = true
    else result.leaves.push({ ...filter, path: prefix + filter.path })
  } else {
    result.others = true
    if (filter.kind === 'or' && prefix === '') result.ors.push(filter.children)
  }
}

function position(border: Border): Buffer {
  return border.side === 'before' ? border.bytes : afterPrefix(border.bytes)
}

/** The bytes between which the keys of an interval lie in an index of this direction: [from, to). */
export function rangeOf(interval: Interval, direction: 1 | -1): { from: Buffer; to: Buffer } {
  if (direction === 1) return { from: position(interval.low), to: position(interval.high) }
  const flipped = ({ bytes, side }: Border): Buffer => position({ bytes: inverted(bytes), side: side === 'before' ? 'after' : 'before' })
  return { from: flipped(interval.high), to: flipped(interval.low) }
}

function pointOf(value: KeyValue, limit: number): Interval {
  const { bytes } = fieldKey(value, 1, limit)
  return { low: { bytes, side: 'before' }, high: { bytes, side: 'after' }, point: true }
}

interface Found { intervals: Interval[]; exact: boolean; needsField: boolean }

/** The keys of the documents that meet one condition; undefined when an index cannot help. */
function intervalsOf(leaf: Leaf, limit: number): Found | undefined {
  const { operator, operand } = leaf
  if (operator === '$eq') return pointsOf([operand], limit)
  if (operator === '$in') {
    const values = operand as Value[]
    return values.some((value) => value instanceof BSONRegExp) ? undefined : pointsOf(values, limit)
  }
  if (operator === '$regex') return prefixOf(operand as BSONRegExp, limit)
  if (operator !== '$gt' && operator !== '$gte' && operator !== '$lt' && operator !== '$lte') return undefined
  const type = typeOf(operand)
  if (type === 'null') return operator === '$gte' || operator === '$lte' ? pointsOf([null], limit) : { intervals: [], exact: true, needsField: true }
  if (type === 'array' || type === 'minKey' || type === 'maxKey') return undefined
  if (isNumber(operand) && Number.isNaN(toNumber(operand))) {
    return operator === '$gte' || operator === '$lte' ? pointsOf([operand], limit) : { intervals: [], exact: true, needsField: true }
  }
  const kind = Buffer.from([typeRank[type]])
  const encoded = encodeKey(operand)
  const long = encoded.bytes.length > limit
  const loose = long || encoded.inexact
  // Cut or inexact keys say only where the value is about: take in the whole neighbourhood.
  const bytes = long ? encoded.bytes.subarray(0, limit) : encoded.inexact && isNumber(operand) ? encoded.bytes.subarray(0, 12) : encoded.bytes
  if (encoded.inexact && !isNumber(operand)) return undefined
  const below = operator === '$lt' || operator === '$lte'
  const side = loose ? (below ? 'after' : 'before') : operator === '$gt' || operator === '$lte' ? 'after' : 'before'
  const edge: Border = { bytes, side }
  const interval: Interval = below
    ? { low: { bytes: kind, side: 'before' }, high: edge, point: false }
    : { low: edge, high: { bytes: kind, side: 'after' }, point: false }
  return { intervals: [interval], exact: !loose, needsField: true }
}

function pointsOf(values: Value[], limit: number): Found {
  const points = new Map<string, Interval>()
  let exact = true
  let needsField = true
  const add = (value: KeyValue): void => {
    const interval = pointOf(value, limit)
    points.set(interval.low.bytes.toString('latin1'), interval)
  }
  for (const value of values) {
    add(value)
    // Null and missing have the same key, and both match.
    if (value === null) needsField = false
    if (encodeKey(value).bytes.length > limit) exact = false
    if (!Array.isArray(value)) continue
    // An array equals a stored array whose first element is a key, or an element that is itself the array.
    exact = false
    add(value.length === 0 ? emptyArrayKey : value[0])
  }
  const intervals = [...points.values()].sort((a, b) => Buffer.compare(a.low.bytes, b.low.bytes))
  return { intervals, exact, needsField }
}

const literalPrefix = /^\^([\w\- :@/,]+)/

function prefixOf(regex: BSONRegExp, limit: number): Found | undefined {
  if (/[imxs]/.test(regex.options) || regex.pattern.includes('|')) return undefined
  const match = literalPrefix.exec(regex.pattern)
  if (match === null) return undefined
  // The last literal may be followed by ?, * or {0}: leave it out.
  const text = (match[1] as string).length === regex.pattern.length - 1 ? match[1] as string : (match[1] as string).slice(0, -1)
  if (text === '') return undefined
  const bytes = encodeKey(text).bytes
  const prefix = bytes.subarray(0, Math.min(bytes.length - 2, limit))
  const regexes = Buffer.from([typeRank.regex])
  const whole = (start: Buffer): Interval => ({ low: { bytes: start, side: 'before' }, high: { bytes: start, side: 'after' }, point: false })
  return { intervals: [whole(prefix), whole(regexes)], exact: false, needsField: true }
}

/** The bounds that the conditions put on one field of an index. */
export function boundsOf(index: Index, at: number, leaves: Leaf[]): FieldBounds | undefined {
  const path = index.fields[at]?.path
  const found: { leaf: Leaf; keys: Found }[] = []
  for (const leaf of leaves) {
    if (leaf.path !== path) continue
    const keys = intervalsOf(leaf, index.limit)
    if (keys !== undefined) found.push({ leaf, keys })
  }
  if (found.length === 0) return undefined
  const points = found.filter(({ keys }) => keys.intervals.every((interval) => interval.point))
  const best = points.sort((a, b) => a.keys.intervals.length - b.keys.intervals.length)[0] ?? found[0]
  if (best === undefined) return undefined
  const isMulti = index.multi[at] === true
  const single = best.keys.intervals[0]
  // Two conditions on one array may be met by different elements, so only one of them may narrow the scan.
  if (isMulti || points.length > 0 || found.length === 1 || found.some(({ keys }) => keys.intervals.length !== 1) || single === undefined) {
    return {
      intervals: best.keys.intervals,
      points: best.keys.intervals.every((interval) => interval.point),
      exact: best.keys.exact && !isMulti,
      needsField: best.keys.needsField,
      used: [best.leaf],
    }
  }
  let { low, high } = single
  for (const { keys } of found.slice(1)) {
    const next = keys.intervals[0] as Interval
    if (Buffer.compare(position(next.low), position(low)) > 0) low = next.low
    if (Buffer.compare(position(next.high), position(high)) < 0) high = next.high
  }
  const empty = Buffer.compare(position(low), position(high)) >= 0
  return {
    intervals: empty ? [] : [{ low, high, point: false }],
    points: false,
    exact: found.every(({ keys }) => keys.exact),
    needsField: found.some(({ keys }) => keys.needsField),
    used: found.map(({ leaf }) => leaf),
  }
}
