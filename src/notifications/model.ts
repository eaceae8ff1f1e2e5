import { Schema, type Connection, type Model } from 'mongoose'
import type { Choice } from './rules.ts'

/** `queued`: to be sent; `sending`: handed to the mail server, answer not recorded; `uncertain`: nobody knows, and it is not sent again. */
export type MailState = 'none' | 'queued' | 'sending' | 'sent' | 'uncertain' | 'failed'

/** What one person of the team is told about one burst of facts. */
export interface NotificationRecord {
  _id: string
  companyId: string
  recipientId: string
  locationId: string | null
  kind: string
  title: string
  body: string
  link: string | null
  /** When the first and the newest fact in it happened. */
  firstAt: Date
  at: Date
  count: number
  /** The fact that started it; its e-mail is the one that is sent. */
  firstKey: string
  /** Facts in it, the newest 200. */
  keys: string[]
  /** The person does not want to see this kind in the app. */
  hidden: boolean
  readAt: Date | null
  mail: MailState
}

/** What one person changed. */
export interface PreferenceRecord {
  _id: string
  companyId: string
  userId: string
  choices: Record<string, Choice>
}

export interface NotificationModels {
  notifications: Model<NotificationRecord>
  preferences: Model<PreferenceRecord>
}

const options = { strict: true, autoIndex: false, minimize: false, versionKey: false } as const
const keptDays = 180

export function notificationModels(connection: Connection): NotificationModels {
  const model = <T>(name: string, schema: () => Schema<T>): Model<T> =>
    (connection.models[name] as unknown as Model<T> | undefined) ?? connection.model<T>(name, schema())
  return {
    notifications: model<NotificationRecord>('Notification', () => {
      const schema = new Schema<NotificationRecord>(
        {
          _id: String,
          companyId: String,
          recipientId: String,
          locationId: String,
          kind: String,
          title: String,
          body: String,
          link: String,
          firstAt: Date,
          at: Date,
          count: Number,
          firstKey: String,
          keys: [String],
          hidden: Boolean,
          readAt: Date,
          mail: String,
        },
        { ...options, collection: 'notifications' },
      )
      schema.index({ companyId: 1, recipientId: 1, at: -1 })
      schema.index({ companyId: 1, recipientId: 1, readAt: 1 })
      schema.index({ companyId: 1, recipientId: 1, kind: 1, locationId: 1, firstAt: -1 })
      schema.index({ at: 1 }, { expireAfterSeconds: keptDays * 86_400 })
      return schema
    }),
    preferences: model<PreferenceRecord>('NotificationPreference', () => {
      const schema = new Schema<PreferenceRecord>(
        { _id: String, companyId: String, userId: String, choices: Schema.Types.Mixed },
        { ...options, collection: 'notification_preferences' },
      )
      schema.index({ companyId: 1 })
      return schema
    }),
  }
}
