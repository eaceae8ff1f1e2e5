import type { Sandbox } from '../index.ts'

export interface ApiAnswer {
  status: number
  headers: Headers
  /** Parsed JSON; each test knows what it asked for. */
  body: Record<string, unknown>
}

/** A bare HTTP client for the sandbox's API with one token. */
export interface ApiClient {
  (method: string, path: string, body?: unknown, headers?: Record<string, string | undefined>): Promise<ApiAnswer>
}

/** Installs the app (without telling anybody) and acts with a token for the place; by default the first agency's own location. */
export async function clientFor(sandbox: Sandbox, place?: { companyId: string } | { locationId: string }): Promise<ApiClient> {
  if (sandbox.state.installations.size === 0) await sandbox.install({ deliver: false })
  const grant = sandbox.tokenFor(place ?? { locationId: sandbox.company().headquarters.id })
  return (method, path, body, headers = {}) => send(sandbox.url, method, path, body, { authorization: `Bearer ${grant.accessToken}`, version: '2021-07-28', ...headers })
}

/** Headers that are undefined are left out. */
export async function send(url: string, method: string, path: string, body?: unknown, headers: Record<string, string | undefined> = {}): Promise<ApiAnswer> {
  const given = Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined))
  const form = body instanceof URLSearchParams
  const response = await fetch(`${url}${path}`, {
    method, headers: { ...(body === undefined || form ? {} : { 'content-type': 'application/json' }), ...given },
    ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}
