import { fieldKeys, type FieldKey, type ResourceMap } from '../effects/index.ts'
import type { CrmCustomField, CrmPipeline } from '../highlevel/index.ts'
import { happinessLevels, healthLevels } from '../kernel/levels.ts'
import type { FieldMemory, PipelineMemory, SetupRecord } from './model.ts'
import type { FieldRequirement, PipelineRequirement } from './requirements.ts'

/** Names are compared without case and outer spaces. */
export const isNamed = (left: string, right: string): boolean => left.trim().toLowerCase() === right.trim().toLowerCase()

export type FieldMatch =
  | { kind: 'found'; field: CrmCustomField; missingOptions: string[] }
  /** A field of that name exists but cannot hold the values. */
  | { kind: 'unfit'; field: CrmCustomField }
  | { kind: 'missing' }

/** Finds a field: by the remembered id, whatever it is called now; else by its key; else by its name. */
export function matchField(requirement: FieldRequirement, fields: readonly CrmCustomField[], memory: FieldMemory | null): FieldMatch {
  const field =
    (memory === null ? undefined : fields.find((candidate) => candidate.id === memory.id)) ??
    fields.find((candidate) => isNamed(candidate.fieldKey, requirement.fieldKey)) ??
    fields.find((candidate) => isNamed(candidate.name, requirement.name))
  if (field === undefined) return { kind: 'missing' }
  if (field.dataType !== requirement.dataType && !requirement.alsoFits.includes(field.dataType)) return { kind: 'unfit', field }
  const isChoice = field.dataType === 'SINGLE_OPTIONS' || field.dataType === 'RADIO'
  // To the letter: HighLevel drops a value that differs from its choice in nothing but case.
  const missingOptions = isChoice ? (requirement.options ?? []).filter((option) => !field.options.some((have) => have.trim() === option)) : []
  return { kind: 'found', field, missingOptions }
}

export interface PipelineMatch {
  pipeline: CrmPipeline
  stages: Partial<Record<string, string>>
  missingStages: string[]
  /** The stage into which HighLevel drops the cards of a deleted one. */
  lowest: string | undefined
}

/** Finds a pipeline and its stages: remembered ids first, whatever they are called now; else by name. */
export function matchPipeline(requirement: PipelineRequirement, pipelines: readonly CrmPipeline[], memory: PipelineMemory | null): PipelineMatch | null {
  const byId = memory === null ? undefined : pipelines.find((candidate) => candidate.id === memory.id)
  const pipeline = byId ?? pipelines.find((candidate) => isNamed(candidate.name, requirement.name))
  if (pipeline === undefined) return null
  const stages: Partial<Record<string, string>> = {}
  const missingStages: string[] = []
  for (const { level, name } of requirement.stages) {
    const remembered = byId === undefined ? undefined : memory?.stages[level]
    const stage = pipeline.stages.find((candidate) => candidate.id === remembered) ?? pipeline.stages.find((candidate) => isNamed(candidate.name, name))
    if (stage === undefined) missingStages.push(name)
    else stages[level] = stage.id
  }
  return { pipeline, stages, missingStages, lowest: lowestStage(pipeline) }
}

/** The stage with the lowest position. */
export function lowestStage({ stages }: CrmPipeline): string | undefined {
  return [...stages].sort((left, right) => left.position - right.position)[0]?.id
}

/** Names of a list that are not in HighLevel's tag catalogue; tags are compared in lower case. */
export function missingTags(wanted: readonly string[], have: readonly { name: string }[]): string[] {
  return wanted.filter((tag) => !have.some((candidate) => isNamed(candidate.name, tag)))
}

function stageMap<Level extends string>(memory: PipelineMemory | null | undefined, levels: readonly Level[]): { id: string; stages: Record<Level, string>; lowest?: string } | null {
  if (memory === null || memory === undefined) return null
  const entries = levels.map((level) => [level, memory.stages[level]] as const)
  if (entries.some(([, stageId]) => stageId === undefined)) return null
  return { id: memory.id, stages: Object.fromEntries(entries) as Record<Level, string>, ...(memory.lowest === undefined ? {} : { lowest: memory.lowest }) }
}

/** The ids that effects work with. A part that is not whole is null, so that work waits for it. */
export function resourceMapOf(record: SetupRecord): ResourceMap {
  const fields = Object.fromEntries(fieldKeys.map((key) => [key, record.fields[key]?.id ?? null])) as Record<FieldKey, string | null>
  return {
    companyId: record.companyId,
    locationId: record.locationId,
    fields,
    pipelines: { happiness: stageMap(record.pipelines.happiness, happinessLevels), health: stageMap(record.pipelines.health, healthLevels) },
  }
}

/** Every part is there. */
export function isWhole(map: ResourceMap): boolean {
  return Object.values(map.fields).every((id) => id !== null) && map.pipelines.happiness !== null && map.pipelines.health !== null
}
