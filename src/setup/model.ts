import { Schema, type Connection, type Model } from 'mongoose'
import type { FieldKey, PipelineKey } from '../effects/index.ts'

/** A custom field as remembered. */
export interface FieldMemory {
  id: string
  /** Barometer created it, so it may be renamed out of the way. */
  created: boolean
}

/** A pipeline as remembered: level → stage id, as far as mapped. */
export interface PipelineMemory {
  id: string
  stages: Partial<Record<string, string>>
  lowest?: string | undefined
}

export interface SetupProblem {
  /** The check that fails because of it. */
  key: string
  detail: string
  fix: string
}

export type RepairScope = 'all' | 'safe'

/** What Barometer found or made in an agency's success location. Nothing is ever deleted in HighLevel. */
export interface SetupRecord {
  /** companyId */
  _id: string
  companyId: string
  locationId: string
  /** `provisioning` until a run has gone through; `incomplete` while a person has to do something. */
  status: 'provisioning' | 'ready' | 'incomplete'
  fields: Partial<Record<FieldKey, FieldMemory | null>>
  pipelines: Partial<Record<PipelineKey, PipelineMemory | null>>
  /** What the last run could not do by itself. */
  problems: SetupProblem[]
  /** Checks that failed at the last look and were told. */
  drift?: string[]
  chosenBy: string
  chosenAt: Date
  /** When an interrupted run goes on; null when none is open. */
  dueAt: Date | null
  /** How far the run that is due may go: `all` was asked for by a person; `safe` only mends what needs nobody's decision. Missing: `all`. */
  dueScope?: RepairScope | null
  attempts: number
  completedAt: Date | null
  checkedAt: Date | null
  /** Grows with every change. */
  version: number
}

export function setupModel(connection: Connection): Model<SetupRecord> {
  const existing = connection.models['Setup'] as Model<SetupRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<SetupRecord>(
    {
      _id: String, companyId: String, locationId: String, status: String, fields: Schema.Types.Mixed, pipelines: Schema.Types.Mixed, problems: [Schema.Types.Mixed], drift: [String],
      chosenBy: String, chosenAt: Date, dueAt: Date, dueScope: String, attempts: Number, completedAt: Date, checkedAt: Date, version: Number,
    },
    { collection: 'setups', strict: true, autoIndex: false, versionKey: false, minimize: false },
  )
  schema.index({ dueAt: 1 })
  schema.index({ status: 1, checkedAt: 1 })
  return connection.model<SetupRecord>('Setup', schema, 'setups')
}
