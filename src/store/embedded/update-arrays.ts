import { compareValues } from './bson-order.ts'
import { ServerError } from './errors.ts'
import { parseSort, sorter } from './sort.ts'
import { cloneValue, isDoc, isNumber, toNumber, typeOf, type Doc, type Value } from './values.ts'

/** Makes the new content of an array from the old one. */
export type ArrayChange = (array: Value[]) => Value[]

/** @throws BadValue on a bad `$each`, `$slice`, `$sort` or `$position` */
export function parsePush(operand: Value): ArrayChange {
  if (!isDoc(operand) || !Object.hasOwn(operand, '$each')) {
    if (isDoc(operand) && Object.keys(operand).some((name) => name.startsWith('$'))) {
      throw new ServerError('DollarPrefixedFieldName', `The dollar ($) prefixed field '${Object.keys(operand)[0] ?? ''}' is not valid for storage.`)
    }
    return (array) => [...array, cloneValue(operand)]
  }
  const each = operand['$each']
  if (!Array.isArray(each)) throw new ServerError('BadValue', `The argument to $each in $push must be an array but it was of type: ${typeOf(each)}`)
  for (const name of Object.keys(operand)) {
    if (!['$each', '$slice', '$sort', '$position'].includes(name)) throw new ServerError('BadValue', `Unrecognized clause in $push: ${name}`)
  }
  const slice = wholeNumber(operand['$slice'], '$slice')
  const position = wholeNumber(operand['$position'], '$position')
  const order = parseElementSort(operand['$sort'])
  return (array) => {
    const at = position === undefined ? array.length : position < 0 ? Math.max(0, array.length + position) : position
    let result = [...array.slice(0, at), ...each.map(cloneValue), ...array.slice(at)]
    if (order !== undefined) result = order(result)
    if (slice === undefined) return result
    if (slice === 0) return []
    return slice > 0 ? result.slice(0, slice) : result.slice(slice)
  }
}

function wholeNumber(value: Value | undefined, name: string): number | undefined {
  if (value === undefined) return undefined
  if (!isNumber(value) || !Number.isInteger(toNumber(value))) {
    throw new ServerError('BadValue', `The value for ${name} must be an integer value but was given type: ${typeOf(value)}`)
  }
  return toNumber(value)
}

function parseElementSort(spec: Value | undefined): ArrayChange | undefined {
  if (spec === undefined) return undefined
  if (isNumber(spec)) {
    const direction = toNumber(spec)
    if (direction !== 1 && direction !== -1) throw new ServerError('BadValue', 'The $sort element value must be either 1 or -1')
    return (array) => [...array].sort((a, b) => compareValues(a, b) * direction)
  }
  if (!isDoc(spec)) throw new ServerError('BadValue', 'The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields')
  if (Object.keys(spec).length === 0) throw new ServerError('BadValue', 'The $sort pattern is empty when it should be a set of fields.')
  for (const value of Object.values(spec)) {
    if (!isNumber(value) || Math.abs(toNumber(value)) !== 1) throw new ServerError('BadValue', 'The $sort element value must be either 1 or -1')
  }
  const { keyOf, compare } = sorter(parseSort(spec))
  const asDoc = (value: Value): Doc => (isDoc(value) ? value : {})
  return (array) => [...array].sort((a, b) => compare(keyOf(asDoc(a)), keyOf(asDoc(b))))
}
