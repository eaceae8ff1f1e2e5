import { Schema, type Connection, type Model } from 'mongoose'
import type { AccountStatus } from '../accounts/index.ts'
import type { Actor, DomainEvent } from '../events/index.ts'
import type { HealthSource } from '../http/contract/accounts.ts'
import type { HealthLevel } from '../kernel/levels.ts'
import type { HealthBase, HealthFact, Restored } from './rules.ts'

/** The note that somebody gave to a change afterwards. */
export interface NoteRecord {
  changeId: string
  at: Date
  actor: Actor
  note: string
  reasonCodes: string[]
}

/** An account's status and the facts it follows from. */
export interface HealthRecord {
  /** `<companyId>:<locationId>` */
  _id: string
  companyId: string
  locationId: string
  /** Facts of the last days; older ones are in `base`. */
  facts: HealthFact[]
  base: HealthBase | null
  /** Ids of changes whose fact was told again with a truer time: the id stays. */
  ids: { key: string; changeId: string }[]
  /** Changes that came to light after a later one, or turned out to be none. */
  overtaken: string[]
  notes: NoteRecord[]
  /** What the facts say; null while nobody has set a status. */
  status: AccountStatus | null
  /** Denormalised from `status`, with the days that `staleAt` was computed from. */
  level: HealthLevel | null
  staleDays: number | null
  /** When to tell that the status went stale; null if there is nothing to tell. */
  nextStaleAt: Date | null
  /** The `staleAt` that was told. */
  staleToldAt: Date | null
  /** Grows with every write that decides something. */
  version: number
  /** Grows when there is something to give out: events, history, the account, contacts and the card. */
  wantedVersion: number
  appliedVersion: number
  pending: DomainEvent[]
  /** Changes whose history is to be written. */
  touched: string[]
  /** Since when `appliedVersion` is behind; null if it is not. */
  unappliedSince: Date | null
  updatedAt: Date
}

/** One change of an account's status, for history. */
export interface HealthChangeRecord {
  /** The change's id. */
  _id: string
  companyId: string
  locationId: string
  at: Date
  level: HealthLevel
  before: HealthLevel | null
  source: HealthSource
  actor: Actor
  note: string | null
  reasonCodes: string[]
  noteWanted: boolean
  confirmations: { at: Date; actor: Actor; note: string | null; reasonCodes: string[] }[]
  undoes: string | null
  /** For one that takes another back: what belongs to the level that stands again. */
  restores?: Restored | null
  undoneBy: string | null
  overtaken: boolean
  /** Contacts that the level was written to, and whether the card was moved; null until that was given out. */
  given: { contacts: number; card: boolean } | null
}

const options = { strict: true, autoIndex: false, versionKey: false, minimize: false } as const
const { Mixed } = Schema.Types

function defined<T>(connection: Connection, name: string, collection: string, build: () => Schema<T>): Model<T> {
  return (connection.models[name] as Model<T> | undefined) ?? connection.model<T>(name, build(), collection)
}

export function healthModels(connection: Connection): { readings: Model<HealthRecord>; changes: Model<HealthChangeRecord> } {
  return {
    readings: defined<HealthRecord>(connection, 'HealthReading', 'health_readings', () => {
      const schema = new Schema<HealthRecord>(
        {
          _id: String, companyId: String, locationId: String, facts: [Mixed], base: Mixed, ids: [Mixed], overtaken: [String], notes: [Mixed], status: Mixed, level: String,
          staleDays: Number, nextStaleAt: Date, staleToldAt: Date, version: Number, wantedVersion: Number, appliedVersion: Number, pending: [Mixed], touched: [String],
          unappliedSince: Date, updatedAt: Date,
        },
        { ...options, collection: 'health_readings' },
      )
      schema.index({ unappliedSince: 1 })
      schema.index({ nextStaleAt: 1 })
      schema.index({ companyId: 1, level: 1, staleDays: 1 })
      return schema
    }),
    changes: defined<HealthChangeRecord>(connection, 'HealthChange', 'health_changes', () => {
      const schema = new Schema<HealthChangeRecord>(
        {
          _id: String, companyId: String, locationId: String, at: Date, level: String, before: String, source: String, actor: Mixed, note: String, reasonCodes: [String],
          noteWanted: Boolean, confirmations: [Mixed], undoes: String, restores: Mixed, undoneBy: String, overtaken: Boolean, given: Mixed,
        },
        { ...options, collection: 'health_changes' },
      )
      schema.index({ companyId: 1, locationId: 1, at: -1, _id: -1 })
      schema.index({ companyId: 1, noteWanted: 1, at: -1, _id: -1 })
      return schema
    }),
  }
}
