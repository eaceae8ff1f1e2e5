import { compareValues } from './bson-order.ts'
import { ServerError } from './errors.ts'
import { emptyArrayKey, type KeyValue } from './keys.ts'
import { extractKeys } from './paths.ts'
import { isNumber, toNumber, type Doc, type Value } from './values.ts'

export interface SortField { path: string; direction: 1 | -1 }

/** @throws BadValue on anything but 1 and -1 */
export function parseSort(spec: Doc): SortField[] {
  return Object.entries(spec).map(([path, value]) => {
    if (path === '' || path.startsWith('$')) throw new ServerError(path === '' ? 15976 : 'BadValue', `invalid sort field '${path}'`)
    if (!isNumber(value)) throw new ServerError(15974, `Illegal key in $sort specification: ${path}`)
    const direction = toNumber(value)
    if (direction !== 1 && direction !== -1) throw new ServerError(15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)')
    return { path, direction }
  })
}

function compareKeyValues(a: KeyValue, b: KeyValue): number {
  if (a === emptyArrayKey || b === emptyArrayKey) {
    if (a === b) return 0
    // Before null and everything else but MinKey.
    const other = a === emptyArrayKey ? b : a
    const beforeOther = compareValues(other as Value | undefined, null) >= 0 ? -1 : 1
    return a === emptyArrayKey ? beforeOther : -beforeOther
  }
  return compareValues(a, b)
}

/** Orders documents; of several keys in arrays the one that comes first in the wanted direction counts, as in MongoDB. */
export function sorter(sort: SortField[]): { keyOf: (doc: Doc) => KeyValue[]; compare: (a: KeyValue[], b: KeyValue[]) => number } {
  const paths = sort.map((field) => field.path.split('.'))
  const compare = (a: KeyValue[], b: KeyValue[]): number => {
    for (let at = 0; at < sort.length; at += 1) {
      const order = compareKeyValues(a[at], b[at])
      if (order !== 0) return sort[at]?.direction === 1 ? order : -order
    }
    return 0
  }
  return {
    keyOf(doc) {
      const { keys } = extractKeys(doc, paths)
      return keys.reduce((first, key) => (compare(key, first) < 0 ? key : first))
    },
    compare,
  }
}
