import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Contact } from '../sandbox/index.ts'
import { startProduct, type Client, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'
import { isSignedWith, startReceiver, type Receiver } from '../workflows/webhook-out/receiver.ts'

let product: Product
let receiver: Receiver
let headquartersId: string
let people: { locationId: string; userId: string }[]
let secret: string

interface Ids { workflow: string; draft: string; field: string; number: string; pipeline: string; stage: string }
let ids: Ids

beforeAll(async () => {
  receiver = await startReceiver()
  // The schema of a definition knows the public internet only; the test's receiver has its port.
  receiver.network.ports = [443]
  product = await startProduct({ sandbox: { seed: { accounts: 3, usersPerAccount: 1 } }, webhookNetwork: receiver.network })
  ;({ headquartersId } = await product.setUp())
  people = []
  for (let index = 0; index < 3; index += 1) people.push(await product.enableFeedback(index))
  const { sandbox } = product
  const pipeline = sandbox.createPipeline(headquartersId, 'Advocates', ['Asked', 'Agreed'])
  ids = {
    workflow: sandbox.createWorkflow(headquartersId, 'Thank advocates', 'published', { endsAtOnce: true }).id,
    draft: sandbox.createWorkflow(headquartersId, 'Not ready', 'draft').id,
    field: sandbox.createField(headquartersId, { name: 'Last words', dataType: 'TEXT', model: 'contact' }).id,
    number: sandbox.createField(headquartersId, { name: 'Advocacy', dataType: 'NUMERICAL', model: 'contact' }).id,
    pipeline: pipeline.id,
    stage: pipeline.stages[0]!.id,
  }
  secret = (await admin().send('POST', '/api/webhooks/secret')).body.secret as string
  await product.settled()
}, 90_000)

afterAll(async () => {
  await product.stop()
  await receiver.stop()
})

const admin = (): Client => product.as({ userId: product.sandbox.company().admin.id })

function definition(key: string, level: string, steps: unknown[]) {
  return {
    schemaVersion: 2, key, kind: 'follow_up', reading: 'happiness', level: null, name: key, reason: 'For a test.',
    trigger: { events: ['feedback.received'], where: [{ field: 'answer.level', is: 'one_of', values: [level] }] }, conditions: [], steps,
    guards: { dedupe: 'event', capDays: 'agency', exitOn: [], noOpenCase: false, reentry: 'always' },
  }
}

const allSteps = () => [
  { id: 'mark', kind: 'tag', add: ['Advocate'], remove: ['customer'] },
  { id: 'words', kind: 'set_field', fieldId: ids.field, fieldName: 'Last words', value: '{{ user.first_name }} said {{ answer.level }}' },
  { id: 'figure', kind: 'set_field', fieldId: ids.number, fieldName: 'Advocacy', value: '1,250' },
  { id: 'card', kind: 'move_card', pipelineId: ids.pipeline, stageId: ids.stage, pipelineName: 'Advocates', stageName: 'Asked' },
  { id: 'enter', kind: 'crm_workflow', action: 'add', workflowId: ids.workflow, workflowName: 'Thank advocates' },
]

async function bring(key: string, level: string, steps: unknown[]) {
  const file = { format: 'workflows', formatVersion: 1, workflows: [{ definition: definition(key, level, steps) }] }
  const imported = await admin().send('POST', '/api/workflows/import', file)
  expect([imported.status, imported.body.error ?? null]).toEqual([200, null])
  return admin().send('POST', `/api/workflows/${key}/publish`)
}

function contactOf({ userId }: { userId: string }): Contact | undefined {
  const { email } = product.sandbox.state.users.get(userId)!
  return product.sandbox.state.contacts.by('location', headquartersId).find((contact) => contact.email === email)
}

describe('what steps can pick', () => {
  it('is listed by name, drafts flagged, the readings\' own things left out; an account\'s user sees nothing of it', async () => {
    const { status, body } = await admin().get('/api/workflows/choices')
    expect(status).toBe(200)
    expect(body.workflows).toEqual(expect.arrayContaining([{ id: ids.workflow, name: 'Thank advocates', draft: false }, { id: ids.draft, name: 'Not ready', draft: true }]))
    expect(body.fields.map((field: { name: string }) => field.name)).toEqual(expect.arrayContaining(['Last words', 'Advocacy']))
    expect(body.fields.map((field: { name: string }) => field.name)).not.toContain('Happiness Level')
    expect(body.pipelines.map((pipeline: { name: string }) => pipeline.name)).toEqual(['Advocates', 'Sales'])
    expect(body.tags).toContain('customer')
    expect(body.tags.join()).not.toMatch(/happiness|health/)
    expect((await product.as(people[0]!).get('/api/workflows/choices')).status).toBe(403)
  })

  it('is read once a minute, however many look', async () => {
    await admin().get('/api/workflows/choices?fresh=true')
    product.sandbox.resetCalls()
    await Promise.all([admin().get('/api/workflows/choices'), admin().get('/api/workflows/choices')])
    expect(product.sandbox.calls.filter(({ path }) => path === '/workflows/')).toEqual([])
  })
})

describe('publishing', () => {
  it.each([
    ['a workflow that is gone', 'enter', () => ({ id: 'enter', kind: 'crm_workflow', action: 'add', workflowId: 'gone-workflow', workflowName: 'Old' }), 'steps.enter.workflowId', /no workflow “Old” any more/],
    ['a field that is gone', 'words', () => ({ id: 'words', kind: 'set_field', fieldId: 'gone', fieldName: 'Old', value: 'x' }), 'steps.words.fieldId', /no field “Old”/],
    ['a stage that is gone', 'card', () => ({ id: 'card', kind: 'move_card', pipelineId: ids.pipeline, stageId: 'gone', pipelineName: 'Advocates', stageName: 'Lost' }), 'steps.card.stageId', /no stage “Lost” any more. It has: Asked, Agreed/],
    ['a pipeline that is gone', 'card', () => ({ id: 'card', kind: 'move_card', pipelineId: 'gone', stageId: 'gone', pipelineName: 'Old', stageName: 'Lost' }), 'steps.card.pipelineId', /no pipeline “Old” any more/],
    ['a tag of a reading', 'mark', () => ({ id: 'mark', kind: 'tag', add: ['fine', 'happiness: happy'], remove: [] }), 'steps.mark.add.1', /stands for a reading/],
    ['a receiver that nobody knows', 'tell', () => ({ id: 'tell', kind: 'webhook', url: 'https://nowhere.example.com/' }), 'steps.tell.url', /cannot be looked up/],
  ] as const)('is refused with the exact place where a step names %s', async (_what, step, made, path, message) => {
    const key = `broken_${path.replace(/\W/g, '_').toLowerCase()}`
    const { status, body } = await bring(key, 'neutral', [made()])
    expect([status, body.error.code]).toEqual([422, 'step_target_missing'])
    expect(body.error.details.faults).toEqual([{ path, message: expect.stringMatching(message) }])
    expect(path).toContain(step)
    expect((await admin().get(`/api/workflows/${key}`)).body.state).toBe('draft')
  })

  it('is not refused for a draft among the CRM\'s workflows; that is said beside it', async () => {
    const { status } = await bring('with_draft', 'not_happy', [{ id: 'enter', kind: 'crm_workflow', action: 'add', workflowId: ids.draft, workflowName: 'Not ready' }])
    expect(status).toBe(200)
    expect((await admin().get('/api/workflows/with_draft/findings')).body.findings).toEqual([{ path: 'steps.enter.workflowId', severity: 'warning', message: expect.stringContaining('draft') }])
    expect((await admin().get('/api/workflows/no_such_workflow/findings')).status).toBe(404)
  })

  it.each([
    ['http://hooks.example.com/', /https/], ['https://10.0.0.1/', /public internet/], ['https://localhost/', /public internet/],
  ])('never gets as far with the address %s: it cannot even be saved', async (url, message) => {
    const file = { format: 'workflows', formatVersion: 1, workflows: [{ definition: definition('unsafe', 'neutral', [{ id: 'tell', kind: 'webhook', url }]) }] }
    const { status, body } = await admin().send('POST', '/api/workflows/import', file)
    expect(status).toBe(422)
    expect(JSON.stringify(body.error.details.faults)).toMatch(message)
    expect(JSON.stringify(body.error.details.faults)).toContain('definition.steps.0.url')
  })
})

describe('steps that write to the CRM', () => {
  it('all arrive on the contact, each once, and their echoes start nothing', async () => {
    const who = people[0]!
    expect((await bring('advocates', 'very_happy', allSteps())).status).toBe(200)
    await bring('on_tag', 'neutral', [{ id: 'mark', kind: 'tag', add: ['seen'], remove: [] }])
    product.sandbox.resetCalls()
    expect((await product.answer(who, 'very_happy')).status).toBe(201)
    await until('the contact in the workflow', async () => {
      await product.settled()
      return product.sandbox.enrolments(ids.workflow).length > 0
    }, 30_000, 200)
    await until('the queues to be empty', async () => {
      await product.settled()
      const { outbox } = await product.app.services.effects.counts()
      return outbox.pending + outbox.leased + outbox.held === 0
    }, 30_000, 200)
    await product.settled()
    const contact = contactOf(who)!
    const valueOf = (id: string) => contact.customFields.find((field) => field.id === id)?.value
    expect(contact.tags).toContain('advocate')
    expect(contact.tags).not.toContain('customer')
    expect(valueOf(ids.field)).toBe(`${product.sandbox.state.users.get(who.userId)!.firstName} said Very Happy`)
    expect(valueOf(ids.number)).toBe(1250)
    expect(product.sandbox.state.opportunities.by('contact', contact.id).filter((card) => card.pipelineId === ids.pipeline)).toMatchObject([{ pipelineStageId: ids.stage }])
    expect(product.sandbox.enrolments(ids.workflow)).toHaveLength(1)
    const timeline = (await admin().get(`/api/accounts/${who.locationId}/timeline?pageSize=100`)).body.items as { type: string; summary: string }[]
    expect(timeline.filter(({ type }) => type.startsWith('contact.tag_'))).toEqual([])
    expect(timeline.map(({ summary }) => summary)).toEqual(expect.arrayContaining(['The contact was added to the workflow “Thank advocates”.', 'The card was moved to “Advocates: Asked” by an automation.']))
    const run = ((await admin().get('/api/workflows/advocates/runs')).body.items as { steps: { stepId: string; outcome: string }[] }[])[0]!
    expect(run.steps.filter(({ outcome }) => outcome === 'sent').map(({ stepId }) => stepId).sort()).toEqual(['card', 'enter', 'figure', 'mark', 'words'])
  })

  it('a webhook arrives signed, with whom and what it is about', async () => {
    const who = people[1]!
    // The name leads to the receiver's machine; the port is the test's.
    receiver.network.ports = [443, receiver.port]
    expect((await bring('tell_others', 'happy', [{ id: 'tell', kind: 'webhook', url: 'https://hooks.example.com/answers' }])).status).toBe(200)
    expect((await product.answer(who, 'happy', { comment: 'Good work' })).status).toBe(201)
    const failed = await until('the attempt', async () => {
      await product.settled()
      const { items } = await product.app.services.webhookOut.queue.list({ companyId: product.companyId, page: 1, pageSize: 5 })
      return items.find(({ error }) => error !== null)
    }, 30_000, 200)
    // Nobody listens on 443 here: it is kept, and not lost.
    expect(failed).toMatchObject({ state: 'pending', error: { code: 'webhook_unreachable' } })
    const stored = await product.connection.collection('webhook_deliveries').findOne({ companyId: product.companyId })
    const data = stored!['data'] as { body: string }
    await product.connection.collection('webhook_deliveries').updateOne({ _id: stored!._id }, { $set: { 'data.url': `https://hooks.example.com:${receiver.port}/answers`, dueAt: new Date() } })
    await until('the receiver to have it', async () => {
      await product.app.services.webhookOut.pump.drain()
      return receiver.received.length > 0
    })
    const [received] = receiver.received
    expect(isSignedWith(secret, received!)).toBe(true)
    expect(received!.body).toBe(data.body)
    expect(JSON.parse(received!.body)).toMatchObject({
      type: 'feedback.received', data: { workflow: { key: 'tell_others', stepId: 'tell' }, account: { locationId: who.locationId }, person: { userId: who.userId }, level: 'happy', comment: 'Good work' },
    })
    expect(product.logLines.join('\n')).not.toContain(secret)
    expect(product.logLines.join('\n')).not.toContain('Good work')
  })

  it('the secret is shown once and to agency admins only', async () => {
    const staff = product.as({ userId: product.sandbox.company().staff[0]!.id })
    expect((await staff.send('POST', '/api/webhooks/secret')).status).toBe(403)
    expect((await staff.get('/api/webhooks')).status).toBe(403)
    const { status, body } = await admin().get('/api/webhooks')
    expect([status, body.secret.shown]).toEqual([200, true])
    expect(JSON.stringify(body)).not.toContain('whsec_')
    expect((await admin().send('POST', '/api/webhooks/resume', { url: 'https://hooks.example.com/answers' })).status).toBe(404)
  })
})
