import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import type { NoSession, SessionOutcome } from '../session.ts'
import { sessions } from './services.ts'

export type OpenSession = SessionOutcome & { ok: true }

/** The session that a page begins with. */
export interface PageSession {
  session: Readonly<ShallowRef<OpenSession | null>>
  /** Why there is none. */
  missing: Readonly<Ref<NoSession | null>>
  /** It takes long enough to say so. */
  slow: Readonly<Ref<boolean>>
  connect(): Promise<void>
}

const slowAfterMs = 300

/** Connects at once. @param opened called with each session that was opened */
export function usePageSession(opened?: (session: OpenSession) => void): PageSession {
  const session = shallowRef<OpenSession | null>(null)
  const missing = ref<NoSession | null>(null)
  const slow = ref(false)

  async function connect(): Promise<void> {
    missing.value = null
    const timer = setTimeout(() => (slow.value = true), slowAfterMs)
    const outcome = await sessions.get()
    clearTimeout(timer)
    slow.value = false
    if (!outcome.ok) {
      missing.value = outcome.why
      return
    }
    session.value = outcome
    opened?.(outcome)
  }
  void connect()
  return { session, missing, slow, connect }
}
