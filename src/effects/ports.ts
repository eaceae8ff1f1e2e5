import type { Connection } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Rush } from '../kernel/rush.ts'
import type { Wake } from '../kernel/wake.ts'
import type { Events } from '../events/index.ts'
import type { HighLevelGateway } from '../highlevel/index.ts'
import type { ResourceMap } from './types.ts'

/** Choices of an agency that effects obey. */
export interface EffectsPolicy {
  /** Make a card anew that a person deleted. */
  recreateDeletedCards: boolean
}

/** What effects need from outside. */
export interface EffectsDeps {
  connection: Connection
  clock: Clock
  wake: Wake
  gateway: HighLevelGateway
  /** Ids in the success location; null until set-up is complete: work waits. */
  resources: (companyId: string) => Promise<ResourceMap | null>
  /** Looks into the success location and gives the ids of what is still there. Asked when HighLevel refuses work for good. Default: `resources`. */
  lookAgain?: (companyId: string) => Promise<ResourceMap | null>
  /** False while uninstalled or in need of a reconnect: work waits. */
  isLive: (companyId: string) => Promise<boolean>
  /** Default: deleted cards stay deleted. */
  policy?: (companyId: string) => Promise<EffectsPolicy>
  events: Pick<Events, 'append'>
  /** Other work lets the writing of contacts go first. */
  rush?: Rush
  logger: Logger
  faultPoint?: FaultPoint
  settings?: Partial<EffectsSettings>
}

export interface EffectsSettings {
  /** A contact or card is written at most this often; default 2 s. */
  minIntervalMs: number
  /** HighLevel's search may lag its writes by this much; default 6 s. */
  searchLagMs: number
  leaseMs: number
  /** Records worked on at once, per pump. */
  concurrency: number
}
