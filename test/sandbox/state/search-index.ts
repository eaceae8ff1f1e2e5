import type { Clock } from '../../../src/kernel/clock.ts'

/** What the search endpoints see: every write, but only after a lag, as on the real platform. */
export interface SearchIndex<T> {
  record(id: string, value: T | undefined): void
  /** Visible records with this key, at the clock's present. */
  visible(key: string): T[]
}

export function createSearchIndex<T>(clock: Clock, lagMs: () => number, keyOf: (record: T) => string): SearchIndex<T> {
  const seen = new Map<string, T>()
  const byKey = new Map<string, Set<string>>()
  const waiting: { id: string; value: T | undefined; visibleAtMs: number }[] = []

  function apply(id: string, value: T | undefined): void {
    const before = seen.get(id)
    if (before !== undefined) byKey.get(keyOf(before))?.delete(id)
    if (value === undefined) {
      seen.delete(id)
      return
    }
    seen.set(id, value)
    const bucket = byKey.get(keyOf(value))
    if (bucket === undefined) byKey.set(keyOf(value), new Set([id]))
    else bucket.add(id)
  }

  function settle(): void {
    const nowMs = clock.nowMs()
    while (waiting[0] !== undefined && waiting[0].visibleAtMs <= nowMs) {
      const next = waiting.shift()
      if (next !== undefined) apply(next.id, next.value)
    }
  }

  return {
    record(id, value) {
      const snapshot = value === undefined ? undefined : structuredClone(value)
      if (lagMs() <= 0) {
        settle()
        apply(id, snapshot)
      } else waiting.push({ id, value: snapshot, visibleAtMs: clock.nowMs() + lagMs() })
    },
    visible(key) {
      settle()
      return [...(byKey.get(key) ?? [])].flatMap((id) => {
        const value = seen.get(id)
        return value === undefined ? [] : [value]
      })
    },
  }
}
