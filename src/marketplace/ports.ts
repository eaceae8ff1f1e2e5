import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { Effects } from '../effects/index.ts'
import type { Feedback } from '../feedback/index.ts'
import type { Happiness } from '../happiness/index.ts'
import type { Health } from '../health/index.ts'
import type { RunningGateway } from '../highlevel/index.ts'
import type { Installations } from '../installations/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import type { HappinessLevel } from '../kernel/levels.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Wake } from '../kernel/wake.ts'
import type { Settings } from '../settings/index.ts'

/** The rest of the product as the builder's triggers and actions need it. */
export interface MarketplaceDeps {
  connection: Connection
  clock: Clock
  wake: Wake
  logger: Logger
  faultPoint?: FaultPoint
  gateway: Pick<RunningGateway, 'fireTrigger' | 'location'>
  /** The only host that triggers are fired at, without a trailing slash. */
  apiUrl: string
  appId: string
  /** Accepted values of the static header, the current one first. */
  secrets: readonly string[]
  installations: Pick<Installations, 'get' | 'companyOf' | 'isLive'>
  accounts: Pick<Accounts, 'get' | 'user' | 'usersByEmail' | 'agencyUsers'>
  settings: Pick<Settings, 'get'>
  /** Where the agency's CSMs work; null until one was chosen. */
  successLocation(companyId: string): Promise<string | null>
  effects: Pick<Effects, 'subjectsOf' | 'linked'>
  /** Whom the account's own facts are about. */
  primary(companyId: string, locationId: string): Promise<{ userId: string } | null>
  happiness: Pick<Happiness, 'reading'>
  /** The level of one person's newest answer; null → no current reading. */
  userLevel(companyId: string, locationId: string, userId: string): Promise<HappinessLevel | null>
  health: Pick<Health, 'set' | 'status'>
  feedback: { prompts: Pick<Feedback['prompts'], 'requestNow'>; links: Pick<Feedback['links'], 'linkFor'> }
}
