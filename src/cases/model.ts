import { Schema, type Connection, type Model } from 'mongoose'
import type { DomainEvent } from '../events/index.ts'
import type { CaseOutcome } from '../http/contract/cases.ts'

export interface CaseRecord {
  /** Derived from the answer that opened it. */
  _id: string
  companyId: string
  locationId: string
  userId: string
  /** Unique: `open:<companyId>:<locationId>:<userId>` or `closed:<id>`. */
  slot: string
  state: 'open' | 'closed'
  accountName: string
  userName: string
  owner: { userId: string; name: string } | null
  /** User id of the owner, '' if none: for the list. */
  ownerId: string
  /** Its owner left the team and nobody has it since: whoever gets the account next gets it too. */
  orphaned?: boolean
  openedAt: Date
  dueAt: Date
  /** When the overdue event was given out for this opening. */
  overdueAt: Date | null
  /** How often it was escalated since it became overdue. */
  escalations?: number
  /** When it is escalated next; null or absent → not any more, or not yet. */
  escalateAt?: Date | null
  /** Who said that they take care of it, and until when it is left to them. */
  acknowledged?: { userId: string; name: string; at: Date; untilAt: Date } | null
  answers: { answerId: string; at: Date; comment: string | null }[]
  outcome: CaseOutcome | null
  note: string | null
  closedAt: Date | null
  closedBy: { userId: string | null; name: string | null } | null
  /** How often it was opened: more than once if a withdrawn answer became Not Happy again. */
  openings: number
  /** Grows with every change. */
  version: number
  /** Events that the event log may not have yet. */
  outbox: DomainEvent[]
  /** Since when the outbox is not empty. */
  outboxSince: Date | null
}

export function caseModel(connection: Connection): Model<CaseRecord> {
  const existing = connection.models['Case'] as Model<CaseRecord> | undefined
  if (existing !== undefined) return existing
  const person = new Schema({ userId: String, name: String }, { _id: false })
  const schema = new Schema<CaseRecord>(
    {
      _id: String,
      companyId: String,
      locationId: String,
      userId: String,
      slot: String,
      state: String,
      accountName: String,
      userName: String,
      owner: person,
      ownerId: String,
      orphaned: Boolean,
      openedAt: Date,
      dueAt: Date,
      overdueAt: Date,
      escalations: Number,
      escalateAt: Date,
      acknowledged: new Schema({ userId: String, name: String, at: Date, untilAt: Date }, { _id: false }),
      answers: [{ answerId: String, at: Date, comment: String, _id: false }],
      outcome: String,
      note: String,
      closedAt: Date,
      closedBy: person,
      openings: Number,
      version: Number,
      outbox: [Schema.Types.Mixed],
      outboxSince: Date,
    },
    { collection: 'cases', strict: true, autoIndex: false, versionKey: false, minimize: false },
  )
  schema.index({ slot: 1 }, { unique: true })
  schema.index({ companyId: 1, state: 1, dueAt: 1 })
  schema.index({ companyId: 1, locationId: 1, state: 1 })
  schema.index({ companyId: 1, 'answers.answerId': 1 })
  schema.index({ state: 1, overdueAt: 1, dueAt: 1 })
  schema.index({ state: 1, escalateAt: 1 })
  schema.index({ outboxSince: 1 })
  return connection.model<CaseRecord>('Case', schema, 'cases')
}
