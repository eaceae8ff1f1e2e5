import { Int32, Timestamp } from 'bson'
import { compareValues, equalValues } from './bson-order.ts'
import { notSupported, ServerError } from './errors.ts'
import { calculate } from './exact-numbers.ts'
import { parseFilter, parseValueConditions, testFilter, testValue, type Filter } from './match.ts'
import { isArrayIndex } from './paths.ts'
import { shellText } from './shell-text.ts'
import { parsePush, type ArrayChange } from './update-arrays.ts'
import { locate, readPath, removePath, type ArrayFilters, type Target } from './update-paths.ts'
import { cloneDoc, cloneValue, isDoc, isNumber, member, setMember, toNumber, typeOf, type Doc, type Value } from './values.ts'

/** What an update needs to know besides the document. */
export interface UpdateContext {
  /** Index in the outermost array that the filter matched: the positional `$`. */
  arrayIndex: number | undefined
  /** The update is building the document of an upsert: $setOnInsert applies. */
  inserting: boolean
  nowMs: number
}

export type Update = { kind: 'replace'; doc: Doc } | { kind: 'modify'; apply: (doc: Doc, context: UpdateContext) => void; needsArrayIndex: boolean }

type Change = (target: Target, context: UpdateContext, doc: Doc) => void
interface Step { path: string; parts: string[]; change: Change; createsPath: boolean; onlyOnInsert: boolean }

/**
 * Parses an update: a replacement or a document of operators.
 * @throws FailedToParse, BadValue, ConflictingUpdateOperators …; pipelines are refused
 */
export function parseUpdate(update: Value | undefined, arrayFilters: Value | undefined): Update {
  if (Array.isArray(update)) throw notSupported('an update by a pipeline')
  if (!isDoc(update)) throw new ServerError('FailedToParse', 'Update argument must be either an object or an array')
  const names = Object.keys(update)
  const filters = parseArrayFilters(arrayFilters)
  if (names[0]?.startsWith('$') !== true) {
    const dollar = names.find((name) => name.startsWith('$'))
    if (dollar !== undefined) throw new ServerError('DollarPrefixedFieldName', `The dollar ($) prefixed field '${dollar}' in '${dollar}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`)
    if (filters.size > 0) throw new ServerError('FailedToParse', 'arrayFilters may not be specified for replacement-style updates')
    return { kind: 'replace', doc: update }
  }
  const steps = names.flatMap((name) => operatorSteps(name, update[name] as Value))
  checkConflicts(steps)
  for (const name of filters.keys()) {
    if (!steps.some((step) => step.parts.includes(`$[${name}]`))) {
      throw new ServerError('FailedToParse', `The array filter for identifier '${name}' was not used in the update ${JSON.stringify(names)}`)
    }
  }
  for (const step of steps) {
    for (const part of step.parts) {
      const identifier = /^\$\[(.+)\]$/.exec(part)?.[1]
      if (identifier !== undefined && !filters.has(identifier)) throw new ServerError('BadValue', `No array filter found for identifier '${identifier}' in path '${step.path}'`)
    }
    if (step.parts[0]?.startsWith('$') === true) throw new ServerError('BadValue', `Cannot have positional (i.e. '$') element in the first position in path '${step.path}'`)
  }
  // MongoDB applies changes, and so adds new fields, in the order of their names.
  steps.sort((a, b) => comparePaths(a.parts, b.parts))
  return {
    kind: 'modify',
    needsArrayIndex: steps.some((step) => step.parts.includes('$')),
    apply(doc, context) {
      for (const step of steps) {
        if (step.onlyOnInsert && !context.inserting) continue
        for (const target of locate(doc, step.parts, { arrayIndex: context.arrayIndex, filters, create: step.createsPath })) step.change(target, context, doc)
      }
    },
  }
}

function comparePaths(a: string[], b: string[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const left = a[at] as string
    const right = b[at] as string
    if (left === right) continue
    if (isArrayIndex(left) && isArrayIndex(right)) return Number(left) - Number(right)
    return left < right ? -1 : 1
  }
  return a.length - b.length
}

function checkConflicts(steps: Step[]): void {
  const seen: string[][] = []
  for (const { path, parts } of steps) {
    for (const other of seen) {
      const length = Math.min(other.length, parts.length)
      if (other.slice(0, length).join('.') !== parts.slice(0, length).join('.')) continue
      const conflict = other.slice(0, length).join('.')
      throw new ServerError('ConflictingUpdateOperators', `Updating the path '${path}' would create a conflict at '${conflict}'`)
    }
    seen.push(parts)
  }
}

function parseArrayFilters(arrayFilters: Value | undefined): ArrayFilters {
  const result = new Map<string, Filter>()
  if (arrayFilters === undefined) return result
  if (!Array.isArray(arrayFilters)) throw new ServerError('TypeMismatch', "BSON field 'arrayFilters' is the wrong type, expected type 'array'")
  for (const entry of arrayFilters) {
    if (!isDoc(entry)) throw new ServerError('TypeMismatch', 'array filters must be objects')
    const identifiers = new Set<string>()
    identifiersOf(entry, identifiers)
    const [identifier] = identifiers
    if (identifier === undefined) throw new ServerError('FailedToParse', 'Cannot use an expression without a top-level field name in arrayFilters')
    if (identifiers.size > 1) throw new ServerError('FailedToParse', 'Error parsing array filter :: caused by :: Expected a single top-level field name')
    if (!/^[a-z][a-zA-Z0-9]*$/.test(identifier)) throw new ServerError('BadValue', `Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '${identifier}'`)
    if (result.has(identifier)) throw new ServerError('FailedToParse', `Found multiple array filters with the same top-level field name ${identifier}`)
    result.set(identifier, parseFilter(entry))
  }
  return result
}

function identifiersOf(filter: Doc, into: Set<string>): void {
  for (const [name, value] of Object.entries(filter)) {
    if (!name.startsWith('$')) into.add(name.split('.')[0] as string)
    else if (Array.isArray(value)) for (const branch of value) if (isDoc(branch)) identifiersOf(branch, into)
  }
}

const knownButRefused = new Set(['$bit'])

function operatorSteps(name: string, operand: Value): Step[] {
  const make = changes[name]
  if (make === undefined) {
    if (knownButRefused.has(name)) throw notSupported(`the update operator ${name}`, 'FailedToParse')
    throw new ServerError('FailedToParse', `Unknown modifier: ${name}. Expected a valid update modifier or pipeline-style update specified as an array`)
  }
  if (!isDoc(operand)) throw new ServerError('FailedToParse', `Modifiers operate on fields but we found type ${typeOf(operand)} instead. For example: {$mod: {<field>: ...}} not {${name}: ${shellText(operand)}}`)
  return Object.entries(operand).flatMap(([path, value]) => {
    checkPath(path)
    const step = { path, parts: path.split('.'), createsPath: !['$unset', '$pop', '$pull', '$pullAll'].includes(name), onlyOnInsert: name === '$setOnInsert' }
    if (name === '$rename') return renameSteps(path, value)
    return [{ ...step, change: make(value, path) }]
  })
}

function checkPath(path: string): void {
  if (path === '') throw new ServerError('EmptyFieldName', "An empty update path is not valid.")
  if (path.split('.').includes('')) throw new ServerError('EmptyFieldName', `The update path '${path}' contains an empty field name, which is not allowed.`)
}

function renameSteps(from: string, to: Value): Step[] {
  if (typeof to !== 'string') throw new ServerError('BadValue', `The 'to' field for $rename must be a string: ${from}: ${shellText(to)}`)
  checkPath(to)
  if (from === to) throw new ServerError('BadValue', `The source and target field for $rename must differ: ${from}: "${to}"`)
  const fromParts = from.split('.')
  if ([from, to].some((path) => path.split('.').some((part) => part.startsWith('$')))) throw new ServerError('BadValue', `The source and target field for $rename may not be dynamic: ${from}`)
  const nothing: Change = () => { /* only marks the source path as used */ }
  return [
    { path: from, parts: fromParts, change: nothing, createsPath: false, onlyOnInsert: false },
    // The target may not be created before it is known that there is something to move.
    { path: to, parts: to.split('.'), createsPath: false, onlyOnInsert: false, change: (_target, context, doc) => {
      const value = readPath(doc, fromParts)
      if (value === undefined) return
      removePath(doc, fromParts)
      for (const target of locate(doc, to.split('.'), { arrayIndex: context.arrayIndex, filters: new Map(), create: true })) target.set(value)
    } },
  ]
}

function idText(doc: Doc): string {
  const id = member(doc, '_id')
  return id === undefined ? 'no id' : `{_id: ${shellText(id)}}`
}

function arithmetic(operator: '+' | '*', name: '$inc' | '$mul'): (operand: Value) => Change {
  return (operand) => {
    if (!isNumber(operand)) throw new ServerError('TypeMismatch', `Cannot ${name === '$inc' ? 'increment' : 'multiply'} with non-numeric argument: ${shellText(operand)}`)
    return (target, _context, doc) => {
      const value = target.get()
      if (value === undefined) target.set(operator === '+' ? operand : calculate('*', operand, new Int32(0)))
      else if (isNumber(value)) target.set(calculate(operator, value, operand))
      else throw new ServerError('TypeMismatch', `Cannot apply ${name} to a value of non-numeric type. ${idText(doc)} has the field '${target.name}' of non-numeric type ${typeOf(value)}`)
    }
  }
}

function bound(wanted: 1 | -1): (operand: Value) => Change {
  return (operand) => (target) => {
    const value = target.get()
    if (value === undefined || compareValues(operand, value) === wanted) target.set(cloneValue(operand))
  }
}

function onArray(operator: string, code: 'BadValue' | 'TypeMismatch', create: boolean, change: (array: Value[]) => Value[]): Change {
  return (target, _context, doc) => {
    const value = target.get()
    if (value === undefined) {
      if (create) target.set(change([]))
      return
    }
    if (!Array.isArray(value)) {
      if (operator === '$push') throw new ServerError(code, `The field '${target.name}' must be an array but is of type ${typeOf(value)} in document ${idText(doc)}`)
      if (operator === '$addToSet') throw new ServerError(code, `Cannot apply $addToSet to non-array field. Field named '${target.name}' has non-array type ${typeOf(value)}`)
      if (operator === '$pop') throw new ServerError(code, `Path '${target.name}' contains an element of non-array type '${typeOf(value)}'`)
      throw new ServerError(code, `Cannot apply ${operator} to a non-array value`)
    }
    target.set(change(value))
  }
}

function parseAddToSet(operand: Value): ArrayChange {
  const each = isDoc(operand) && Object.keys(operand)[0] === '$each' ? operand['$each'] : undefined
  if (isDoc(operand) && each !== undefined && Object.keys(operand).length > 1) {
    throw new ServerError('BadValue', `Found unexpected fields after $each in $addToSet: ${Object.keys(operand).join(', ')}`)
  }
  if (each !== undefined && !Array.isArray(each)) throw new ServerError('TypeMismatch', `The argument to $each in $addToSet must be an array but it was of type ${typeOf(each)}`)
  const values = each ?? [operand]
  return (array) => {
    const result = [...array]
    for (const value of values) if (!result.some((other) => equalValues(other, value))) result.push(cloneValue(value))
    return result
  }
}

function parsePull(operand: Value): ArrayChange {
  let matches: (element: Value) => boolean
  if (isDoc(operand)) {
    const first = Object.keys(operand)[0]
    if (first?.startsWith('$') === true && !['$and', '$or', '$nor'].includes(first)) {
      const conditions = parseValueConditions(operand)
      matches = (element) => testValue(conditions, element)
    } else {
      const filter = parseFilter(operand)
      matches = (element) => isDoc(element) && testFilter(filter, element, undefined)
    }
  } else if (typeOf(operand) === 'regex') {
    const conditions = parseValueConditions({ $regex: operand })
    matches = (element) => testValue(conditions, element)
  } else matches = (element) => equalValues(element, operand)
  return (array) => array.filter((element) => !matches(element))
}

const changes: Record<string, (operand: Value, path: string) => Change> = {
  $set: (operand) => (target) => target.set(cloneValue(operand)),
  $setOnInsert: (operand) => (target) => target.set(cloneValue(operand)),
  $unset: () => (target) => target.remove(),
  $inc: arithmetic('+', '$inc'),
  $mul: arithmetic('*', '$mul'),
  $min: bound(-1),
  $max: bound(1),
  $rename: () => () => { /* parsed by renameSteps */ },
  $currentDate: (operand) => {
    const type = isDoc(operand) ? operand['$type'] : operand
    const wanted = typeof operand === 'boolean' ? 'date' : type
    if (wanted !== 'date' && wanted !== 'timestamp') throw new ServerError('BadValue', "The '$type' string field is required to be 'date' or 'timestamp'")
    return (target, { nowMs }) => target.set(wanted === 'date' ? new Date(nowMs) : new Timestamp({ t: Math.floor(nowMs / 1000), i: 1 }))
  },
  $push: (operand) => onArray('$push', 'BadValue', true, parsePush(operand)),
  $addToSet: (operand) => onArray('$addToSet', 'BadValue', true, parseAddToSet(operand)),
  $pull: (operand) => onArray('$pull', 'BadValue', false, parsePull(operand)),
  $pullAll: (operand) => {
    if (!Array.isArray(operand)) throw new ServerError('BadValue', `$pullAll requires an array argument but was given a ${typeOf(operand)}`)
    return onArray('$pullAll', 'BadValue', false, (array) => array.filter((element) => !operand.some((value) => equalValues(value, element))))
  },
  $pop: (operand, path) => {
    const side = isNumber(operand) ? toNumber(operand) : Number.NaN
    if (side !== 1 && side !== -1) throw new ServerError('FailedToParse', `$pop expects 1 or -1, found: ${path}: ${shellText(operand)}`)
    return onArray('$pop', 'TypeMismatch', false, (array) => (side === 1 ? array.slice(0, -1) : array.slice(1)))
  },
}

/** Applies an update to a copy of a document. @throws ImmutableField when it would change `_id` */
export function applyUpdate(update: Update, before: Doc, context: UpdateContext): Doc {
  const id = member(before, '_id')
  if (update.kind === 'replace') {
    const wanted = member(update.doc, '_id')
    if (id !== undefined && wanted !== undefined && !equalValues(id, wanted)) {
      throw new ServerError('ImmutableField', `After applying the update, the (immutable) field '_id' was found to have been altered to _id: ${shellText(wanted)}`)
    }
    const { _id: _own, ...rest } = update.doc
    const kept = id ?? wanted
    return kept === undefined ? cloneDoc(rest) : { _id: kept, ...cloneDoc(rest) }
  }
  const after = cloneDoc(before)
  update.apply(after, context)
  if (id !== undefined && !equalValues(id, member(after, '_id'))) {
    throw new ServerError('ImmutableField', "Performing an update on the path '_id' would modify the immutable field '_id'")
  }
  return after
}

/** The fields that an upsert takes over from the equality conditions of its filter. @throws NotSingleValueField */
export function upsertBase(filter: Doc): Doc {
  const found = new Map<string, Value>()
  collectEqualities(filter, found)
  const doc: Doc = {}
  const id = found.get('_id')
  if (id !== undefined) doc['_id'] = id
  for (const [path, value] of found) {
    if (path === '_id') continue
    const parts = path.split('.')
    if (!path.includes('.')) setMember(doc, path, cloneValue(value))
    else for (const target of locate(doc, parts, { arrayIndex: undefined, filters: new Map(), create: true })) target.set(cloneValue(value))
  }
  return doc
}

function collectEqualities(filter: Doc, found: Map<string, Value>): void {
  const add = (path: string, value: Value): void => {
    for (const other of found.keys()) {
      if (other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`)) {
        throw new ServerError('NotSingleValueField', `cannot infer query fields to set, path '${path}' is matched twice`)
      }
    }
    found.set(path, value)
  }
  for (const [name, value] of Object.entries(filter)) {
    if (name === '$and' && Array.isArray(value)) for (const branch of value) collectEqualities(branch as Doc, found)
    else if (name === '$or' && Array.isArray(value) && value.length === 1) collectEqualities(value[0] as Doc, found)
    if (name.startsWith('$')) continue
    if (!isDoc(value) || Object.keys(value)[0]?.startsWith('$') !== true) {
      if (typeOf(value) !== 'regex') add(name, value)
      continue
    }
    const operators = value
    const all = operators['$all']
    const among = operators['$in']
    if (operators['$eq'] !== undefined) add(name, operators['$eq'])
    else if (Array.isArray(all) && all.length === 1 && !isDoc(all[0])) add(name, all[0] as Value)
    else if (Array.isArray(among) && among.length === 1 && typeOf(among[0]) !== 'regex') add(name, among[0] as Value)
  }
}
