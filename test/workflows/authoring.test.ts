import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { WorkflowDetail, WorkflowFile } from '../../src/http/contract/workflows.ts'
import { startProduct, type Client, type Product } from '../support/product.ts'
import { openMailbox, type Mailbox } from './support/mailbox.ts'

/** What people do with workflows before and after they run, through real HTTP against the real store and the sandbox. */
let product: Product
let mailbox: Mailbox
let admin: Client
let member: Client
let stranger: Client
let who: { locationId: string; userId: string }

beforeAll(async () => {
  mailbox = await openMailbox()
  product = await startProduct({ sandbox: { seed: { accounts: 3, usersPerAccount: 2, companies: 2 } }, env: { SMTP_URL: mailbox.url, MAIL_FROM: 'Team <team@example.com>' } })
  await product.setUp()
  const { locationId, userId } = await product.enableFeedback(0)
  who = { locationId, userId }
  admin = product.admin()
  member = product.as({ userId: product.sandbox.company().staff[0]!.id })
  await admin.send('PATCH', '/api/settings', { messages: { holdSeconds: 0, quietHours: { enabled: false } }, brand: { name: 'Northbeam', teamName: 'The Northbeam team', accentColour: '#aa3300' } })
}, 120_000)
afterAll(async () => {
  await product.stop()
  await mailbox.close()
})

const detail = async (key: string): Promise<WorkflowDetail> => (await admin.get(`/api/workflows/${key}`)).body as WorkflowDetail
const key = 'happy_next_step'

describe('the life of a workflow', () => {
  it('goes from draft to live, rests, lies in the archive and comes back as a draft', async () => {
    expect((await admin.send('POST', `/api/workflows/welcome/publish`)).body).toMatchObject({ state: 'published', version: 1 })
    expect((await admin.send('POST', `/api/workflows/welcome/pause`)).body).toMatchObject({ state: 'paused' })
    expect((await admin.send('POST', `/api/workflows/welcome/archive`)).body).toMatchObject({ state: 'archived', stateText: 'Archived: nothing starts, and it is out of the way.' })
    expect(await admin.send('POST', `/api/workflows/welcome/publish`)).toMatchObject({ status: 409, body: { error: { code: 'archived' } } })
    expect((await admin.send('POST', `/api/workflows/welcome/unarchive`)).body).toMatchObject({ state: 'draft' })
    expect(await admin.send('POST', `/api/workflows/welcome/unarchive`)).toMatchObject({ status: 409, body: { error: { code: 'not_archived' } } })
  })

  it('changes wait beside what is live until they are published, and can be forgotten', async () => {
    await admin.send('POST', `/api/workflows/${key}/publish`)
    const changed = await admin.send('PATCH', `/api/workflows/${key}`, { asDraft: true, steps: { offer: { subject: 'Another subject' } } })
    expect(changed.body).toMatchObject({ state: 'published', version: 1, hasDraft: true, copy: { subject: 'A useful next step for {{ account.name }}' } })
    expect(changed.body.differences).toEqual([{ stepId: 'offer', member: 'subject', shipped: 'A useful next step for {{ account.name }}', own: 'Another subject' }])
    expect(await admin.send('PATCH', `/api/workflows/${key}`, { delayMinutes: 5 })).toMatchObject({ status: 409, body: { error: { code: 'draft_waits' } } })
    expect((await admin.send('DELETE', `/api/workflows/${key}/draft`)).body).toMatchObject({ hasDraft: false, draftSteps: null, differences: [] })
    await admin.send('PATCH', `/api/workflows/${key}`, { asDraft: true, steps: { offer: { subject: 'Another subject' } } })
    expect((await admin.send('POST', `/api/workflows/${key}/publish`)).body).toMatchObject({ version: 2, hasDraft: false, copy: { subject: 'Another subject' }, customised: true })
  })

  it('versions can be looked at and taken back as a draft', async () => {
    const { body } = await member.get(`/api/workflows/${key}/versions`)
    expect((body.items as { version: number; isCurrent: boolean; changedSteps: string[] }[]).map((one) => [one.version, one.isCurrent, one.changedSteps])).toEqual([[2, true, ['offer']], [1, false, []], [0, false, []]])
    expect((await member.get(`/api/workflows/${key}/versions/2`)).body.definition.steps[1]).toMatchObject({ subject: 'Another subject' })
    expect((await member.get(`/api/workflows/${key}/versions/7`)).status).toBe(404)
    expect((await member.send('POST', `/api/workflows/${key}/versions/1/restore`)).status).toBe(403)
    expect((await admin.send('POST', `/api/workflows/${key}/versions/1/restore`)).body).toMatchObject({ state: 'published', version: 2, hasDraft: true, copy: { subject: 'Another subject' } })
    expect((await admin.send('POST', `/api/workflows/${key}/publish`)).body).toMatchObject({ version: 3, customised: false })
  })

  it('runs under way finish on their version, or are moved by choice', async () => {
    await product.answer(who, 'happy')
    await product.settled()
    const runsOf = async () => (await member.get(`/api/runs?workflowKey=${key}&locationId=${who.locationId}`)).body
    expect(await runsOf()).toMatchObject({ total: 1, items: [{ state: 'active', version: 3, workflowName: 'Useful next step', accountName: product.sandbox.company().accounts[0]!.name, userId: who.userId }] })
    await admin.send('PATCH', `/api/workflows/${key}`, { steps: { offer: { subject: 'The newest words' } } })
    expect(await detail(key)).toMatchObject({ version: 4, runningOnOlder: 1 })
    expect((await member.send('POST', `/api/workflows/${key}/move-runs`)).status).toBe(403)
    expect((await admin.send('POST', `/api/workflows/${key}/move-runs`)).body).toEqual({ moved: 1, kept: 0 })
    expect(await runsOf()).toMatchObject({ items: [{ version: 4 }] })
    expect((await member.get('/api/runs?locationId=nowhere')).body).toMatchObject({ total: 0, items: [] })
    expect((await member.get('/api/runs?state=lost')).status).toBe(400)
    const [run] = (await runsOf()).items
    expect((await member.send('POST', `/api/runs/${run.id}/cancel`)).status).toBe(403)
    expect(await admin.send('POST', `/api/runs/${run.id}/retry`)).toMatchObject({ status: 409, body: { error: { code: 'run_not_failed' } } })
    expect((await admin.send('POST', `/api/runs/${run.id}/cancel`)).body).toMatchObject({ state: 'stopped', reason: 'cancelled', nextAt: null })
    expect(await admin.send('POST', `/api/runs/${run.id}/cancel`)).toMatchObject({ status: 409, body: { error: { code: 'run_finished' } } })
  })

  it('the agency’s switch stops everything, is seen by everybody and set by admins', async () => {
    expect((await member.send('PUT', '/api/workflows/sending', { paused: true })).status).toBe(403)
    expect((await admin.send('PUT', '/api/workflows/sending', { paused: true })).body).toEqual({ paused: true })
    expect((await member.get('/api/workflows')).body).toMatchObject({ sending: { paused: true } })
    expect((await member.get('/api/settings')).body.settings.messages.paused).toBe(true)
    await admin.send('PUT', '/api/workflows/sending', { paused: false })
    expect((await member.get('/api/workflows/sending')).body).toEqual({ paused: false })
  })
})

describe('words with somebody’s data', () => {
  it('are shown as that person would read them, also before they are saved', async () => {
    const name = product.sandbox.company().accounts[0]!.name
    const { body, status } = await member.send('POST', `/api/workflows/${key}/preview`, { ...who, steps: { offer: { text: 'Hello {{ user.first_name }} of {{ account.name }},\n\nyou said {{ answer.level }}. {{ owner.name }}{{ answer.comment }}' } } })
    expect(status).toBe(200)
    const first = product.sandbox.state.users.get(who.userId)!.firstName
    expect(body).toMatchObject({ accountName: name, basis: 'event', missing: ['answer.comment'], steps: [{ stepId: 'offer', text: `Hello ${first} of ${name},\n\nyou said Happy. The Northbeam team` }] })
    expect(body.steps[0].html).toContain('background:#aa3300')
    expect((await detail(key)).copy.text).not.toContain('you said')
  })

  it('with a fault are refused at its place, and people of nowhere are 404', async () => {
    expect(await member.send('POST', `/api/workflows/${key}/preview`, { ...who, steps: { offer: { text: 'Hi\n\n{{ user.nick }}' } } })).toMatchObject({
      status: 422, body: { error: { code: 'invalid_template', details: { faults: [{ path: 'steps.offer.text', line: 3, column: 4 }, {}] } } },
    })
    expect((await member.send('POST', `/api/workflows/${key}/preview`, { ...who, userId: 'nobody' })).status).toBe(404)
    expect(await member.send('POST', `/api/workflows/${key}/preview`, { locationId: who.locationId })).toMatchObject({ status: 400, body: { error: { details: { fields: [{ field: 'userId' }] } } } })
  })

  it('are sent as a test to whoever asks, and to nobody else', async () => {
    const before = product.sandbox.state.messages.values().length
    const caps = await product.connection.collection('message_caps').countDocuments({})
    const { body, status } = await member.send('POST', `/api/workflows/${key}/test`, { ...who })
    const me = product.sandbox.company().staff[0]!
    expect([status, body]).toMatchObject([200, { to: me.email, via: 'smtp', stepId: 'offer', subject: '[Test] The newest words' }])
    expect(mailbox.received).toHaveLength(1)
    expect(mailbox.received[0]).toMatch(new RegExp(`To: ${me.email}`))
    expect(mailbox.received[0]).toContain('Nobody but you got it.')
    expect(mailbox.received[0]).toContain('Content-Type: text/html')
    expect(product.sandbox.state.messages.values()).toHaveLength(before)
    expect(await product.connection.collection('message_caps').countDocuments({})).toBe(caps)
    expect(await member.send('POST', `/api/workflows/${key}/test`, { stepId: 'pause' })).toMatchObject({ status: 422, body: { error: { code: 'nothing_to_send' } } })
    expect((await member.send('POST', `/api/workflows/${key}/test`, { userId: who.userId })).status).toBe(400)
  })
})

describe('a copy', () => {
  it('is a draft of its own that runs beside the shipped one', async () => {
    const { status, body } = await admin.send('POST', `/api/workflows/${key}/copy`, { name: 'Étape suivante' })
    expect([status, body]).toMatchObject([201, { key: 'own_e_tape_suivante', origin: 'own', copyOf: key, state: 'draft', version: 0, customised: false }])
    expect(await admin.send('POST', `/api/workflows/${key}/copy`, { name: 'x', key: 'welcome' })).toMatchObject({ status: 409, body: { error: { code: 'key_taken' } } })
    expect((await admin.send('PATCH', `/api/workflows/${body.key}`, { delayMinutes: 0, steps: { offer: { subject: 'From the copy' } } })).body).toMatchObject({ customised: true })
    expect((await admin.send('POST', `/api/workflows/${body.key}/publish`)).body).toMatchObject({ state: 'published', version: 1 })
    const other = product.sandbox.accountUsersOf(who.locationId)[1]!
    await product.answer({ locationId: who.locationId, userId: other.id }, 'happy')
    await product.settled()
    const { items } = (await member.get(`/api/workflows/${body.key}/runs`)).body
    expect(items).toMatchObject([{ userId: other.id, version: 1, state: 'done' }])
    const contact = product.sandbox.state.contacts.values().find((one) => one.email === other.email.toLowerCase())!
    expect(product.sandbox.state.messages.by('contact', contact.id).map(({ subject }) => subject)).toEqual(['From the copy'])
  })
})

describe('one file with all workflows', () => {
  it('is what the published schema says, and taking it in again changes nothing', async () => {
    const { body: file, headers } = await member.get('/api/workflows/export')
    expect(headers.get('content-disposition')).toContain('workflows.json')
    const schema = (await (await fetch(`${product.url}/api/workflows/schema.json`)).json()) as object
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
    expect([validate(file), validate.errors]).toEqual([true, null])
    const { body, status } = await admin.send('POST', '/api/workflows/import', file)
    expect([status, body.stored]).toEqual([200, true])
    expect(new Set((body.items as { change: string }[]).map((one) => one.change))).toEqual(new Set(['unchanged']))
    expect((await detail(key)).state).toBe('published')
    expect((await member.get('/api/workflows/export?keys=welcome,happy_next_step')).body.workflows).toHaveLength(2)
    expect((await member.get('/api/workflows/export?keys=no_such_one')).status).toBe(404)
  })

  it('brings own workflows in as drafts, and changes of live ones as drafts beside them', async () => {
    const { body: file } = (await admin.get(`/api/workflows/export?keys=${key}`)) as { body: WorkflowFile }
    const [entry] = file.workflows
    const definition = structuredClone(entry!.definition) as any
    const own = { ...structuredClone(definition), key: 'spring_offer', name: 'Spring offer', trigger: { events: ['contact.tag_added'], where: [] } }
    definition.steps[1].subject = 'From a file'
    const change = { ...file, workflows: [{ definition }, { definition: own, state: 'published' }] }
    expect((await admin.send('POST', '/api/workflows/import?checkOnly=true', change)).body).toEqual({ stored: false, items: [{ key, name: 'Useful next step', change: 'changed' }, { key: 'spring_offer', name: 'Spring offer', change: 'new' }] })
    expect((await admin.get('/api/workflows/spring_offer')).status).toBe(404)
    expect((await member.send('POST', '/api/workflows/import', change)).status).toBe(403)
    expect((await admin.send('POST', '/api/workflows/import', change)).body).toMatchObject({ stored: true })
    expect(await detail('spring_offer')).toMatchObject({ origin: 'own', state: 'draft' })
    expect(await detail(key)).toMatchObject({ state: 'published', hasDraft: true })
    await admin.send('DELETE', `/api/workflows/${key}/draft`)
  })

  it('with faults is refused whole, each named at its place', async () => {
    const { body: file } = (await admin.get('/api/workflows/export?keys=welcome,first_answer,no_answer,spring_offer')) as { body: WorkflowFile }
    const wrong = structuredClone(file) as { workflows: { definition: any }[] }
    wrong.workflows[0]!.definition.steps[1].subject = 'Hi {{ user.nick }}'
    wrong.workflows[1]!.definition.trigger.where[0].field = 'answer.colour'
    wrong.workflows[2]!.definition.steps[0].delayMinutes = -1
    wrong.workflows[3]!.definition.name = 'Changed'
    wrong.workflows.push({ definition: { ...structuredClone(file.workflows[3]!.definition), key: 'export' } }, { definition: file.workflows[0]!.definition })
    const { status, body } = await admin.send('POST', '/api/workflows/import', wrong)
    expect([status, body.error.code]).toEqual([422, 'invalid_file'])
    expect((body.error.details.faults as { path: string }[]).map((fault) => fault.path)).toEqual([
      'workflows.0.definition.steps.1.subject',
      'workflows.1.definition.trigger.where.0.field',
      // A condition is part of what a shipped workflow is.
      'workflows.1.definition.key',
      'workflows.2.definition.steps.0.delayMinutes',
      'workflows.4.definition.key',
      'workflows.5.definition.key',
    ])
    expect(body.error.details.faults[0]).toMatchObject({ line: 1, column: 7 })
    expect((await detail('spring_offer')).name).toBe('Spring offer')
    expect(await admin.send('POST', '/api/workflows/import', { ...file, formatVersion: 2 })).toMatchObject({ status: 400, body: { error: { details: { fields: [{ field: 'formatVersion' }] } } } })
  })
})

describe('another agency', () => {
  it('sees nothing of it', async () => {
    const [other] = [...product.sandbox.state.companies.values()].filter((company) => company.id !== product.companyId)
    await product.sandbox.install({ companyId: other!.id })
    stranger = product.as({ userId: product.sandbox.company(other!.id).admin.id })
    expect((await stranger.get('/api/workflows/spring_offer')).status).toBe(404)
    const runId = ((await admin.get('/api/runs')).body.items as { id: string }[])[0]!.id
    expect((await stranger.get(`/api/runs/${runId}`)).status).toBe(404)
    expect((await stranger.get('/api/runs')).body.total).toBe(0)
    for (const act of ['cancel', 'retry']) expect((await stranger.send('POST', `/api/runs/${runId}/${act}`)).status).toBe(404)
    expect((await stranger.send('POST', `/api/workflows/${key}/preview`, who)).status).toBe(404)
    expect((await stranger.send('POST', `/api/workflows/${key}/dry-run`, {})).body).toMatchObject({ eventsSeen: 0, total: 0 })
    expect((await stranger.get('/api/workflows/export?keys=spring_offer')).status).toBe(404)
  })
})
