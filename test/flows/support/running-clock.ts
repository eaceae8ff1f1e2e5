import type { Clock } from '../../../src/kernel/clock.ts'

/** The machine's clock, which a test can put forward: everything goes on running meanwhile. */
export interface RunningClock extends Clock {
  advanceMs(durationMs: number): void
}

/** @param start what the clock shows first */
export function createRunningClock(start: Date): RunningClock {
  let offsetMs = start.getTime() - Date.now()
  const nowMs = (): number => Date.now() + offsetMs
  return {
    nowMs,
    now: () => new Date(nowMs()),
    advanceMs(durationMs) {
      offsetMs += durationMs
    },
  }
}
