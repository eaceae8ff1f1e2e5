import { Schema, type Connection, type Model } from 'mongoose'
import type { WorkflowDefinition } from '../definition.ts'
import type { RunRecord } from './run.ts'

export type { RunEntry, RunRecord, RunState, StepOutcome } from './run.ts'

/** An agency's decision about one workflow. No record means: as shipped (follow-ups draft, notifications on). */
export interface WorkflowStateRecord {
  _id: string
  companyId: string
  key: string
  state: 'draft' | 'published' | 'paused' | 'archived'
  /** Newest stored version; 0 while the shipped definition was never published or changed. */
  version: number
  /** Own words and delays by step id; only what differs from the shipped definition, or from `own`. */
  override: Record<string, StepOverride>
  /** The whole definition of a workflow that the product does not ship; null or absent for a shipped one. */
  own?: WorkflowDefinition | null
  /** Key of the workflow that it was copied from. */
  copyOf?: string | null
  /** Changes to a published workflow that wait to be published. */
  draft?: { own: WorkflowDefinition | null; override: Record<string, StepOverride> } | null
  /** Facts before this instant start nothing; null for what is on from the beginning. */
  publishedAt: Date | null
  /** Who changed it last, and when. */
  changedBy: string
  changedAt: Date
  /** Grows with every change, so that two people's changes cannot swallow each other. */
  revision: number
}

/** Own values of a step's members; which ones a kind has is its handler's `replaceable`. */
export interface StepOverride {
  delayMinutes?: number
  dueHours?: number
  subject?: string
  text?: string
  html?: string
  title?: string
  body?: string
  add?: string[]
  remove?: string[]
  fieldId?: string
  fieldName?: string
  value?: string
  pipelineId?: string
  pipelineName?: string
  stageId?: string
  stageName?: string
  workflowId?: string
  workflowName?: string
  url?: string
  until?: { time: string; weekdays?: number[] | undefined }
  businessHours?: boolean
}

/** A version as it was published. */
export interface WorkflowVersionRecord {
  _id: string
  companyId: string
  key: string
  version: number
  definition: WorkflowDefinition
  createdAt: Date
  createdBy: string
}

/** When a person was last written to by any follow-up: one record per person. */
export interface MessageCapRecord {
  _id: string
  companyId: string
  /** Idempotency key of that message. */
  messageKey: string
  at: Date
}

/** Whether a person asked not to be written to, and when that was said last: one record per person. */
export interface OptOutRecord {
  _id: string
  companyId: string
  optedOut: boolean
  at: Date
}

/** The run with which a person entered a workflow last: one record per workflow and person. */
export interface EntryRecord {
  _id: string
  companyId: string
  runId: string
  at: Date
}

/** When a workflow on a schedule is due next in an agency, and how far the accounts of that occasion are gone through. */
export interface ScheduleRecord {
  _id: string
  companyId: string
  key: string
  /** The schedule that `dueAt` was worked out from, as text. */
  schedule: string
  /** The occasion that is next, or being worked on. */
  dueAt: Date
  /** Last account of this occasion that is done; null before the first. */
  cursor: string | null
  leaseUntil: Date
}

export interface WorkflowModels {
  runs: Model<RunRecord>
  states: Model<WorkflowStateRecord>
  versions: Model<WorkflowVersionRecord>
  caps: Model<MessageCapRecord>
  optOuts: Model<OptOutRecord>
  entries: Model<EntryRecord>
  schedules: Model<ScheduleRecord>
}

const options = { strict: true, autoIndex: false, minimize: false, versionKey: false } as const

function runSchema(): Schema<RunRecord> {
  const schema = new Schema<RunRecord>(
    {
      _id: String,
      companyId: String,
      workflowKey: String,
      kind: String,
      version: Number,
      locationId: String,
      userId: String,
      eventKey: String,
      eventAt: Date,
      facts: Schema.Types.Mixed,
      state: String,
      reason: String,
      stepIndex: Number,
      stepId: String,
      nextAt: Date,
      outboxKey: String,
      retries: Number,
      earlier: [{ _id: false, stepId: String, kind: String, at: Date, outcome: String, reason: String, input: Schema.Types.Mixed, output: Schema.Types.Mixed }],
      history: [{ _id: false, stepId: String, kind: String, at: Date, outcome: String, reason: String, input: Schema.Types.Mixed, output: Schema.Types.Mixed }],
      createdAt: Date,
      finishedAt: Date,
    },
    { ...options, collection: 'workflow_runs' },
  )
  schema.index({ companyId: 1, workflowKey: 1, createdAt: -1 })
  schema.index({ companyId: 1, state: 1, createdAt: -1 })
  schema.index({ companyId: 1, userId: 1, state: 1 })
  schema.index({ companyId: 1, locationId: 1, state: 1 })
  schema.index({ companyId: 1, createdAt: -1 })
  schema.index({ companyId: 1, locationId: 1, createdAt: -1 })
  schema.index({ outboxKey: 1 }, { sparse: true })
  schema.index({ createdAt: 1 }, { expireAfterSeconds: 400 * 86_400 })
  return schema
}

/** Declares the collections of this folder on a connection; harmless when done again. */
export function workflowModels(connection: Connection): WorkflowModels {
  const model = <T>(name: string, schema: () => Schema<T>): Model<T> =>
    (connection.models[name] as unknown as Model<T> | undefined) ?? connection.model<T>(name, schema())
  return {
    runs: model<RunRecord>('WorkflowRun', runSchema),
    states: model<WorkflowStateRecord>('WorkflowState', () => {
      const schema = new Schema<WorkflowStateRecord>(
        {
          _id: String,
          companyId: String,
          key: String,
          state: String,
          version: Number,
          override: Schema.Types.Mixed,
          own: Schema.Types.Mixed,
          copyOf: String,
          draft: Schema.Types.Mixed,
          publishedAt: Date,
          changedBy: String,
          changedAt: Date,
          revision: Number,
        },
        { ...options, collection: 'workflow_states' },
      )
      schema.index({ companyId: 1 })
      return schema
    }),
    versions: model<WorkflowVersionRecord>('WorkflowVersion', () => {
      const schema = new Schema<WorkflowVersionRecord>(
        {
          _id: String,
          companyId: String,
          key: String,
          version: Number,
          definition: Schema.Types.Mixed,
          createdAt: Date,
          createdBy: String,
        },
        { ...options, collection: 'workflow_versions' },
      )
      schema.index({ companyId: 1, key: 1, version: -1 })
      return schema
    }),
    caps: model<MessageCapRecord>('MessageCap', () => {
      const schema = new Schema<MessageCapRecord>(
        { _id: String, companyId: String, messageKey: String, at: Date },
        { ...options, collection: 'message_caps' },
      )
      schema.index({ companyId: 1 })
      schema.index({ at: 1 }, { expireAfterSeconds: 100 * 86_400 })
      return schema
    }),
    optOuts: model<OptOutRecord>('WorkflowOptOut', () => {
      const schema = new Schema<OptOutRecord>({ _id: String, companyId: String, optedOut: Boolean, at: Date }, { ...options, collection: 'workflow_opt_outs' })
      schema.index({ companyId: 1 })
      return schema
    }),
    entries: model<EntryRecord>('WorkflowEntry', () => {
      const schema = new Schema<EntryRecord>({ _id: String, companyId: String, runId: String, at: Date }, { ...options, collection: 'workflow_entries' })
      schema.index({ companyId: 1 })
      return schema
    }),
    schedules: model<ScheduleRecord>('WorkflowSchedule', () => {
      const schema = new Schema<ScheduleRecord>(
        { _id: String, companyId: String, key: String, schedule: String, dueAt: Date, cursor: String, leaseUntil: Date },
        { ...options, collection: 'workflow_schedules' },
      )
      schema.index({ companyId: 1 })
      schema.index({ dueAt: 1 })
      return schema
    }),
  }
}
