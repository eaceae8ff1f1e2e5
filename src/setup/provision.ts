import type { FieldKey, PipelineKey } from '../effects/index.ts'
import type { CrmCustomField, CrmPipeline, LocationApi, NewCrmCustomField } from '../highlevel/index.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { describeError, PermanentError } from '../kernel/errors.ts'
import type { FieldMemory, PipelineMemory, RepairScope, SetupProblem, SetupRecord } from './model.ts'
import { fieldRequirements, pipelineRequirements, type FieldRequirement, type PipelineRequirement } from './requirements.ts'
import { matchField, matchPipeline, missingTags, type PipelineMatch } from './rules.ts'

/** What provisioning needs: HighLevel, the record as it was, and a way to remember each step at once. */
export interface ProvisionContext {
  api: LocationApi
  record: SetupRecord
  settings: AgencySettings
  /** `safe`: nothing is made that a person deleted; lost options and tags come back, and what was made anew under its name is taken up. */
  scope: RepairScope
  rememberField(key: FieldKey, memory: FieldMemory | null): Promise<void>
  rememberPipeline(key: PipelineKey, memory: PipelineMemory | null): Promise<void>
  /** Tags are missing in the location's list: contacts have lost them, too. */
  tagsMissing(tags: string[]): Promise<void>
}

function inputOf({ name, dataType, options }: FieldRequirement): NewCrmCustomField {
  return { name, dataType, ...(options === undefined ? {} : { options }) }
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}

/** Runs a step that HighLevel may refuse for good; everything else is thrown and tried again. */
async function refusable<T>(step: () => Promise<T>): Promise<{ kind: 'done'; value: T } | { kind: 'refused'; code: string }> {
  try {
    return { kind: 'done', value: await step() }
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    return { kind: 'refused', code: describeError(error).code }
  }
}

function fieldProblem(requirement: FieldRequirement, detail: string): SetupProblem {
  const options = requirement.options === undefined ? '' : ` with the options ${list(requirement.options)}`
  return { key: requirement.checkKey, detail, fix: `Create a contact custom field named "${requirement.name}" (${requirement.dataType === 'SINGLE_OPTIONS' ? 'single option' : requirement.dataType.toLowerCase().replace('_', ' ')})${options} in the success location, then press Repair.` }
}

/** A field that is there but lacks choices: choices are added, never taken away. @returns the fields after, or null if HighLevel does not take them */
async function addOptions(api: LocationApi, field: CrmCustomField, requirement: FieldRequirement, missingOptions: readonly string[]): Promise<CrmCustomField | null> {
  const wanted = { name: field.name, dataType: requirement.dataType, options: [...field.options, ...missingOptions] }
  const outcome = await refusable(() => api.updateCustomField(field.id, wanted))
  if (outcome.kind === 'refused') return null
  // What HighLevel answers to the write is not what it stored: read back and compare.
  const stored = (await api.listCustomFields()).find((candidate) => candidate.id === field.id)
  if (stored === undefined) return null
  const match = matchField(requirement, [stored], { id: field.id, created: false })
  return match.kind === 'found' && match.missingOptions.length === 0 ? stored : null
}

/**
 * HighLevel did not keep the choices of a field that we made: our words go into a text field instead, and the first one steps aside.
 * The text field has a name of its own, because a renamed field keeps its key and a second field with that key is refused.
 */
async function fallBackToText(api: LocationApi, field: CrmCustomField, requirement: FieldRequirement): Promise<CrmCustomField | null> {
  const outcome = await refusable(async () => {
    const name = `${requirement.name} (text)`
    const text = (await api.listCustomFields()).find((candidate) => candidate.name === name) ?? (await api.createCustomField({ name, dataType: 'TEXT' }))
    await api.updateCustomField(field.id, { name: `${requirement.name} (unused)`, dataType: requirement.dataType })
    return text
  })
  return outcome.kind === 'done' ? outcome.value : null
}

/** What was told to a person and still stands: a safe run does not try again what was refused. */
function toldProblem({ scope, record }: ProvisionContext, key: string): SetupProblem | null {
  return scope === 'safe' ? (record.problems.find((problem) => problem.key === key) ?? null) : null
}

async function provisionField(context: ProvisionContext, requirement: FieldRequirement, fields: readonly CrmCustomField[]): Promise<SetupProblem | null> {
  const { api, record } = context
  const memory = record.fields[requirement.key] ?? null
  let match = matchField(requirement, fields, memory)
  let created = memory?.created ?? false
  if (match.kind === 'unfit') {
    await context.rememberField(requirement.key, null)
    return { key: requirement.checkKey, detail: `The field "${match.field.name}" exists with the type ${match.field.dataType}, which cannot hold these values.`, fix: `Rename the field "${match.field.name}" in the success location, then press Repair: a fitting one is created.` }
  }
  const told = toldProblem(context, requirement.checkKey)
  if (match.kind === 'missing' && context.scope === 'safe') {
    await context.rememberField(requirement.key, null)
    return told
  }
  if (match.kind === 'missing') {
    const outcome = await refusable(() => api.createCustomField(inputOf(requirement)))
    if (outcome.kind === 'refused') {
      await context.rememberField(requirement.key, null)
      return fieldProblem(requirement, `The field "${requirement.name}" could not be created (${outcome.code}).`)
    }
    created = true
    await context.rememberField(requirement.key, { id: outcome.value.id, created })
    const stored = requirement.options === undefined ? outcome.value : ((await api.listCustomFields()).find((field) => field.id === outcome.value.id) ?? outcome.value)
    match = matchField(requirement, [stored], { id: stored.id, created })
  }
  if (match.kind !== 'found') return fieldProblem(requirement, `The field "${requirement.name}" was not created as asked.`)
  let field = match.field
  let problem: SetupProblem | null = null
  if (match.missingOptions.length > 0 && told !== null) problem = told
  else if (match.missingOptions.length > 0) {
    const restored = await addOptions(api, field, requirement, match.missingOptions)
    const replaced = restored === null && created && context.scope === 'all' ? await fallBackToText(api, field, requirement) : null
    if (restored === null && replaced === null) {
      problem = { key: requirement.checkKey, detail: `The field "${field.name}" lacks the options ${list(match.missingOptions)}.`, fix: `Add these options to the field "${field.name}": ${list(match.missingOptions)}. Then press Repair.` }
    }
    field = restored ?? replaced ?? field
  }
  await context.rememberField(requirement.key, { id: field.id, created })
  return problem
}

async function provisionTags(context: ProvisionContext): Promise<SetupProblem[]> {
  const { api, settings } = context
  const wanted = [...Object.values(settings.tags.happiness), ...Object.values(settings.tags.health)]
  const refused: string[] = []
  const absent = missingTags(wanted, await api.listTags())
  const told = toldProblem(context, 'tags')
  if (told !== null && absent.length > 0) return [told]
  if (absent.length > 0) await context.tagsMissing(absent)
  for (const tag of absent) {
    const outcome = await refusable(() => api.createTag(tag))
    if (outcome.kind === 'refused') refused.push(tag)
  }
  if (refused.length === 0) return []
  // The refusal may only have said that somebody made the tag in the meantime.
  const missing = missingTags(refused, await api.listTags())
  return missing.length === 0 ? [] : [{ key: 'tags', detail: `The tags ${list(missing)} could not be created.`, fix: `Create the tags ${list(missing)} in the success location.` }]
}

function pipelineProblem(requirement: PipelineRequirement, match: PipelineMatch | null, code: string): SetupProblem {
  const stages = list(requirement.stages.map((stage) => stage.name))
  return match === null
    ? { key: requirement.checkKey, detail: `There is no pipeline "${requirement.name}", and it could not be created (${code}).`, fix: `Create a pipeline named "${requirement.name}" with the stages ${stages}, in this order, in the success location. Then press Repair.` }
    : { key: requirement.checkKey, detail: `The pipeline "${match.pipeline.name}" lacks the stages ${list(match.missingStages)}, and they could not be added (${code}).`, fix: `Add the stages ${list(match.missingStages)} to the pipeline "${match.pipeline.name}". Then press Repair.` }
}

async function provisionPipeline(context: ProvisionContext, requirement: PipelineRequirement, pipelines: readonly CrmPipeline[]): Promise<SetupProblem | null> {
  const { api, record } = context
  const memory = record.pipelines[requirement.key] ?? null
  const names = requirement.stages.map((stage) => stage.name)
  let match = matchPipeline(requirement, pipelines, memory)
  if (match === null || match.missingStages.length > 0) {
    const before = match
    if (context.scope === 'safe') {
      await context.rememberPipeline(requirement.key, before === null ? null : { id: before.pipeline.id, stages: before.stages, lowest: before.lowest })
      return toldProblem(context, requirement.checkKey)
    }
    const outcome = await refusable(() => (before === null ? api.createPipeline(requirement.name, names) : api.addPipelineStages(before.pipeline.id, before.missingStages)))
    if (outcome.kind === 'refused') {
      await context.rememberPipeline(requirement.key, before === null ? null : { id: before.pipeline.id, stages: before.stages, lowest: before.lowest })
      return pipelineProblem(requirement, before, outcome.code)
    }
    const changed = outcome.value
    match = matchPipeline(requirement, [changed], before === null ? { id: changed.id, stages: {} } : { id: before.pipeline.id, stages: before.stages })
  }
  if (match === null) return pipelineProblem(requirement, null, 'highlevel_unexpected')
  await context.rememberPipeline(requirement.key, { id: match.pipeline.id, stages: match.stages, lowest: match.lowest })
  return match.missingStages.length === 0 ? null : pipelineProblem(requirement, match, 'highlevel_unexpected')
}

/**
 * Brings the success location to what is required. May be interrupted and repeated anywhere: everything is looked for before it
 * is made, and what was found or made is remembered at once. Nothing is deleted.
 * @returns what a person has to do
 */
export async function provision(context: ProvisionContext, stillOurs: () => Promise<void>): Promise<SetupProblem[]> {
  const problems: (SetupProblem | null)[] = []
  const fields = await context.api.listCustomFields()
  for (const requirement of fieldRequirements) {
    problems.push(await provisionField(context, requirement, fields))
    await stillOurs()
  }
  problems.push(...(await provisionTags(context)))
  await stillOurs()
  const pipelines = await context.api.listPipelines()
  for (const requirement of pipelineRequirements) {
    problems.push(await provisionPipeline(context, requirement, pipelines))
    await stillOurs()
  }
  return problems.filter((problem) => problem !== null)
}
