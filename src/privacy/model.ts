import { Schema, type Connection, type Model } from 'mongoose'

/** That somebody is to be forgotten, or was. */
export interface ErasureRecord {
  /** Hash of agency and user. */
  _id: string
  companyId: string
  state: 'working' | 'checking' | 'done'
  /** Who it is and what they are recognised by, sealed; gone with the last pass. */
  sealed: string | null
  locationIds: string[]
  requestedAt: Date
  /** User id of the admin. */
  requestedBy: string
  /** When the next pass is due; null once done. */
  dueAt: Date | null
  doneAt: Date | null
}

export function erasureModel(connection: Connection): Model<ErasureRecord> {
  const existing = connection.models['Erasure'] as Model<ErasureRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<ErasureRecord>(
    { _id: String, companyId: String, state: String, sealed: String, locationIds: [String], requestedAt: Date, requestedBy: String, dueAt: Date, doneAt: Date },
    { collection: 'erasures', strict: true, autoIndex: false, versionKey: false, minimize: false },
  )
  schema.index({ companyId: 1, requestedAt: -1 })
  schema.index({ dueAt: 1 })
  return connection.model<ErasureRecord>('Erasure', schema, 'erasures')
}
