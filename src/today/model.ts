import { Schema, type Connection, type Model } from 'mongoose'
import type { GoodKind } from '../http/contract/today.ts'

/** The newest that is known of one matter of an account, as far as it may be good news. */
export interface NewsRecord {
  /** `<companyId>:<locationId>:<matter>` */
  _id: string
  companyId: string
  locationId: string
  at: Date
  kind: GoodKind
  reason: string
  /** False: it was, and is over. */
  open: boolean
}

const keptDays = 35

export function newsModel(connection: Connection): Model<NewsRecord> {
  const existing = connection.models['TodayNews'] as Model<NewsRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<NewsRecord>(
    { _id: String, companyId: String, locationId: String, at: Date, kind: String, reason: String, open: Boolean },
    { collection: 'today_news', strict: true, autoIndex: false, versionKey: false },
  )
  schema.index({ companyId: 1, open: 1, at: -1, _id: 1 })
  schema.index({ at: 1 }, { expireAfterSeconds: keptDays * 86_400 })
  return connection.model<NewsRecord>('TodayNews', schema, 'today_news')
}
