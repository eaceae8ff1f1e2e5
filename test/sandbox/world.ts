import type { Settings } from './options.ts'
import type { State } from './state/state.ts'

/** Where an event belongs: a sub-account, or the agency itself. */
export interface EventPlace {
  locationId?: string
  companyId?: string
}

/** What every part of the sandbox shares. */
export interface World {
  state: State
  settings: Settings
  /** Queues a signed webhook, if the app is installed at that place. */
  emit(type: string, place: EventPlace, members: Record<string, unknown>): void
  /** The present as the wire spells it. */
  isoNow(): string
}
