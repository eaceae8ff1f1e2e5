import { notSupported, ServerError } from './errors.ts'
import { isDoc, member, setMember, type Doc, type Value } from './values.ts'

/** A value computed from a document; undefined when it is missing. */
export type Expression = ((doc: Doc) => Value | undefined) & { constant?: boolean }

/** Field paths, literals and objects of them. @throws InvalidPipelineOperator on every operator but $literal */
export function parseExpression(value: Value): Expression {
  if (typeof value === 'string' && value.startsWith('$')) {
    if (value.startsWith('$$')) throw notSupported(`the variable ${value}`)
    const parts = value.slice(1).split('.')
    if (parts.includes('')) throw new ServerError(16410, "FieldPath field names may not be empty strings, nor start with '$'")
    return (doc) => pathValue(doc, parts, 0)
  }
  if (isDoc(value)) {
    const names = Object.keys(value)
    const operator = names.find((name) => name.startsWith('$'))
    if (operator === '$literal' && names.length === 1) return constant(value['$literal'] as Value)
    if (operator !== undefined) throw notSupported(`the expression ${operator}`, 'InvalidPipelineOperator')
    const members = names.map((name) => [name, parseExpression(value[name] as Value)] as const)
    return (doc) => {
      const result: Doc = {}
      for (const [name, expression] of members) {
        const inner = expression(doc)
        if (inner !== undefined) setMember(result, name, inner)
      }
      return result
    }
  }
  if (Array.isArray(value)) throw notSupported('an array in an expression', 'InvalidPipelineOperator')
  return constant(value)
}

function constant(value: Value): Expression {
  return Object.assign(() => value, { constant: true })
}

/** Through arrays a path gives the array of what the elements have; numbers in the path are names, not positions. */
function pathValue(value: Value | undefined, parts: string[], at: number): Value | undefined {
  if (at === parts.length) return value
  if (isDoc(value)) return pathValue(member(value, parts[at] as string), parts, at + 1)
  if (!Array.isArray(value)) return undefined
  return value.map((element) => (isDoc(element) || Array.isArray(element) ? pathValue(element, parts, at) : undefined)).filter((element) => element !== undefined)
}
