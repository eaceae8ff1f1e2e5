import { Decimal128, Double, Int32 } from 'bson'
import { compareValues } from './bson-order.ts'
import { notSupported, ServerError } from './errors.ts'
import { calculate } from './exact-numbers.ts'
import { parseExpression, type Expression } from './expressions.ts'
import { encodeKey } from './keys.ts'
import { isDoc, isNumber, setMember, toNumber, type Doc, type NumberValue, type Value } from './values.ts'

/** Collects one figure of a group. */
interface Accumulator { add(value: Value | undefined): void; result(): Value }

function adder(): { add(value: NumberValue): void; total(): NumberValue } {
  let total: NumberValue = new Int32(0)
  return {
    add(value) {
      const isWhole = !(total instanceof Double || total instanceof Decimal128 || value instanceof Double || value instanceof Decimal128)
      if (!isWhole) {
        total = calculate('+', total, value)
        return
      }
      // Like MongoDB, a sum of whole numbers that leaves 64 bits goes on as a double.
      const sum = BigInt(total.toString()) + BigInt(value.toString())
      total = BigInt.asIntN(64, sum) === sum ? calculate('+', total, value) : new Double(Number(sum))
    },
    total: () => total,
  }
}

function extreme(wanted: 1 | -1): Accumulator {
  let best: Value | undefined
  return {
    add(value) {
      if (value === undefined || value === null) return
      if (best === undefined || compareValues(value, best) === wanted) best = value
    },
    result: () => best ?? null,
  }
}

const accumulators: Record<string, () => Accumulator> = {
  $sum() {
    const sum = adder()
    return {
      add(value) {
        if (isNumber(value)) sum.add(value)
      },
      result: () => sum.total(),
    }
  },
  $avg() {
    const sum = adder()
    let count = 0
    return {
      add(value) {
        if (!isNumber(value)) return
        sum.add(value)
        count += 1
      },
      result() {
        const total = sum.total()
        if (count === 0) return null
        if (total instanceof Decimal128) throw notSupported('$avg of decimals')
        return new Double(toNumber(total) / count)
      },
    }
  },
  $min: () => extreme(-1),
  $max: () => extreme(1),
  $first() {
    let first: { value: Value } | undefined
    return { add: (value) => void (first ??= { value: value ?? null }), result: () => first?.value ?? null }
  },
  $last() {
    let last: Value = null
    return { add: (value) => void (last = value ?? null), result: () => last }
  },
  $push() {
    const values: Value[] = []
    return {
      add(value) {
        if (value !== undefined) values.push(value)
      },
      result: () => values,
    }
  },
  $addToSet() {
    const values = new Map<string, Value>()
    return {
      add(value) {
        if (value === undefined) return
        const key = encodeKey(value).bytes.toString('latin1')
        if (!values.has(key)) values.set(key, value)
      },
      result: () => [...values.values()],
    }
  },
}

interface GroupField { name: string; operator: string; expression: Expression }
export interface GroupSpec { id: Expression; fields: GroupField[] }

/** @throws 15955, 15951, 15952 … as MongoDB does; operators that are not on the list are refused */
export function parseGroup(spec: Value): GroupSpec {
  if (!isDoc(spec)) throw new ServerError(15947, "a group's fields must be specified in an object")
  if (spec['_id'] === undefined) throw new ServerError(15955, 'a group specification must include an _id')
  const fields = Object.entries(spec).filter(([name]) => name !== '_id').map(([name, value]): GroupField => {
    if (name.includes('.')) throw new ServerError(40235, `The field name '${name}' cannot contain '.'`)
    if (name.startsWith('$')) throw new ServerError(40236, `The field name '${name}' cannot be an operator name`)
    if (!isDoc(value)) throw new ServerError(40234, `The field '${name}' must be an accumulator object`)
    const names = Object.keys(value)
    const operator = names[0] ?? ''
    if (names.length !== 1) throw new ServerError(40238, `The field '${name}' must specify one accumulator`)
    if (!Object.hasOwn(accumulators, operator)) throw new ServerError(15952, `unknown group operator '${operator}'`)
    return { name, operator, expression: parseExpression(value[operator] as Value) }
  })
  return { id: parseExpression(spec['_id']), fields }
}

export function* groupDocs(spec: GroupSpec, docs: Iterable<Doc>): Iterable<Doc> {
  const groups = new Map<string, { id: Value; accumulators: Accumulator[] }>()
  for (const doc of docs) {
    const id = spec.id(doc) ?? null
    const key = encodeKey(id).bytes.toString('latin1')
    let group = groups.get(key)
    if (group === undefined) {
      group = { id, accumulators: spec.fields.map(({ operator }) => (accumulators[operator] as () => Accumulator)()) }
      groups.set(key, group)
    }
    spec.fields.forEach(({ expression }, at) => group.accumulators[at]?.add(expression(doc)))
  }
  for (const group of groups.values()) {
    const result: Doc = { _id: group.id }
    spec.fields.forEach(({ name }, at) => setMember(result, name, group.accumulators[at]?.result() ?? null))
    yield result
  }
}

/** The group's result for `count` equal documents, when nothing in it depends on them (what countDocuments sends). */
export function countingGroup(spec: GroupSpec): ((count: number) => Doc) | undefined {
  const isCounting = spec.id.constant === true && spec.fields.every(({ operator, expression }) => operator === '$sum' && expression.constant === true)
  if (!isCounting) return undefined
  return (count) => {
    const result: Doc = { _id: spec.id({}) ?? null }
    for (const { name, expression } of spec.fields) {
      const step = expression({})
      setMember(result, name, isNumber(step) ? calculate('*', step, new Int32(count)) : new Int32(0))
    }
    return result
  }
}
