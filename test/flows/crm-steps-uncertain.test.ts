import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startProduct, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'

/** Calls that HighLevel does and whose answer is lost: one of each kind. */
const kinds = ['tag', 'field', 'card', 'workflow', 'left workflow', 'note', 'text message'] as const

let product: Product
let headquartersId: string
let people: { locationId: string; userId: string }[]
let ids: { field: string; pipeline: string; stage: string; workflow: string; leaving: string }

beforeAll(async () => {
  // Nothing on the platform's side keeps us from making a thing twice.
  product = await startProduct({ sandbox: { seed: { accounts: kinds.length, usersPerAccount: 1 }, allowDuplicateOpportunity: true } })
  ;({ headquartersId } = await product.setUp())
  people = []
  for (let index = 0; index < kinds.length; index += 1) people.push(await product.enableFeedback(index))
  const { sandbox } = product
  const pipeline = sandbox.createPipeline(headquartersId, 'Advocates', ['Asked', 'Agreed'])
  ids = {
    field: sandbox.createField(headquartersId, { name: 'Last words', dataType: 'TEXT', model: 'contact' }).id,
    pipeline: pipeline.id,
    stage: pipeline.stages[1]!.id,
    // It lets contacts pass at once and enter again: a second call would put somebody through twice.
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
  const admin = product.admin()
  expect((await admin.send('PATCH', '/api/settings', { messages: { holdSeconds: 0, quietHours: { enabled: false } } })).status).toBe(200)
  const imported = await admin.send('POST', '/api/workflows/import', { format: 'workflows', formatVersion: 1, workflows: [{ definition }] })
  expect([imported.status, imported.body.error ?? null]).toEqual([200, null])
  expect((await admin.send('POST', '/api/workflows/every_step/publish')).status).toBe(200)
}, 120_000)

afterAll(() => product.stop())

/** What the person's contact has of everything that the steps write. */
function writtenOf({ userId }: { userId: string }) {
  const { state } = product.sandbox
  const { email } = state.users.get(userId)!
  const contact = state.contacts.by('location', headquartersId).find((one) => one.email === email)
  if (contact === undefined) return null
  return {
    tag: contact.tags.filter((tag) => tag === 'advocate').length,
    field: contact.customFields.filter(({ id, value }) => id === ids.field && value === 'Said Happy').length,
    card: state.opportunities.by('contact', contact.id).filter((card) => card.pipelineId === ids.pipeline && card.pipelineStageId === ids.stage).length,
    workflow: product.sandbox.enrolments(ids.workflow).filter((one) => one.contactId === contact.id).length,
    note: state.notes.by('contact', contact.id).length,
    message: state.messages.by('contact', contact.id).filter((message) => message.direction === 'outbound').length,
  }
}

describe('steps of which HighLevel did each and answered nothing', () => {
  it('happen once all the same; only of an entry into a workflow nobody can know, and that is said', async () => {
    const { faults } = product.sandbox
    const calls: Record<(typeof kinds)[number], { method: string; path: RegExp; body?: RegExp }> = {
      tag: { method: 'POST', path: /\/tags$/, body: /advocate/i },
      field: { method: 'PUT', path: /^\/contacts\//, body: new RegExp(ids.field) },
      card: { method: 'POST', path: /^\/opportunities\/$/, body: new RegExp(ids.pipeline) },
      workflow: { method: 'POST', path: /\/workflow\// },
      'left workflow': { method: 'DELETE', path: /\/workflow\// },
      note: { method: 'POST', path: /\/notes$/ },
      'text message': { method: 'POST', path: /^\/conversations\/messages$/ },
    }
    for (const kind of kinds) faults.next(calls[kind], { acceptThen: 'reset' })
    for (const who of people) expect((await product.answer(who, 'happy')).status).toBe(201)
    const expected = { tag: 1, field: 1, card: 1, workflow: 1, note: 1, message: 1 }
    await until('everything to have left', async () => {
      const { outbox } = await product.app.services.effects.counts()
      return outbox.pending + outbox.leased + outbox.held === 0 && people.every((who) => writtenOf(who)?.message === 1 && writtenOf(who)?.note === 1)
    }, 150_000, 500)
    expect(faults.injected()['accept then reset']).toBe(kinds.length)
    expect(people.map(writtenOf)).toEqual(people.map(() => expected))
    const { body } = await product.admin().get('/api/operations/queues/effects?state=dead&pageSize=100')
    expect((body.items as { error: { code: string } | null }[]).map(({ error }) => error?.code)).toEqual(['crm_workflow_uncertain'])
    const failed = await until('the run to say so', async () => {
      const runs = (await product.admin().get('/api/workflows/every_step/runs?pageSize=100')).body.items as { steps: { outcome: string; reason: string | null }[] }[]
      const found = runs.flatMap(({ steps }) => steps).filter(({ outcome }) => outcome === 'failed')
      return found.length > 0 && found
    }, 30_000, 200)
    expect(failed).toMatchObject([{ reason: 'crm_workflow_uncertain' }])
  }, 240_000)

  it('are nobody\'s edits when their echoes come back', async () => {
    for (const who of people) {
      const items = (await product.admin().get(`/api/accounts/${who.locationId}/timeline?pageSize=100`)).body.items as { type: string }[]
      expect(items.map(({ type }) => type).filter((type) => /^contact\.(tag_|custom_field)|^card\.stage/.test(type))).toEqual([])
    }
  })
})
