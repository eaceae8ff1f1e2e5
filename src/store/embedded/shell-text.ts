import { BSONRegExp, Code, ObjectId } from 'bson'
import { isDoc, isNumber, typeOf, type Value } from './values.ts'

/** A value as MongoDB's server writes it into messages. */
export function shellText(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`
  if (value instanceof Date) return `new Date(${value.getTime()})`
  if (value instanceof BSONRegExp) return `/${value.pattern}/${value.options}`
  if (value instanceof Code) return value.code
  if (isNumber(value)) {
    const text = value.toString()
    if (typeOf(value) === 'decimal') return `NumberDecimal("${text}")`
    return typeOf(value) === 'double' && /^-?\d+$/.test(text) ? `${text}.0` : text
  }
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(shellText).join(', ')} ]`
  if (!isDoc(value)) return typeof value === 'boolean' ? String(value) : typeOf(value)
  const members = Object.entries(value)
  return members.length === 0 ? '{}' : `{ ${members.map(([name, inner]) => `${name}: ${shellText(inner)}`).join(', ')} }`
}
