import { badRequest, missing } from '../api/api-error.ts'
import { mergeFields, type FieldInput } from './contacts.ts'
import type { Opportunity, OpportunityStatus, Pipeline, Stage } from '../state/records.ts'
import type { World } from '../world.ts'

export interface OpportunityInput {
  pipelineId?: string | undefined
  pipelineStageId?: string | undefined
  name?: string | undefined
  status?: OpportunityStatus | undefined
  monetaryValue?: number | undefined
  assignedTo?: string | undefined
  customFields?: FieldInput[] | undefined
}

/** The card as webhooks carry it: no custom fields, no previous stage. */
function cardSnapshot(card: Opportunity): Record<string, unknown> {
  return {
    id: card.id, assignedTo: card.assignedTo, contactId: card.contactId, monetaryValue: card.monetaryValue, name: card.name, pipelineId: card.pipelineId,
    pipelineStageId: card.pipelineStageId, source: card.source, status: card.status, dateAdded: card.createdAt,
  }
}

function emitCard(world: World, type: string, card: Opportunity): void {
  world.emit(type, { locationId: card.locationId }, cardSnapshot(card))
}

export function getCard(world: World, id: string): Opportunity {
  const card = world.state.opportunities.get(id)
  if (card === undefined) throw missing(`Opportunity with id ${id} not found`, 400)
  return card
}

export function getPipeline(world: World, locationId: string, pipelineId: string): Pipeline {
  const pipeline = world.state.pipelines.get(pipelineId)
  if (pipeline === undefined || pipeline.locationId !== locationId) throw badRequest(`The pipeline id ${pipelineId} is invalid.`)
  return pipeline
}

export function lowestStage(stages: Stage[]): Stage | undefined {
  return [...stages].sort((a, b) => a.position - b.position)[0]
}

function stageIn(pipeline: Pipeline, stageId: string | undefined): string {
  if (stageId === undefined) return lowestStage(pipeline.stages)?.id ?? ''
  if (!pipeline.stages.some((stage) => stage.id === stageId)) throw badRequest(`The pipeline stage id ${stageId} is invalid.`)
  return stageId
}

/** @throws ApiError 400 when the location allows one card per contact and pipeline and there is one already */
export function createCard(world: World, locationId: string, input: OpportunityInput & { pipelineId: string; name: string; contactId: string; status: OpportunityStatus }): Opportunity {
  const { state } = world
  const pipeline = getPipeline(world, locationId, input.pipelineId)
  if (state.contacts.get(input.contactId)?.locationId !== locationId) throw badRequest(`The contact id ${input.contactId} is invalid.`)
  const sibling = state.opportunities.by('contact', input.contactId).find((card) => card.pipelineId === pipeline.id)
  if (sibling !== undefined && state.locations.get(locationId)?.allowDuplicateOpportunity === false) {
    throw badRequest('Can not create duplicate opportunity for the contact.')
  }
  const now = world.isoNow()
  const card: Opportunity = {
    id: state.ids.id20('opportunity'), locationId, pipelineId: pipeline.id, pipelineStageId: stageIn(pipeline, input.pipelineStageId), contactId: input.contactId,
    name: input.name, status: input.status, monetaryValue: input.monetaryValue ?? 0, assignedTo: input.assignedTo ?? '', source: '',
    customFields: mergeFields(world, locationId, 'opportunity', [], input.customFields ?? []), createdAt: now, updatedAt: now, lastStatusChangeAt: now, lastStageChangeAt: now,
  }
  state.opportunities.put(card)
  emitCard(world, 'OpportunityCreate', card)
  emitCard(world, 'OpportunityUpdate', card)
  return card
}

/** Writes to a card. One change emits the general event and the specific one. */
export function updateCard(world: World, id: string, input: OpportunityInput): Opportunity {
  const before = getCard(world, id)
  const pipeline = getPipeline(world, before.locationId, input.pipelineId ?? before.pipelineId)
  const now = world.isoNow()
  const moved = input.pipelineStageId !== undefined || pipeline.id !== before.pipelineId
  const after: Opportunity = {
    ...before,
    pipelineId: pipeline.id,
    pipelineStageId: moved ? stageIn(pipeline, input.pipelineStageId) : before.pipelineStageId,
    name: input.name ?? before.name,
    status: input.status ?? before.status,
    monetaryValue: input.monetaryValue ?? before.monetaryValue,
    assignedTo: input.assignedTo ?? before.assignedTo,
    customFields: mergeFields(world, before.locationId, 'opportunity', before.customFields, input.customFields ?? []),
    updatedAt: now,
  }
  const stageChanged = after.pipelineStageId !== before.pipelineStageId
  const statusChanged = after.status !== before.status
  if (stageChanged) after.lastStageChangeAt = now
  if (statusChanged) after.lastStatusChangeAt = now
  world.state.opportunities.put(after)
  emitCard(world, 'OpportunityUpdate', after)
  if (stageChanged) emitCard(world, 'OpportunityStageUpdate', after)
  if (statusChanged) emitCard(world, 'OpportunityStatusUpdate', after)
  if (after.assignedTo !== before.assignedTo) emitCard(world, 'OpportunityAssignedToUpdate', after)
  if (after.monetaryValue !== before.monetaryValue) emitCard(world, 'OpportunityMonetaryValueUpdate', after)
  return after
}

export function deleteCard(world: World, id: string): void {
  const card = getCard(world, id)
  world.state.opportunities.delete(id)
  emitCard(world, 'OpportunityDelete', card)
}

export interface PipelineInput {
  name?: string | undefined
  stages?: { id?: string | undefined; name: string; position: number; showInFunnel?: boolean | undefined; showInPieChart?: boolean | undefined }[] | undefined
  showInFunnel?: boolean | undefined
  showInPieChart?: boolean | undefined
  colorRenderMode?: 'dot' | 'bg-tint' | 'none' | undefined
}

function checkNames(world: World, locationId: string, input: PipelineInput, ownId?: string): void {
  const name = input.name?.trim().toLowerCase()
  const taken = world.state.pipelines.by('location', locationId).some((other) => other.id !== ownId && other.name.trim().toLowerCase() === name)
  if (name !== undefined && taken) throw badRequest(`A pipeline with the name ${input.name ?? ''} already exists`)
  const stageNames = (input.stages ?? []).map((stage) => stage.name.trim().toLowerCase())
  if (new Set(stageNames).size !== stageNames.length) throw badRequest('Stage names must be unique')
}

export function createPipeline(world: World, locationId: string, input: PipelineInput & { name: string }): Pipeline {
  checkNames(world, locationId, input)
  const { ids, pipelines } = world.state
  const now = world.isoNow()
  return pipelines.put({
    id: ids.id20('pipeline'), locationId, name: input.name,
    stages: (input.stages ?? []).map((stage) => ({
      id: ids.uuid('stage'), name: stage.name, position: stage.position, showInFunnel: stage.showInFunnel ?? true, showInPieChart: stage.showInPieChart ?? true,
    })),
    showInFunnel: input.showInFunnel ?? true, showInPieChart: input.showInPieChart ?? true, colorRenderMode: input.colorRenderMode ?? 'dot',
    position: `a${pipelines.by('location', locationId).length}V`, dateAdded: now, dateUpdated: now,
  })
}

/** `stages` replaces all stages: one that is left out is deleted and its cards fall to the lowest stage. */
export function updatePipeline(world: World, pipelineId: string, input: PipelineInput): Pipeline {
  const { ids, pipelines, opportunities } = world.state
  const before = pipelines.get(pipelineId)
  if (before === undefined) throw missing(`Pipeline with id ${pipelineId} not found`)
  checkNames(world, before.locationId, input, pipelineId)
  const stages = input.stages?.map((stage) => {
    const old = before.stages.find((candidate) => candidate.id === stage.id)
    return {
      id: old?.id ?? ids.uuid('stage'), name: stage.name, position: stage.position, showInFunnel: stage.showInFunnel ?? old?.showInFunnel ?? true,
      showInPieChart: stage.showInPieChart ?? old?.showInPieChart ?? true,
    }
  }) ?? before.stages
  const after = pipelines.put({
    ...before, name: input.name ?? before.name, stages, showInFunnel: input.showInFunnel ?? before.showInFunnel,
    showInPieChart: input.showInPieChart ?? before.showInPieChart, colorRenderMode: input.colorRenderMode ?? before.colorRenderMode, dateUpdated: world.isoNow(),
  })
  const fallback = lowestStage(stages)?.id
  for (const card of opportunities.by('pipeline', pipelineId)) {
    if (fallback !== undefined && !stages.some((stage) => stage.id === card.pipelineStageId)) updateCard(world, card.id, { pipelineStageId: fallback })
  }
  return after
}

/** Deletes a pipeline and every card on it. */
export function deletePipeline(world: World, pipelineId: string): void {
  for (const card of world.state.opportunities.by('pipeline', pipelineId)) deleteCard(world, card.id)
  if (!world.state.pipelines.delete(pipelineId)) throw missing(`Pipeline with id ${pipelineId} not found`)
}
