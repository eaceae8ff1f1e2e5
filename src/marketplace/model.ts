import { Schema, type Connection, type Model } from 'mongoose'
import type { SubscribedFilter } from './filters.ts'

/** One of our triggers in one workflow. */
export interface SubscriptionRecord {
  /** Hash of trigger id and workflow id: ids from outside never become keys as they are. */
  _id: string
  companyId: string
  /** The location that the workflow lives in. */
  locationId: string
  triggerId: string
  workflowId: string
  triggerKey: string
  filters: (SubscribedFilter & { title: string | null })[]
  /** Ids behind the execute path. */
  target: string[]
  /** Version of the trigger that the workflow uses. */
  version: string | null
  /** `active` fires; `deleted` was taken out of the workflow; `gone`: HighLevel knew nothing of it any more when it was fired. */
  state: 'active' | 'deleted' | 'gone'
  /** HighLevel's time of the newest event, where it gives one. */
  eventAt: Date | null
  createdAt: Date
  changedAt: Date
  deletedAt: Date | null
  /** When a deleted record is forgotten. */
  expireAt?: Date
  lastFiredAt: Date | null
  fired: number
  /** Grows with every event that changed it. */
  rev: number
}

/** One attempt to start a workflow for a fact: written before the call, so that a crash leaves a trace of it. */
export interface ExecutionRecord {
  /** Key of the firing. */
  _id: string
  companyId: string
  subscriptionId: string
  locationId: string
  workflowId: string
  triggerKey: string
  /** The account that the fact is about. */
  accountId: string
  eventKey: string
  /** `begun`: HighLevel's answer is not known. `refused`: it certainly started nothing. `uncertain`: a person was told that nobody knows. */
  state: 'begun' | 'accepted' | 'refused' | 'uncertain'
  begunAt: Date
  answeredAt: Date | null
  code: string | null
  expireAt: Date
}

/** The answer to one run of an action, so that its repetition does nothing twice. */
export interface ActionRunRecord {
  _id: string
  companyId: string
  workflowId: string
  contactId: string
  actionKey: string
  begunAt: Date
  answer: Record<string, unknown> | null
  expireAt: Date
}

/** A call that carried the secret and was refused, for whoever looks why a workflow does nothing. */
export interface RefusalRecord {
  _id: string
  /** null while the agency is not known: such calls are nobody's to see but the operator's. */
  companyId: string | null
  kind: 'trigger' | 'action'
  key: string | null
  code: string
  message: string
  locationId: string | null
  workflowId: string | null
  at: Date
  expireAt: Date
}

export interface MarketplaceModels {
  subscriptions: Model<SubscriptionRecord>
  executions: Model<ExecutionRecord>
  runs: Model<ActionRunRecord>
  refusals: Model<RefusalRecord>
}

const options = { strict: true, autoIndex: false, versionKey: false, minimize: false } as const

function defined<T>(connection: Connection, name: string, collection: string, build: () => Schema<T>): Model<T> {
  const existing = connection.models[name] as Model<T> | undefined
  return existing ?? connection.model<T>(name, build(), collection)
}

export function marketplaceModels(connection: Connection): MarketplaceModels {
  const { Mixed } = Schema.Types
  return {
    subscriptions: defined<SubscriptionRecord>(connection, 'MarketplaceSubscription', 'marketplace_subscriptions', () => {
      const schema = new Schema<SubscriptionRecord>(
        {
          _id: String, companyId: String, locationId: String, triggerId: String, workflowId: String, triggerKey: String, filters: Mixed, target: [String], version: String, state: String,
          eventAt: Date, createdAt: Date, changedAt: Date, deletedAt: Date, expireAt: Date, lastFiredAt: Date, fired: Number, rev: Number,
        },
        { ...options, collection: 'marketplace_subscriptions' },
      )
      schema.index({ companyId: 1, state: 1, triggerKey: 1 })
      schema.index({ companyId: 1, locationId: 1 })
      schema.index({ expireAt: 1 }, { expireAfterSeconds: 0, sparse: true })
      return schema
    }),
    executions: defined<ExecutionRecord>(connection, 'MarketplaceExecution', 'marketplace_executions', () => {
      const schema = new Schema<ExecutionRecord>(
        {
          _id: String, companyId: String, subscriptionId: String, locationId: String, workflowId: String, triggerKey: String, accountId: String, eventKey: String, state: String,
          begunAt: Date, answeredAt: Date, code: String, expireAt: Date,
        },
        { ...options, collection: 'marketplace_executions' },
      )
      schema.index({ companyId: 1, begunAt: -1 })
      schema.index({ expireAt: 1 }, { expireAfterSeconds: 0 })
      return schema
    }),
    runs: defined<ActionRunRecord>(connection, 'MarketplaceActionRun', 'marketplace_action_runs', () => {
      const schema = new Schema<ActionRunRecord>(
        { _id: String, companyId: String, workflowId: String, contactId: String, actionKey: String, begunAt: Date, answer: Mixed, expireAt: Date },
        { ...options, collection: 'marketplace_action_runs' },
      )
      schema.index({ companyId: 1 })
      schema.index({ expireAt: 1 }, { expireAfterSeconds: 0 })
      return schema
    }),
    refusals: defined<RefusalRecord>(connection, 'MarketplaceRefusal', 'marketplace_refusals', () => {
      const schema = new Schema<RefusalRecord>(
        { _id: String, companyId: String, kind: String, key: String, code: String, message: String, locationId: String, workflowId: String, at: Date, expireAt: Date },
        { ...options, collection: 'marketplace_refusals' },
      )
      schema.index({ companyId: 1, at: -1 })
      schema.index({ expireAt: 1 }, { expireAfterSeconds: 0 })
      return schema
    }),
  }
}
