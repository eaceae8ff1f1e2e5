import type { ZodType, output } from 'zod'
import type { RequestError } from './errors.ts'

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

/**
 * What a route does, and so what it asks of the person's role beside its access.
 * `read`: looks or tries out and changes nothing · `own`: changes only what is the person's own, as preferences, watches, read marks or
 * a customer's answers · `part`: work of one's own, for everybody who does not only read · `own_book`: changes the account that the path
 * names · `own_case`: changes the case that the path names · `own_accounts`: changes accounts that the body names; the handler asks
 * `refusals` about each · `workflows`: changes what is sent · `admin`: for agency admins, as the access says · `proof`: public, and the
 * caller proves what it may, as with a one-tap link or the header of a marketplace action.
 */
export type Needs = 'read' | 'own' | 'part' | 'own_book' | 'own_case' | 'own_accounts' | 'workflows' | 'admin' | 'proof'

/** Why somebody may not change some of these accounts, by account; who is not in it may be changed. */
export type Refusals = (locationIds: readonly string[]) => Promise<ReadonlyMap<string, RequestError>>

/** What a handler gets: everything already parsed by the route's schemas. */
export interface RouteRequest<P, Q, B> {
  params: P
  query: Q
  body: B
  /** Non-null on every route whose access is not `public`. */
  session: Session | null
  /** For routes that change accounts named in the body. */
  refusals: Refusals
  /** Client address, for rate limits only. */
  ip: string
  headers: Readonly<Record<string, string | undefined>>
}

/** Where an answer without an end is written to. */
export interface StreamOut {
  /** Does nothing once it is closed. A reader who does not keep up is cut off. */
  write(text: string): void
  close(): void
}

/** What an answer without an end is made of. */
export interface StreamSource {
  /** Begins to write. @returns called once, when the reader is gone or was cut off */
  open(out: StreamOut): () => void
  /** Written again and again while the stream is open, so that both ends see that the other is there. */
  heartbeat(): string
}

/** What a handler gives back. A stream is open for as long as its session is good. */
export type RouteResponse =
  | { status: number; json: unknown; headers?: Record<string, string> }
  | { status: number; text: string; contentType: string; headers?: Record<string, string> }
  /** A file that is made while it is sent. */
  | { status: number; chunks: AsyncIterable<string>; contentType: string; headers?: Record<string, string> }
  | { stream: StreamSource; contentType: string }

/** One HTTP route as data: the server mounts it, the OpenAPI document describes it. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Express style path, for example `/api/accounts/:locationId`. */
  path: string
  access: Access
  /** Left out on a GET: it reads. */
  needs?: Needs
  /** One sentence for the OpenAPI document. */
  summary: string
  params?: ZodType
  query?: ZodType
  body?: ZodType
  /** Status → meaning and, for JSON answers and the messages of a stream, the schema. */
  responses: Record<number, { description: string; schema?: ZodType; contentType?: string }>
  /** Requests allowed per minute and client address; undefined → the server's default. */
  ratePerMinute?: number
  /** For public routes that somebody else proves to be: called before path, query and body are looked at. @throws RequestError 401 */
  authorize?(headers: Readonly<Record<string, string | undefined>>): void
  handler(request: RouteRequest<never, never, never>): Promise<RouteResponse>
}

type Parsed<S> = S extends ZodType ? output<S> : undefined

/** Declares a route with its handler typed by its schemas. */
export function defineRoute<P extends ZodType | undefined = undefined, Q extends ZodType | undefined = undefined, B extends ZodType | undefined = undefined>(
  route: Omit<Route, 'method' | 'needs' | 'params' | 'query' | 'body' | 'handler'> & ({ method: 'GET'; needs?: Needs } | { method: Exclude<Route['method'], 'GET'>; needs: Needs }) & {
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
