import type { Binary, BSONRegExp, BSONSymbol, Code, ObjectId, Timestamp } from 'bson'
import { compareNumbers } from './exact-numbers.ts'
import { typeOf, type Doc, type NumberValue, type TypeName, type Value } from './values.ts'

/** MongoDB's order of types when values of different types are compared. The bytes are also the first byte of index keys. */
export const typeRank: Record<TypeName, number> = {
  minKey: 0x05, missing: 0x10, null: 0x10, int: 0x18, double: 0x18, long: 0x18, decimal: 0x18, symbol: 0x20, string: 0x20, object: 0x28,
  array: 0x30, binData: 0x38, objectId: 0x40, bool: 0x48, date: 0x50, timestamp: 0x58, regex: 0x60, javascript: 0x68, maxKey: 0xf0,
}

function sign(difference: number): -1 | 0 | 1 {
  return difference < 0 ? -1 : difference > 0 ? 1 : 0
}

/** Order of UTF-8 bytes, which is the order of code points (not of JavaScript's 16-bit units). */
export function compareStrings(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at += 1) {
    let left = a.charCodeAt(at)
    let right = b.charCodeAt(at)
    if (left === right) continue
    if (left >= 0xd800 && right >= 0xd800) {
      // Surrogates stand for code points above U+FFFF: move them behind U+E000 to U+FFFF.
      left = left >= 0xe000 ? left - 0x800 : left + 0x2000
      right = right >= 0xe000 ? right - 0x800 : right + 0x2000
    }
    return left < right ? -1 : 1
  }
  return sign(a.length - b.length)
}

function compareDocs(a: Doc, b: Doc): -1 | 0 | 1 {
  const namesA = Object.keys(a)
  const namesB = Object.keys(b)
  const length = Math.min(namesA.length, namesB.length)
  for (let at = 0; at < length; at += 1) {
    const nameA = namesA[at] as string
    const nameB = namesB[at] as string
    const valueA = a[nameA] as Value
    const valueB = b[nameB] as Value
    const byType = sign(typeRank[typeOf(valueA)] - typeRank[typeOf(valueB)])
    const result = byType || compareStrings(nameA, nameB) || compareValues(valueA, valueB)
    if (result !== 0) return result
  }
  return sign(namesA.length - namesB.length)
}

function compareArrays(a: Value[], b: Value[]): -1 | 0 | 1 {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at += 1) {
    const result = compareValues(a[at], b[at])
    if (result !== 0) return result
  }
  return sign(a.length - b.length)
}

function compareBinaries(a: Binary, b: Binary): -1 | 0 | 1 {
  return sign(a.length() - b.length()) || sign(a.sub_type - b.sub_type) || Buffer.compare(a.value(), b.value())
}

/** MongoDB's total order over all values; `undefined` (missing) equals null. */
export function compareValues(a: Value | undefined, b: Value | undefined): -1 | 0 | 1 {
  const type = typeOf(a)
  const rank = typeRank[type]
  const byType = sign(rank - typeRank[typeOf(b)])
  if (byType !== 0) return byType
  switch (type) {
    case 'int': case 'double': case 'long': case 'decimal': return compareNumbers(a as NumberValue, b as NumberValue)
    case 'string': case 'symbol': return compareStrings(textOf(a), textOf(b))
    case 'object': return compareDocs(a as Doc, b as Doc)
    case 'array': return compareArrays(a as Value[], b as Value[])
    case 'binData': return compareBinaries(a as Binary, b as Binary)
    case 'objectId': return Buffer.compare((a as ObjectId).id, (b as ObjectId).id)
    case 'bool': return sign(Number(a) - Number(b))
    case 'date': return sign((a as Date).getTime() - (b as Date).getTime())
    case 'timestamp': return sign((a as Timestamp).compare(b as Timestamp))
    case 'regex': {
      const left = a as BSONRegExp
      const right = b as BSONRegExp
      return compareStrings(left.pattern, right.pattern) || compareStrings(left.options, right.options)
    }
    case 'javascript': return compareStrings(codeOf(a), codeOf(b))
    default: return 0
  }
}

function codeOf(value: Value | undefined): string {
  return (value as Code).code
}

/** A string or symbol as text. */
export function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : (value as BSONSymbol).value
}

export function equalValues(a: Value | undefined, b: Value | undefined): boolean {
  return compareValues(a, b) === 0
}
