import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import type { Express, Request, RequestHandler, Response } from 'express'
import type { ZodType } from 'zod'
import { RequestError } from '../kernel/errors.ts'
import type { Access, Needs, Refusals, Route, RouteResponse, Session } from '../kernel/route.ts'
import { invalidInput, sendError } from './errors.ts'
import type { Streams } from './streams.ts'
import { problemOf } from './words.ts'

/** Turns a bearer token into a session; null if it is missing, forged or expired. */
export type SessionReader = (token: string) => Promise<Session | null>

/** Says what a person's role lets them do, resolved anew for every request: a role that was taken away is gone at once. */
export interface Permits {
  /** @throws RequestError 403 with a sentence that names the way out; 404 for an account or case that is not this agency's */
  check(session: Session, needs: Needs, params: Readonly<Record<string, string>>): Promise<void>
  refusals(session: Session, locationIds: readonly string[]): ReturnType<Refusals>
}

const defaultRatePerMinute = 600

function sessionMayCall(access: Access, session: Session): boolean {
  switch (access) {
    case 'public':
    case 'session':
      return true
    case 'agency':
      return session.role !== 'account_user'
    case 'agency_admin':
      return session.role === 'agency_admin'
    case 'account_user':
      return session.role === 'account_user'
  }
}

/** The bearer token, if there is one. */
function tokenOf(request: Request): string | undefined {
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]*)$/.exec(request.get('authorization') ?? '')?.[1]
}

async function authenticate(route: Route, request: Request, readSession: SessionReader): Promise<Session | null> {
  const token = tokenOf(request)
  const session = token === undefined ? null : await readSession(token)
  if (route.access === 'public') return session
  if (session === null) throw new RequestError(401, 'unauthorized', 'Sign in again: open this page from the app.')
  if (!sessionMayCall(route.access, session)) {
    throw new RequestError(403, 'forbidden', route.access === 'agency_admin' ? 'Only an agency admin may do this.' : 'This is not available to you.')
  }
  return session
}

function parse(schema: ZodType | undefined, where: 'body' | 'query' | 'path', value: unknown): unknown {
  if (schema === undefined) return undefined
  const result = schema.safeParse(value, { error: problemOf })
  if (!result.success) throw invalidInput(where, result.error)
  const field = memberWithNul(result.data)
  if (field !== null) throw new RequestError(400, 'invalid_input', `${field.join('.') || where}: must not contain the character U+0000`, { details: { in: where, fields: [{ field: field.join('.') || where, problem: 'must not contain the character U+0000' }] } })
  return result.data
}

/** Where a text with U+0000 is, which no person types and not every part of the store can hold; null if nowhere. */
function memberWithNul(value: unknown): string[] | null {
  if (typeof value === 'string') return value.includes('\0') ? [] : null
  if (typeof value !== 'object' || value === null) return null
  for (const [name, member] of Object.entries(value)) {
    const found = memberWithNul(member)
    if (found !== null) return [name, ...found]
  }
  return null
}

/** Goes at the reader's pace. A fault in the middle breaks the connection off: half a file must not look like a whole one. */
async function sendChunks(response: Response, chunks: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(chunks), response)
  } catch (error) {
    response.destroy()
    // Whoever turned away in the middle does not want the rest.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}

async function send(response: Response, result: Exclude<RouteResponse, { stream: unknown }>): Promise<void> {
  response.status(result.status)
  if (result.headers !== undefined) response.set(result.headers)
  if ('chunks' in result) await sendChunks(response.type(result.contentType), result.chunks)
  else if ('text' in result) response.type(result.contentType).send(result.text)
  else response.json(result.json)
}

/** @throws Error for a route that changes something and does not say what it needs: a programming fault, found at the start */
function needsOf({ method, path, needs }: Route): Needs {
  if (needs !== undefined) return needs
  if (method !== 'GET') throw new Error(`${method} ${path} does not declare what it needs`)
  return 'read'
}

function handlerOf(route: Route, readSession: SessionReader, permits: Permits, streams: Streams): RequestHandler {
  const wantsBody = route.body !== undefined
  const needs = needsOf(route)
  return async (request, response) => {
    const session = await authenticate(route, request, readSession)
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]))
    route.authorize?.(headers)
    if (wantsBody && request.body === undefined && request.get('content-length') !== undefined && request.get('content-length') !== '0') {
      throw new RequestError(415, 'unsupported_type', 'Send JSON with the header Content-Type: application/json.')
    }
    const params = parse(route.params, 'path', request.params)
    // Before the body is looked at: whoever may not do a thing is not told how to.
    if (session !== null && needs !== 'read') await permits.check(session, needs, (params ?? {}) as Record<string, string>)
    const result = await route.handler({
      params: params as never,
      query: parse(route.query, 'query', request.query) as never,
      body: parse(route.body, 'body', request.body ?? {}) as never,
      session,
      refusals: async (locationIds) => (session === null ? new Map() : permits.refusals(session, locationIds)),
      ip: request.ip ?? 'unknown',
      headers,
    })
    if ('stream' in result) streams.open(response, result, { session, token: tokenOf(request) })
    else await send(response, result)
  }
}

/** Mounts routes given as data: rate limit, session, role, input check, handler. */
export function mountRoutes(app: Express, routes: readonly Route[], readSession: SessionReader, permits: Permits, streams: Streams): void {
  for (const route of routes) {
    const limiter = rateLimit({
      windowMs: 60_000,
      limit: route.ratePerMinute ?? defaultRatePerMinute,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      identifier: `${route.method} ${route.path}`,
      // A person's own session first, so that an office behind one address is not one client.
      keyGenerator: (request) => (route.access === 'public' ? '' : (request.get('authorization')?.slice(-24) ?? '')) + ipKeyGenerator(request.ip ?? ''),
      handler: (_request, response) => sendError(response, 429, 'too_many_requests', 'Too many requests. Wait a minute and try again.'),
    })
    app[route.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete'](route.path, limiter, handlerOf(route, readSession, permits, streams))
  }
}
