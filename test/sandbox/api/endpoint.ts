import { z } from 'zod'
import { unprocessable, validationMessages } from './api-error.ts'
import type { Grant } from '../state/records.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** A request as it came in, before validation. */
export interface RawCall {
  params: Record<string, string>
  query: Record<string, string | string[]>
  body: unknown
  /** Undefined on the token endpoint. */
  grant: Grant | undefined
  version: string | undefined
  newTraceId(): string
}

export interface Call<Query, Body> {
  params: Record<string, string>
  query: Query
  body: Body
  grant: Grant
  version: string
  traceId: string
}

export interface Answer {
  status: number
  body: unknown
}

/** Whom a request is about; checked against the token before the request's content is validated. */
export interface Tenant {
  locationId?: string | undefined
  companyId?: string | undefined
}

export interface Endpoint {
  method: Method
  /** The official template, such as `/contacts/{contactId}`. */
  path: string
  /** Accepted values of the `Version` header; empty: none is needed. */
  versions: string[]
  /** Which tokens may call it; `none` for the token endpoint itself. */
  access: 'none' | 'location' | 'company' | 'both'
  scope: string
  /** Body is a form, not JSON. */
  form: boolean
  tenant(call: RawCall): Tenant
  run(call: RawCall): Answer
}

interface Definition<Query extends z.ZodType, Body extends z.ZodType> {
  method: Method
  path: string
  versions?: string[]
  access?: Endpoint['access']
  scope?: string
  form?: boolean
  query?: Query
  body?: Body
  tenant?: (call: RawCall) => Tenant
  handle: (call: Call<z.infer<Query>, z.infer<Body>>) => Answer
}

/** Nothing but what is named: unknown members are refused, as the platform does. */
export const nothing = z.strictObject({})

/** Most calls name their tenant as locationId, in path, query or body. */
export function namedTenant(call: RawCall): Tenant {
  const body = typeof call.body === 'object' && call.body !== null ? (call.body as Record<string, unknown>) : {}
  const locationId = call.params['locationId'] ?? call.query['locationId'] ?? call.query['location_id'] ?? body['locationId']
  const companyId = call.params['companyId'] ?? call.query['companyId'] ?? body['companyId']
  return {
    locationId: typeof locationId === 'string' ? locationId : undefined,
    companyId: typeof companyId === 'string' ? companyId : undefined,
  }
}

/** Binds an endpoint's schemas to its work. */
export function endpoint<Query extends z.ZodType = typeof nothing, Body extends z.ZodType = typeof nothing>(
  definition: Definition<Query, Body>,
): Endpoint {
  const querySchema: z.ZodType = definition.query ?? nothing
  const bodySchema: z.ZodType | undefined = definition.body
  return {
    method: definition.method,
    path: definition.path,
    versions: definition.versions ?? ['2021-07-28'],
    access: definition.access ?? 'location',
    scope: definition.scope ?? '',
    form: definition.form ?? false,
    tenant: definition.tenant ?? namedTenant,
    run(call) {
      const query = querySchema.safeParse(call.query)
      const body = (bodySchema ?? z.unknown()).safeParse(call.body ?? {})
      const messages = [query, body].flatMap((parsed) => (parsed.success ? [] : validationMessages(parsed.error)))
      const traceId = call.newTraceId()
      if (messages.length > 0) throw unprocessable(messages, traceId)
      return definition.handle({
        params: call.params,
        query: query.data as z.infer<Query>,
        body: body.data as z.infer<Body>,
        grant: call.grant as Grant,
        version: call.version ?? '',
        traceId,
      })
    },
  }
}

/** Number in a query string, as the platform accepts them. */
export const countParam = z.string().regex(/^\d+$/, 'must be a number conforming to the specified constraints').optional()

export function toCount(value: string | undefined, fallback: number, most: number): number {
  return Math.min(value === undefined ? fallback : Number(value), most)
}

export const ok = (body: unknown): Answer => ({ status: 200, body })
export const created = (body: unknown): Answer => ({ status: 201, body })
