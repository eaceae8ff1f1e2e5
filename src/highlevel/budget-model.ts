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
    _id: { type: String, required: true },
    companyId: { type: String, required: true },
    locationId: { type: String, default: null },
    version: { type: Number, required: true },
    blocks: { type: [block], required: true },
    pausedUntilMs: { type: Number, required: true },
    learnedMax: { type: Number, default: null },
    learnedWindowMs: { type: Number, default: null },
    day: { type: String, required: true },
    usedToday: { type: Number, required: true },
    dailyLimit: { type: Number, default: null },
    dailyRemaining: { type: Number, default: null },
    dailySeenAtMs: { type: Number, required: true },
    touchedAt: { type: Date, required: true },
  },
  { collection: 'highlevel_budgets', strict: true, autoIndex: false, versionKey: false },
)
schema.index({ companyId: 1, locationId: 1 })
schema.index({ touchedAt: 1 }, { expireAfterSeconds: 3 * 24 * 60 * 60 })

export function budgetModel(connection: Connection): Model<BudgetRecord> {
  return modelOn<BudgetRecord>(connection, 'HighLevelBudget', schema, 'highlevel_budgets')
}
