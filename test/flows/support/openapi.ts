/** One operation of the product's own OpenAPI document. */
export interface Operation {
  method: string
  /** With `{name}` for members. */
  path: string
  access: string
  needs: string
  query: string[]
  body: Schema | undefined
}

export interface Schema {
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  minLength?: number
  minimum?: number
  minItems?: number
  format?: string
  pattern?: string
  default?: unknown
}

interface Document {
  paths: Record<string, Record<string, {
    'x-access': string
    'x-needs': string
    parameters: { name: string; in: string }[]
    requestBody?: { content: { 'application/json': { schema: Schema } } }
  }>>
}

export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(), path, access: operation['x-access'], needs: operation['x-needs'],
      query: operation.parameters.filter((parameter) => parameter.in === 'query').map((parameter) => parameter.name),
      body: operation.requestBody?.content['application/json'].schema,
    })))
}

const firstOf = (schema: Schema): Schema => schema.anyOf?.find((one) => one.type !== 'null') ?? schema.oneOf?.[0] ?? schema.allOf?.[0] ?? schema

/** A small value that fits the schema, with every required member. */
export function exampleOf(given: Schema): unknown {
  const schema = firstOf(given)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name)).map(([name, member]) => [name, exampleOf(member)]))
    case 'array':
      return schema.items === undefined ? [] : [exampleOf(schema.items)]
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    default:
      return 'x'.repeat(Math.max(schema.minLength ?? 1, 8))
  }
}

/** Every member that is a text, as a path; `0` stands for the first element of a list. */
export function stringPathsOf(given: Schema): string[][] {
  const schema = firstOf(given)
  if (schema.properties !== undefined) return differing(Object.entries(schema.properties)).flatMap(([name, member]) => stringPathsOf(member).map((path) => [name, ...path]))
  if (schema.items !== undefined) return stringPathsOf(schema.items).map((path) => ['0', ...path])
  return schema.type === 'string' || schema.enum !== undefined ? [[]] : []
}

/** Groups and choices that are declared alike, as for each kind of notice, stand for each other: three of them are enough. Plain texts are all kept: each may be an id. */
function differing(members: [string, Schema][]): [string, Schema][] {
  const seen = new Map<string, number>()
  return members.filter(([, member]) => {
    if (member.type === 'string' && member.enum === undefined) return true
    const shape = JSON.stringify(member)
    const count = (seen.get(shape) ?? 0) + 1
    seen.set(shape, count)
    return count <= 3
  })
}

/** A copy with another value at one place; what is missing on the way is made. */
export function withValueAt(value: unknown, [head, ...rest]: string[], put: unknown): unknown {
  if (head === undefined) return put
  if (head === '0') return [withValueAt(Array.isArray(value) ? value[0] : undefined, rest, put)]
  const object = typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
  return { ...object, [head]: withValueAt(object[head], rest, put) }
}
