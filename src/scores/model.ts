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
