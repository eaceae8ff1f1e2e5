import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { createCrowd, setUp, type Crowd } from './support/customers.ts'
import type { ProductProcess } from './support/process.ts'
import { settled, startWorld, type Customer, type World } from './support/world.ts'

/** Everything that steps write to a contact: what HighLevel is told, and how often it may have happened in the end. */
const kinds = ['tag', 'field', 'card', 'workflow', 'left workflow', 'note', 'text message'] as const
type Kind = (typeof kinds)[number]

let world: World
let crowd: Crowd
let process: ProductProcess
let ids: { field: string; pipeline: string; stage: string; workflow: string; leaving: string }
let customers: Customer[]

beforeAll(async () => {
  world = await startWorld({ store: 'own', accounts: kinds.length + 1, usersPerAccount: 1, sandbox: { webhooks: { duplicateRate: 0 } } })
  crowd = createCrowd(world)
  process = await world.start()
  await setUp(world, crowd)
  const { sandbox, headquartersId } = world
  const pipeline = sandbox.createPipeline(headquartersId, 'Advocates', ['Asked', 'Agreed'])
  ids = {
    field: sandbox.createField(headquartersId, { name: 'Last words', dataType: 'TEXT', model: 'contact' }).id,
    pipeline: pipeline.id,
    stage: pipeline.stages[1]!.id,
    // It lets contacts pass at once and enter again: nothing on the platform's side keeps us from putting somebody through twice.
    workflow: sandbox.createWorkflow(headquartersId, 'Thank advocates', 'published', { endsAtOnce: true }).id,
    leaving: sandbox.createWorkflow(headquartersId, 'Win back').id,
  }
  const steps = [
    { id: 'mark', kind: 'tag', add: ['Advocate'], remove: ['lead'] },
    { id: 'words', kind: 'set_field', fieldId: ids.field, fieldName: 'Last words', value: 'Said {{ answer.level }}' },
    { id: 'card', kind: 'move_card', pipelineId: ids.pipeline, stageId: ids.stage, pipelineName: 'Advocates', stageName: 'Agreed' },
    { id: 'enter', kind: 'crm_workflow', action: 'add', workflowId: ids.workflow, workflowName: 'Thank advocates' },
    { id: 'leave', kind: 'crm_workflow', action: 'remove', workflowId: ids.leaving, workflowName: 'Win back' },
    { id: 'note', kind: 'note', body: 'An advocate said {{ answer.level }}.' },
    { id: 'text', kind: 'sms', text: 'Thank you, {{ user.first_name }}!' },
  ]
  const definition = {
    schemaVersion: 2, key: 'every_step', kind: 'follow_up', reading: 'happiness', level: null, name: 'Every step', reason: 'For a test.',
    trigger: { events: ['feedback.received'], where: [{ field: 'answer.level', is: 'one_of', values: ['happy'] }] }, conditions: [], steps,
    guards: { dedupe: 'answer', capDays: 'agency', exitOn: [], noOpenCase: false, reentry: 'always' },
  }
  expect((await crowd.admin('POST', '/api/workflows/happy_next_step/pause', {})).status).toBe(200)
  const imported = await crowd.admin('POST', '/api/workflows/import', { format: 'workflows', formatVersion: 1, workflows: [{ definition }] })
  expect([imported.status, imported.body.error ?? null]).toEqual([200, null])
  expect((await crowd.admin('POST', '/api/workflows/every_step/publish', {})).status).toBe(200)
  customers = world.customers.map(([customer]) => customer!)
})

afterAll(() => world.stop())

/** The call that tells HighLevel of it; other calls of the product go to the same addresses. */
function callOf(kind: Kind): { method: string; path: RegExp; body?: RegExp } {
  switch (kind) {
    case 'tag':
      return { method: 'POST', path: /\/tags$/, body: /advocate/i }
    case 'field':
      return { method: 'PUT', path: /^\/contacts\//, body: new RegExp(ids.field) }
    case 'card':
      return { method: 'POST', path: /^\/opportunities\/$/, body: new RegExp(ids.pipeline) }
    case 'workflow':
      return { method: 'POST', path: /\/workflow\// }
    case 'left workflow':
      return { method: 'DELETE', path: /\/workflow\// }
    case 'note':
      return { method: 'POST', path: /\/notes$/ }
    case 'text message':
      return { method: 'POST', path: /^\/conversations\/messages$/ }
  }
}

/** What the customer's contact has of everything that the steps write. */
function writtenOf({ email }: Customer) {
  const { state } = world.sandbox
  const contact = state.contacts.by('location', world.headquartersId).find((one) => one.email.toLowerCase() === email)
  if (contact === undefined) return null
  return {
    tag: contact.tags.filter((tag) => tag === 'advocate').length,
    field: contact.customFields.filter(({ id, value }) => id === ids.field && value === 'Said Happy').length,
    card: state.opportunities.by('contact', contact.id).filter((card) => card.pipelineId === ids.pipeline && card.pipelineStageId === ids.stage).length,
    workflow: world.sandbox.enrolments(ids.workflow).filter((one) => one.contactId === contact.id).length,
    note: state.notes.by('contact', contact.id).length,
    message: state.messages.by('contact', contact.id).filter((message) => message.direction === 'outbound').length,
  }
}

const once = { tag: 1, field: 1, card: 1, workflow: 1, note: 1, message: 1 }

async function dead(): Promise<{ key: string; error: { code: string } }[]> {
  const { body } = await crowd.admin('GET', '/api/operations/queues/effects?state=dead&pageSize=100')
  return (body.items as { key: string; state: string; error: { code: string } | null }[]).flatMap(({ key, error }) => (error === null ? [] : [{ key, error }]))
}

describe('kill -9 between HighLevel\'s yes and our note of it', () => {
  for (const [index, kind] of kinds.entries()) {
    it(`loses and doubles nothing: ${kind}`, async () => {
      const who = customers[index]!
      const injected = () => world.sandbox.faults.injected()['accept then timeout'] ?? 0
      const before = injected()
      world.sandbox.faults.next(callOf(kind), { acceptThen: 'timeout' })
      const answer = crowd.answer(who, 'happy', 'All fine')
      await until(`HighLevel to have the ${kind}`, () => injected() > before, 60_000)
      process.signal('SIGKILL')
      await process.ended
      const diedAt = new Date()
      await answer
      process = await world.start()
      await world.leasesRunOut(diedAt)
      await settled(world)
      expect(writtenOf(who)).toEqual(once)
    })
  }

  it('and whose end nobody can read is shown to a person, and only that', async () => {
    // Of everything above, only entering a workflow can be read nowhere.
    expect((await dead()).map(({ error }) => error.code)).toEqual(['crm_workflow_uncertain'])
  })

  it('the echoes of all these writes were nobody\'s edits', async () => {
    for (const who of customers) {
      const { body } = await crowd.admin('GET', `/api/accounts/${who.locationId}/timeline?pageSize=100`)
      const types = (body.items as { type: string }[]).map(({ type }) => type)
      expect(types.filter((type) => /^contact\.(tag_|custom_field)|^card\.stage/.test(type))).toEqual([])
    }
  })
})
