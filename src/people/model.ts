import { Schema, type Connection, type Model } from 'mongoose'
import type { DomainEvent } from '../events/index.ts'

/** What people decided about the people of one account. */
export interface PeopleRecord {
  /** `<companyId>:<locationId>` */
  _id: string
  companyId: string
  locationId: string
  /** Chosen by a person; null → the default. */
  primaryUserId: string | null
  keyUserIds: string[]
  /** Grows with every change. */
  version: number
  /** Events that the event log may not have yet. */
  outbox: DomainEvent[]
  /** Since when the outbox is not empty. */
  outboxSince: Date | null
}

/** Time that a CSM spent on an account. */
export interface HoursRecord {
  /** Derived from the caller's key, if there was one. */
  _id: string
  companyId: string
  locationId: string
  csmUserId: string
  csmName: string
  /** The day as `2026-11-02`. */
  on: string
  minutes: number
  note: string | null
  loggedAt: Date
  /** False for an entry that was taken back. */
  counts: boolean
  removedAt: Date | null
  removedBy: string | null
  /** Since when an event about it may be missing. */
  untoldSince: Date | null
}

/** What one CSM spent on one day: summed from the entries whenever one of them changes, so that a report need not read them all. */
export interface HoursDayRecord {
  /** `<companyId>:<csmUserId>:<on>` */
  _id: string
  companyId: string
  csmUserId: string
  /** The day as `2026-11-02`. */
  on: string
  accounts: { locationId: string; minutes: number; entries: number }[]
  /** Grows with every sum: one that was made before another was stored is made again. */
  version: number
}

/** Who got an account that had just been created; decided once, in an order that all processes share. */
export interface TurnRecord {
  /** `<companyId>:<locationId>` */
  _id: string
  companyId: string
  locationId: string
  /** From 1, one after the other per agency. */
  turn: number
  rule: 'round_robin' | 'least_loaded'
  csmUserId: string
  at: Date
}

export interface PeopleModels {
  people: Model<PeopleRecord>
  hours: Model<HoursRecord>
  hoursDays: Model<HoursDayRecord>
  turns: Model<TurnRecord>
}

const options = { strict: true, autoIndex: false, versionKey: false, minimize: false } as const

function defined<T>(connection: Connection, name: string, collection: string, build: () => Schema<T>): Model<T> {
  const existing = connection.models[name] as Model<T> | undefined
  return existing ?? connection.model<T>(name, build(), collection)
}

export function peopleModels(connection: Connection): PeopleModels {
  return {
    people: defined<PeopleRecord>(connection, 'AccountPeople', 'account_people', () => {
      const schema = new Schema<PeopleRecord>(
        {
          _id: String, companyId: String, locationId: String, primaryUserId: String, keyUserIds: [String], version: Number,
          outbox: [Schema.Types.Mixed], outboxSince: Date,
        },
        { ...options, collection: 'account_people' },
      )
      schema.index({ companyId: 1, locationId: 1 })
      schema.index({ outboxSince: 1 })
      return schema
    }),
    hours: defined<HoursRecord>(connection, 'Hours', 'csm_hours', () => {
      const schema = new Schema<HoursRecord>(
        {
          _id: String, companyId: String, locationId: String, csmUserId: String, csmName: String, on: String, minutes: Number, note: String,
          loggedAt: Date, counts: Boolean, removedAt: Date, removedBy: String, untoldSince: Date,
        },
        { ...options, collection: 'csm_hours' },
      )
      schema.index({ companyId: 1, locationId: 1, counts: 1, on: -1, loggedAt: -1, _id: -1 })
      // For the sum of a day: what is summed is in the keys.
      schema.index({ companyId: 1, counts: 1, on: 1, csmUserId: 1, locationId: 1, minutes: 1 })
      schema.index({ untoldSince: 1 })
      return schema
    }),
    hoursDays: defined<HoursDayRecord>(connection, 'HoursDay', 'csm_hours_days', () => {
      const schema = new Schema<HoursDayRecord>(
        { _id: String, companyId: String, csmUserId: String, on: String, version: Number, accounts: [{ _id: false, locationId: String, minutes: Number, entries: Number }] },
        { ...options, collection: 'csm_hours_days' },
      )
      schema.index({ companyId: 1, on: 1 })
      return schema
    }),
    turns: defined<TurnRecord>(connection, 'AssignmentTurn', 'csm_turns', () => {
      const schema = new Schema<TurnRecord>(
        { _id: String, companyId: String, locationId: String, turn: Number, rule: String, csmUserId: String, at: Date },
        { ...options, collection: 'csm_turns' },
      )
      schema.index({ companyId: 1, turn: -1 }, { unique: true })
      return schema
    }),
  }
}
