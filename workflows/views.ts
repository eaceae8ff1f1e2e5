import type { RunView, WorkflowDetail, WorkflowPatch, WorkflowSummary } from '../src/http/contract/workflows.ts'
import type { Step, WorkflowDefinition } from './definition.ts'
import type { RunRecord, StepOverride } from './engine/model.ts'
import { mergeFields, sampleValues } from './fields.ts'
import type { AgencyWorkflow } from './states.ts'
import { renderTemplate } from './templates.ts'

const stateTexts: Record<AgencyWorkflow['state'], Record<WorkflowDefinition['kind'], string>> = {
  draft: { follow_up: 'Draft: nobody receives this.', notification: 'Draft: nobody is told.' },
  published: { follow_up: 'Live: starts with the next answer, never with past ones.', notification: 'On: the team is told.' },
  paused: { follow_up: 'Paused: nothing starts and nothing is sent.', notification: 'Paused: nobody is told.' },
}

/** Runs of the last 30 days by what became of them. */
export type RunCounts = WorkflowSummary['last30Days']
export const noRuns: RunCounts = { started: 0, sent: 0, waiting: 0, stopped: 0, failed: 0 }

/** Words of the first step that has any. */
function copyOf(definition: WorkflowDefinition): WorkflowSummary['copy'] {
  for (const step of definition.steps) {
    if (step.kind === 'message') return { subject: step.subject, text: step.text, html: step.html }
    if (step.kind === 'sms') return { subject: null, text: step.text, html: null }
    if (step.kind === 'note') return { subject: null, text: step.body, html: null }
    if (step.kind === 'notify' || step.kind === 'task') return { subject: step.title, text: step.body, html: null }
  }
  return { subject: null, text: '', html: null }
}

export function summaryOf(workflow: AgencyWorkflow, counts: RunCounts): WorkflowSummary {
  const { definition, state } = workflow
  const waits = definition.steps.filter((step) => step.kind === 'wait')
  return {
    key: definition.key,
    kind: definition.kind,
    reading: definition.reading,
    level: definition.level,
    name: definition.name,
    reason: definition.reason,
    state,
    stateText: stateTexts[state][definition.kind],
    version: workflow.version,
    publishedAt: workflow.publishedAt?.toISOString() ?? null,
    customised: workflow.customised,
    changedBy: workflow.changedBy,
    changedAt: workflow.changedAt?.toISOString() ?? null,
    delayMinutes: waits[0]?.delayMinutes ?? null,
    copy: copyOf(definition),
    last30Days: counts,
  }
}

export function detailOf(workflow: AgencyWorkflow, counts: RunCounts): WorkflowDetail {
  const { definition, shipped } = workflow
  const copy = copyOf(definition)
  return {
    ...summaryOf(workflow, counts),
    steps: definition.steps,
    shippedSteps: shipped.steps,
    guards: definition.guards,
    fields: [...mergeFields],
    preview: {
      subject: copy.subject === null ? null : renderTemplate('line', copy.subject, sampleValues),
      text: renderTemplate('text', copy.text, sampleValues),
      html: copy.html === null ? null : renderTemplate('html', copy.html, sampleValues),
    },
  }
}

export function runViewOf(run: RunRecord): RunView {
  return {
    id: run._id,
    workflowKey: run.workflowKey,
    version: run.version,
    state: run.state,
    reason: run.reason,
    locationId: run.locationId,
    userId: run.userId,
    eventKey: run.eventKey,
    startedAt: run.createdAt.toISOString(),
    nextAt: run.nextAt?.toISOString() ?? null,
    finishedAt: run.finishedAt?.toISOString() ?? null,
    steps: run.history.map((entry) => ({ stepId: entry.stepId, kind: entry.kind, at: entry.at.toISOString(), outcome: entry.outcome, reason: entry.reason })),
  }
}

/** A change request by step: the short forms mean the first message and the first wait. */
export function changesOf(definition: WorkflowDefinition, patch: WorkflowPatch): Record<string, StepOverride | null> {
  const changes: Record<string, StepOverride | null> = {}
  for (const [stepId, change] of Object.entries(patch.steps ?? {})) changes[stepId] = change === null ? null : withoutGaps(change)
  const add = (step: Step | undefined, fallbackId: string, change: StepOverride) => {
    const id = step?.id ?? fallbackId
    changes[id] = { ...changes[id], ...change }
  }
  if (patch.copy !== undefined) add(definition.steps.find((step) => step.kind === 'message'), 'message', withoutGaps(patch.copy))
  if (patch.delayMinutes !== undefined) add(definition.steps.find((step) => step.kind === 'wait'), 'wait', { delayMinutes: patch.delayMinutes })
  return changes
}

function withoutGaps(change: { [member in keyof StepOverride]: StepOverride[member] | undefined }): StepOverride {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
}
