import { ServerError } from './errors.ts'
import { emptyArrayKey, type KeyValue } from './keys.ts'
import { isDoc, member, type Doc, type Value } from './values.ts'

/** Visits one value at a path; `undefined` is a missing value. Returns true to stop. `arrayIndex` is the place in the outermost array. */
export type Visit = (value: Value | undefined, arrayIndex: number | undefined) => boolean

const wholeNumber = /^(0|[1-9]\d*)$/

export function isArrayIndex(name: string): boolean {
  return wholeNumber.test(name)
}

/**
 * Walks every value that MongoDB considers to be at a path: through arrays on the way, by position where the path has a number, and,
 * with `expandLeaf`, into the elements of an array at its end and then the array itself.
 */
export function walkPath(doc: Doc, parts: string[], expandLeaf: boolean, visit: Visit): boolean {
  return walkDoc(doc, parts, 0, undefined, expandLeaf, visit)
}

function walkDoc(doc: Doc, parts: string[], at: number, index: number | undefined, expandLeaf: boolean, visit: Visit): boolean {
  const child = member(doc, parts[at] as string)
  if (at === parts.length - 1) return walkLeaf(child, index, expandLeaf, visit)
  if (isDoc(child)) return walkDoc(child, parts, at + 1, index, expandLeaf, visit)
  if (Array.isArray(child)) return walkArray(child, parts, at + 1, index, expandLeaf, visit)
  return visit(undefined, index)
}

function walkArray(array: Value[], parts: string[], at: number, index: number | undefined, expandLeaf: boolean, visit: Visit): boolean {
  const name = parts[at] as string
  const position = isArrayIndex(name) ? Number(name) : -1
  for (let place = 0; place < array.length; place += 1) {
    const element = array[place]
    const outer = index ?? place
    if (isDoc(element) && (position === -1 || Object.hasOwn(element, name)) && walkDoc(element, parts, at, outer, expandLeaf, visit)) return true
    if (place !== position) continue
    if (at === parts.length - 1) {
      if (walkLeaf(element, outer, expandLeaf, visit)) return true
    } else if (isDoc(element)) {
      if (walkDoc(element, parts, at + 1, outer, expandLeaf, visit)) return true
    } else if (Array.isArray(element) && walkArray(element, parts, at + 1, outer, expandLeaf, visit)) return true
  }
  return false
}

function walkLeaf(value: Value | undefined, index: number | undefined, expandLeaf: boolean, visit: Visit): boolean {
  if (expandLeaf && Array.isArray(value)) {
    for (let place = 0; place < value.length; place += 1) if (visit(value[place], index ?? place)) return true
  }
  return visit(value, index)
}

interface Pending { value: Value | undefined; parts: string[]; at: number }

/** The keys of one document under a list of paths. */
export interface Extracted {
  /** One list of values per key, in the order of the paths. */
  keys: KeyValue[][]
  /** For each path, whether an array was met on it. */
  multi: boolean[]
  /** Whether at least one of the paths exists in the document (arrays count as existing). */
  exists: boolean
}

/**
 * The index keys of a document: the product over the elements of at most one array (MongoDB's rule), empty arrays as their own key.
 * @throws CannotIndexParallelArrays
 */
export function extractKeys(doc: Doc, paths: string[][]): Extracted {
  const result: Extracted = { keys: [], multi: paths.map(() => false), exists: false }
  expand(paths.map((parts) => ({ value: doc, parts, at: 0 })), result, paths)
  return result
}

function expand(fields: Pending[], result: Extracted, paths: string[][]): void {
  let array: Value[] | undefined
  let arrayPath: string[] | undefined
  const stopped = fields.map((field) => advance(field))
  stopped.forEach((field, place) => {
    if (!Array.isArray(field.value) || field.at < 0) return
    result.multi[place] = true
    if (array !== undefined && array !== field.value) {
      const names = [arrayPath?.join('.'), paths[place]?.join('.')]
      throw new ServerError('CannotIndexParallelArrays', `cannot index parallel arrays [${names[1] ?? ''}] [${names[0] ?? ''}]`)
    }
    array = field.value
    arrayPath = paths[place]
  })
  if (array === undefined) {
    result.exists ||= stopped.some((field) => field.value !== undefined)
    result.keys.push(stopped.map((field) => field.value))
    return
  }
  result.exists = true
  if (array.length === 0) {
    result.keys.push(stopped.map((field) => (field.value === array ? (field.at === field.parts.length ? emptyArrayKey : null) : field.value)))
    return
  }
  const shared = array
  for (const element of shared) {
    const inner = stopped.map((field): Pending => {
      if (field.value !== shared || field.at < 0) return { ...field, at: -1 }
      if (field.at === field.parts.length) return { value: element, parts: field.parts, at: -1 }
      return isDoc(element) ? { value: element, parts: field.parts, at: field.at } : { value: undefined, parts: field.parts, at: -1 }
    })
    expand(inner, result, paths)
  }
}

/** Goes down through objects until the path ends, is missing or meets an array. `at` -1 marks a value that is final. */
function advance(field: Pending): Pending {
  let { value, at } = field
  while (at >= 0 && at < field.parts.length) {
    const name = field.parts[at] as string
    if (Array.isArray(value)) {
      if (!isArrayIndex(name)) break
      value = value[Number(name)]
    } else if (isDoc(value)) value = member(value, name)
    else return { value: undefined, parts: field.parts, at: -1 }
    at += 1
  }
  return { value, parts: field.parts, at }
}
