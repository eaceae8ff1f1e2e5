/** Time as a dependency: every decision that needs "now" takes a Clock, so tests can move it. */
export interface Clock {
  /** The current instant. */
  now(): Date
  /** The current instant in milliseconds since the epoch. */
  nowMs(): number
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  nowMs: () => Date.now(),
}

export const secondMs = 1_000
export const minuteMs = 60 * secondMs
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs
