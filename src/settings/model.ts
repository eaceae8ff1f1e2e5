import { Schema, type Connection, type Model } from 'mongoose'

/** What one agency changed; everything not in `changes` is the default. */
export interface SettingsRecord {
  /** companyId */
  _id: string
  companyId: string
  /** A partial AgencySettings. */
  changes: Record<string, unknown>
  version: number
  updatedAt: Date
  updatedBy: string
}

export function settingsModel(connection: Connection): Model<SettingsRecord> {
  const existing = connection.models['Settings'] as Model<SettingsRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<SettingsRecord>(
    {
      _id: String,
      companyId: String,
      changes: Schema.Types.Mixed,
      version: Number,
      updatedAt: Date,
      updatedBy: String,
    },
    { collection: 'settings', strict: true, autoIndex: false, versionKey: false, minimize: false },
  )
  return connection.model<SettingsRecord>('Settings', schema, 'settings')
}
