import { Schema, type Connection, type Model } from 'mongoose'
import type { AlertKind } from './alert-rules.ts'
import type { CycleState } from './cycle-rules.ts'
import type { CoverageSample } from './rules.ts'

export type Reading = 'health' | 'happiness'
export const readings: readonly Reading[] = ['health', 'happiness']

/** A level as the distribution counts it; `none` is no current reading, `gone` is an account that is not (yet, any more) a customer. */
export type CountedLevel = string

/** One change of one reading of one account, also its coming and going. Appended once. */
export interface LevelChangeRecord {
  /** The key of the event that told it, and the reading. */
  _id: string
  companyId: string
  locationId: string
  reading: Reading
  at: Date
  before: CountedLevel
  after: CountedLevel
}

/** One agency's day with at least one change: the counts at its end and the changes that led there. Derived; may be removed at any time. */
export interface LevelDayRecord {
  /** `<companyId>:<reading>:<day>` */
  _id: string
  companyId: string
  reading: Reading
  /** YYYY-MM-DD, UTC. */
  day: string
  /** Changes before this instant are taken in. */
  through: Date
  /** How many changes of the day are. */
  changes: number
  counts: Record<string, number>
  /** JSON of `Move[]` (see levels.ts), oldest first: thousands are read at the price of one text. */
  moves: string
}

/** A figure over all accounts of an agency as it was at one instant, packed. Derived; may be removed at any time. */
export interface SnapshotRecord {
  /** `<companyId>:<kind>` */
  _id: string
  companyId: string
  kind: string
  asOf: Date
  /** JSON. */
  data: string
}

/** What became of one user's prompts that were due in one month. */
export interface CycleRecord {
  /** `<companyId>:<locationId>:<userId>:<YYYY-MM>`; one more per unasked answer, with the answer's id. */
  _id: string
  companyId: string
  locationId: string
  userId: string
  /** The month in which it was, or will be, due; `-` if the user left before. */
  month: string
  dueAt: Date
  state: CycleState
  shownAt: Date | null
  commented: boolean
  /** The answer that closed it. */
  answerId: string | null
  /** When the user began to wait for it, and when the next one began or the user left: month YYYY-MM. */
  opened: string
  openedAt: Date
  /** null while it is the user's present one. */
  ended: string | null
  changedAt: Date
}

/** The newest state of one thing that somebody may have to look at. */
export interface AlertRecord {
  /** `<companyId>:<kind>:<locationId>:<userId>` */
  _id: string
  companyId: string
  locationId: string
  kind: AlertKind
  at: Date
  accountName: string
  userId: string | null
  userName: string | null
  reason: string
  /** False: it was, and is over. */
  open: boolean
  /** For a change of an account's level: it went up. */
  rose?: boolean
}

/** An account's weekly coverage, for silence. */
export interface CoverageRecord {
  /** `<companyId>:<locationId>` */
  _id: string
  companyId: string
  locationId: string
  samples: CoverageSample[]
  /** Since when it is silent; null while it is not. */
  silentSince: Date | null
}

/** How far the sweeps of an agency are. */
export interface ReportBookRecord {
  /** companyId */
  _id: string
  companyId: string
  /** Accounts created before this are in the level changes. */
  accountsTo: Date | null
  /** When the weekly look for silence is due. */
  silenceDueAt: Date
}

const options = { strict: true, autoIndex: false, versionKey: false, minimize: false } as const

function defined<T>(connection: Connection, name: string, collection: string, build: () => Schema<T>): Model<T> {
  const existing = connection.models[name] as Model<T> | undefined
  return existing ?? connection.model<T>(name, build(), collection)
}

export interface ReportModels {
  changes: Model<LevelChangeRecord>
  days: Model<LevelDayRecord>
  snapshots: Model<SnapshotRecord>
  cycles: Model<CycleRecord>
  alerts: Model<AlertRecord>
  coverage: Model<CoverageRecord>
  books: Model<ReportBookRecord>
}

export function reportModels(connection: Connection): ReportModels {
  return {
    changes: defined<LevelChangeRecord>(connection, 'LevelChange', 'level_changes', () => {
      const schema = new Schema<LevelChangeRecord>({ _id: String, companyId: String, locationId: String, reading: String, at: Date, before: String, after: String }, { ...options, collection: 'level_changes' })
      schema.index({ companyId: 1, locationId: 1, reading: 1, at: 1, _id: 1 })
      schema.index({ companyId: 1, reading: 1, at: 1, _id: 1 })
      return schema
    }),
    days: defined<LevelDayRecord>(connection, 'LevelDay', 'level_days', () => {
      const schema = new Schema<LevelDayRecord>(
        { _id: String, companyId: String, reading: String, day: String, through: Date, changes: Number, counts: Schema.Types.Mixed, moves: String },
        { ...options, collection: 'level_days' },
      )
      schema.index({ companyId: 1, reading: 1, day: 1 })
      schema.index({ companyId: 1, reading: 1, through: 1 })
      return schema
    }),
    snapshots: defined<SnapshotRecord>(connection, 'ReportSnapshot', 'report_snapshots', () => {
      const schema = new Schema<SnapshotRecord>({ _id: String, companyId: String, kind: String, asOf: Date, data: String }, { ...options, collection: 'report_snapshots' })
      schema.index({ companyId: 1 })
      return schema
    }),
    cycles: defined<CycleRecord>(connection, 'PromptCycle', 'prompt_cycles', () => {
      const schema = new Schema<CycleRecord>(
        {
          _id: String, companyId: String, locationId: String, userId: String, month: String, dueAt: Date, state: String, shownAt: Date, commented: Boolean, answerId: String,
          opened: String, openedAt: Date, ended: String, changedAt: Date,
        },
        { ...options, collection: 'prompt_cycles' },
      )
      schema.index({ companyId: 1, locationId: 1, userId: 1, ended: 1 })
      schema.index({ companyId: 1, month: 1, changedAt: -1 })
      schema.index({ companyId: 1, opened: 1 })
      schema.index({ companyId: 1, ended: 1 })
      return schema
    }),
    alerts: defined<AlertRecord>(connection, 'ReportAlert', 'report_alerts', () => {
      const schema = new Schema<AlertRecord>(
        { _id: String, companyId: String, locationId: String, kind: String, at: Date, accountName: String, userId: String, userName: String, reason: String, open: Boolean, rose: Boolean },
        { ...options, collection: 'report_alerts' },
      )
      schema.index({ companyId: 1, open: 1, at: -1, _id: 1, kind: 1 })
      schema.index({ companyId: 1, open: 1, kind: 1, at: -1, _id: 1 })
      return schema
    }),
    coverage: defined<CoverageRecord>(connection, 'AccountCoverage', 'account_coverage', () => {
      const schema = new Schema<CoverageRecord>(
        { _id: String, companyId: String, locationId: String, samples: [{ at: Date, answered: Number, eligible: Number, _id: false }], silentSince: Date },
        { ...options, collection: 'account_coverage' },
      )
      schema.index({ companyId: 1 })
      return schema
    }),
    books: defined<ReportBookRecord>(connection, 'ReportBook', 'report_books', () => {
      const schema = new Schema<ReportBookRecord>({ _id: String, companyId: String, accountsTo: Date, silenceDueAt: Date }, { ...options, collection: 'report_books' })
      schema.index({ silenceDueAt: 1 })
      return schema
    }),
  }
}
