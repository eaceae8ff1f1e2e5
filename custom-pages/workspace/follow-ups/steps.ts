import type { StepChange, WorkflowDetail } from '../../../src/http/contract/workflows.ts'
import type { IconName } from '../../shared/parts/glyphs.ts'

/** What to tell a person after a change. */
export type WordsFor = (now: WorkflowDetail) => string

/** The members of a step that this page shows; a step has those of its kind. */
export interface StepView {
  id: string
  kind: string
  delayMinutes?: number
  until?: { time: string }
  businessHours?: boolean
  dueHours?: number
  subject?: string
  text?: string
  title?: string
  body?: string
  add?: string[]
  remove?: string[]
  value?: string
  fieldName?: string
  pipelineName?: string
  stageName?: string
  workflowName?: string
  url?: string
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

const icons: Record<string, IconName> = { wait: 'clock', message: 'mail', sms: 'speech', notify: 'bell', task: 'task', note: 'copy', if: 'filter', jump: 'again', webhook: 'link', tag: 'flag', crm_workflow: 'plug' }
export function iconOf(kind: string): IconName {
  return icons[kind] ?? 'flag'
}

/** Where a step's words stand: its heading, if it has one, and its text. */
export function wordsOf(kind: string): { head: 'subject' | 'title' | null; body: 'text' | 'body' } | null {
  if (kind === 'message') return { head: 'subject', body: 'text' }
  if (kind === 'notify' || kind === 'task') return { head: 'title', body: 'body' }
  if (kind === 'sms') return { head: null, body: 'text' }
  if (kind === 'note') return { head: null, body: 'body' }
  return null
}

/** What a step without words does, in a line. */
export function aboutOf(step: StepView, words: { tags: (add: string[], remove: string[]) => string; otherwise: string }): string {
  switch (step.kind) {
    case 'tag':
      return words.tags(step.add ?? [], step.remove ?? [])
    case 'set_field':
      return `${step.fieldName ?? ''}: ${step.value ?? ''}`
    case 'move_card':
      return `${step.pipelineName ?? ''}: ${step.stageName ?? ''}`
    case 'crm_workflow':
      return step.workflowName ?? ''
    case 'webhook':
      return step.url ?? ''
    case 'if':
      return words.otherwise
    default:
      return ''
  }
}
