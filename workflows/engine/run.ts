import type { EventFacts } from './facts.ts'

export const runStates = ['active', 'done', 'stopped', 'failed'] as const
/** `active` waits for or works on a step; `stopped` ended before its last step, for the reason given; `failed` gave up after an error. */
export type RunState = (typeof runStates)[number]

/** What became of one step. `handed_over`: the outbox has it; `sent`: HighLevel accepted it. */
export type StepOutcome = 'done' | 'handed_over' | 'sent' | 'skipped' | 'stopped' | 'cancelled' | 'failed'

/** What a step was given or brought: rendered words, whom it concerned, ids elsewhere. Never a secret. */
export type StepDetails = Record<string, string | number | boolean | null | string[]>

export interface RunEntry {
  stepId: string
  kind: string
  at: Date
  outcome: StepOutcome
  /** Why, in a stable word; null where there is nothing to explain. */
  reason: string | null
  /** The words as they were written, and whom they went to. */
  input?: StepDetails | null
  /** What came of it, for example HighLevel's id of the message. */
  output?: StepDetails | null
}

/** One run of a workflow for one person and one fact. */
export interface RunRecord {
  /** Derived from company, workflow, person and fact: the dedupe key. */
  _id: string
  companyId: string
  workflowKey: string
  kind: 'follow_up' | 'notification'
  /** Version of the definition it runs on to its end; 0 is the shipped one. */
  version: number
  locationId: string | null
  userId: string | null
  /** Key and time of the event that started it. */
  eventKey: string
  eventAt: Date
  facts: EventFacts
  state: RunState
  reason: string | null
  /** Place of the step that is next. */
  stepIndex: number
  /** Id of that step: what a newer version is looked through for. */
  stepId?: string | null
  /** When that step is due; null once finished. */
  nextAt: Date | null
  /** Key of a message that the outbox has and that has not left yet. */
  outboxKey: string | null
  history: RunEntry[]
  /** How often somebody had a failed step repeated; absent while nobody did. */
  retries?: number
  /** What those steps came to before. */
  earlier?: RunEntry[]
  createdAt: Date
  finishedAt: Date | null
}

/** One step of one run, as the queue holds it. */
export interface StepItem {
  runId: string
  /** The step; items that were queued before steps were named by their id have its place instead. */
  stepId?: string
  stepIndex?: number
  /** When the step was to happen. */
  dueAt: Date
  /** Somebody had the step repeated, for the so-manieth time in its run. */
  retry?: number
}

/** Idempotency key of a step's effect, and its key in the queue. */
export function keyOf(run: Pick<RunRecord, '_id'>, step: { id: string }): string {
  return `run:${run._id}:${step.id}`
}
