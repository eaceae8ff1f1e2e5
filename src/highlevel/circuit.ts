import { secondMs, type Clock } from '../kernel/clock.ts'
import { RetryAfterError } from '../kernel/errors.ts'

/** Stops calling a resource that keeps failing, and lets one call at a time find out whether it works again. */
export interface Circuit {
  /** @throws RetryAfterError `highlevel_circuit_open` while the resource rests */
  enter(key: string): void
  succeeded(key: string): void
  /** HighLevel failed (5xx, time-out, reset, no JSON). */
  failed(key: string): void
  /** The call ended without saying anything about HighLevel's health (no turn, no token): a probe may be tried by the next one. */
  abandoned(key: string): void
}

export interface CircuitSettings {
  /** Failures in a row that open it. */
  threshold: number
  /** First rest; doubles with every failed probe, up to `maxRestMs`. */
  restMs: number
  maxRestMs: number
}

export const defaultCircuit: CircuitSettings = { threshold: 5, restMs: 15 * secondMs, maxRestMs: 5 * 60 * secondMs }

interface State {
  failures: number
  openUntilMs: number
  probing: boolean
}

export function createCircuit({ clock, settings = defaultCircuit, random = Math.random }: { clock: Clock; settings?: CircuitSettings; random?: () => number }): Circuit {
  // Only resources with failures are kept, so the map stays small.
  const states = new Map<string, State>()

  function refuse(waitMs: number): never {
    throw new RetryAfterError('highlevel_circuit_open', 'HighLevel keeps failing for this location; calls rest for a while.', Math.max(1, Math.ceil(waitMs)))
  }

  return {
    enter(key) {
      const state = states.get(key)
      if (state === undefined || state.failures < settings.threshold) return
      const nowMs = clock.nowMs()
      if (nowMs < state.openUntilMs) refuse(state.openUntilMs - nowMs)
      if (state.probing) refuse(secondMs)
      state.probing = true
    },
    succeeded(key) {
      states.delete(key)
    },
    failed(key) {
      const state = states.get(key) ?? { failures: 0, openUntilMs: 0, probing: false }
      states.set(key, state)
      state.failures++
      state.probing = false
      if (state.failures < settings.threshold) return
      const restMs = Math.min(settings.maxRestMs, settings.restMs * 2 ** Math.min(state.failures - settings.threshold, 10))
      state.openUntilMs = clock.nowMs() + restMs * (0.75 + random() * 0.5)
    },
    abandoned(key) {
      const state = states.get(key)
      if (state !== undefined) state.probing = false
    },
  }
}
