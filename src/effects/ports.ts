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

/** A look at a value that only people set: Health Status, as a field of a contact or as the place of a card. */
export interface SeenValue {
  companyId: string
  /** The account that the contact or card stands for. */
  locationId: string
  /** Of the contact or card: `user:<locationId>:<userId>` or `account:<locationId>`. */
  subjectId: string
  /** `contact:<key of the record>` or `card:<key of the record>`. */
  target: string
  kind: 'field' | 'card'
  /** A field's text; a card's level, or `stage:<pipelineId>/<stageId>` where it is in no stage of ours; null: empty. */
  value: string | null
  /** HighLevel's time of the news; of a read, when it was asked for. */
  at: Date
  /** The first look at this target: its contact was just bound, its card just found. */
  first: boolean
  /** The webhook delivery that showed it; left out for a read. */
  deliveryId?: string
}

/**
 * Values that people set in HighLevel and that only a feature can judge. All methods are idempotent and may be called again after a crash.
 * Only told where it matters: looks that show what the last look or write showed are told once they are newer than what is known.
 */
export interface PersonalValues {
  /** Told for every look at such a value, before anything is concluded from it. */
  seen(fact: SeenValue): Promise<void>
  /** Told before a write of such a value is sent; values are spelled as in `seen`. */
  writing(fact: { companyId: string; locationId: string; target: string; value: string; writeId: string; fromAt: Date }): Promise<void>
  /** Told after the write was accepted. */
  wrote(fact: { companyId: string; locationId: string; target: string; writeId: string; toAt: Date }): Promise<void>
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
  /** HighLevel does not let the app in: set-up shall find out and say so. */
  refused?: (companyId: string) => Promise<void>
  /** False while uninstalled or in need of a reconnect: work waits. */
  isLive: (companyId: string) => Promise<boolean>
  /** Default: deleted cards stay deleted. */
  policy?: (companyId: string) => Promise<EffectsPolicy>
  events: Pick<Events, 'append'>
  /** Judges what people set in HighLevel themselves. Without it their newest edit is what is wanted. */
  personal?: PersonalValues
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
