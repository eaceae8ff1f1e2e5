import { EventEmitter } from 'node:events'

/** Names of the pumps that can be woken at once, without waiting for their next tick. */
export type PumpName = 'inbox' | 'events' | 'effects' | 'cards' | 'outbox' | 'answers' | 'runs' | 'webhooks' | 'marketplace'

/**
 * An in-process signal: whoever stores work wakes the pump that does it. Losing a signal is harmless,
 * because every pump is also started by the clock.
 */
export interface Wake {
  signal(pump: PumpName): void
  /** @returns a function that stops listening */
  on(pump: PumpName, listener: () => void): () => void
}

export function createWake(): Wake {
  const emitter = new EventEmitter()
  return {
    signal: (pump) => {
      emitter.emit(pump)
    },
    on(pump, listener) {
      emitter.on(pump, listener)
      return () => {
        emitter.off(pump, listener)
      }
    },
  }
}
