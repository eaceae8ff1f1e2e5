import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as the fake saw it. */
export interface SeenRequest {
  atMs: number
  method: string
  /** Path without the query. */
  path: string
  query: Record<string, string>
  headers: IncomingMessage['headers']
  body: string
}

export interface FakeAnswer {
  status: number
  json?: unknown
  text?: string
  headers?: Record<string, string>
  /** Cut the connection instead of answering. */
  reset?: boolean
  /** Never answer. */
  hang?: boolean
}

type Script = (request: SeenRequest) => FakeAnswer | undefined | Promise<FakeAnswer | undefined>

/** A scripted stand-in with the platform's token rules: single-use refresh tokens, access tokens that can be made invalid. */
export interface FakeHighLevel {
  url: string
  seen: SeenRequest[]
  /** The last script added is asked first; the first that answers wins. */
  script(answer: Script): void
  /** Forgets the scripts. */
  reset(): void
  tokens: {
    refreshes: number
    mints: number
    /** Access tokens that work. */
    valid: Set<string>
    /** The refresh token of each kind that works, by resource. */
    refresh: Map<string, string>
    issue(resource: string, kind: 'Company' | 'Location'): { access_token: string; refresh_token: string }
  }
  requests(path: string | RegExp): SeenRequest[]
  close(): Promise<void>
}

export async function startFakeHighLevel(): Promise<FakeHighLevel> {
  const seen: SeenRequest[] = []
  let scripts: Script[] = []
  let serial = 0
  const valid = new Set<string>()
  const refresh = new Map<string, string>()
  const tokens: FakeHighLevel['tokens'] = {
    refreshes: 0,
    mints: 0,
    valid,
    refresh,
    issue(resource) {
      serial++
      const pair = { access_token: `secret-access-${resource}-${serial}`, refresh_token: `secret-refresh-${resource}-${serial}` }
      valid.add(pair.access_token)
      refresh.set(resource, pair.refresh_token)
      return pair
    },
  }

  function oauth(request: SeenRequest): FakeAnswer | undefined {
    const form = new URLSearchParams(request.body)
    if (request.path === '/oauth/token' && form.get('grant_type') === 'authorization_code') {
      return { status: 200, json: { ...tokens.issue('company1', 'Company'), token_type: 'Bearer', expires_in: 86_399, userType: 'Company', companyId: 'company1', isBulkInstallation: true, scope: 'contacts.readonly contacts.write' } }
    }
    if (request.path === '/oauth/token') {
      const given = form.get('refresh_token')
      const resource = [...refresh].find(([, current]) => current === given)?.[0]
      if (resource === undefined) return { status: 400, json: { error: 'invalid_grant', error_description: 'This refresh token is invalid' } }
      tokens.refreshes++
      const userType = form.get('user_type')
      return { status: 200, json: { ...tokens.issue(resource, 'Company'), expires_in: 86_399, userType, companyId: 'company1', ...(userType === 'Location' ? { locationId: resource } : {}) } }
    }
    if (!valid.has((request.headers.authorization ?? '').replace('Bearer ', ''))) return { status: 401, json: { statusCode: 401, message: 'Invalid JWT' } }
    if (request.path === '/oauth/locationToken') {
      tokens.mints++
      const locationId = form.get('locationId') ?? ''
      return { status: 201, json: { ...tokens.issue(locationId, 'Location'), expires_in: 86_399, userType: 'Location', companyId: form.get('companyId'), locationId, traceId: 'trace' } }
    }
    return undefined
  }

  const server = createServer((message, response) => {
    const chunks: Buffer[] = []
    message.on('data', (chunk: Buffer) => chunks.push(chunk))
    message.on('end', () => {
      const url = new URL(message.url ?? '/', 'http://fake')
      const request: SeenRequest = { atMs: performance.now(), method: message.method ?? '', path: url.pathname, query: Object.fromEntries(url.searchParams), headers: message.headers, body: Buffer.concat(chunks).toString() }
      seen.push(request)
      void answer(request).then((given) => {
        if (given.hang === true) return
        if (given.reset === true) return void message.socket.destroy()
        const text = given.text ?? (given.json === undefined ? '' : JSON.stringify(given.json))
        response.writeHead(given.status, { 'content-type': given.text === undefined ? 'application/json' : 'text/html', ...given.headers })
        response.end(text)
      })
    })
  })
  async function answer(request: SeenRequest): Promise<FakeAnswer> {
    for (const script of scripts) {
      const given = await script(request)
      if (given !== undefined) return given
    }
    return oauth(request) ?? { status: 404, json: { statusCode: 404, message: `Cannot ${request.method} ${request.path}` } }
  }
  // Longer than any pause of a loaded machine: a socket that is closed while it is taken up again is not what is tested.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    script: (script) => {
      scripts = [script, ...scripts]
    },
    reset: () => {
      scripts = []
    },
    tokens,
    requests: (path) => seen.filter((request) => (typeof path === 'string' ? request.path === path : path.test(request.path))),
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** The highest number of requests in any sliding window. */
export function maxInWindow(timesMs: number[], windowMs: number): number {
  const sorted = [...timesMs].sort((a, b) => a - b)
  let first = 0
  let most = 0
  sorted.forEach((atMs, index) => {
    while ((sorted[first] ?? atMs) <= atMs - windowMs) first++
    most = Math.max(most, index - first + 1)
  })
  return most
}
