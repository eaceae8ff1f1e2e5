import type { Clock } from '../../src/kernel/clock.ts'

/** A clock that moves only when told to. */
export interface FakeClock extends Clock {
  advanceMs(durationMs: number): void
  set(at: Date): void
}

export function createFakeClock(start: Date = new Date('2026-11-02T09:00:00Z')): FakeClock {
  let nowMs = start.getTime()
  return {
    now: () => new Date(nowMs),
    nowMs: () => nowMs,
    advanceMs(durationMs) {
      nowMs += durationMs
    },
    set(at) {
      nowMs = at.getTime()
    },
  }
}
