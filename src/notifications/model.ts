import { Schema, type Connection, type Model } from 'mongoose'
import type { NoticeChannel, NoticeRhythm } from '../http/contract/notice-kinds.ts'
import type { Audience, Choice, Decision } from './rules.ts'
import type { Timing } from './times.ts'

/** What was decided for one recipient of one fact. */
export interface RecipientDecision {
  channels: Record<NoticeChannel, Decision>
  /** The line in the app that it is in; null where it is not shown. */
  lineId: string | null
  /** The letter of each other channel that it goes with. */
  letters: Partial<Record<NoticeChannel, LetterPlan>>
}

/** A letter that a fact shall be in, complete enough to start it. */
export interface LetterPlan {
  id: string
  dueAt: Date
  /** Local day of a digest. */
  day: string | null
  urgent: boolean
}

/** One fact that the team is told, once, with what was decided for everybody. Never changed, but for a letter that turned out to be closed. */
export interface NoticeRecord {
  /** Hash of agency and key. */
  _id: string
  companyId: string
  key: string
  locationId: string | null
  kind: string
  audience: Audience
  title: string
  body: string
  link: string | null
  /** When it happened, and when it was told. */
  at: Date
  toldAt: Date
  recipientIds: string[]
  /** By recipient. */
  to: Record<string, RecipientDecision>
}

/** A line in one person's inbox: one burst of facts of one kind in one account. */
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
  /** Keys of the facts in it, the newest 200. */
  keys: string[]
  readAt: Date | null
}

/**
 * `open`: takes in facts; `closed`: its facts are fixed, it is to be sent; `sending`: handed to the other side, answer not recorded;
 * `uncertain`: nobody knows whether it arrived, and it is not sent again; `not_sent`: there was a reason.
 */
export type LetterState = 'open' | 'closed' | 'sending' | 'sent' | 'uncertain' | 'failed' | 'not_sent'

/** What leaves together: one account's burst, or a day's or week's digest, for one recipient by one channel. */
export interface LetterRecord {
  _id: string
  companyId: string
  recipientId: string
  channel: NoticeChannel
  rhythm: Exclude<NoticeRhythm, 'off'>
  locationId: string | null
  day: string | null
  urgent: boolean
  state: LetterState
  /** Why it waits, or was not sent. */
  reason: string | null
  openedAt: Date
  dueAt: Date
  sentAt: Date | null
  /** How often it was given to the other side. */
  attempts: number
  /** Ids of its notices. */
  notices: string[]
}

/** What one person changed. */
export interface PreferenceRecord {
  _id: string
  companyId: string
  userId: string
  choices: Record<string, Choice>
  urgent: string[]
  timing: Partial<Timing>
}

/** A chat's incoming webhook, of a person or of the agency. */
export interface ChatRecord {
  /** `<companyId>:<userId>`, or `<companyId>:agency_chat`. */
  _id: string
  companyId: string
  ownerId: string
  /** The address, encrypted; whoever has it can write to the chat. */
  sealed: string
  host: string
  setAt: Date
  setBy: string
}

/** Somebody who wants to be told about an account that is not theirs. */
export interface WatchRecord {
  /** `<companyId>:<locationId>:<userId>` */
  _id: string
  companyId: string
  locationId: string
  userId: string
}

export interface NotificationModels {
  notices: Model<NoticeRecord>
  notifications: Model<NotificationRecord>
  letters: Model<LetterRecord>
  preferences: Model<PreferenceRecord>
  chats: Model<ChatRecord>
  watches: Model<WatchRecord>
}

const options = { strict: true, autoIndex: false, minimize: false, versionKey: false } as const
const keptSeconds = 180 * 86_400

export function notificationModels(connection: Connection): NotificationModels {
  const model = <T>(name: string, schema: () => Schema<T>): Model<T> =>
    (connection.models[name] as unknown as Model<T> | undefined) ?? connection.model<T>(name, schema())
  return {
    notices: model<NoticeRecord>('Notice', () => {
      const schema = new Schema<NoticeRecord>(
        {
          _id: String, companyId: String, key: String, locationId: String, kind: String, audience: String, title: String, body: String, link: String,
          at: Date, toldAt: Date, recipientIds: [String], to: Schema.Types.Mixed,
        },
        { ...options, collection: 'notices' },
      )
      schema.index({ companyId: 1, toldAt: -1 })
      schema.index({ companyId: 1, locationId: 1, toldAt: -1 })
      schema.index({ toldAt: 1 }, { expireAfterSeconds: keptSeconds })
      return schema
    }),
    notifications: model<NotificationRecord>('Notification', () => {
      const schema = new Schema<NotificationRecord>(
        {
          _id: String, companyId: String, recipientId: String, kind: String, locationId: String, title: String, body: String, link: String,
          firstAt: Date, at: Date, count: Number, keys: [String], readAt: Date,
        },
        { ...options, collection: 'notifications' },
      )
      schema.index({ companyId: 1, recipientId: 1, at: -1 })
      schema.index({ companyId: 1, recipientId: 1, readAt: 1 })
      schema.index({ companyId: 1, recipientId: 1, kind: 1, locationId: 1, firstAt: -1 })
      schema.index({ companyId: 1, recipientId: 1, locationId: 1, at: -1 })
      schema.index({ at: 1 }, { expireAfterSeconds: keptSeconds })
      return schema
    }),
    letters: model<LetterRecord>('NotificationLetter', () => {
      const schema = new Schema<LetterRecord>(
        {
          _id: String, companyId: String, recipientId: String, channel: String, rhythm: String, locationId: String, day: String, urgent: Boolean,
          state: String, reason: String, openedAt: Date, dueAt: Date, sentAt: Date, attempts: Number, notices: [String],
        },
        { ...options, collection: 'notification_letters' },
      )
      schema.index({ companyId: 1, recipientId: 1, state: 1, locationId: 1 })
      schema.index({ state: 1, dueAt: 1 })
      schema.index({ openedAt: 1 }, { expireAfterSeconds: keptSeconds })
      return schema
    }),
    preferences: model<PreferenceRecord>('NotificationPreference', () => {
      const schema = new Schema<PreferenceRecord>(
        { _id: String, companyId: String, userId: String, choices: Schema.Types.Mixed, urgent: [String], timing: Schema.Types.Mixed },
        { ...options, collection: 'notification_preferences' },
      )
      schema.index({ companyId: 1 })
      return schema
    }),
    chats: model<ChatRecord>('NotificationChat', () => {
      const schema = new Schema<ChatRecord>(
        { _id: String, companyId: String, ownerId: String, sealed: String, host: String, setAt: Date, setBy: String },
        { ...options, collection: 'notification_chats' },
      )
      schema.index({ companyId: 1 })
      return schema
    }),
    watches: model<WatchRecord>('NotificationWatch', () => {
      const schema = new Schema<WatchRecord>({ _id: String, companyId: String, locationId: String, userId: String }, { ...options, collection: 'notification_watches' })
      schema.index({ companyId: 1, locationId: 1 })
      schema.index({ companyId: 1, userId: 1 })
      return schema
    }),
  }
}
