import { isObject, membersOf, type Documents, type Json, type JsonObject } from './documents.ts'

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  schema: Json
}

/** One operation of the official files. */
export interface Operation {
  /** `METHOD /path` with the file's own parameter names. */
  name: string
  file: string
  method: string
  path: string
  /** Accepted values of the `Version` header; empty where the file names none. */
  versions: string[]
  parameters: Parameter[]
  /** Body schema by content type. */
  body: { required: boolean; schemas: ReadonlyMap<string, Json> } | undefined
  /** Schema by status; undefined where the answer is named without a schema. */
  answers: ReadonlyMap<number, Json | undefined>
  scopes: string[]
}

const methods = ['get', 'post', 'put', 'delete', 'patch']

function parametersOf(list: Json | undefined): Parameter[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((one) => {
    if (!isObject(one)) return []
    const place = one['in']
    if (typeof one['name'] !== 'string' || (place !== 'path' && place !== 'query' && place !== 'header')) return []
    return [{ name: one['name'], in: place, required: one['required'] === true, schema: one['schema'] ?? {} }]
  })
}

function schemasOf(content: Json | undefined): Map<string, Json> {
  return new Map(membersOf(content).flatMap(([type, media]) => (isObject(media) && media['schema'] !== undefined ? [[type, media['schema']]] : [])))
}

function operationOf(file: string, path: string, method: string, item: JsonObject, operation: JsonObject): Operation {
  const all = [...parametersOf(item['parameters']), ...parametersOf(operation['parameters'])]
  const version = all.find((one) => one.in === 'header' && one.name.toLowerCase() === 'version')
  const allowed = isObject(version?.schema) ? version.schema['enum'] : undefined
  const named = new Set(all.filter((one) => one.in === 'path').map((one) => one.name))
  // A parameter that the path names and the file forgets is a text like the others.
  const forgotten = [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name = '']) => (named.has(name) ? [] : [{ name, in: 'path' as const, required: true, schema: { type: 'string' } }]))
  const body = operation['requestBody']
  return {
    name: `${method.toUpperCase()} ${path}`,
    file, method: method.toUpperCase(), path,
    versions: Array.isArray(allowed) ? allowed.filter((one) => typeof one === 'string') : [],
    parameters: [...all, ...forgotten],
    body: isObject(body) ? { required: body['required'] === true, schemas: schemasOf(body['content']) } : undefined,
    answers: new Map(membersOf(operation['responses']).flatMap(([status, answer]) => (isObject(answer) ? [[Number(status), [...schemasOf(answer['content']).values()][0]]] : []))),
    scopes: (Array.isArray(operation['security']) ? operation['security'] : []).flatMap((scheme) => membersOf(scheme).flatMap(([, scopes]) => (Array.isArray(scopes) ? scopes.map(String) : []))),
  }
}

/** Every operation of every file. */
export function operationsOf(documents: Documents): Operation[] {
  return [...documents].flatMap(([file, document]) =>
    membersOf(document['paths']).flatMap(([path, item]) =>
      membersOf(item).flatMap(([method, operation]) => (methods.includes(method) && isObject(operation) && isObject(item) ? [operationOf(file, path, method, item, operation)] : []))))
}

/** Path with the names of its parameters left out: files and code name them differently. */
export function shapeOf(path: string): string {
  return path.replace(/\{\w+\}/g, '{}')
}

/** Finds the operation of a call by method, exact path (a trailing slash matters) and version. */
export function createRouteTable(operations: readonly Operation[]): (method: string, path: string, version: string | undefined) => Operation | undefined {
  const routes = operations.map((operation) => ({
    operation, parameterCount: operation.path.split('{').length,
    pattern: new RegExp(`^${operation.path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}$`),
  })).sort((a, b) => a.parameterCount - b.parameterCount)
  return (method, path, version) => {
    const fitting = routes.filter((route) => route.operation.method === method && route.pattern.test(path))
    const fewest = fitting.filter((route) => route.parameterCount === fitting[0]?.parameterCount).map((route) => route.operation)
    return fewest.find((operation) => version !== undefined && operation.versions.includes(version)) ?? fewest.find((operation) => operation.versions.length === 0)
  }
}
