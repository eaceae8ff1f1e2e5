import { Schema, type Connection, type Model } from 'mongoose'
import type { DomainEvent } from '../events/index.ts'

interface Person {
  userId: string
  name: string
}

export interface DeedRecord {
  /** Derived from account and key. */
  _id: string
  companyId: string
  locationId: string
  text: string
  /** Since when the customer reads it; null while only the team does. */
  shownAt: Date | null
  /** When it was shown first: hidden and shown again, it is no news to whoever saw it. */
  firstShownAt: Date | null
  /** The answer that it is about, and who gave it. */
  answerId: string | null
  saidBy: string | null
  caseId: string | null
  by: Person
  at: Date
  changedBy: Person | null
  changedAt: Date | null
  withdrawnAt: Date | null
  /** Grows with every change. */
  version: number
  /** Events that the event log may not have yet. */
  outbox: DomainEvent[]
}

/** What a customer's user has seen. */
export interface DeedSeenRecord {
  /** `<companyId>:<locationId>:<userId>` */
  _id: string
  companyId: string
  locationId: string
  userId: string
  /** `shownAt` of the newest one. */
  toAt: Date
  /** The answer after which it was shown: a repeated request is told the same. */
  answerId: string | null
}

export interface DeedModels {
  deeds: Model<DeedRecord>
  seen: Model<DeedSeenRecord>
}

const options = { strict: true, autoIndex: false, versionKey: false, minimize: false } as const

export function deedModels(connection: Connection): DeedModels {
  const known = connection.models as Record<string, unknown>
  const deeds = known['Deed'] as Model<DeedRecord> | undefined
  const seen = known['DeedSeen'] as Model<DeedSeenRecord> | undefined
  return { deeds: deeds ?? defineDeeds(connection), seen: seen ?? defineSeen(connection) }
}

function defineDeeds(connection: Connection): Model<DeedRecord> {
  const person = new Schema({ userId: String, name: String }, { _id: false })
  const schema = new Schema<DeedRecord>(
    {
      _id: String,
      companyId: String,
      locationId: String,
      text: String,
      shownAt: Date,
      firstShownAt: Date,
      answerId: String,
      saidBy: String,
      caseId: String,
      by: person,
      at: Date,
      changedBy: person,
      changedAt: Date,
      withdrawnAt: Date,
      version: Number,
      outbox: [Schema.Types.Mixed],
    },
    { ...options, collection: 'deeds' },
  )
  schema.index({ companyId: 1, locationId: 1, at: -1 })
  schema.index({ companyId: 1, locationId: 1, shownAt: -1 })
  return connection.model<DeedRecord>('Deed', schema, 'deeds')
}

function defineSeen(connection: Connection): Model<DeedSeenRecord> {
  const schema = new Schema<DeedSeenRecord>({ _id: String, companyId: String, locationId: String, userId: String, toAt: Date, answerId: String }, { ...options, collection: 'deed_seen' })
  schema.index({ companyId: 1, locationId: 1 })
  return connection.model<DeedSeenRecord>('DeedSeen', schema, 'deed_seen')
}
