import { Schema, type Connection, type Model } from 'mongoose'

/** What earned or cost points. */
export type ScoreKind = 'answer' | 'answer_changed'

/** One entry of the ledger; never changed after it was booked. */
export interface ScoreRecord {
  /** `<companyId>:<key of the fact>` */
  _id: string
  companyId: string
  locationId: string
  userId: string | null
  kind: ScoreKind
  points: number
  /** One plain sentence. */
  note: string
  /** When the fact happened. */
  at: Date
}

export function scoreModel(connection: Connection): Model<ScoreRecord> {
  const existing = connection.models['ScoreEntry'] as Model<ScoreRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<ScoreRecord>(
    { _id: String, companyId: String, locationId: String, userId: String, kind: String, points: Number, note: String, at: Date },
    { collection: 'score_entries', strict: true, autoIndex: false, versionKey: false },
  )
  schema.index({ companyId: 1, locationId: 1, at: -1 })
  return connection.model<ScoreRecord>('ScoreEntry', schema, 'score_entries')
}

/** The milestone that an account stands at. */
export interface MilestoneRecord {
  /** `<companyId>:<locationId>` */
  _id: string
  companyId: string
  /** 0: below the first. */
  reached: number
  /** Grows with every change: names a crossing. */
  changes: number
}

export function milestoneModel(connection: Connection): Model<MilestoneRecord> {
  const existing = connection.models['ScoreMilestone'] as Model<MilestoneRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<MilestoneRecord>({ _id: String, companyId: String, reached: Number, changes: Number }, { collection: 'score_milestones', strict: true, autoIndex: false, versionKey: false })
  schema.index({ companyId: 1 })
  return connection.model<MilestoneRecord>('ScoreMilestone', schema, 'score_milestones')
}
