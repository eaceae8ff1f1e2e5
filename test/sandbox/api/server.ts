import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { ApiError, badRequest, unauthorized, v3Error, wrongTenant } from './api-error.ts'
import type { Answer, Endpoint, RawCall } from './endpoint.ts'
import { nameOf, type Fault, type FaultSource } from './faults.ts'
import type { Ledger } from './ledger.ts'
import type { Quota } from './quota.ts'
import type { Grant } from '../state/records.ts'
import type { World } from '../world.ts'

/** One request and its answer, for suites that compare both with the official description. */
export interface Exchange {
  method: string
  /** Official template of the endpoint; undefined when nothing matched. */
  template: string | undefined
  path: string
  query: Record<string, string | string[]>
  /** Lower-case names, without the token. */
  headers: Record<string, string>
  requestBody: unknown
  status: number
  responseBody: unknown
  /** Name of the injected fault: such answers are not the platform's. */
  fault: string | undefined
}

/** Handles what is not the API (the stand-in pages); returns false when the path is not its own. */
export type PageHandler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<boolean>

export interface ApiServerParts {
  world: World
  endpoints: Endpoint[]
  quota: Quota
  faults: FaultSource
  ledger: Ledger
  pages: PageHandler
  onExchange: (exchange: Exchange) => void
}

const knownVersions = ['2021-04-15', '2021-07-28', '2023-02-21', 'v3']
const maxBodyBytes = 5 * 1024 * 1024

interface Route {
  endpoint: Endpoint
  pattern: RegExp
  names: string[]
}

function routeOf(endpoint: Endpoint): Route {
  const names: string[] = []
  const pattern = endpoint.path.replace(/\/$/, '').replace(/\{(\w+)\}/g, (_whole, name: string) => {
    names.push(name)
    return '([^/]+)'
  })
  return { endpoint, pattern: new RegExp(`^${pattern}/?$`), names }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= maxBodyBytes) chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {}
  for (const key of new Set(url.searchParams.keys())) {
    const all = url.searchParams.getAll(key)
    query[key] = all.length === 1 ? (all[0] ?? '') : all
  }
  return query
}

/** The API's HTTP server. Order of checks: route, token, quota, Version, scope, tenant, content, work. */
export function createApiServer(parts: ApiServerParts): Server {
  const { world, quota, faults, ledger } = parts
  const routes = parts.endpoints.map(routeOf)

  function authenticate(request: IncomingMessage): Grant {
    const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
    if (token === undefined) throw unauthorized('Invalid JWT')
    const [grant] = world.state.grants.by('access', token)
    if (grant === undefined) throw unauthorized('Invalid JWT')
    if (grant.revoked || grant.expiresAtMs <= world.settings.clock.nowMs()) throw unauthorized('Invalid token: access token is invalid')
    return grant
  }

  function checkVersion(endpoint: Endpoint, version: string | undefined, path: string): void {
    if (endpoint.versions.length === 0) return
    if (version === undefined) throw unauthorized('version header was not found.')
    if (endpoint.versions.includes(version)) return
    if (version === 'v3' || !knownVersions.includes(version)) throw badRequest(`${endpoint.method} ${path} is not available in API version ${version}`)
    throw badRequest(`version header is invalid: ${endpoint.method} ${path} is available in ${endpoint.versions.join(', ')}`)
  }

  function checkAccess(endpoint: Endpoint, grant: Grant): void {
    const needed = grant.userType === 'Location' ? 'location' : 'company'
    if (endpoint.access !== 'both' && endpoint.access !== needed) {
      throw unauthorized('This authClass type is not allowed to access this scope. Please verify your IAM configuration if this is not the case.')
    }
    if (endpoint.scope !== '' && !grant.scopes.includes(endpoint.scope)) throw unauthorized('The token is not authorized for this scope.')
  }

  function checkTenant(endpoint: Endpoint, call: RawCall, grant: Grant): void {
    const { locationId, companyId } = endpoint.tenant(call)
    if (companyId !== undefined && companyId !== grant.companyId) throw wrongTenant()
    if (locationId !== undefined) {
      if (grant.locationId !== undefined && grant.locationId !== locationId) throw wrongTenant()
      if (grant.locationId === undefined && world.state.locations.get(locationId)?.companyId !== grant.companyId) throw wrongTenant()
    }
    if (grant.locationId !== undefined && world.state.locations.get(grant.locationId)?.active === false) throw badRequest('Location is not active')
  }

  function bodyOf(endpoint: Endpoint, request: IncomingMessage, raw: Buffer): unknown {
    const contentType = request.headers['content-type'] ?? ''
    if (endpoint.form) {
      return contentType.startsWith('application/x-www-form-urlencoded') ? Object.fromEntries(new URLSearchParams(raw.toString('utf8'))) : {}
    }
    if (raw.length === 0) return undefined
    if (!contentType.startsWith('application/json')) return {}
    try {
      return JSON.parse(raw.toString('utf8')) as unknown
    } catch {
      throw badRequest('Unexpected token in JSON')
    }
  }

  /** The body of a call that was refused before anybody looked at it. */
  function readableBody(endpoint: Endpoint, request: IncomingMessage, raw: Buffer): unknown {
    try {
      return bodyOf(endpoint, request, raw)
    } catch (error) {
      if (error instanceof ApiError) return undefined
      throw error
    }
  }

  function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string>): void {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    response.end(body === undefined ? '' : JSON.stringify(body))
  }

  /** Spoils an answer; true when nothing more is to be sent. */
  function spoil(response: ServerResponse, fault: Exclude<Fault, { acceptThen: unknown }>, headers: Record<string, string>): number {
    if (fault === 'reset') {
      response.socket?.destroy()
      return 0
    }
    if (fault === 'timeout') return 0
    if (fault === 'html') {
      response.writeHead(502, { 'content-type': 'text/html' })
      response.end('<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>')
      return 502
    }
    send(response, fault.status, fault.body ?? { statusCode: fault.status, message: 'Injected' }, { ...headers, ...fault.headers })
    return fault.status
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://sandbox')
    if (await parts.pages(request, response, url)) return
    const raw = await readBody(request)
    const method = request.method ?? 'GET'
    const matched = routes
      .filter((route) => route.endpoint.method === method)
      .flatMap((route) => {
        const match = route.pattern.exec(url.pathname)
        return match === null ? [] : [{ route, match }]
      })
      .sort((a, b) => a.route.names.length - b.route.names.length)[0]
    const endpoint = matched?.route.endpoint
    const entry = ledger.add({
      at: world.settings.clock.nowMs(), method, path: endpoint?.path ?? url.pathname, url: url.pathname, status: 0, bodyKeys: [],
    })
    const fault = faults.take(method, url.pathname, raw.toString('utf8'))
    if (fault !== undefined) entry.fault = nameOf(fault)
    const query = queryOf(url)
    let headers: Record<string, string> = {}
    let requestBody: unknown

    function work(): Answer {
      if (endpoint === undefined || matched === undefined) {
        throw new ApiError(404, { statusCode: 404, message: `Cannot ${method} ${url.pathname}`, error: 'Not Found' })
      }
      const version = request.headers['version']
      const params = Object.fromEntries(matched.route.names.map((name, index) => [name, decodeURIComponent(matched.match[index + 1] ?? '')]))
      const call: RawCall = { params, query, body: undefined, grant: undefined, version: Array.isArray(version) ? version[0] : version, newTraceId: randomUUID }
      if (endpoint.access === 'none') {
        call.body = requestBody = bodyOf(endpoint, request, raw)
        return endpoint.run(call)
      }
      const grant = authenticate(request)
      call.grant = grant
      entry.companyId = grant.companyId
      if (grant.locationId !== undefined) entry.locationId = grant.locationId
      const taken = quota.take(grant.locationId ?? grant.companyId)
      headers = taken.headers
      if (!taken.allowed) throw new ApiError(429, { statusCode: 429, message: 'Too Many Requests' })
      checkVersion(endpoint, call.version, url.pathname)
      checkAccess(endpoint, grant)
      call.body = requestBody = bodyOf(endpoint, request, raw)
      if (typeof requestBody === 'object' && requestBody !== null) entry.bodyKeys = Object.keys(requestBody).sort()
      checkTenant(endpoint, call, grant)
      return endpoint.run(call)
    }

    if (world.settings.latencyMs > 0) await wait(world.settings.latencyMs)
    if (fault !== undefined && (typeof fault === 'string' || 'status' in fault)) {
      const [caller] = world.state.grants.by('access', request.headers.authorization?.replace('Bearer ', '') ?? '')
      if (caller !== undefined) {
        entry.companyId = caller.companyId
        if (caller.locationId !== undefined) entry.locationId = caller.locationId
      }
      entry.status = spoil(response, fault, headers)
      return
    }
    let answer: Answer
    try {
      answer = work()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      answer = { status: error.status, body: request.headers['version'] === 'v3' ? v3Error(error) : error.body }
    }
    if (fault !== undefined) {
      const after = fault.acceptThen
      entry.status = spoil(response, after, headers)
      return
    }
    entry.status = answer.status
    send(response, answer.status, answer.body, headers)
    const seenHeaders = Object.fromEntries(
      Object.entries(request.headers).flatMap(([name, value]) => (name === 'authorization' || value === undefined ? [] : [[name, String(value)]])),
    )
    if (requestBody === undefined && endpoint !== undefined) requestBody = readableBody(endpoint, request, raw)
    parts.onExchange({
      method, template: endpoint?.path, path: url.pathname, query, headers: seenHeaders, requestBody, status: answer.status, responseBody: answer.body, fault: entry.fault,
    })
  }

  return createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else send(response, 500, { statusCode: 500, message: error instanceof Error ? error.message : 'Internal Server Error', sandbox: true }, {})
    })
  })
}
