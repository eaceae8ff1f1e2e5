import { Schema, type Connection, type Model, type Query } from 'mongoose'
import type { DomainEvent } from '../events/index.ts'
import type { AccountGroup, Disagreement, HealthSource } from '../http/contract/accounts.ts'
import type { HappinessLevel, HealthLevel } from '../kernel/levels.ts'
import type { FoldedUser } from './user-fold.ts'

/**
 * One customer sub-account of one agency. A sub-account that moved to another agency has two records: the old agency's,
 * with `state: 'moved'`, which nothing shows or works on any more, and the new agency's.
 */
export interface AccountRecord {
  /** `<companyId>:<locationId>` */
  _id: string
  companyId: string
  locationId: string
  /** `new` until the first fact was weighed. */
  state: 'new' | 'active' | 'removed' | 'moved'
  /** Derived: what lists show. False for moved accounts and for the success location. */
  listed: boolean
  name: string
  /** Lower case, for search and sorting. */
  nameKey: string
  email: string | null
  timezone: string | null
  /** Subscribed to a plan that the agency sells. */
  saas: boolean
  /** That plan's id as HighLevel names it; null if there is none or nobody said. */
  planId: string | null
  group: AccountGroup
  premium: boolean
  isSuccessLocation: boolean
  csm: { userId: string; name: string; email: string | null } | null
  /** When somebody, or a rule, last decided who looks after it; null → never. */
  csmDecidedAt?: Date | null
  feedbackEnabled: boolean
  feedbackVersion: number
  /** Order of the newest fact about name and details that was applied; see `factKey`. */
  detailsFact: string
  /** Instants of the newest facts that the app is, and is not, on this sub-account; the later one counts. */
  installedAt: Date | null
  uninstalledAt: Date | null
  /** The newest fact that it belongs to another agency, and that it belongs to this one. */
  movedAt: Date | null
  ownedAt: Date | null
  /** True once HighLevel's list of installed sub-accounts, or an INSTALL event, named it. */
  installed: boolean
  /** When its users were first read in full; null → waiting. */
  mirroredAt: Date | null
  /** Users are to be read again if this is later than `mirroredAt`. */
  mirrorWantedAt: Date | null
  createdAt: Date
  removedAt: Date | null
  users: number
  happiness: { level: HappinessLevel | null; score: number | null; answered: number; newestAt: Date | null; dissent: boolean }
  /** Derived for sorting: −1 without a reading, else the level's place from worst to best. */
  happinessRank: number
  /** When the Happiness Level last fell. */
  happinessFellAt: Date | null
  /** The status as the health feature keeps it; here for lists. */
  healthLevel: HealthLevel | null
  healthRank: number
  /** When it was set or last confirmed, whichever is later. */
  healthKeptAt: Date | null
  /** When it turns stale. */
  healthStaleAt: Date | null
  healthNoteWanted: boolean
  healthDetails: {
    setAt: Date
    setBy: { userId: string | null; name: string | null } | null
    source: HealthSource
    note: string | null
    reasonCodes: string[]
    restored?: { setAt: Date; setBy: { userId: string | null; name: string | null } | null; source: HealthSource } | null
    confirmedAt: Date | null
    changeId: string
    noteWanted: boolean
  } | null
  /** When this record was last written, by the store's clock, which all processes share; see `touched`. */
  touchedAt?: Date
  /** Derived from both readings. */
  disagreement: Disagreement | null
  /** Derived: since when they disagree in this way; null while they do not. */
  disagreementSince: Date | null
  /** Derived, for sorting: how many levels they are apart; 0 without both. */
  levelsApart: number
  /** Grows with every change that is told; absent before the first. */
  changes?: number
  /** What the event log may not have yet, and since when. */
  outbox?: DomainEvent[]
  outboxSince?: Date | null
  /** The mirror run that last saw it. */
  seenRun: string
}

/** One person with a login at the agency or its customers. */
export interface UserRecord extends FoldedUser {
  /** `<companyId>:<userId>` */
  _id: string
  companyId: string
  userId: string
  /** Derived: works for the agency today; never an account user. */
  staff: boolean
  /** Derived: sub-accounts the person is in today. */
  presentIn: string[]
  /** Derived: neither staff nor in any sub-account. */
  gone: boolean
  /** Somebody asked to be forgotten: nothing about them is taken in any more, and the record goes soon. */
  forgotten?: boolean
  /** Left the agency's staff then, and their accounts may not all have been given back. */
  leftStaffAt?: Date | null
  /** Grows with every write; two writers at once do not lose each other's facts. */
  version: number
  seenRun: string
}

/** Somebody who was forgotten, so that no late fact brings them back. Who it was cannot be read from it. */
export interface ForgottenRecord {
  /** Hash of agency and user. */
  _id: string
  companyId: string
  at: Date
}

/** Where reading an agency from HighLevel stands; survives a crash at any page. */
export interface MirrorRecord {
  /** companyId */
  _id: string
  companyId: string
  /** Names one pass over the lists. */
  runId: string
  phase: 'installed' | 'details' | 'users' | 'sweep' | 'done'
  /** Rows of the current phase that are stored. */
  skip: number
  startedAt: Date
  firstDoneAt: Date | null
  doneAt: Date | null
  accountsMirrored: number
  usersMirrored: number
  /** Which plans the groups of all accounts follow, when that was first seen, and the last account of the current pass (null → it is done). */
  grouping?: { plans: string; seenAt: Date; startedAt: Date; after: string | null } | null
}

const options = { strict: true, autoIndex: false, versionKey: false, minimize: false } as const

function defined<T>(connection: Connection, name: string, collection: string, build: () => Schema<T>): Model<T> {
  const existing = connection.models[name] as Model<T> | undefined
  return existing ?? (connection.model<T>(name, build(), collection))
}

/** Notes with every write that it happened, so that figures over all accounts read only those that changed. */
function touched(this: Query<unknown, AccountRecord>): void {
  this.setUpdate(Object.assign({}, this.getUpdate(), { $currentDate: { touchedAt: true } }))
}

/** The models of this feature on a connection. */
export interface AccountModels {
  accounts: Model<AccountRecord>
  users: Model<UserRecord>
  mirrors: Model<MirrorRecord>
  forgotten: Model<ForgottenRecord>
}

export function accountModels(connection: Connection): AccountModels {
  return {
    accounts: defined<AccountRecord>(connection, 'Account', 'accounts', () => {
      const schema = new Schema<AccountRecord>(
        {
          _id: String, companyId: String, locationId: String, state: String, listed: Boolean, name: String, nameKey: String, email: String, timezone: String,
          saas: Boolean, planId: String, group: String, premium: Boolean, isSuccessLocation: Boolean, csm: Schema.Types.Mixed, csmDecidedAt: Date,
          feedbackEnabled: Boolean, feedbackVersion: Number, detailsFact: String, installedAt: Date, uninstalledAt: Date, movedAt: Date, ownedAt: Date, installed: Boolean,
          mirroredAt: Date, mirrorWantedAt: Date, createdAt: Date, removedAt: Date, users: Number,
          happiness: { level: String, score: Number, answered: Number, newestAt: Date, dissent: Boolean },
          happinessRank: Number, happinessFellAt: Date, healthLevel: String, healthRank: Number, healthKeptAt: Date, healthStaleAt: Date, healthNoteWanted: Boolean,
          healthDetails: Schema.Types.Mixed, disagreement: String, disagreementSince: Date, levelsApart: Number, changes: Number, outbox: [Schema.Types.Mixed], outboxSince: Date, seenRun: String, touchedAt: Date,
        },
        { ...options, collection: 'accounts' },
      )
      // Each ends as the list's order does, `_id` included, so that a page is read off its index and nothing is sorted.
      schema.index({ companyId: 1, listed: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, happinessRank: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, healthRank: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, group: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, 'csm.userId': 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, users: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, createdAt: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, 'happiness.answered': 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, healthKeptAt: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, disagreement: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, healthStaleAt: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, listed: 1, disagreement: 1, levelsApart: -1, disagreementSince: 1, _id: 1 })
      // For the accounts behind a cell of the grid, narrowed or not; the last three only decide.
      schema.index({ companyId: 1, listed: 1, healthRank: 1, happinessRank: 1, nameKey: 1, _id: 1, group: 1, premium: 1, 'csm.userId': 1 })
      schema.index({ companyId: 1, listed: 1, premium: 1, nameKey: 1, _id: 1 })
      schema.index({ companyId: 1, mirrorWantedAt: 1 })
      schema.index({ outboxSince: 1 })
      schema.index({ locationId: 1, state: 1 })
      schema.index({ companyId: 1, touchedAt: 1 })
      schema.pre(['updateOne', 'updateMany', 'findOneAndUpdate'], touched)
      return schema
    }),
    users: defined<UserRecord>(connection, 'User', 'users', () => {
      const schema = new Schema<UserRecord>(
        {
          _id: String, companyId: String, userId: String, name: String, firstName: String, lastName: String, email: String, phone: String, role: String,
          detailsFact: String, staffFact: String, customerFact: String, deletedFact: String, nowhereElseFact: String,
          memberships: [{ locationId: String, fact: String, present: Boolean, addedAt: Date, createdEventAt: Date, seenAtFirstMirror: Boolean, _id: false }],
          staff: Boolean, presentIn: [String], gone: Boolean, leftStaffAt: Date, forgotten: Boolean, version: Number, seenRun: String,
        },
        { ...options, collection: 'users' },
      )
      schema.index({ companyId: 1, presentIn: 1, name: 1 })
      schema.index({ companyId: 1, 'memberships.locationId': 1 })
      schema.index({ companyId: 1, staff: 1, name: 1 })
      schema.index({ companyId: 1, email: 1 })
      schema.index({ companyId: 1, gone: 1, seenRun: 1 })
      schema.index({ leftStaffAt: 1 })
      return schema
    }),
    forgotten: defined<ForgottenRecord>(connection, 'ForgottenUser', 'forgotten_users', () => {
      const schema = new Schema<ForgottenRecord>({ _id: String, companyId: String, at: Date }, { ...options, collection: 'forgotten_users' })
      schema.index({ companyId: 1 })
      return schema
    }),
    mirrors: defined<MirrorRecord>(connection, 'AccountMirror', 'account_mirrors', () =>
      new Schema<MirrorRecord>(
        {
          _id: String, companyId: String, runId: String, phase: String, skip: Number, startedAt: Date, firstDoneAt: Date, doneAt: Date, accountsMirrored: Number, usersMirrored: Number,
          grouping: Schema.Types.Mixed,
        },
        { ...options, collection: 'account_mirrors' },
      )),
  }
}
