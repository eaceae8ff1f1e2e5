import type { Clock } from '../kernel/clock.ts'

/** One look at something far away for everybody who asks in the same moment, and for a few seconds after. */
export interface SharedLook<T> {
  /**
   * @param state what the look was made against: a look against another state is not shared
   * @param fresh do not take one that is finished already; one under way is not taken either
   */
  take(key: string, state: string, fresh: boolean, look: () => Promise<T>): Promise<T>
  /** What was seen, or is being looked at, does not hold any more. */
  drop(key: string): void
}

/** @param keep whether a finished look may be given to others */
export function createSharedLook<T>({ clock, validMs, most, keep }: { clock: Clock; validMs: number; most: number; keep: (seen: T) => boolean }): SharedLook<T> {
  interface Entry {
    state: string
    seen: Promise<T>
    /** null while it is under way. */
    until: number | null
  }
  const entries = new Map<string, Entry>()

  return {
    async take(key, state, fresh, look) {
      const known = entries.get(key)
      if (!fresh && known?.state === state && (known.until === null || known.until > clock.nowMs())) return known.seen
      if (entries.size >= most) entries.clear()
      const entry: Entry = { state, seen: look(), until: null }
      entries.set(key, entry)
      const forget = (): void => {
        if (entries.get(key) === entry) entries.delete(key)
      }
      try {
        const seen = await entry.seen
        entry.until = clock.nowMs() + validMs
        if (!keep(seen)) forget()
        return seen
      } catch (error) {
        forget()
        throw error
      }
    },
    drop: (key) => void entries.delete(key),
  }
}
