import type { z } from 'zod'
import type { ContactIdentity } from '../../src/effects/index.ts'
import type { Condition, Guards } from '../shapes.ts'
import type { MergeValues } from '../fields.ts'
import type { RunRecord, StepDetails, StepOutcome } from '../engine/run.ts'
import type { RunScene } from '../engine/values.ts'
import type { WorkflowPorts } from '../ports.ts'

/** The members of a definition that a step may need while it acts. */
export interface RunningDefinition {
  key: string
  kind: 'follow_up' | 'notification'
  name: string
  reading: string
  guards: Guards
}

/** Everything a step is given at the moment it acts. */
export interface StepContext {
  run: RunRecord
  definition: RunningDefinition
  /** Account, person, owner and settings, read just now. */
  scene: RunScene
  /** Merge values of the run. */
  values: MergeValues
  /** The contact that the run is about; null if it is about nobody in particular. */
  contact: ContactIdentity | null
  /** Idempotency key of this step's effect: `run:<run>:<step>`. */
  key: string
  ports: WorkflowPorts
  /** Whether all of them hold now. */
  holds(when: readonly Condition[]): Promise<boolean>
  readonly now: () => Date
}

/** What a step came to, and whether the run goes on; or until when it waits; or where the run goes on. */
export type StepResult =
  | { outcome: StepOutcome; reason: string | null; ends: boolean; /** The outbox has something of it. */ outboxKey?: string; input?: StepDetails; output?: StepDetails }
  | { hold: { untilAt: Date; reason: string } }
  | { goTo: string; input?: StepDetails; output?: StepDetails }

/** One kind of step: its part of the schema, and what it does. A new kind is one file with one of these and one line in `index.ts`. */
export interface StepHandler<S extends { id: string; kind: string }> {
  kind: S['kind']
  /** Whom it reaches. `customer`: guards, cap, quiet hours and hold apply before it. */
  reaches: 'customer' | 'team' | 'crm' | 'nobody'
  /** What a customer must have to be reached by it. */
  needs?: 'email' | 'phone'
  /** Its part of the definition. */
  schema: z.ZodType<S>
  /** Its templates by the member they stand in; checked before publishing. */
  templates(step: S): [member: string, source: string][]
  /** Members that an agency may replace. */
  replaceable: readonly string[]
  /** Later steps that it may lead to, by the member that names them. */
  targets?(step: S): [member: string, target: string][]
  /** May be called any number of times for one step of one run: what it does must have its effect once. */
  act(context: StepContext, step: S): Promise<StepResult>
}
