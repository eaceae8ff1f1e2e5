import type { Exchange } from '../../sandbox/index.ts'
import type { Documents, Json } from './documents.ts'
import { isObject } from './documents.ts'
import { createRouteTable, operationsOf, type Operation } from './operations.ts'
import { createSchemas, type Check } from './schemas.ts'

export interface Verdict {
  operation: Operation | undefined
  /** What disagrees with the official files, each with where. */
  violations: string[]
}

export interface ExchangeChecker {
  operations: readonly Operation[]
  check(exchange: Exchange): Verdict
}

/** A text of a query or form as the schema's type would have it. */
function valueOf(schema: Json, text: string | string[]): unknown {
  const type = isObject(schema) ? schema['type'] : undefined
  if (type === 'array') return [text].flat()
  if (Array.isArray(text)) return text
  if (type === 'number' || type === 'integer') return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  return text
}

/** Compares requests and answers with the official files, strictly in both directions. */
export function createExchangeChecker(documents: Documents): ExchangeChecker {
  const operations = operationsOf(documents)
  const find = createRouteTable(operations)
  const schemas = createSchemas(documents)

  function checked(operation: Operation, schema: Json, value: unknown, where: string): string[] {
    const check: Check = schemas.check(operation.file, schema)
    return check(value).map((problem) => `${where}: ${problem}`)
  }

  function checkRequest(operation: Operation, { query, headers, requestBody, path }: Exchange): string[] {
    const problems: string[] = []
    const version = headers['version']
    if (version !== undefined && operation.versions.length === 0) problems.push(`header: Version ${version} is not documented`)
    if (version === undefined && operation.versions.length > 0) problems.push('header: Version is missing')
    const parts = path.split('/')
    for (const [index, part] of operation.path.split('/').entries()) {
      const parameter = operation.parameters.find((one) => one.in === 'path' && part === `{${one.name}}`)
      if (parameter !== undefined) problems.push(...checked(operation, parameter.schema, valueOf(parameter.schema, decodeURIComponent(parts[index] ?? '')), `path ${parameter.name}`))
    }
    const known = operation.parameters.filter((one) => one.in === 'query')
    for (const [name, text] of Object.entries(query)) {
      const parameter = known.find((one) => one.name === name)
      if (parameter === undefined) problems.push(`query: ${name} is not documented`)
      else problems.push(...checked(operation, parameter.schema, valueOf(parameter.schema, text), `query ${name}`))
    }
    for (const { name, required } of known) if (required && query[name] === undefined) problems.push(`query: ${name} is missing`)
    if (operation.body === undefined) {
      if (requestBody !== undefined) problems.push('body: none is documented')
      return problems
    }
    if (requestBody === undefined) return operation.body.required ? [...problems, 'body: missing'] : problems
    const contentType = (headers['content-type'] ?? '').split(';')[0]?.trim() ?? ''
    const schema = operation.body.schemas.get(contentType)
    if (schema === undefined) return [...problems, `body: ${contentType} is not documented (${[...operation.body.schemas.keys()].join(', ')})`]
    return [...problems, ...checked(operation, schema, requestBody, 'body')]
  }

  function checkAnswer(operation: Operation, { status, responseBody }: Exchange): string[] {
    if (!operation.answers.has(status)) return [`answer: status ${status} is not documented`]
    const schema = operation.answers.get(status)
    if (schema !== undefined) return checked(operation, schema, responseBody, `answer ${status}`)
    return responseBody === undefined ? [] : [`answer ${status}: no schema is documented`]
  }

  return {
    operations,
    check(exchange) {
      const operation = find(exchange.method, exchange.path, exchange.headers['version'])
      if (operation === undefined) return { operation, violations: ['no official operation has this method, path and version'] }
      const injected = exchange.fault !== undefined
      return { operation, violations: [...checkRequest(operation, exchange), ...(injected ? [] : checkAnswer(operation, exchange))] }
    },
  }
}
