import { Schema, type Connection, type Model } from 'mongoose'
import type { ViewLook } from '../http/contract/views.ts'

export interface ViewRecord {
  /** `<companyId>:<viewId>` */
  _id: string
  companyId: string
  viewId: string
  /** Whose it is; '' for one that is shared. */
  userId: string
  name: string
  look: ViewLook
  createdAt: Date
}

export function viewModel(connection: Connection): Model<ViewRecord> {
  const existing = connection.models['SavedView'] as Model<ViewRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<ViewRecord>(
    { _id: String, companyId: String, viewId: String, userId: String, name: String, look: Schema.Types.Mixed, createdAt: Date },
    { collection: 'saved_views', strict: true, autoIndex: false, versionKey: false, minimize: false },
  )
  schema.index({ companyId: 1, userId: 1, createdAt: 1 })
  return connection.model<ViewRecord>('SavedView', schema, 'saved_views')
}
