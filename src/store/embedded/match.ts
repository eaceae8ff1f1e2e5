import { BSONRegExp } from 'bson'
import { compareValues, equalValues, textOf, typeRank } from './bson-order.ts'
import { notSupported, ServerError } from './errors.ts'
import { walkPath } from './paths.ts'
import { isDoc, isNumber, toNumber, typeOf, type Doc, type TypeName, type Value } from './values.ts'

/** Where in the outermost array the filter matched: what the positional `$` of an update stands for. */
export interface MatchDetails { arrayIndex: number | undefined }

export type CompareOperator = '$eq' | '$gt' | '$gte' | '$lt' | '$lte'

/** A condition on the values at a path. `check` judges one value (`undefined` is missing). */
export interface Leaf {
  kind: 'leaf'
  path: string
  parts: string[]
  expandLeaf: boolean
  operator: CompareOperator | '$in' | '$exists' | '$type' | '$size' | '$regex' | '$elemMatch'
  /** The operand as far as the planner needs it: a value, or for $in its values. */
  operand: Value
  /** For $elemMatch on documents: the conditions on the element. */
  inner?: Filter
  check: (value: Value | undefined, details: MatchDetails | undefined) => boolean
}

/** A parsed filter. */
export type Filter = Leaf | { kind: 'and' | 'or' | 'nor'; children: Filter[] } | { kind: 'not'; child: Filter }

/** @throws BadValue on every operator that is not on the list */
export function parseFilter(filter: Doc): Filter {
  const children: Filter[] = []
  for (const [name, operand] of Object.entries(filter)) {
    if (name === '$and' || name === '$or' || name === '$nor') {
      children.push({ kind: name.slice(1) as 'and' | 'or' | 'nor', children: parseBranches(name, operand) })
    } else if (name === '$comment') continue
    else if (name.startsWith('$')) throw unknownTopLevel(name)
    else children.push(...parseField(name, operand))
  }
  return children.length === 1 ? (children[0] as Filter) : { kind: 'and', children }
}

function unknownTopLevel(name: string): ServerError {
  const known = ['$expr', '$where', '$text', '$jsonSchema', '$alwaysTrue', '$alwaysFalse', '$sampleRate']
  if (known.includes(name)) return notSupported(`the query operator ${name}`, 'BadValue')
  return new ServerError('BadValue', `unknown top level operator: ${name}. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.`)
}

function parseBranches(name: string, operand: Value): Filter[] {
  if (!Array.isArray(operand)) throw new ServerError('BadValue', `${name} argument must be an array`)
  if (operand.length === 0) throw new ServerError('BadValue', `${name} argument must be a non-empty array`)
  return operand.map((branch) => {
    if (!isDoc(branch)) throw new ServerError('BadValue', `${name} argument's entries must be objects`)
    return parseFilter(branch)
  })
}

/** Whether a value is a set of operators rather than a value to compare with. */
function isOperatorDoc(value: Value): value is Doc {
  if (!isDoc(value)) return false
  const first = Object.keys(value)[0]
  return first?.startsWith('$') === true && !['$ref', '$id', '$db'].includes(first)
}

function parseField(path: string, operand: Value): Filter[] {
  if (operand instanceof BSONRegExp) return [regexLeaf(path, operand, undefined)]
  if (!isOperatorDoc(operand)) return [compareLeaf(path, '$eq', operand)]
  return parseOperators(path, operand)
}

function parseOperators(path: string, operators: Doc): Filter[] {
  const result: Filter[] = []
  for (const [name, operand] of Object.entries(operators)) {
    switch (name) {
      case '$eq': result.push(compareLeaf(path, name, operand))
        break
      case '$gt': case '$gte': case '$lt': case '$lte':
        if (operand instanceof BSONRegExp) throw new ServerError('BadValue', `Can't have RegEx as arg to predicate over field '${path}'.`)
        result.push(compareLeaf(path, name, operand))
        break
      case '$ne':
        if (operand instanceof BSONRegExp) throw new ServerError('BadValue', `Can't have regex as arg to $ne.`)
        result.push({ kind: 'not', child: compareLeaf(path, '$eq', operand) })
        break
      case '$in': result.push(inLeaf(path, name, operand))
        break
      case '$nin': result.push({ kind: 'not', child: inLeaf(path, name, operand) })
        break
      case '$exists': {
        const exists: Filter = leaf(path, '$exists', operand, false, (value) => value !== undefined)
        result.push(isTruthy(operand) ? exists : { kind: 'not', child: exists })
        break
      }
      case '$type': result.push(typeLeaf(path, operand))
        break
      case '$size': result.push(sizeLeaf(path, operand))
        break
      case '$regex': result.push(regexLeaf(path, operand, operators['$options']))
        break
      case '$options':
        if (operators['$regex'] === undefined) throw new ServerError('BadValue', '$options needs a $regex')
        break
      case '$not': result.push({ kind: 'not', child: notOperand(path, operand) })
        break
      case '$elemMatch': result.push(elemMatchLeaf(path, operand))
        break
      case '$all': result.push(allFilter(path, operand))
        break
      default:
        if (['$mod', '$bitsAllSet', '$bitsAnySet', '$bitsAllClear', '$bitsAnyClear', '$geoWithin', '$near', '$nearSphere', '$geoIntersects'].includes(name)) {
          throw notSupported(`the query operator ${name}`, 'BadValue')
        }
        throw new ServerError('BadValue', `unknown operator: ${name}`)
    }
  }
  return result
}

function isTruthy(value: Value): boolean {
  return isNumber(value) ? toNumber(value) !== 0 : value !== false && value !== null
}

function leaf(path: string, operator: Leaf['operator'], operand: Value, expandLeaf: boolean, check: Leaf['check']): Leaf {
  return { kind: 'leaf', path, parts: path.split('.'), operator, operand, expandLeaf, check }
}

function compareLeaf(path: string, operator: CompareOperator, operand: Value): Leaf {
  return leaf(path, operator, operand, true, comparison(operator, operand))
}

/** Comparisons see only values of the operand's own kind, as in MongoDB; missing counts as null. */
export function comparison(operator: CompareOperator, operand: Value): (value: Value | undefined) => boolean {
  const type = typeOf(operand)
  const rank = typeRank[type]
  if (type === 'null') return operator === '$gt' || operator === '$lt' ? () => false : (value) => value === undefined || value === null
  if (operator === '$eq') return (value) => value !== undefined && typeRank[typeOf(value)] === rank && compareValues(value, operand) === 0
  if (type === 'minKey' || type === 'maxKey') return (value) => value !== undefined && satisfies(operator, compareValues(value, operand))
  if (isNumber(operand) && Number.isNaN(toNumber(operand))) {
    const matchesNaN = operator === '$gte' || operator === '$lte'
    return (value) => matchesNaN && isNumber(value) && Number.isNaN(toNumber(value))
  }
  return (value) => {
    if (value === undefined || typeRank[typeOf(value)] !== rank) return false
    if (isNumber(value) && Number.isNaN(toNumber(value))) return false
    return satisfies(operator, compareValues(value, operand))
  }
}

function satisfies(operator: CompareOperator, order: number): boolean {
  switch (operator) {
    case '$eq': return order === 0
    case '$gt': return order > 0
    case '$gte': return order >= 0
    case '$lt': return order < 0
    case '$lte': return order <= 0
  }
}

function inLeaf(path: string, name: string, operand: Value): Leaf {
  if (!Array.isArray(operand)) throw new ServerError('BadValue', `${name} needs an array`)
  const tests = operand.map((value) => {
    if (isOperatorDoc(value)) throw new ServerError('BadValue', `cannot nest $ under ${name}`)
    return value instanceof BSONRegExp ? regexCheck(value) : undefined
  })
  const patterns = tests.filter((test) => test !== undefined)
  const matchesNull = operand.includes(null)
  const sorted = operand.filter((value) => !(value instanceof BSONRegExp)).sort(compareValues)
  return leaf(path, '$in', operand, true, (value) => {
    if (value === undefined || value === null) return matchesNull
    return includesSorted(sorted, value) || patterns.some((test) => test(value))
  })
}

function includesSorted(sorted: Value[], value: Value): boolean {
  let low = 0
  let high = sorted.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const order = compareValues(sorted[middle], value)
    if (order === 0) return true
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return false
}

const typeOfNumber: Record<number, TypeName> = {
  1: 'double', 2: 'string', 3: 'object', 4: 'array', 5: 'binData', 7: 'objectId', 8: 'bool', 9: 'date', 10: 'null', 11: 'regex',
  13: 'javascript', 14: 'symbol', 16: 'int', 17: 'timestamp', 18: 'long', 19: 'decimal', [-1]: 'minKey', 127: 'maxKey',
}
const typeNames = new Set<string>(Object.values(typeOfNumber))

function typeLeaf(path: string, operand: Value): Leaf {
  const wanted = new Set<TypeName>()
  const list = Array.isArray(operand) ? operand : [operand]
  if (list.length === 0) throw new ServerError('FailedToParse', `${path} must match at least one type`)
  for (const item of list) {
    if (item === 'number') for (const name of ['int', 'double', 'long', 'decimal'] as const) wanted.add(name)
    else if (typeof item === 'string') {
      if (!typeNames.has(item)) throw new ServerError('BadValue', `Unknown type name alias: ${item}`)
      wanted.add(item as TypeName)
    } else if (isNumber(item)) {
      const name = typeOfNumber[toNumber(item)]
      if (name === undefined) throw new ServerError('BadValue', `Invalid numerical type code: ${item.toString()}`)
      wanted.add(name)
    } else throw new ServerError('TypeMismatch', 'type must be represented as a number or a string')
  }
  return leaf(path, '$type', operand, true, (value) => value !== undefined && wanted.has(typeOf(value)))
}

function sizeLeaf(path: string, operand: Value): Leaf {
  if (!isNumber(operand)) throw new ServerError('BadValue', `Failed to parse $size. Expected a number in: $size: ${typeOf(operand)}`)
  const size = toNumber(operand)
  if (!Number.isInteger(size)) throw new ServerError('BadValue', `Failed to parse $size. Expected an integer: $size: ${size}`)
  if (size < 0) throw new ServerError('BadValue', `Failed to parse $size. Expected a non-negative number in: $size: ${size}`)
  return leaf(path, '$size', operand, false, (value) => Array.isArray(value) && value.length === size)
}

function regexLeaf(path: string, operand: Value, options: Value | undefined): Leaf {
  let regex: BSONRegExp
  checkRegexOptions(typeof options === 'string' ? options : '')
  if (options !== undefined && typeof options !== 'string') throw new ServerError('BadValue', '$options has to be a string')
  if (operand instanceof BSONRegExp) {
    if (options !== undefined && operand.options !== '') throw new ServerError(51074, 'options set in both $regex and $options')
    regex = options === undefined ? operand : new BSONRegExp(operand.pattern, options)
  } else if (typeof operand === 'string') regex = new BSONRegExp(operand, options ?? '')
  else throw new ServerError('BadValue', '$regex has to be a string')
  return leaf(path, '$regex', regex, true, regexCheck(regex))
}

function checkRegexOptions(options: string): void {
  for (const option of options) {
    if (option === 'x') throw notSupported('the regular expression option x', 'BadValue')
    if (!'imsu'.includes(option)) throw new ServerError(51108, `invalid flag in regex options: ${option}`)
  }
}

function regexCheck(regex: BSONRegExp): (value: Value | undefined) => boolean {
  checkRegexOptions(regex.options)
  let compiled: RegExp
  try {
    compiled = new RegExp(regex.pattern, regex.options)
  } catch (error) {
    throw new ServerError(51091, `Regular expression is invalid: ${error instanceof Error ? error.message : ''}`)
  }
  return (value) => {
    if (value === undefined || value === null) return false
    const type = typeOf(value)
    if (type === 'string' || type === 'symbol') return compiled.test(textOf(value))
    return type === 'regex' && equalValues(value, regex)
  }
}

function notOperand(path: string, operand: Value): Filter {
  if (operand instanceof BSONRegExp) return regexLeaf(path, operand, undefined)
  if (!isDoc(operand)) throw new ServerError('BadValue', '$not needs a regex or a document')
  if (Object.keys(operand).length === 0) throw new ServerError('BadValue', '$not cannot be empty')
  if (!isOperatorDoc(operand)) throw new ServerError('BadValue', `unknown operator: ${Object.keys(operand)[0] ?? ''}`)
  return { kind: 'and', children: parseOperators(path, operand) }
}

function elemMatchLeaf(path: string, operand: Value): Leaf {
  if (!isDoc(operand)) throw new ServerError('BadValue', '$elemMatch needs an Object')
  const first = Object.keys(operand)[0]
  const onValues = first?.startsWith('$') === true && !['$and', '$or', '$nor'].includes(first)
  const inner = onValues ? ({ kind: 'and', children: parseOperators('', operand) } as const) : parseFilter(operand)
  const matches = (element: Value): boolean => {
    if (onValues) return testValue(inner, element)
    if (isDoc(element)) return testFilter(inner, element, undefined)
    return Array.isArray(element) && testFilter(inner, Object.fromEntries(element.entries()), undefined)
  }
  const result = leaf(path, '$elemMatch', operand, false, (value, details) => {
    if (!Array.isArray(value)) return false
    const index = value.findIndex(matches)
    if (index >= 0 && details !== undefined) details.arrayIndex ??= index
    return index >= 0
  })
  if (!onValues) result.inner = inner
  return result
}

function allFilter(path: string, operand: Value): Filter {
  if (!Array.isArray(operand)) throw new ServerError('BadValue', '$all needs an array')
  if (operand.length === 0) return { kind: 'or', children: [] }
  const elemMatch = (value: Value): value is Doc => isDoc(value) && Object.keys(value)[0] === '$elemMatch'
  const any = operand.some(elemMatch)
  return { kind: 'and', children: operand.map((value): Filter => {
    if (elemMatch(value)) return elemMatchLeaf(path, value['$elemMatch'] as Value)
    if (any) throw new ServerError('BadValue', '$all/$elemMatch has to be consistent')
    if (isOperatorDoc(value)) throw new ServerError('BadValue', 'no $ expressions in $all')
    return value instanceof BSONRegExp ? regexLeaf(path, value, undefined) : compareLeaf(path, '$eq', value)
  }) }
}

/** Whether a document matches; fills `details` for the positional operator. */
export function testFilter(filter: Filter, doc: Doc, details: MatchDetails | undefined): boolean {
  switch (filter.kind) {
    case 'and': return filter.children.every((child) => testFilter(child, doc, details))
    case 'or': return filter.children.some((child) => testFilter(child, doc, details))
    case 'nor': return !filter.children.some((child) => testFilter(child, doc, undefined))
    case 'not': return !testFilter(filter.child, doc, undefined)
    case 'leaf': return walkPath(doc, filter.parts, filter.expandLeaf, (value, arrayIndex) => {
      if (details === undefined) return filter.check(value, undefined)
      const found: MatchDetails = { arrayIndex }
      if (!filter.check(value, found)) return false
      details.arrayIndex = found.arrayIndex ?? details.arrayIndex
      return true
    })
  }
}

/** Whether one value by itself matches conditions that were parsed without a path: elements under $elemMatch and $pull. */
export function testValue(filter: Filter, value: Value): boolean {
  switch (filter.kind) {
    case 'and': return filter.children.every((child) => testValue(child, value))
    case 'or': return filter.children.some((child) => testValue(child, value))
    case 'nor': return !filter.children.some((child) => testValue(child, value))
    case 'not': return !testValue(filter.child, value)
    case 'leaf': return filter.check(value, undefined)
  }
}

/** The conditions of an operator document that judges single values (`$pull: {a: {$gt: 3}}`). */
export function parseValueConditions(operators: Doc): Filter {
  return { kind: 'and', children: parseOperators('', operators) }
}
