import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { HighLevelGateway } from '../highlevel/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Settings } from '../settings/index.ts'
import type { InstallationStatus } from './model.ts'

/** INSTALL or UPDATE. */
export interface InstallEvent {
  /** Absent for sub-accounts that the app reached by "install to future sub-accounts". */
  companyId: string | null
  /** Absent when the event is about the agency as a whole. */
  locationId: string | null
  userId?: string | null
  planId?: string | null
  versionId?: string | null
  companyName?: string | null
  whitelabelDomain?: string | null
  /** The event's own time. */
  at: Date
  eventId: string
}

/** UNINSTALL: of one sub-account if the event names one, else of the whole agency. */
export interface UninstallEvent {
  companyId: string | null
  locationId: string | null
  at: Date
  eventId: string
}

export interface PlanChangeEvent {
  companyId: string | null
  locationId: string | null
  newPlanId: string | null
  at: Date
  eventId: string
}

export interface Installation {
  companyId: string
  kind: 'agency' | 'location'
  status: InstallationStatus
  companyName: string | null
  whitelabelDomain: string | null
  planId: string | null
  installedAt: Date | null
  purgeAfter: Date | null
}

/** What the finishing of an authorization led to; the callback page says it in words. */
export type CallbackOutcome =
  | { kind: 'installed'; companyId: string }
  | { kind: 'already_installed' }
  /** The `state` is not ours or has expired. */
  | { kind: 'state_refused' }
  /** HighLevel did not accept the code, or could not be reached. */
  | { kind: 'failed'; code: string; retryable: boolean }
  | { kind: 'no_code' }

/** What deletes a feature's records of one agency; must be safe to repeat. */
export type PurgeFunction = (companyId: string) => Promise<void>

export interface Installations {
  /** Where to send a person who wants to install; carries our signed state. */
  installUrl(): string
  handleCallback(query: { code?: string | undefined; state?: string | undefined }): Promise<CallbackOutcome>

  handleInstall(event: InstallEvent): Promise<void>
  handleUninstall(event: UninstallEvent): Promise<void>
  handleUpdate(event: InstallEvent): Promise<void>
  handlePlanChange(event: PlanChangeEvent): Promise<void>

  get(companyId: string): Promise<Installation | null>
  /** Installed and authorized: work may be done for the agency. */
  isLive(companyId: string): Promise<boolean>
  /** One cheap look for an incoming event. `live` includes installations that wait for authorization or reconnection. */
  lookup(companyId: string | null, locationId: string | null): Promise<'live' | 'unknown' | 'uninstalled'>
  companyOf(locationId: string): Promise<string | null>
  /** Domains under which agencies show the app; they may frame our pages. */
  whitelabelDomains(): Promise<string[]>
  /** The gateway calls this when HighLevel refuses an agency's tokens for good. */
  markNeedsReconnect(companyId: string): Promise<void>
  /** Our own "Disconnect": removes the app in HighLevel and stops everything here; data is kept until retention ends. */
  disconnect(companyId: string, byUserId: string): Promise<void>

  /** Background: reads accounts and users of new installations, resolves parked INSTALL events. @returns installations worked on */
  completeDue(limit: number): Promise<number>
  /** Nightly: reads again every installation whose last full reading is older than 20 h. @returns installations worked on */
  reconcileDue(limit: number): Promise<number>
  /** Deletes the data of agencies whose retention has ended. @returns agencies deleted */
  sweepRetention(limit: number): Promise<number>
  onPurge(name: string, purge: PurgeFunction): void
  /** Starts completing as soon as an installation wants it (besides the clock's `completeDue`). */
  start(): void
  /** Waits for work in flight. */
  stop(): Promise<void>
}

export interface InstallationsDeps {
  connection: Connection
  clock: Clock
  gateway: HighLevelGateway
  accounts: Accounts
  settings: Pick<Settings, 'get'>
  events: { append(event: DomainEvent): Promise<unknown> }
  box: CryptoBox
  logger: Logger
  oauth: {
    clientId: string
    /** The marketplace app's own install link, if configured; preferred, because it carries the app's version. */
    installUrl: string | undefined
    /** Our public address followed by /oauth/callback. */
    redirectUri: string
    scopes: string[]
  }
  /** Called when an installation becomes live (again): release work that was held. */
  onLive?(companyId: string): Promise<void>
  /** Called when the app was installed in a sub-account, also again. */
  onInstalled?(companyId: string, locationId: string): Promise<void>
}
