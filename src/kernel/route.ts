import type { ZodType, output } from 'zod'

/** Who is speaking, as proven by our own session token. Tenant and location always come from here, never from the client's body. */
export interface Session {
  companyId: string
  userId: string
  role: 'agency_admin' | 'agency_user' | 'account_user'
  /** The sub-account the person is in; always set for an account user. */
  locationId: string | null
  userName: string
}

/** Who may call a route. `agency` includes admins. */
export type Access = 'public' | 'session' | 'agency' | 'agency_admin' | 'account_user'

/** What a handler gets: everything already parsed by the route's schemas. */
export interface RouteRequest<P, Q, B> {
  params: P
  query: Q
  body: B
  /** Non-null on every route whose access is not `public`. */
  session: Session | null
  /** Client address, for rate limits only. */
  ip: string
  headers: Readonly<Record<string, string | undefined>>
}

/** What a handler gives back. */
export type RouteResponse = { status: number; json: unknown; headers?: Record<string, string> } | { status: number; text: string; contentType: string; headers?: Record<string, string> }

/** One HTTP route as data: the server mounts it, the OpenAPI document describes it. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Express style path, for example `/api/accounts/:locationId`. */
  path: string
  access: Access
  /** One sentence for the OpenAPI document. */
  summary: string
  params?: ZodType
  query?: ZodType
  body?: ZodType
  /** Status → meaning and, for JSON answers, the schema. */
  responses: Record<number, { description: string; schema?: ZodType }>
  /** Requests allowed per minute and client address; undefined → the server's default. */
  ratePerMinute?: number
  /** For public routes that somebody else proves to be: called before path, query and body are looked at. @throws RequestError 401 */
  authorize?(headers: Readonly<Record<string, string | undefined>>): void
  handler(request: RouteRequest<never, never, never>): Promise<RouteResponse>
}

type Parsed<S> = S extends ZodType ? output<S> : undefined

/** Declares a route with its handler typed by its schemas. */
export function defineRoute<P extends ZodType | undefined = undefined, Q extends ZodType | undefined = undefined, B extends ZodType | undefined = undefined>(
  route: Omit<Route, 'params' | 'query' | 'body' | 'handler'> & {
    params?: P
    query?: Q
    body?: B
    handler(request: RouteRequest<Parsed<P>, Parsed<Q>, Parsed<B>>): Promise<RouteResponse>
  },
): Route {
  return route as unknown as Route
}

/**
 * The session of a route that demands one.
 * @throws Error if the route was declared public: a programming fault
 */
export function sessionOf(request: { session: Session | null }): Session {
  if (request.session === null) throw new Error('This route needs a session but was declared public')
  return request.session
}
