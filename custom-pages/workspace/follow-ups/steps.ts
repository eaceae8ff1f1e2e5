import type { StepChange, WorkflowDetail } from '../../../src/http/contract/workflows.ts'

/** What to tell a person after a change. */
export type WordsFor = (now: WorkflowDetail) => string

/** The members of a step that this page shows; a step has those of its kind. */
export interface StepView {
  id: string
  kind: 'wait' | 'message' | 'notify' | 'task'
  delayMinutes?: number
  dueHours?: number
  subject?: string
  text?: string
  title?: string
  body?: string
}

const editable = ['delayMinutes', 'dueHours', 'subject', 'text', 'title', 'body'] as const

/** What was edited, by step: only members that differ from the saved ones. */
export function changedSteps(saved: StepView[], edited: StepView[]): Record<string, StepChange> {
  const changes: Record<string, StepChange> = {}
  for (const step of edited) {
    const before = saved.find((one) => one.id === step.id)
    if (before === undefined) continue
    const differing = editable.filter((member) => step[member] !== before[member]).map((member) => [member, step[member]])
    if (differing.length > 0) changes[step.id] = Object.fromEntries(differing) as StepChange
  }
  return changes
}

/** The largest unit that says a delay in whole numbers, in minutes. */
export function unitOf(minutes: number): number {
  return minutes > 0 && minutes % 1_440 === 0 ? 1_440 : minutes > 0 && minutes % 60 === 0 ? 60 : 1
}
