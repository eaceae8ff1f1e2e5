import type { Connection } from 'mongoose'
import type { DomainEvent, EventSource, Actor } from '../events/index.ts'
import type { CrmUser, HighLevelGateway } from '../highlevel/index.ts'
import type { Account, AccountFilter, AccountList, AccountQuery, AccountUser, BulkAction, BulkRequest, BulkResult, HealthSource } from '../http/contract/accounts.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import type { Clock } from '../kernel/clock.ts'
import type { HappinessLevel, HealthLevel } from '../kernel/levels.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Refusals, Session } from '../kernel/route.ts'
import type { Settings } from '../settings/index.ts'
import type { AccountFigures } from './figures.ts'

/** A sub-account was created or changed, as HighLevel's event tells it. */
export interface LocationEvent {
  kind: 'created' | 'updated'
  /** The agency that the event names; it differs from the one we know when a sub-account moved. */
  companyId: string
  locationId: string
  name: string | null
  email: string | null
  timezone?: string | null
  /** Plan of the agency that the sub-account is subscribed to; undefined → the event does not say. */
  stripeProductId?: string | null
  /** The event's own time. */
  at: Date
  /** The event's unique id, which orders events of the same instant. */
  eventId: string
}

/** A user was created, changed or deleted. */
export interface UserEvent {
  kind: 'created' | 'updated' | 'removed'
  companyId: string
  userId: string
  /** True for the agency's own staff (the event names a company but no sub-account). */
  agencyUser: boolean
  /** The sub-account that the event names, or the user's whole list. */
  locationIds: string[]
  /** True if `locationIds` is the user's whole list: the user left every sub-account not on it. */
  completeList: boolean
  firstName: string | null
  lastName: string | null
  email: string | null
  phone: string | null
  role: 'admin' | 'user'
  at: Date
  eventId: string
}

/** The app is, or is no longer, on a sub-account. */
export interface LocationInstallFact {
  companyId: string
  locationId: string
  installed: boolean
  at: Date
  eventId: string
}

/** Who changed an account, and from where. */
export interface ChangedBy {
  actor: Actor
  source: EventSource
}

/** How an owner came to an account. */
export interface Assignment extends ChangedBy {
  note?: string | null | undefined
  /** The rule that chose the owner. */
  rule?: 'round_robin' | 'least_loaded' | undefined
  /** Only if nobody ever decided about the account's owner. */
  onlyIfUndecided?: boolean
  cause?: DomainEvent['cause']
}

export interface AgencyUser {
  userId: string
  name: string
  email: string | null
  role: 'admin' | 'user'
}

/** The account level as the Happiness feature computes it; kept on the account for lists and sorting. */
export interface AccountReading {
  level: HappinessLevel | null
  score: number | null
  /** Users with a valid answer. */
  answered: number
  newestAt: Date | null
  dissent: boolean
}

/** The status as the health feature keeps it. */
export interface AccountStatus {
  level: HealthLevel
  setAt: Date
  setBy: { userId: string | null; name: string | null } | null
  source: HealthSource
  note: string | null
  reasonCodes: string[]
  /** After an undo: who had set the level that stands again. */
  restored?: { setAt: Date; setBy: { userId: string | null; name: string | null } | null; source: HealthSource } | null
  confirmedAt: Date | null
  staleAt: Date
  changeId: string
  noteWanted: boolean
}

export interface MirrorProgress {
  accountsMirrored: number
  usersMirrored: number
  running: boolean
  /** The first complete pass; null while it has not ended. */
  firstDoneAt: Date | null
}

/** What is read from HighLevel for an installation. */
export type MirrorScope = { kind: 'agency' } | { kind: 'location'; locationIds: string[] }

/** Carries out one bulk action on accounts that belong to the session's agency. */
export type BulkHandler = (session: Session, locationIds: string[], request: BulkRequest) => Promise<BulkResult[]>

/** Takes from somebody who left the staff what they had, once their accounts are taken. Idempotent: it is asked again for a minute, and after a crash. */
export type LeaveHandler = (person: { companyId: string; userId: string; name: string }) => Promise<void>

/** One person as they are kept. */
export interface KeptPerson {
  userId: string
  name: string
  firstName: string | null
  lastName: string | null
  email: string | null
  phone: string | null
  staff: boolean
  /** Every account that they were ever in. */
  locationIds: string[]
}

/** Customers' sub-accounts and their users, and the agency's staff. Every method is scoped to one agency. */
export interface Accounts {
  /** @returns null for an unknown account, another agency's, or one that moved away */
  get(companyId: string, locationId: string): Promise<Account | null>
  list(companyId: string, query: AccountQuery): Promise<AccountList>
  /** Counts and lists for reports and exports. */
  figures: AccountFigures
  /** Ids of all accounts that the filter fits, at most `limit` (10 000). */
  locationIds(companyId: string, filter: AccountFilter, limit?: number): Promise<string[]>
  /** Users of today (removed ones with `includeRemoved`; `known`: without those who are being forgotten), by name. */
  users(companyId: string, locationId: string, options?: { includeRemoved?: boolean; known?: boolean }): Promise<AccountUser[]>
  /** Also finds removed users: look at `removedAt`. */
  user(companyId: string, locationId: string, userId: string): Promise<AccountUser | null>
  /** Names of people, and the accounts that they are in today. */
  present(companyId: string, userIds: readonly string[]): Promise<{ userId: string; name: string; locationIds: string[] }[]>
  /** Users of today with this address, in every account that they are in. */
  usersByEmail(companyId: string, email: string): Promise<AccountUser[]>
  /** The account's own address; null if HighLevel has none. */
  email(companyId: string, locationId: string): Promise<string | null>
  agencyUsers(companyId: string): Promise<AgencyUser[]>
  agencyUser(companyId: string, userId: string): Promise<AgencyUser | null>
  /** The agency that a sub-account belongs to today, as far as we know. */
  companyOf(locationId: string): Promise<string | null>
  progress(companyId: string): Promise<MirrorProgress>

  applyLocationEvent(event: LocationEvent): Promise<void>
  applyUserEvent(event: UserEvent): Promise<void>
  /** Makes no API call; the users are read later by `mirrorPending`. */
  applyInstallFact(fact: LocationInstallFact): Promise<void>
  /** Stores a user whom the API has just confirmed, so that a person who acts before the mirror reached them is known. */
  confirmUser(companyId: string, locationId: string, user: CrmUser, askedAt: Date): Promise<void>

  /**
   * Reads accounts and users from HighLevel, page by page; goes on where an interrupted run stopped.
   * Throws what the gateway throws; call again to go on.
   * @returns `busy` if another process is at it
   */
  mirror(companyId: string, scope: MirrorScope): Promise<'done' | 'busy'>
  /** Reads the users of accounts that appeared after the first mirror. @returns how many accounts are still waiting */
  mirrorPending(companyId: string, scope: MirrorScope, limit: number): Promise<number>

  setFeedbackEnabled(companyId: string, locationId: string, enabled: boolean, actor: Actor, source: EventSource): Promise<Account>
  /** Told once per real change. */
  setPremium(companyId: string, locationId: string, premium: boolean, by?: ChangedBy): Promise<Account>
  /**
   * Gives the account to somebody of the agency's staff, or with null to nobody. Told once per real change.
   * @throws RequestError 422 `csm_unknown` if the user is not on the agency's staff
   */
  assignCsm(companyId: string, locationId: string, csmUserId: string | null, by?: Assignment): Promise<Account>
  /** How many listed accounts each of these people looks after. */
  portfolioSizes(companyId: string, csmUserIds: readonly string[]): Promise<Map<string, number>>
  /** Names and owners of accounts, by name; those that are not there are left out. `decided`: somebody, or a rule, decided about the owner before. */
  owners(companyId: string, locationIds: readonly string[]): Promise<{ locationId: string; name: string; csm: { userId: string; name: string } | null; decided: boolean }[]>
  /**
   * Background work: tells what a crash left untold, takes accounts from people who left, and derives groups again after the agency's plans changed.
   * @param limit accounts looked at in one call, per kind of work
   * @returns how many records were looked at
   */
  keepUp(limit: number): Promise<number>
  /** Changes at most `limit` (1,000) accounts and begins none after 10 seconds. @param refusals why the person may not change some of them; each fails alone @returns one result per account it reached, and the others */
  bulk(session: Session, request: BulkRequest, refusals?: Refusals): Promise<{ results: BulkResult[]; left: string[] }>
  registerBulkAction(action: BulkAction, handler: BulkHandler): void
  /** Called once somebody who left the staff has no accounts any more; idempotent work, asked again after a crash. */
  onStaffLeft(handler: LeaveHandler): void
  /** Idempotent. An account that is not there (any more) is left alone. @param seen what `get` said of it a moment ago: it is read again only if that is not true any more */
  setHappiness(companyId: string, locationId: string, reading: AccountReading, seen?: Account): Promise<void>
  /** Idempotent; null takes the status away. An account that is not there (any more) is left alone. */
  setHealth(companyId: string, locationId: string, status: AccountStatus | null): Promise<void>
  /** Marks the agency's own sub-account: it is not a customer and is not listed, unless the agency asks for feedback there. */
  setSuccessLocation(companyId: string, locationId: string): Promise<void>
  /** Everything that is kept of one person; null if nothing is. Finds removed ones, too. */
  whole(companyId: string, userId: string): Promise<KeptPerson | null>
  /** From now on no fact about this person is taken in; who they were is gone, and that they left is told without their name. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes what `forget` left for what follows from a person's leaving. Idempotent. */
  forgetWholly(person: ForgottenPerson): Promise<void>
  isForgotten(companyId: string, userId: string): Promise<boolean>
  /** Removes everything stored for the agency. */
  purge(companyId: string): Promise<void>
}

export interface AccountsDeps {
  connection: Connection
  clock: Clock
  gateway: HighLevelGateway
  events: { append(event: DomainEvent): Promise<unknown> }
  settings: Pick<Settings, 'get'>
  logger: Logger
  /** Rows per page read from HighLevel. */
  pageSize?: number
}
