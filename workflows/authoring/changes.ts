import { isDeepStrictEqual } from 'node:util'
import { RequestError } from '../../src/kernel/errors.ts'
import { workflowDefinition, type Step, type WorkflowDefinition } from '../definition.ts'
import type { StepOverride } from '../engine/model.ts'
import { handlerOf } from '../steps/index.ts'
import { checkTemplate, htmlFromText, type TemplateFault } from '../templates.ts'

/** A fault in somebody's words, at its exact place. */
export interface CopyFault extends TemplateFault {
  /** For example `steps.ask.subject`. */
  path: string
}

/** Members of a step that an agency may replace. */
export function replaceableOf(step: Step): readonly string[] {
  return handlerOf(step).replaceable
}

/** The templates of a step by the member they stand in. */
export function templatesOf(step: Step): [member: string, source: string][] {
  return handlerOf(step).templates(step)
}

export function withOverride(base: WorkflowDefinition, override: Record<string, StepOverride>): WorkflowDefinition {
  return { ...base, steps: base.steps.map((step) => ({ ...step, ...override[step.id] })) }
}

/**
 * Own values over those there are; null puts a step back.
 * @throws RequestError 422 with the place of a step or member that is not there
 */
export function changedOverride(base: WorkflowDefinition, before: Record<string, StepOverride>, changes: Record<string, StepOverride | null>): Record<string, StepOverride> {
  const override = { ...before }
  for (const [stepId, change] of Object.entries(changes)) {
    const step = base.steps.find((each) => each.id === stepId)
    if (step === undefined) {
      throw new RequestError(422, 'unknown_step', `This workflow has no step “${stepId}”. Its steps are: ${base.steps.map((each) => each.id).join(', ')}.`, { details: { path: `steps.${stepId}` } })
    }
    const values = change === null ? {} : differing(step, changedStep(step, override[stepId] ?? {}, change))
    if (Object.keys(values).length === 0) Reflect.deleteProperty(override, stepId)
    else override[stepId] = values
  }
  return override
}

function changedStep(step: Step, before: StepOverride, change: StepOverride): StepOverride {
  const allowed = replaceableOf(step)
  for (const member of Object.keys(change)) {
    if (allowed.includes(member)) continue
    throw new RequestError(422, 'unknown_member', `A ${step.kind} step has no “${member}”. It has: ${allowed.join(', ')}.`, { details: { path: `steps.${step.id}.${member}` } })
  }
  // New words without HTML of their own: the HTML says the same.
  const html = change.text !== undefined && change.html === undefined && allowed.includes('html') ? { html: htmlFromText(change.text) } : {}
  return { ...before, ...change, ...html }
}

/** Only what says something else than the step does. */
function differing(step: Step, values: StepOverride): StepOverride {
  return Object.fromEntries(Object.entries(values).filter(([member, value]) => !isDeepStrictEqual(value, (step as Record<string, unknown>)[member])))
}

/**
 * What of `own` is an agency's change of `base`.
 * @returns null if it is more than words and delays, so that it cannot be said as such a change
 */
export function overrideBetween(base: WorkflowDefinition, own: WorkflowDefinition): Record<string, StepOverride> | null {
  const override: Record<string, StepOverride> = {}
  for (const [index, step] of base.steps.entries()) {
    const mine = own.steps[index]
    if (mine?.id !== step.id || mine.kind !== step.kind) return null
    const values = Object.fromEntries(replaceableOf(step).map((member) => [member, (mine as Record<string, unknown>)[member]])) as StepOverride
    const change = differing(step, values)
    if (Object.keys(change).length > 0) override[step.id] = change
  }
  return isDeepStrictEqual(withOverride(base, override), own) ? override : null
}

export interface Difference {
  stepId: string
  member: string
  /** Null where that side does not have it. */
  shipped: unknown
  own: unknown
}

/** Step by step and member by member. */
export function differencesBetween(base: WorkflowDefinition, own: WorkflowDefinition): Difference[] {
  const differences: Difference[] = []
  const ids = [...new Set([...base.steps, ...own.steps].map(({ id }) => id))]
  for (const stepId of ids) {
    const left = base.steps.find(({ id }) => id === stepId) as Record<string, unknown> | undefined
    const right = own.steps.find(({ id }) => id === stepId) as Record<string, unknown> | undefined
    for (const member of new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {})])) {
      if (member === 'id' || isDeepStrictEqual(left?.[member], right?.[member])) continue
      differences.push({ stepId, member, shipped: left?.[member] ?? null, own: right?.[member] ?? null })
    }
  }
  return differences
}

/** Checks every template of a definition. */
export function copyFaults(definition: WorkflowDefinition): CopyFault[] {
  return definition.steps.flatMap((step) =>
    templatesOf(step).flatMap(([member, source]) => checkTemplate(source).map((fault) => ({ path: `steps.${step.id}.${member}`, ...fault }))),
  )
}

/** @throws RequestError 422 with the place of every fault in the words or the shape */
export function refuseFaults(definition: WorkflowDefinition): void {
  const faults = copyFaults(definition)
  const [first] = faults
  if (first !== undefined) throw new RequestError(422, 'invalid_template', `${first.path}, line ${first.line}, column ${first.column}: ${first.message}`, { details: { faults } })
  const parsed = workflowDefinition.safeParse(definition)
  if (parsed.success) return
  const wrong = parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }))
  throw new RequestError(422, 'invalid_workflow', `The workflow cannot be saved like this: ${wrong[0]?.path ?? ''}: ${wrong[0]?.message ?? ''}.`, { details: { faults: wrong } })
}
