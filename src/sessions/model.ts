import { Schema, type Connection, type Model } from 'mongoose'

/** A user context that was presented; it has no expiry of its own, so the first sight is remembered. */
export interface SeenContextRecord {
  /** Hash of the encrypted bytes. */
  _id: string
  firstSeenAt: Date
  expireAt: Date
}

export function seenContextModel(connection: Connection): Model<SeenContextRecord> {
  const existing = connection.models['SeenContext'] as Model<SeenContextRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<SeenContextRecord>({ _id: String, firstSeenAt: Date, expireAt: Date }, { collection: 'seen_contexts', strict: true, autoIndex: false, versionKey: false })
  schema.index({ expireAt: 1 }, { expireAfterSeconds: 0 })
  return connection.model<SeenContextRecord>('SeenContext', schema, 'seen_contexts')
}
