import { Schema, type Connection, type Model } from 'mongoose'
import type { BudgetState } from './budget-rules.ts'
import { modelOn } from './resource.ts'

/** Use of one resource's quota, shared by all processes. One document per resource that is in use. */
export interface BudgetRecord extends BudgetState {
  _id: string
  companyId: string
  locationId: string | null
  version: number
  touchedAt: Date
}

const block = new Schema({ id: String, atMs: Number, permits: Number }, { _id: false })

const schema = new Schema<BudgetRecord>(
  {
    _id: String,
    companyId: String,
    locationId: String,
    version: Number,
    blocks: [block],
    pausedUntilMs: Number,
    learnedMax: Number,
    learnedWindowMs: Number,
    day: String,
    usedToday: Number,
    dailyLimit: Number,
    dailyRemaining: Number,
    dailySeenAtMs: Number,
    touchedAt: Date,
  },
  { collection: 'highlevel_budgets', strict: true, autoIndex: false, versionKey: false },
)
schema.index({ companyId: 1, locationId: 1 })
schema.index({ touchedAt: 1 }, { expireAfterSeconds: 3 * 24 * 60 * 60 })

export function budgetModel(connection: Connection): Model<BudgetRecord> {
  return modelOn<BudgetRecord>(connection, 'HighLevelBudget', schema, 'highlevel_budgets')
}
