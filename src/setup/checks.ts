import type { CrmCustomField, CrmPipeline } from '../highlevel/index.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import type { SetupCheckItem } from '../http/contract/setup.ts'
import type { Installation } from '../installations/index.ts'
import type { MirrorProgress } from '../accounts/index.ts'
import type { FieldMemory, PipelineMemory, SetupRecord } from './model.ts'
import { fieldRequirements, pipelineRequirements, type FieldRequirement, type PipelineRequirement } from './requirements.ts'
import { isNamed, lowestStage, matchField, matchPipeline, missingTags } from './rules.ts'

/** What is in the success location right now. */
export interface LiveResources {
  fields: CrmCustomField[]
  pipelines: CrmPipeline[]
  tags: { name: string }[]
}

const good = (key: string, detail: string): SetupCheckItem => ({ key, ok: true, detail, fix: null })
const bad = (key: string, detail: string, fix: string): SetupCheckItem => ({ key, ok: false, detail, fix })
const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')
const pressRepair = 'Press Repair.'
const byItself = 'Nothing: it is mended by itself within a minute. Press Repair to do it now.'

/** Key of the check whether the success location can be read. */
export const accessKey = 'location_access'

export function installationItem(installation: Installation | null): SetupCheckItem {
  switch (installation?.status) {
    case 'active':
      return good('installation', 'The app is installed and connected.')
    case 'needs_reconnect':
      return bad('installation', 'The connection was refused; work is held and nothing is lost.', 'Install the app again to reconnect it.')
    default:
      return bad('installation', 'The installation is not finished.', 'Finish the installation from the marketplace.')
  }
}

export function accountsItem(progress: MirrorProgress): SetupCheckItem {
  const counts = `${progress.accountsMirrored} accounts and ${progress.usersMirrored} users`
  return progress.firstDoneAt === null
    ? bad('accounts', `Accounts and users are being read: ${counts} so far.`, 'Wait until they are read; this page shows the progress.')
    : good('accounts', `${counts} are known.`)
}

export function notChosenItem(): SetupCheckItem {
  return bad('success_location', 'No success location was chosen.', 'Choose the account where your team works; fields, tags and pipelines are created there.')
}

/** Whether what was remembered is still the one to use; a remembered field that was replaced by another of its name is drift. */
function fieldItem(requirement: FieldRequirement, memory: FieldMemory | null, live: LiveResources, record: SetupRecord): SetupCheckItem {
  const { checkKey: key, name } = requirement
  const told = record.problems.find((problem) => problem.key === key)
  const match = matchField(requirement, live.fields, memory)
  if (match.kind === 'found' && match.field.id === memory?.id) {
    if (match.missingOptions.length > 0) return bad(key, `The field "${match.field.name}" lacks the options ${list(match.missingOptions)}.`, told?.fix ?? byItself)
    return good(key, match.field.name === name ? `The field "${name}" is there.` : `The field "${name}" is called "${match.field.name}" now and is used under that name.`)
  }
  if (match.kind === 'found') return bad(key, `There is a field "${name}" that is not in use yet.`, byItself)
  if (told !== undefined) return bad(key, told.detail, told.fix)
  return bad(key, memory === null && record.completedAt === null ? `The field "${name}" is missing.` : `The field "${name}" was deleted.`, pressRepair)
}

function pipelineItem(requirement: PipelineRequirement, memory: PipelineMemory | null, live: LiveResources, record: SetupRecord): SetupCheckItem {
  const { checkKey: key, name } = requirement
  const told = record.problems.find((problem) => problem.key === key)
  const match = matchPipeline(requirement, live.pipelines, memory)
  if (match !== null && match.pipeline.id !== memory?.id && match.missingStages.length === 0) return bad(key, `There is a pipeline "${name}" that is not in use yet.`, byItself)
  if (match === null || match.pipeline.id !== memory?.id) {
    if (told !== undefined) return bad(key, told.detail, told.fix)
    return bad(key, memory === null && record.completedAt === null ? `The pipeline "${name}" is missing.` : `The pipeline "${name}" was deleted.`, pressRepair)
  }
  if (match.missingStages.length > 0) return bad(key, `The pipeline "${match.pipeline.name}" lacks the stages ${list(match.missingStages)}.`, told?.fix ?? pressRepair)
  if (requirement.stages.some(({ level }) => match.stages[level] !== memory.stages[level])) return bad(key, `A stage of the pipeline "${match.pipeline.name}" was replaced by another one of its name.`, byItself)
  const renamed = requirement.stages.flatMap((stage) => {
    const now = match.pipeline.stages.find(({ id }) => id === match.stages[stage.level])?.name ?? stage.name
    return isNamed(now, stage.name) ? [] : [` Its stage "${stage.name}" is called "${now}" now and is used under that name.`]
  })
  const whole = match.pipeline.name === name ? `The pipeline "${name}" has all its stages.` : `The pipeline "${name}" is called "${match.pipeline.name}" now and is used under that name.`
  return good(key, whole + renamed.join(''))
}

/** One item per requirement in the success location. */
export function resourceItems(record: SetupRecord, live: LiveResources, settings: AgencySettings): SetupCheckItem[] {
  const missing = missingLevelTags(live, settings)
  const told = record.problems.find((problem) => problem.key === 'tags')
  return [
    ...fieldRequirements.map((requirement) => fieldItem(requirement, record.fields[requirement.key] ?? null, live, record)),
    missing.length === 0 ? good('tags', 'All level tags are there.') : bad('tags', `The tags ${list(missing)} are missing.`, told?.fix ?? byItself),
    ...pipelineRequirements.map((requirement) => pipelineItem(requirement, record.pipelines[requirement.key] ?? null, live, record)),
  ]
}

/** Tags of levels that are not in the location's list. */
export function missingLevelTags(live: LiveResources, settings: AgencySettings): string[] {
  return missingTags([...Object.values(settings.tags.happiness), ...Object.values(settings.tags.health)], live.tags)
}

/** Whether something is wrong that can be put right without anybody's decision: options and tags come back, what was made anew under its name is taken up. */
export function isMendable(record: SetupRecord, live: LiveResources, settings: AgencySettings): boolean {
  const told = (key: string): boolean => record.problems.some((problem) => problem.key === key)
  if (!told('tags') && missingLevelTags(live, settings).length > 0) return true
  const ofFields = fieldRequirements.some((requirement) => {
    const match = matchField(requirement, live.fields, record.fields[requirement.key] ?? null)
    if (match.kind !== 'found') return false
    return match.field.id !== record.fields[requirement.key]?.id || (match.missingOptions.length > 0 && !told(requirement.checkKey))
  })
  return ofFields || pipelineRequirements.some((requirement) => {
    const memory = record.pipelines[requirement.key] ?? null
    const match = matchPipeline(requirement, live.pipelines, memory)
    if (match === null || match.missingStages.length > 0) return false
    return match.pipeline.id !== memory?.id || requirement.stages.some(({ level }) => match.stages[level] !== memory.stages[level])
  })
}

/** The record without what is no longer in the success location, so that work which needs it waits. null if that is how it is remembered. */
export function withoutMissing(record: SetupRecord, live: LiveResources): Pick<SetupRecord, 'fields' | 'pipelines'> | null {
  const fields = { ...record.fields }
  const pipelines = { ...record.pipelines }
  let changed = false
  for (const { key } of fieldRequirements) {
    const memory = fields[key]
    if (memory !== null && memory !== undefined && !live.fields.some((field) => field.id === memory.id)) {
      fields[key] = null
      changed = true
    }
  }
  for (const { key } of pipelineRequirements) {
    const memory = pipelines[key]
    if (memory === null || memory === undefined) continue
    const pipeline = live.pipelines.find((candidate) => candidate.id === memory.id)
    const kept = Object.fromEntries(Object.entries(memory.stages).filter(([, stageId]) => pipeline?.stages.some((stage) => stage.id === stageId)))
    const lowest = pipeline === undefined ? undefined : lowestStage(pipeline)
    if (pipeline !== undefined && lowest === memory.lowest && Object.keys(kept).length === Object.keys(memory.stages).length) continue
    pipelines[key] = pipeline === undefined ? null : { id: memory.id, stages: kept, lowest }
    changed = true
  }
  return changed ? { fields, pipelines } : null
}
