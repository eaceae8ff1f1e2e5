import type { Rights, SessionResponse } from '../../src/http/contract/session.ts'

export interface SessionUser {
  userId: string
  name: string
  role: 'agency_admin' | 'agency_user' | 'account_user'
  rights: Rights
}

/** Why there is no session. `outside`: not opened inside the CRM · `refused`: the server does not accept this person · `offline`: not reachable now. */
export type NoSession = 'outside' | 'refused' | 'offline'

/** The sub-account the person is in. */
export type SessionLocation = SessionResponse['location']

export type SessionOutcome = { ok: true; user: SessionUser; location: SessionLocation; token: string } | { ok: false; why: NoSession }

export interface Sessions {
  /** The session, opened or renewed if need be; callers that come together share one exchange. */
  get(): Promise<SessionOutcome>
  /** Forgets a token that the server no longer takes. */
  forget(token: string): void
}

const answerPatienceMs = 4_000
const attempts = 3
const renewBeforeMs = 60_000

/** The parts of `window` that are used. */
export interface FramePage {
  readonly parent: { postMessage(message: unknown, targetOrigin: string): void }
  readonly fetch: (url: string, init: { method: string; headers: Record<string, string>; body: string; credentials: 'omit' }) => Promise<{ ok: boolean; status: number; json(): Promise<unknown> }>
  addEventListener(type: 'message', listener: (event: { source: unknown; data: unknown }) => void): void
  removeEventListener(type: 'message', listener: (event: { source: unknown; data: unknown }) => void): void
}

/** Sessions over the handshake with the window around us. @param opened told of each one, renewals included */
export function createSessions(page: FramePage, opened?: (user: SessionUser) => void): Sessions {
  let current: { outcome: SessionOutcome & { ok: true }; endsAtMs: number } | null = null
  let under: Promise<SessionOutcome> | null = null

  async function open(): Promise<SessionOutcome> {
    if ((page.parent as unknown) === page) return { ok: false, why: 'outside' }
    const encryptedData = await askParent(page)
    if (encryptedData === null) return { ok: false, why: 'outside' }
    try {
      const response = await page.fetch('/api/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ encryptedData }),
        credentials: 'omit',
      })
      if (!response.ok) return { ok: false, why: response.status < 500 && response.status !== 429 ? 'refused' : 'offline' }
      const { token, expiresInSeconds, user, location } = (await response.json()) as SessionResponse
      const outcome = { ok: true as const, token, user, location }
      opened?.(user)
      current = { outcome, endsAtMs: performance.now() + expiresInSeconds * 1_000 }
      return outcome
    } catch {
      return { ok: false, why: 'offline' }
    }
  }

  return {
    async get() {
      if (current !== null && performance.now() < current.endsAtMs - renewBeforeMs) return current.outcome
      under ??= open().finally(() => {
        under = null
      })
      return under
    },
    forget(token) {
      if (current?.outcome.token === token) current = null
    },
  }
}

/** Asks the window around us who is looking; null if it does not answer. */
async function askParent(page: FramePage): Promise<string | null> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const answer = await new Promise<string | null>((resolve) => {
      const done = (value: string | null) => {
        page.removeEventListener('message', heard)
        clearTimeout(timer)
        resolve(value)
      }
      const heard = (event: { source: unknown; data: unknown }) => {
        if (event.source !== page.parent) return
        const { message, payload } = (event.data ?? {}) as { message?: unknown; payload?: unknown }
        if (message === 'REQUEST_USER_DATA_RESPONSE' && typeof payload === 'string') done(payload)
      }
      const timer = setTimeout(() => done(null), answerPatienceMs)
      page.addEventListener('message', heard)
      // Any origin: agencies run the CRM under domains of their own. The question holds no secret, the answer is encrypted.
      page.parent.postMessage({ message: 'REQUEST_USER_DATA' }, '*')
    })
    if (answer !== null) return answer
  }
  return null
}
