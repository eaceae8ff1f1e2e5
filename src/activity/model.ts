import { Schema, type Connection, type Model } from 'mongoose'

/** When one account user was last seen. */
export interface ActivityRecord {
  /** `<companyId>:<locationId>:<userId>` */
  _id: string
  companyId: string
  locationId: string
  userId: string
  /** To the hour: further signs of life within an hour are not written. */
  lastSeenAt: Date
  /** Longest absence since then that was told, in days; 0 for none. */
  toldDays: number
  /** When the next absence is to be told; null for none. */
  dueAt: Date | null
}

export function activityModel(connection: Connection): Model<ActivityRecord> {
  const existing = connection.models['UserActivity'] as Model<ActivityRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<ActivityRecord>(
    { _id: String, companyId: String, locationId: String, userId: String, lastSeenAt: Date, toldDays: Number, dueAt: Date },
    { collection: 'user_activity', strict: true, autoIndex: false, versionKey: false },
  )
  schema.index({ dueAt: 1 })
  schema.index({ companyId: 1, locationId: 1 })
  schema.index({ companyId: 1, lastSeenAt: 1 })
  return connection.model<ActivityRecord>('UserActivity', schema, 'user_activity')
}
