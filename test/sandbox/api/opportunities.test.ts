import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startSandbox, type Pipeline, type Sandbox } from '../index.ts'
import { clientFor, type ApiClient } from '../support/api-client.ts'

let sandbox: Sandbox
let api: ApiClient
let home: string
let contactId: string

beforeEach(async () => {
  sandbox = await startSandbox({ seed: { accounts: 1 }, app: { webhookUrl: 'http://127.0.0.1:1/' }, webhooks: { enabled: false } })
  api = await clientFor(sandbox)
  home = sandbox.company().headquarters.id
  contactId = sandbox.createContact(home, { email: 'card@example.com', name: 'Card Holder' }).id
})
afterEach(() => sandbox.stop())

const v3 = { version: 'v3' }
const stages = [{ name: 'Not Happy', position: 0 }, { name: 'Happy', position: 1 }]
const typesOf = (id: string): unknown[] => sandbox.pendingDeliveries().map((delivery) => JSON.parse(delivery.body) as Record<string, unknown>).filter((event) => event['id'] === id).map((event) => event['type'])

async function newPipeline(): Promise<Pipeline> {
  return (await api('POST', '/opportunities/pipelines', { locationId: home, name: 'Happiness Level', stages }, v3)).body as unknown as Pipeline
}

async function newCard(pipeline: Pipeline, stageId = pipeline.stages[0]?.id ?? ''): Promise<string> {
  const answer = await api('POST', '/opportunities/', { locationId: home, pipelineId: pipeline.id, pipelineStageId: stageId, name: 'Card', status: 'open', contactId })
  expect(answer.status).toBe(201)
  return (answer.body['opportunity'] as { id: string }).id
}

describe('pipelines', () => {
  it('are created through v3 only, with stage ids, under a unique name', async () => {
    expect((await api('POST', '/opportunities/pipelines', { locationId: home, name: 'x', stages })).status).toBe(400)
    const created = await api('POST', '/opportunities/pipelines', { locationId: home, name: 'Happiness Level', stages }, v3)
    expect(created.status).toBe(201)
    expect((created.body['stages'] as { id: string }[]).map((stage) => stage.id)).toEqual([expect.stringMatching(/^[\da-f-]{36}$/), expect.stringMatching(/^[\da-f-]{36}$/)])
    expect((await api('POST', '/opportunities/pipelines', { locationId: home, name: 'happiness level', stages }, v3)).status).toBe(400)
    expect((await api('GET', `/opportunities/pipelines?locationId=${home}`)).body['pipelines']).toHaveLength(2)
  })

  it('cannot be created where that is not granted', async () => {
    sandbox.settings.pipelinesV3 = false
    expect(await api('POST', '/opportunities/pipelines', { locationId: home, name: 'x', stages }, v3)).toMatchObject({ status: 401, body: { error: { code: 'UNAUTHORIZED', message: 'The token is not authorized for this scope.' } } })
  })

  it('lose a stage that an update leaves out: its cards fall to the lowest one', async () => {
    const pipeline = await newPipeline()
    const card = await newCard(pipeline, pipeline.stages[1]?.id)
    const answer = await api('PUT', `/opportunities/pipelines/${pipeline.id}`, { name: 'Happiness Level', stages: [{ ...stages[0], id: pipeline.stages[0]?.id }, { name: 'Other', position: 1 }] }, v3)
    expect(answer.status).toBe(200)
    expect(sandbox.state.opportunities.get(card)?.pipelineStageId).toBe(pipeline.stages[0]?.id)
    expect(typesOf(card)).toContain('OpportunityStageUpdate')
  })

  it('that a person deletes take their cards with them', async () => {
    const pipeline = await newPipeline()
    const card = await newCard(pipeline)
    sandbox.deletePipeline(pipeline.id)
    expect(typesOf(card).at(-1)).toBe('OpportunityDelete')
    expect((await api('GET', `/opportunities/${card}`)).status).toBe(400)
  })
})

describe('a card', () => {
  it('emits two events for one move, without custom fields or the stage it came from', async () => {
    const pipeline = await newPipeline()
    const card = await newCard(pipeline)
    expect(typesOf(card)).toEqual(['OpportunityCreate', 'OpportunityUpdate'])
    await api('PUT', `/opportunities/${card}`, { pipelineId: pipeline.id, pipelineStageId: pipeline.stages[1]?.id })
    expect(typesOf(card).slice(2)).toEqual(['OpportunityUpdate', 'OpportunityStageUpdate'])
    sandbox.moveCard(card, 'Not Happy')
    expect(typesOf(card).slice(4)).toEqual(['OpportunityUpdate', 'OpportunityStageUpdate'])
    await api('PUT', `/opportunities/${card}/status`, { status: 'lost' })
    expect(typesOf(card).slice(6)).toEqual(['OpportunityUpdate', 'OpportunityStatusUpdate'])
    const last = JSON.parse(sandbox.pendingDeliveries().at(-1)?.body ?? '{}') as Record<string, unknown>
    expect(Object.keys(last)).not.toContain('customFields')
  })

  it('is refused a stage of another pipeline', async () => {
    const card = await newCard(await newPipeline())
    expect((await api('PUT', `/opportunities/${card}`, { pipelineStageId: 'elsewhere' })).status).toBe(400)
  })

  it('is alone per contact and pipeline where duplicates are not allowed', async () => {
    const pipeline = await newPipeline()
    const card = await newCard(pipeline)
    sandbox.updateLocation(home, { allowDuplicateOpportunity: false })
    const again = await api('POST', '/opportunities/', { locationId: home, pipelineId: pipeline.id, name: 'Again', status: 'open', contactId })
    expect(again.status).toBe(400)
    const found = await api('GET', `/opportunities/search?location_id=${home}&pipeline_id=${pipeline.id}&contact_id=${contactId}`)
    expect(found.body).toMatchObject({ opportunities: [{ id: card, contact: { email: 'card@example.com' } }], meta: { total: 1, currentPage: 1 } })
  })

  it('is searched in snake case; the other spelling is refused', async () => {
    expect(await api('GET', `/opportunities/search?locationId=${home}`)).toMatchObject({ status: 422, body: { message: ['location_id must be a string', 'property locationId should not exist'] } })
  })
})
