import type { Call, CallResult } from '../shared/answer/draft.ts'
import { instantMs, record, text } from './read.ts'

/** The part of `fetch` that is used. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body: string | undefined; credentials: 'omit'; cache: 'no-store'; signal: AbortSignal },
) => Promise<{ status: number; json(): Promise<unknown> }>

/** Nothing is thrown: `retry` tells whether the same request may succeed later. */
export type Answer = { ok: true; body: Record<string, unknown> } | { ok: false; retry: boolean; status: number }

export interface Person {
  firstName: string
  /** The sub-account the session is for, as the server understood it. */
  locationId: string | null
}

export interface Api {
  /** Exchanges the page's encrypted context for a session. */
  open(): Promise<{ ok: true; person: Person } | { ok: false; retry: boolean }>
  prompt(): Promise<Answer>
  outcome(promptId: string, outcome: string): Promise<Answer>
  send(call: Call): Promise<CallResult>
  /** From now on the session is not renewed: the page's context may already belong to another sub-account. */
  seal(): void
}

interface ApiPorts {
  baseUrl: string
  fetch: Fetch
  /** The encrypted context of the person in front of the page; null when the page has none. */
  context: () => Promise<string | null>
  nowMs: () => number
}

const timeoutMs = 15_000
const renewBeforeMs = 60_000

/** The session lives in this closure's memory and is renewed before it ends or when the server no longer takes it. */
export function createApi({ baseUrl, fetch, context, nowMs }: ApiPorts): Api {
  let token: string | null = null
  let expiresAtMs = 0
  let sealed = false
  let person: Person = { firstName: '', locationId: null }

  async function request(method: string, path: string, body: unknown, bearer: string | null): Promise<Answer> {
    try {
      const response = await fetch(baseUrl + path, {
        method,
        headers: { 'content-type': 'application/json', ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: 'omit',
        cache: 'no-store',
        signal: AbortSignal.timeout(timeoutMs),
      })
      const { status } = response
      if (status < 200 || status > 299) return { ok: false, retry: status === 401 || status === 408 || status === 429 || status >= 500, status }
      return { ok: true, body: record(status === 204 ? {} : await response.json()) }
    } catch {
      // Offline, blocked, timed out or not JSON: all of them may pass.
      return { ok: false, retry: true, status: 0 }
    }
  }

  async function open(): Promise<{ ok: true; person: Person } | { ok: false; retry: boolean }> {
    if (sealed) return { ok: false, retry: false }
    const encryptedData = await context()
    if (encryptedData === null) return { ok: false, retry: true }
    const answer = await request('POST', '/api/session', { encryptedData }, null)
    if (!answer.ok) return { ok: false, retry: answer.retry && answer.status !== 401 }
    const { token: given, expiresInSeconds, user, location } = answer.body
    if (typeof given !== 'string' || typeof expiresInSeconds !== 'number') return { ok: false, retry: false }
    token = given
    expiresAtMs = nowMs() + expiresInSeconds * 1_000
    person = { firstName: (text(record(user)['name']) ?? '').split(' ')[0] ?? '', locationId: text(record(location)['locationId']) }
    return { ok: true, person }
  }

  async function call(method: string, path: string, body?: unknown): Promise<Answer> {
    if (!sealed && (token === null || nowMs() > expiresAtMs - renewBeforeMs)) {
      const opened = await open()
      if (!opened.ok && (token === null || nowMs() > expiresAtMs)) return { ok: false, retry: opened.retry, status: 401 }
    }
    const first = await request(method, path, body, token)
    if (first.ok || first.status !== 401) return first
    if (sealed) return { ok: false, retry: false, status: 401 }
    const renewed = await open()
    return renewed.ok ? request(method, path, body, token) : { ok: false, retry: renewed.retry, status: 401 }
  }

  return {
    open,
    prompt: () => call('GET', '/api/prompt'),
    outcome: (promptId, outcome) => call('POST', '/api/prompt/outcome', { promptId, outcome }),
    async send(wanted) {
      const answer =
        wanted.kind === 'create'
          ? await call('POST', '/api/answers', { level: wanted.level, idempotencyKey: wanted.idempotencyKey, source: wanted.source })
          : await call('PATCH', `/api/answers/${encodeURIComponent(wanted.answerId)}`, { level: wanted.level, comment: wanted.comment })
      if (!answer.ok) return { ok: false, retry: answer.retry }
      const { answerId, at, editableUntil, did } = answer.body
      const id = text(answerId)
      // A difference of two of the server's instants: its clock may not agree with ours.
      return id === null ? { ok: false, retry: false } : { ok: true, answerId: id, changeWindowMs: (instantMs(editableUntil) ?? 0) - (instantMs(at) ?? 0), did: Array.isArray(did) ? did.map(String) : [] }
    },
    seal() {
      sealed = true
    },
  }
}
