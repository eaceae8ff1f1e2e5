import { ServerError } from './errors.ts'
import { testFilter, type Filter } from './match.ts'
import { isArrayIndex } from './paths.ts'
import { isDoc, member, setMember, typeOf, type Doc, type Value } from './values.ts'

/** A place in a document that an update reads and writes. */
export interface Target {
  name: string
  get(): Value | undefined
  set(value: Value): void
  remove(): void
}

/** Filters of `$[identifier]`, by identifier. */
export type ArrayFilters = Map<string, Filter>

interface LocateOptions {
  arrayIndex: number | undefined
  filters: ArrayFilters
  /** Missing objects on the way are made when the target is set, and a scalar on the way is an error. */
  create: boolean
}

const maxPadding = 1_500_000

/** The places that an update path stands for in this document. @throws PathNotViable, BadValue */
export function locate(doc: Doc, parts: string[], options: LocateOptions): Target[] {
  const targets: Target[] = []
  descend(doc, parts, 0, options, targets)
  return targets
}

function descend(container: Doc | Value[], parts: string[], at: number, options: LocateOptions, targets: Target[]): void {
  const part = parts[at] as string
  if (part.startsWith('$[')) {
    if (!Array.isArray(container)) throw notAnArray(parts[at - 1])
    const identifier = part.slice(2, -1)
    const filter = options.filters.get(identifier)
    for (let index = 0; index < container.length; index += 1) {
      const element = container[index] as Value
      if (filter === undefined || testFilter(filter, { [identifier]: element }, undefined)) enter(container, String(index), parts, at, options, targets)
    }
    return
  }
  if (part === '$') {
    if (options.arrayIndex === undefined) throw new ServerError('BadValue', 'The positional operator did not find the match needed from the query.')
    enter(container, String(options.arrayIndex), parts, at, options, targets)
    return
  }
  enter(container, part, parts, at, options, targets)
}

function enter(container: Doc | Value[], name: string, parts: string[], at: number, options: LocateOptions, targets: Target[]): void {
  if (Array.isArray(container) && !isArrayIndex(name)) {
    if (options.create) throw notViable(name, parts[at - 1], container)
    return
  }
  if (at === parts.length - 1) {
    targets.push(placeIn(container, name))
    return
  }
  const child = childOf(container, name)
  if (isDoc(child) || Array.isArray(child)) {
    descend(child, parts, at + 1, options, targets)
    return
  }
  if (child === undefined) {
    const rest = parts.slice(at + 1)
    if (rest.some((part) => part.startsWith('$['))) {
      throw new ServerError('BadValue', `The path '${parts.slice(0, at + 1).join('.')}' must exist in the document in order to apply array updates.`)
    }
    if (options.create) targets.push(newBranch(container, name, rest, options))
    return
  }
  if (parts[at + 1]?.startsWith('$[') === true) throw notAnArray(name)
  if (options.create) throw notViable(parts[at + 1] as string, name, child)
}

function notAnArray(name: string | undefined): ServerError {
  return new ServerError('BadValue', `Cannot apply array updates to non-array element ${name ?? ''}`)
}

function notViable(field: string, parent: string | undefined, value: Value): ServerError {
  return new ServerError('PathNotViable', `Cannot create field '${field}' in element {${parent ?? ''}: ${typeOf(value)}}`)
}

function childOf(container: Doc | Value[], name: string): Value | undefined {
  return Array.isArray(container) ? container[Number(name)] : member(container, name)
}

function placeIn(container: Doc | Value[], name: string): Target {
  return {
    name,
    get: () => childOf(container, name),
    set(value) {
      if (!Array.isArray(container)) {
        setMember(container, name, value)
        return
      }
      const index = Number(name)
      if (index - container.length > maxPadding) throw new ServerError('BadValue', `can't backfill more than ${maxPadding} elements`)
      while (container.length < index) container.push(null)
      container[index] = value
    },
    remove() {
      if (Array.isArray(container)) {
        if (Number(name) < container.length) container[Number(name)] = null
      } else Reflect.deleteProperty(container, name)
    },
  }
}

/** A target below objects that are not there yet. */
function newBranch(container: Doc | Value[], name: string, rest: string[], options: LocateOptions): Target {
  const names = rest.map((part) => (part === '$' ? String(options.arrayIndex) : part))
  return {
    name: names.at(-1) ?? name,
    get: () => undefined,
    set(value) {
      let inner = value
      for (const part of names.reverse()) {
        const made: Doc = {}
        setMember(made, part, inner)
        inner = made
      }
      placeIn(container, name).set(inner)
    },
    remove() { /* nothing is there */ },
  }
}

/** The value at a plain path (as `$rename` reads it). @throws BadValue when an array is on the way */
export function readPath(doc: Doc, parts: string[]): Value | undefined {
  let value: Value | undefined = doc
  for (const part of parts) {
    if (Array.isArray(value)) throw new ServerError('BadValue', `The source field cannot be an array element, '${parts.join('.')}'`)
    value = isDoc(value) ? member(value, part) : undefined
  }
  return value
}

export function removePath(doc: Doc, parts: string[]): void {
  for (const target of locate(doc, parts, { arrayIndex: undefined, filters: new Map(), create: false })) target.remove()
}
