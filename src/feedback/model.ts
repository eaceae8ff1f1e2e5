import { Schema, type Connection, type Model } from 'mongoose'
import type { AnswerSource } from '../http/contract/feedback.ts'
import type { HappinessLevel } from '../kernel/levels.ts'
import type { PromptClock } from './prompt-rules.ts'

/** One correction of an answer, itself a fact. */
export interface AnswerEdit {
  /** From 1. */
  revision: number
  at: Date
  level: HappinessLevel
  comment: string | null
}

/** One answer: what was given, every correction, and what it says now. */
export interface AnswerRecord {
  /** Derived from account, user and idempotency key. */
  _id: string
  companyId: string
  locationId: string
  userId: string
  userName: string
  idempotencyKey: string
  source: AnswerSource
  at: Date
  /** As first given. */
  given: { level: HappinessLevel; comment: string | null }
  edits: AnswerEdit[]
  /** After all corrections. */
  level: HappinessLevel
  comment: string | null
  /** Number of corrections. */
  revision: number
  /** Revision up to which points, case, reading, fields and events were derived; −1: none yet. */
  derivedRevision: number
}

/** The prompt's clock of one account user. */
export interface PromptClockRecord extends PromptClock {
  /** `<companyId>:<locationId>:<userId>` */
  _id: string
  companyId: string
  locationId: string
  userId: string
  version: number
  /** The last reactions, newest last, for the inspector. */
  history: { at: Date; kind: 'shown' | 'later' | 'closed' }[]
}

export interface FeedbackModels {
  answers: Model<AnswerRecord>
  clocks: Model<PromptClockRecord>
}

const options = { strict: true, autoIndex: false, versionKey: false, minimize: false } as const

export function feedbackModels(connection: Connection): FeedbackModels {
  const known = connection.models as Record<string, unknown>
  const answers = known['Answer'] as Model<AnswerRecord> | undefined
  const clocks = known['PromptClock'] as Model<PromptClockRecord> | undefined
  return { answers: answers ?? defineAnswers(connection), clocks: clocks ?? defineClocks(connection) }
}

function defineAnswers(connection: Connection): Model<AnswerRecord> {
  const schema = new Schema<AnswerRecord>(
    {
      _id: String,
      companyId: String,
      locationId: String,
      userId: String,
      userName: String,
      idempotencyKey: String,
      source: String,
      at: Date,
      given: { level: String, comment: String },
      edits: [{ revision: Number, at: Date, level: String, comment: String, _id: false }],
      level: String,
      comment: String,
      revision: Number,
      derivedRevision: Number,
    },
    { ...options, collection: 'answers' },
  )
  schema.index({ companyId: 1, locationId: 1, at: -1 })
  schema.index({ companyId: 1, locationId: 1, userId: 1, at: -1 })
  return connection.model<AnswerRecord>('Answer', schema, 'answers')
}

function defineClocks(connection: Connection): Model<PromptClockRecord> {
  const schema = new Schema<PromptClockRecord>(
    {
      _id: String,
      companyId: String,
      locationId: String,
      userId: String,
      anchor: new Schema({ kind: String, at: Date }, { _id: false }),
      shownAt: [Date],
      skippedCycles: Number,
      prompts: [{ promptId: String, at: Date, final: String, _id: false }],
      version: Number,
      history: [{ at: Date, kind: String, _id: false }],
    },
    { ...options, collection: 'prompt_clocks' },
  )
  schema.index({ companyId: 1, locationId: 1 })
  return connection.model<PromptClockRecord>('PromptClock', schema, 'prompt_clocks')
}
