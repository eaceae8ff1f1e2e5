import { Schema, type Connection, type Model } from 'mongoose'
import type { DomainEvent } from '../events/index.ts'
import type { HappinessLevel } from '../kernel/levels.ts'

/** The newest answer of one user, valid or not. */
export interface PersonReading {
  userId: string
  answerId: string
  at: Date
  level: HappinessLevel
}

/** An account's reading and what is needed to compute the next one. */
export interface ReadingRecord {
  /** `<companyId>:<locationId>` */
  _id: string
  companyId: string
  locationId: string
  level: HappinessLevel | null
  /** H when last computed; it shrinks towards newer answers between events without changing the level. */
  score: number | null
  answered: number
  eligible: number
  newestAt: Date | null
  dissent: boolean
  levelSinceAt: Date | null
  nextExpiryAt: Date | null
  people: PersonReading[]
  removals: { userId: string; at: Date }[]
  checkpointAt: Date | null
  checkpointLevel: HappinessLevel | null
  /** Grows with every change. */
  version: number
  /** Version whose effects (lists, fields, cards, events) were given out. */
  appliedVersion: number
  pending: DomainEvent[]
  /** Since when `appliedVersion` is behind; null if it is not. */
  unappliedSince: Date | null
  updatedAt: Date
}

export function readingModel(connection: Connection): Model<ReadingRecord> {
  const existing = connection.models['HappinessReading'] as Model<ReadingRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<ReadingRecord>(
    {
      _id: String,
      companyId: String,
      locationId: String,
      level: String,
      score: Number,
      answered: Number,
      eligible: Number,
      newestAt: Date,
      dissent: Boolean,
      levelSinceAt: Date,
      nextExpiryAt: Date,
      people: [{ userId: String, answerId: String, at: Date, level: String, _id: false }],
      removals: [{ userId: String, at: Date, _id: false }],
      checkpointAt: Date,
      checkpointLevel: String,
      version: Number,
      appliedVersion: Number,
      pending: [Schema.Types.Mixed],
      unappliedSince: Date,
      updatedAt: Date,
    },
    { collection: 'happiness_readings', strict: true, autoIndex: false, versionKey: false, minimize: false },
  )
  schema.index({ nextExpiryAt: 1 })
  schema.index({ unappliedSince: 1 })
  schema.index({ companyId: 1, level: 1 })
  return connection.model<ReadingRecord>('HappinessReading', schema, 'happiness_readings')
}
