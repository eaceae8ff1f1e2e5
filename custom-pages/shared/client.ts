import type { Sessions } from './session.ts'

/** A call that did not work: a stable code, and words that a person can act on. */
export class ApiError extends Error {
  readonly code: string
  readonly status: number
  /** Path of a field → what is wrong with it, where the server said so. */
  readonly fields: Record<string, string>

  constructor(code: string, message: string, status: number, fields: Record<string, string> = {}) {
    super(message)
    this.code = code
    this.status = status
    this.fields = fields
  }
}

export type Query = Record<string, string | number | boolean | undefined>

/** JSON calls with the session of the person who is looking. */
export interface Client {
  get<T>(path: string, query?: Query): Promise<T>
  send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>
}

const patienceMs = 30_000

/** @throws ApiError from every call that does not succeed */
export function createClient(sessions: Sessions): Client {
  async function request<T>(method: string, path: string, body?: unknown, isSecond = false): Promise<T> {
    const session = await sessions.get()
    if (!session.ok) throw new ApiError(session.why, 'You are not signed in any more. Open this page again from the navigation.', session.why === 'offline' ? 0 : 401)
    let response: Response
    try {
      response = await fetch(path, {
        method,
        headers: { authorization: `Bearer ${session.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        credentials: 'omit',
        signal: AbortSignal.timeout(patienceMs),
      })
    } catch {
      throw new ApiError('offline', 'No answer. Check your connection and try again.', 0)
    }
    if (response.status === 401 && !isSecond) {
      sessions.forget(session.token)
      return request<T>(method, path, body, true)
    }
    const json = await readJson(response)
    if (!response.ok) throw errorOf(response.status, json)
    return json as T
  }

  return {
    get: (path, query = {}) => {
      const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
      const search = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
      return request('GET', search === '' ? path : `${path}?${search}`)
    },
    send: (method, path, body) => request(method, path, body),
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return null
  }
}

function errorOf(status: number, json: unknown): ApiError {
  const { error } = (json ?? {}) as { error?: { code?: unknown; message?: unknown; details?: { fields?: unknown } } }
  const fields: Record<string, string> = {}
  const listed = error?.details?.fields
  if (Array.isArray(listed)) {
    for (const { field, problem } of listed as { field?: unknown; problem?: unknown }[]) {
      if (typeof field === 'string' && typeof problem === 'string') fields[field] = problem
    }
  }
  const message = typeof error?.message === 'string' ? error.message : 'The server could not do this right now. Try again in a moment.'
  return new ApiError(typeof error?.code === 'string' ? error.code : 'unknown', message, status, fields)
}
