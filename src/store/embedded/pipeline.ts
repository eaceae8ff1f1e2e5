import { notSupported, ServerError } from './errors.ts'
import { parseExpression } from './expressions.ts'
import { countingGroup, groupDocs, parseGroup } from './group.ts'
import { parseFilter, testFilter, type Filter } from './match.ts'
import { parseProjection } from './projection.ts'
import type { Execution } from './query.ts'
import { parseSort, sorter, type SortField } from './sort.ts'
import { cloneDoc, intValue, isDoc, isNumber, member, setMember, toNumber, typeOf, type Doc, type Value } from './values.ts'

type Stage = (docs: Iterable<Doc>, execution: Execution) => Iterable<Doc>

/** A pipeline whose beginning is done by the query planner. */
export interface Pipeline {
  filter: Filter
  sort: SortField[]
  skip: number
  /** 0 is no limit */
  limit: number
  stages: Stage[]
  /** Set when the remaining stages only count the documents that the beginning finds. */
  countOnly: ((count: number) => Doc) | undefined
  /** No remaining stages: what is found goes out as it is stored. */
  plain: boolean
}

const refusedStages = new Set([
  '$lookup', '$facet', '$bucket', '$bucketAuto', '$sortByCount', '$addFields', '$set', '$unset', '$replaceRoot', '$replaceWith', '$graphLookup', '$out',
  '$merge', '$unionWith', '$sample', '$redact', '$geoNear', '$indexStats', '$collStats', '$setWindowFields', '$densify', '$fill', '$documents', '$currentOp',
])

/** @throws 40324 on stages that are not on the list, 40573 on change streams */
export function parsePipeline(pipeline: Value | undefined): Pipeline {
  if (!Array.isArray(pipeline)) throw new ServerError('TypeMismatch', "'pipeline' option must be specified as an array")
  const steps = pipeline.map((step): [string, Value] => {
    if (!isDoc(step)) throw new ServerError('TypeMismatch', "Each element of the 'pipeline' array must be an object")
    const [entry, ...others] = Object.entries(step)
    if (entry === undefined || others.length > 0) throw new ServerError(40323, 'A pipeline stage specification object must contain exactly one field.')
    return entry
  })
  const result: Pipeline = { filter: { kind: 'and', children: [] }, sort: [], skip: 0, limit: 0, stages: [], countOnly: undefined, plain: false }
  const matches: Filter[] = []
  while (steps[0]?.[0] === '$match') matches.push(parseFilter(docOf('$match', steps.shift()?.[1], 15959)))
  if (matches.length > 0) result.filter = matches.length === 1 ? matches[0] as Filter : { kind: 'and', children: matches }
  if (steps[0]?.[0] === '$sort') result.sort = sortOf(steps.shift()?.[1])
  if (steps[0]?.[0] === '$skip') result.skip = skipOf(steps.shift()?.[1])
  if (steps[0]?.[0] === '$limit') result.limit = limitOf(steps.shift()?.[1])
  result.plain = steps.length === 0
  if (steps.length === 1 && steps[0]?.[0] === '$group') result.countOnly = countingGroup(parseGroup(steps[0][1]))
  result.stages = steps.map(([name, operand]) => parseStage(name, operand))
  return result
}

function parseStage(name: string, operand: Value): Stage {
  switch (name) {
    case '$match': {
      const filter = parseFilter(docOf(name, operand, 15959))
      return filtering((doc) => testFilter(filter, doc, undefined))
    }
    case '$sort': return sorting(sortOf(operand))
    case '$skip': {
      let left = skipOf(operand)
      return filtering(() => (left -= 1) < 0)
    }
    case '$limit': return limiting(limitOf(operand))
    case '$project': return projecting(docOf(name, operand, 15969))
    case '$group': {
      const spec = parseGroup(operand)
      return (docs) => groupDocs(spec, docs)
    }
    case '$count': return counting(operand)
    case '$unwind': return unwinding(operand)
    case '$changeStream': throw new ServerError(40573, 'The $changeStream stage is only supported on replica sets')
    default:
      if (refusedStages.has(name)) throw notSupported(`the pipeline stage ${name}`, 40324)
      throw new ServerError(40324, `Unrecognized pipeline stage name: '${name}'`)
  }
}

function docOf(name: string, operand: Value | undefined, code: number): Doc {
  if (!isDoc(operand)) throw new ServerError(code, `the ${name} specification must be an object`)
  return operand
}

function sortOf(operand: Value | undefined): SortField[] {
  const sort = parseSort(docOf('$sort', operand, 15973))
  if (sort.length === 0) throw new ServerError(15976, '$sort stage must have at least one sort key')
  return sort
}

function skipOf(operand: Value | undefined): number {
  const count = isNumber(operand) ? toNumber(operand) : Number.NaN
  if (!Number.isInteger(count) || count < 0) throw new ServerError(5107200, 'invalid argument to $skip stage: Expected a non-negative number')
  return count
}

function limitOf(operand: Value | undefined): number {
  const count = isNumber(operand) ? toNumber(operand) : Number.NaN
  if (count === 0) throw new ServerError(15958, 'the limit must be positive')
  if (!Number.isInteger(count) || count < 0) throw new ServerError(5107201, 'invalid argument to $limit stage: Expected a non-negative number')
  return count
}

function filtering(keep: (doc: Doc) => boolean): Stage {
  return function* (docs) {
    for (const doc of docs) if (keep(doc)) yield doc
  }
}

function limiting(limit: number): Stage {
  return function* (docs) {
    let left = limit
    for (const doc of docs) {
      yield doc
      left -= 1
      if (left === 0) return
    }
  }
}

function sorting(sort: SortField[]): Stage {
  const { keyOf, compare } = sorter(sort)
  return (docs) => [...docs].map((doc) => ({ doc, key: keyOf(doc) })).sort((a, b) => compare(a.key, b.key)).map(({ doc }) => doc)
}

function projecting(spec: Doc): Stage {
  if (Object.keys(spec).length === 0) throw new ServerError(51272, 'Invalid $project :: caused by :: projection specification must have at least one field')
  const plain: Doc = {}
  const computed: { name: string; value: (doc: Doc) => Value | undefined }[] = []
  for (const [name, value] of Object.entries(spec)) {
    const isComputed = typeof value === 'string' || (isDoc(value) && Object.keys(value)[0]?.startsWith('$') === true)
    if (!isComputed) {
      plain[name] = value
      continue
    }
    if (name.includes('.')) throw notSupported(`a computed field with a dotted name ('${name}')`)
    computed.push({ name, value: parseExpression(value) })
  }
  if (computed.length > 0 && !Object.keys(plain).some((name) => name !== '_id')) plain[' '] = true
  const project = parseProjection(plain)
  return function* (docs) {
    for (const doc of docs) {
      if (computed.length === 0) {
        yield project === undefined ? doc : project(doc)
        continue
      }
      const result = project === undefined ? {} : { ...project(doc) }
      for (const { name, value } of computed) {
        const made = value(doc)
        if (made !== undefined) setMember(result, name, made)
        else if (name === '_id') delete result['_id']
      }
      yield result
    }
  }
}

function counting(operand: Value): Stage {
  if (typeof operand !== 'string' || operand === '') throw new ServerError(40156, 'the count field must be a non-empty string')
  if (operand.startsWith('$')) throw new ServerError(40158, 'the count field cannot be a $-prefixed path')
  if (operand.includes('.')) throw new ServerError(40160, "the count field cannot contain '.'")
  return function* (docs) {
    let count = 0
    for (const doc of docs) count += isDoc(doc) ? 1 : 0
    if (count > 0) yield { [operand]: intValue(count) }
  }
}

function unwinding(operand: Value): Stage {
  const options = isDoc(operand) ? operand : { path: operand }
  for (const name of Object.keys(options)) {
    if (!['path', 'preserveNullAndEmptyArrays', 'includeArrayIndex'].includes(name)) throw new ServerError(28811, `unrecognized option to $unwind stage: ${name}`)
  }
  const path = options['path']
  if (typeof path !== 'string') throw new ServerError(28808, `expected a string as the path for $unwind stage, got ${typeOf(path)}`)
  if (!path.startsWith('$')) throw new ServerError(28818, `path option to $unwind stage should be prefixed with a '$': ${path}`)
  const preserve = options['preserveNullAndEmptyArrays'] === true
  const indexName = options['includeArrayIndex']
  if (indexName !== undefined && typeof indexName !== 'string') throw new ServerError(28810, 'expected a non-empty string for the includeArrayIndex option to $unwind stage')
  const parts = path.slice(1).split('.')
  const withIndex = (doc: Doc, index: number | null): Doc => {
    if (typeof indexName === 'string') setMember(doc, indexName, index === null ? null : intValue(index))
    return doc
  }
  return function* (docs) {
    for (const doc of docs) {
      const parent = parts.slice(0, -1).reduce<Value | undefined>((value, part) => (isDoc(value) ? member(value, part) : undefined), doc)
      const value = isDoc(parent) ? member(parent, parts.at(-1) as string) : undefined
      if (!Array.isArray(value)) {
        if ((value !== undefined && value !== null) || preserve) yield withIndex(cloneDoc(doc), null)
        continue
      }
      if (value.length === 0 && preserve) yield withIndex(withValue(doc, parts, undefined), null)
      for (const [index, element] of value.entries()) yield withIndex(withValue(doc, parts, element), index)
    }
  }
}

function withValue(doc: Doc, parts: string[], value: Value | undefined): Doc {
  const copy: Doc = { ...doc }
  const [first, ...rest] = parts as [string, ...string[]]
  if (rest.length > 0) setMember(copy, first, withValue(member(copy, first) as Doc, rest, value))
  else if (value === undefined) Reflect.deleteProperty(copy, first)
  else setMember(copy, first, value)
  return copy
}
