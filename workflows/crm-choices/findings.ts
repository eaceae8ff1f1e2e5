import type { WorkflowDefinition } from '../definition.ts'
import type { StepTarget } from '../steps/handler.ts'
import { handlerOf } from '../steps/index.ts'
import { isOwnTag, writableTypes, type CrmChoiceReader, type CrmChoices } from './choices.ts'

/** What a look at the things that steps name came to, at its exact place. */
export interface StepFinding {
  /** For example `steps.welcome.workflowId`. */
  path: string
  /** A fault stands in the way of publishing; a warning does not. */
  severity: 'fault' | 'warning'
  /** One sentence that names what is wrong and what to do. */
  message: string
}

interface StepFindingsDeps {
  choices: CrmChoiceReader
  /** Why webhooks cannot go to this address; null if they can. */
  webhookFault(companyId: string, url: string): Promise<string | null>
}

/** Looks up everything that a definition's steps name outside of the product. */
export function createStepFindings({ choices, webhookFault }: StepFindingsDeps): (companyId: string, definition: WorkflowDefinition) => Promise<StepFinding[]> {
  return async (companyId, definition) => {
    const named = definition.steps.flatMap((step) => (handlerOf(step).names?.(step) ?? []).map((target) => ({ path: `steps.${step.id}.${target.member}`, target })))
    if (named.length === 0) return []
    const found: StepFinding[] = []
    // What somebody deleted a moment ago must not count as there.
    const there = named.some(({ target }) => target.kind !== 'url') ? await choices.read(companyId, true) : null
    for (const { path, target } of named) {
      const finding = target.kind === 'url' ? await urlFinding(companyId, target.url) : there === null ? null : lookUp(target, there)
      if (finding !== null) found.push({ path, ...finding })
    }
    return found
  }

  async function urlFinding(companyId: string, url: string): Promise<Omit<StepFinding, 'path'> | null> {
    const message = await webhookFault(companyId, url)
    return message === null ? null : { severity: 'fault', message }
  }
}

function lookUp(target: Exclude<StepTarget, { kind: 'url' }>, there: CrmChoices): Omit<StepFinding, 'path'> | null {
  const fault = (message: string) => ({ severity: 'fault' as const, message })
  switch (target.kind) {
    case 'tag':
      return isOwnTag(target.tag, there.own.tags) ? fault(`The tag “${target.tag}” stands for a reading and follows it by itself. Use a tag of your own.`) : null
    case 'field': {
      if (there.own.fields.includes(target.id)) return fault(`The field “${target.name}” belongs to a reading and follows it by itself. Use a field of your own.`)
      const field = there.fields.find(({ id }) => id === target.id)
      if (field === undefined) return fault(`There is no field “${target.name}” to write any more, or its kind cannot be written (${[...writableTypes].join(', ').toLowerCase()} can). Pick another one.`)
      return null
    }
    case 'stage': {
      if (there.own.pipelines.includes(target.pipelineId)) return fault(`The pipeline “${target.pipelineName}” belongs to a reading and its cards follow it by themselves. Use a pipeline of your own.`)
      const pipeline = there.pipelines.find(({ id }) => id === target.pipelineId)
      if (pipeline === undefined) return target.member === 'pipelineId' ? fault(`There is no pipeline “${target.pipelineName}” any more. Pick another one.`) : null
      if (target.member !== 'stageId' || pipeline.stages.some(({ id }) => id === target.stageId)) return null
      return fault(`The pipeline “${pipeline.name}” has no stage “${target.stageName}” any more. It has: ${pipeline.stages.map(({ name }) => name).join(', ')}.`)
    }
    case 'workflow': {
      const workflow = there.workflows.find(({ id }) => id === target.id)
      if (workflow === undefined) return fault(`There is no workflow “${target.name}” any more. Pick another one.`)
      return workflow.draft ? { severity: 'warning', message: `The workflow “${workflow.name}” is a draft: it takes contacts and does nothing with them until it is published there.` } : null
    }
  }
}
