import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { ResourceMap } from '../effects/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { HighLevelGateway } from '../highlevel/index.ts'
import type { SetupView } from '../http/contract/setup.ts'
import type { Installations } from '../installations/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Settings } from '../settings/index.ts'

/** The success location and what Barometer keeps there: fields, tags, pipelines. */
export interface Setup {
  /**
   * Looks at every requirement in HighLevel; a part found missing also makes the work that needs it wait.
   * @param options `fresh` (the default) looks now; else a look of the last five seconds will do, and one under way is shared
   */
  check(companyId: string, options?: { fresh: boolean }): Promise<SetupView>
  /**
   * Chooses where CSMs work and provisions it. Choosing the same one again is a repair.
   * @throws RequestError 404 for a sub-account that is not the agency's
   */
  chooseSuccessLocation(companyId: string, locationId: string, by: { userId: string; name: string }): Promise<SetupView>
  /**
   * Re-creates or re-maps what is missing, restores options.
   * @throws RequestError 409 `setup_not_chosen` before a success location was chosen
   */
  repair(companyId: string, by: { userId: string; name: string }): Promise<SetupView>
  /** What the last look found, without a call: whether the success location was chosen, and which checks failed. */
  standing(companyId: string): Promise<{ chosen: boolean; failing: string[]; since: Date | null }>
  /** Ids for the effects; null before a success location was chosen. Cached for a second. */
  resources(companyId: string): Promise<ResourceMap | null>
  /**
   * Looks into the success location, notes what is gone, and gives the ids of what is left; null before one was chosen.
   * @throws RetryAfterError `success_location_refused` if HighLevel does not let us in; else what the gateway throws
   */
  lookAgain(companyId: string): Promise<ResourceMap | null>
  /** HighLevel refuses to let work into the success location at all: finds out whether that is so for everything, and tells it once. */
  refused(companyId: string): Promise<void>
  /** The app was installed in this sub-account: if it is the success location and something was wrong with it, that may be over. */
  installedAt(companyId: string, locationId: string): Promise<void>
  /** Background: goes on with provisioning that was interrupted, and mends drift that needs nobody's decision. @returns installations worked on */
  resumeDue(limit: number): Promise<number>
  /** Hourly, where something is wrong every ten minutes: looks for drift and records it. @returns installations looked at */
  checkDue(limit: number): Promise<number>
  /** Removes everything stored for the agency; nothing in HighLevel. */
  purge(companyId: string): Promise<void>
}

export interface SetupDeps {
  connection: Connection
  clock: Clock
  gateway: HighLevelGateway
  accounts: Accounts
  installations: Pick<Installations, 'get' | 'isLive'>
  settings: Pick<Settings, 'get'>
  events: { append(event: DomainEvent): Promise<unknown> }
  logger: Logger
  /** Called when a part became usable: release work that was held. */
  onReady?(companyId: string): Promise<void>
  /** Called when level tags are missing in the location's list and are about to be made again: contacts have lost them, too. */
  onTagsMissing?(companyId: string, tags: string[]): Promise<void>
}
