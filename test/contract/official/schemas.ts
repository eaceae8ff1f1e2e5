import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import { isObject, membersOf, targetOf, type Documents, type Json, type JsonObject } from './documents.ts'

/** Words for what is wrong with a value; empty when nothing is. */
export type Check = (value: unknown) => string[]

export interface Schemas {
  /** A check by a schema that stands in a file; compiled once. */
  check(file: string, schema: Json): Check
}

const kept = new Set(['type', 'enum', 'const', 'format', 'pattern', 'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'uniqueItems'])
/** Names of types that are no JSON types. `any` and the like say nothing; a `Date` travels as text. */
const strangeTypes: Record<string, string | undefined> = { Date: 'string', date: 'string', any: undefined, Object: 'object' }

function uriOf(file: string, pointer: string): string {
  return `official:${encodeURI(file)}#${pointer}`
}

/**
 * JSON Schema of an OpenAPI 3.0 schema. An object that names its members has no others: HighLevel refuses unknown members
 * of a request, and an answer with members that are written down nowhere would let the app lean on inventions.
 */
function convert(documents: Documents, file: string, schema: Json | undefined): JsonObject {
  if (!isObject(schema)) return {}
  const inner = (one: Json | undefined): JsonObject => convert(documents, file, one)
  const reference = schema['$ref']
  if (typeof reference === 'string') {
    const target = targetOf(documents, file, reference)
    return { $ref: uriOf(target.file, target.pointer) }
  }
  const allOf = schema['allOf']
  if (Array.isArray(allOf) && allOf.length === 1) return inner({ ...schema, ...(isObject(allOf[0]) ? allOf[0] : {}), allOf: undefined as unknown as Json })
  const result: JsonObject = {}
  for (const [name, value] of Object.entries(schema)) {
    if (kept.has(name)) result[name] = value
    else if ((name === 'anyOf' || name === 'oneOf' || name === 'allOf') && Array.isArray(value)) result[name === 'oneOf' ? 'anyOf' : name] = value.map(inner)
  }
  const type = result['type']
  if (typeof type === 'string' && Object.hasOwn(strangeTypes, type)) {
    const plain = strangeTypes[type]
    if (plain === undefined) delete result['type']
    else result['type'] = plain
  }
  if (isObject(schema['items'])) result['items'] = inner(schema['items'])
  const properties = schema['properties']
  if (isObject(properties)) {
    result['properties'] = Object.fromEntries(membersOf(properties).map(([name, member]) => [name, inner(member)]))
    result['type'] ??= 'object'
    const more = schema['additionalProperties']
    result['additionalProperties'] = more === undefined ? false : isObject(more) ? inner(more) : more
    if (Array.isArray(schema['required'])) result['required'] = schema['required']
  }
  return schema['nullable'] === true ? { anyOf: [result, { type: 'null' }] } : result
}

function words({ instancePath, message, params, keyword }: ErrorObject): string {
  const more = keyword === 'additionalProperties' ? ` (${String(params['additionalProperty'])})` : keyword === 'enum' ? ` (${JSON.stringify(params['allowedValues'])})` : ''
  return `${instancePath === '' ? '/' : instancePath} ${message ?? 'is wrong'}${more}`
}

export function createSchemas(documents: Documents): Schemas {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false, allowUnionTypes: true })
  formats.default(ajv)
  for (const [file, document] of documents) {
    const components = isObject(document['components']) ? document['components']['schemas'] : undefined
    const schemas = Object.fromEntries(membersOf(components).map(([name, schema]) => [name, convert(documents, file, schema)]))
    ajv.addSchema({ $id: `official:${encodeURI(file)}`, components: { schemas } })
  }
  const compiled = new Map<Json, ValidateFunction>()
  return {
    check(file, schema) {
      let validate = compiled.get(schema)
      if (validate === undefined) {
        validate = ajv.compile(convert(documents, file, schema))
        compiled.set(schema, validate)
      }
      const ready = validate
      return (value) => (ready(value) ? [] : [...new Set((ready.errors ?? []).map(words))])
    },
  }
}
