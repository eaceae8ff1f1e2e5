import { z } from 'zod'
import type {
  DeleteUpdateOpportunitySuccessfulResponseDto, GetPostOpportunitySuccessfulResponseDto, SearchOpportunitiesResponseSchema, SearchSuccessfulResponseDto,
} from '@gohighlevel/api-client/dist/lib/code/opportunities/models/opportunities.js'
import { missing, unauthorized } from './api-error.ts'
import { countParam, created, endpoint, namedTenant, ok, toCount, type Endpoint, type RawCall, type Tenant } from './endpoint.ts'
import { nameOf } from '../domain/contacts.ts'
import { createCard, createPipeline, deleteCard, deletePipeline, getCard, updateCard, updatePipeline } from '../domain/opportunities.ts'
import type { Opportunity, Pipeline } from '../state/records.ts'
import type { World } from '../world.ts'

const status = z.enum(['open', 'won', 'lost', 'abandoned'])
const fieldInput = z.strictObject({ id: z.string().optional(), key: z.string().optional(), field_value: z.unknown().optional() })
const writable = {
  pipelineId: z.string().optional(), name: z.string().optional(), pipelineStageId: z.string().optional(), status: status.optional(), monetaryValue: z.number().optional(),
  assignedTo: z.string().optional(), customFields: z.array(fieldInput).optional(),
}
const stageInput = z.strictObject({
  id: z.string().optional(), name: z.string().min(1, 'should not be empty'), position: z.number(), showInFunnel: z.boolean().optional(), showInPieChart: z.boolean().optional(),
  stageWinProbability: z.number().optional(),
})
const pipelineBody = {
  name: z.string().min(1, 'should not be empty'), stages: z.array(stageInput).min(1, 'should not be empty'), showInFunnel: z.boolean().optional(),
  showInPieChart: z.boolean().optional(), useOpportunityProbability: z.boolean().optional(), colorRenderMode: z.enum(['dot', 'bg-tint', 'none']).optional(),
}

function wirePipeline(pipeline: Pipeline, v3: boolean): Record<string, unknown> {
  const shared = {
    id: pipeline.id, name: pipeline.name, stages: pipeline.stages, showInFunnel: pipeline.showInFunnel, showInPieChart: pipeline.showInPieChart,
    locationId: pipeline.locationId, colorRenderMode: pipeline.colorRenderMode,
  }
  return v3
    ? { ...shared, useOpportunityProbability: false, position: pipeline.position, dateAdded: pipeline.dateAdded, dateUpdated: pipeline.dateUpdated }
    : shared
}

export function opportunityEndpoints(world: World): Endpoint[] {
  const { state, settings } = world

  function wireCard(card: Opportunity): SearchOpportunitiesResponseSchema {
    const contact = state.contacts.get(card.contactId)
    return {
      id: card.id, name: card.name, monetaryValue: card.monetaryValue, pipelineId: card.pipelineId, pipelineStageId: card.pipelineStageId, assignedTo: card.assignedTo,
      status: card.status, source: card.source, lastStatusChangeAt: card.lastStatusChangeAt, lastStageChangeAt: card.lastStageChangeAt, createdAt: card.createdAt,
      updatedAt: card.updatedAt, contactId: card.contactId, locationId: card.locationId,
      ...(contact === undefined ? {} : { contact: { id: contact.id, name: nameOf(contact), companyName: contact.companyName, email: contact.email, phone: contact.phone, tags: contact.tags } }),
      notes: [], tasks: [], calendarEvents: [], customFields: card.customFields.map((field) => ({ id: field.id, fieldValue: field.value })), followers: [],
    }
  }
  const one = (card: Opportunity): GetPostOpportunitySuccessfulResponseDto => ({ opportunity: wireCard(card) })
  const done: DeleteUpdateOpportunitySuccessfulResponseDto = { succeded: true }
  const tenant = (call: RawCall): Tenant => ({ locationId: state.opportunities.get(call.params['id'] ?? '')?.locationId })
  const tenantOfPipeline = (call: RawCall): Tenant => ({ locationId: state.pipelines.get(call.params['id'] ?? '')?.locationId })
  const idOf = (params: Record<string, string>): string => params['id'] ?? ''
  const read = { scope: 'opportunities.readonly' }
  const write = { scope: 'opportunities.write' }

  function checkPipelineScope(): void {
    if (!settings.pipelinesV3) throw unauthorized('The token is not authorized for this scope.')
  }

  return [
    endpoint({
      method: 'GET', path: '/opportunities/search', ...read, tenant: namedTenant,
      query: z.strictObject({
        q: z.string().optional(), location_id: z.string(), pipeline_id: z.string().optional(), pipeline_stage_id: z.string().optional(), contact_id: z.string().optional(),
        status: z.enum(['open', 'won', 'lost', 'abandoned', 'all']).optional(), assigned_to: z.string().optional(), campaignId: z.string().optional(), id: z.string().optional(),
        order: z.string().optional(), endDate: z.string().optional(), startAfter: z.string().optional(), startAfterId: z.string().optional(), date: z.string().optional(),
        country: z.string().optional(), page: countParam, limit: countParam, getTasks: z.string().optional(), getNotes: z.string().optional(), getCalendarEvents: z.string().optional(),
      }),
      handle({ query }) {
        const matching = state.opportunitySearch.visible(query.location_id).filter((card) =>
          (query.pipeline_id === undefined || card.pipelineId === query.pipeline_id)
          && (query.pipeline_stage_id === undefined || card.pipelineStageId === query.pipeline_stage_id)
          && (query.contact_id === undefined || card.contactId === query.contact_id)
          && (query.assigned_to === undefined || card.assignedTo === query.assigned_to)
          && (query.id === undefined || card.id === query.id)
          && (query.status === undefined || query.status === 'all' || card.status === query.status)
          && (query.q === undefined || card.name.toLowerCase().includes(query.q.toLowerCase())))
        const limit = toCount(query.limit, 20, 100)
        const from = query.startAfterId === undefined ? (toCount(query.page, 1, Infinity) - 1) * limit : matching.findIndex((card) => card.id === query.startAfterId) + 1
        const shown = matching.slice(from, from + limit)
        const last = shown.at(-1)
        const currentPage = Math.floor(from / limit) + 1
        const more = from + limit < matching.length
        const answer: SearchSuccessfulResponseDto = {
          opportunities: shown.map(wireCard),
          meta: {
            total: matching.length, currentPage,
            ...(more ? { nextPage: currentPage + 1, nextPageUrl: `/opportunities/search?location_id=${query.location_id}&page=${currentPage + 1}` } : {}),
            ...(currentPage > 1 ? { prevPage: currentPage - 1 } : {}),
            ...(last === undefined ? {} : { startAfterId: last.id, startAfter: Date.parse(last.createdAt) }),
          },
          aggregations: {},
        }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'GET', path: '/opportunities/pipelines', versions: ['2021-07-28', 'v3'], ...read, query: z.strictObject({ locationId: z.string() }), tenant: namedTenant,
      handle: ({ query, version }) => ok({ pipelines: state.pipelines.by('location', query.locationId).map((pipeline) => wirePipeline(pipeline, version === 'v3')) }),
    }),
    endpoint({
      method: 'POST', path: '/opportunities/pipelines', versions: ['v3'], scope: settings.pipelinesV3 ? 'pipelines.create' : '', tenant: namedTenant,
      body: z.strictObject({ ...pipelineBody, locationId: z.string() }),
      handle({ body }) {
        checkPipelineScope()
        return created(wirePipeline(createPipeline(world, body.locationId, body), true))
      },
    }),
    endpoint({
      method: 'GET', path: '/opportunities/pipelines/{id}', versions: ['v3'], ...read, tenant: tenantOfPipeline,
      handle({ params }) {
        const pipeline = state.pipelines.get(idOf(params))
        if (pipeline === undefined) throw missing(`Pipeline with id ${idOf(params)} not found`)
        return ok(wirePipeline(pipeline, true))
      },
    }),
    endpoint({
      method: 'PUT', path: '/opportunities/pipelines/{id}', versions: ['v3'], tenant: tenantOfPipeline, body: z.strictObject(pipelineBody).partial(),
      handle({ params, body }) {
        checkPipelineScope()
        return ok(wirePipeline(updatePipeline(world, idOf(params), body), true))
      },
    }),
    endpoint({
      method: 'DELETE', path: '/opportunities/pipelines/{id}', versions: ['v3'], tenant: tenantOfPipeline,
      handle({ params }) {
        checkPipelineScope()
        deletePipeline(world, idOf(params))
        return ok({ success: true, message: 'Pipeline deleted' })
      },
    }),
    endpoint({
      method: 'POST', path: '/opportunities/', ...write, tenant: namedTenant,
      body: z.strictObject({ ...writable, pipelineId: z.string(), locationId: z.string(), name: z.string(), status, contactId: z.string() }),
      handle: ({ body }) => created(one(createCard(world, body.locationId, body))),
    }),
    endpoint({ method: 'GET', path: '/opportunities/{id}', ...read, tenant, handle: ({ params }) => ok(one(getCard(world, idOf(params)))) }),
    endpoint({
      method: 'PUT', path: '/opportunities/{id}', ...write, tenant, body: z.strictObject(writable),
      handle: ({ params, body }) => ok(one(updateCard(world, idOf(params), body))),
    }),
    endpoint({
      method: 'PUT', path: '/opportunities/{id}/status', ...write, tenant, body: z.strictObject({ status, lostReasonId: z.string().optional() }),
      handle({ params, body }) {
        updateCard(world, idOf(params), { status: body.status })
        return ok(done)
      },
    }),
    endpoint({
      method: 'DELETE', path: '/opportunities/{id}', ...write, tenant,
      handle({ params }) {
        deleteCard(world, idOf(params))
        return ok(done)
      },
    }),
  ]
}
