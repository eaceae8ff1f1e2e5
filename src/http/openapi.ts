import { z, type ZodType } from 'zod'
import type { Route } from '../kernel/route.ts'
import { errorBody } from './errors.ts'

/** The OpenAPI 3.1 document of the routes, made from the same schemas that check the requests. */
export function openApiDocument(routes: readonly Route[], info: { version: string; serverUrl: string }): unknown {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = operation(route)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Barometer', version: info.version, description: 'Every route takes and gives JSON; errors are {error: {code, message, details?}}.' },
    servers: [{ url: info.serverUrl }],
    components: { securitySchemes: { session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    paths,
  }
}

function operation(route: Route): unknown {
  const responses = Object.fromEntries(
    Object.entries(route.responses).map(([status, { description, schema, contentType = 'application/json' }]) => [
      status,
      { description, ...(schema === undefined ? {} : { content: { [contentType]: { schema: jsonSchema(schema, 'output') } } }) },
    ]),
  )
  return {
    summary: route.summary,
    'x-access': route.access,
    'x-needs': route.needs ?? 'read',
    ...(route.access === 'public' ? {} : { security: [{ session: [] }] }),
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(route.body, 'input') } } } }),
    responses: { ...responses, default: { description: 'Error', content: { 'application/json': { schema: jsonSchema(errorBody, 'output') } } } },
  }
}

function parameters(schema: ZodType | undefined, location: 'path' | 'query'): unknown[] {
  if (schema === undefined) return []
  const described = jsonSchema(schema, 'input') as { properties?: Record<string, unknown>; required?: string[] }
  return Object.entries(described.properties ?? {}).map(([name, property]) => ({
    name,
    in: location,
    required: location === 'path' || (described.required ?? []).includes(name),
    schema: property,
  }))
}

function jsonSchema(schema: ZodType, io: 'input' | 'output'): unknown {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
