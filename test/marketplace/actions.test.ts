import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ActionRun } from '../sandbox/index.ts'
import { until } from '../support/until.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
let contactId: string

beforeAll(async () => {
  stage = await openStage()
  await stage.product.answer(stage.who, 'happy')
  contactId = await stage.contactId()
  await stage.product.settled()
}, 120_000)
afterAll(() => stage.product.stop())

const run = (key: string, data: Record<string, unknown> = {}, more: { contactId?: string; workflowId?: string; branches?: { id: string; name: string; fields: Record<string, unknown> }[] } = {}): Promise<ActionRun> =>
  stage.product.sandbox.builder.runAction({ workflowId: stage.workflow.id, contactId, key, data, ...more })
const messageOf = ({ answer }: ActionRun): string => (answer as { error: { message: string } }).error.message
const healthPath = () => `/api/accounts/${stage.who.locationId}/health`

describe('Set Health Status', () => {
  it('sets the status as our page does: history, field, card; the workflow is named, and what was written comes back as no edit', async () => {
    const { product, headquartersId, who } = stage
    const done = await run('set_health_status', { level: 'Struggling', note: 'Missed two payments.', reasonCodes: ['Budget constraints'] })
    expect(done).toMatchObject({ status: 200, answer: { level: 'struggling', levelLabel: 'Struggling', changed: 'yes', before: 'No reading', accountName: product.sandbox.company().accounts[0]!.name } })
    const { state } = product.sandbox
    const stageNow = () => {
      const pipeline = state.pipelines.by('location', headquartersId).find(({ name }) => name === 'Company Health Status')!
      const card = state.opportunities.by('pipeline', pipeline.id)[0]
      return pipeline.stages.find(({ id }) => id === card?.pipelineStageId)?.name
    }
    const field = state.fields.by('location', headquartersId).find(({ name }) => name === 'Health Status')!
    await until('the card and the field', () => stageNow() === 'Struggling' && state.contacts.get(contactId)!.customFields.find(({ id }) => id === field.id)?.value === 'Struggling', 30_000)
    await run('set_health_status', { level: 'steady', note: 'They paid.' })
    await until('the card moved', () => stageNow() === 'Steady', 30_000)
    await product.settled()
    const { items } = (await product.admin().get(`${healthPath()}/history`)).body
    expect(items).toMatchObject([
      { level: 'steady', before: 'struggling', source: 'api', note: 'They paid.', actor: { kind: 'crm', id: stage.workflow.id, name: 'A workflow' } },
      { level: 'struggling', before: null, reasonCodes: ['budget_constraints'] },
    ])
    expect((await product.admin().get(`/api/accounts/${who.locationId}`)).body.health.level).toBe('steady')
  }, 90_000)

  it('carried out twice within a minute is one change with one answer', async () => {
    const data = { level: 'healthy', note: 'A good week.' }
    const [first, second] = [await run('set_health_status', data), await run('set_health_status', { note: data.note, level: data.level })]
    expect(second).toMatchObject({ status: 200, answer: first.answer })
    const together = await Promise.all([1, 2, 3].map(() => run('set_health_status', { level: 'thriving', note: 'At once.' })))
    // Whoever comes while it is carried out is told to come again.
    expect(new Set(together.map(({ status }) => status))).toEqual(new Set(together.some(({ status }) => status === 503) ? [200, 503] : [200]))
    const { items } = (await stage.product.admin().get(`${healthPath()}/history`)).body
    expect((items as { note: string; confirmations: unknown[] }[]).filter(({ note }) => note === data.note || note === 'At once.')).toMatchObject([{ level: 'thriving', confirmations: [] }, { level: 'healthy', confirmations: [] }])
  }, 60_000)

  it('does not start the workflow again that set it', async () => {
    const { product, workflow } = stage
    const other = product.sandbox.state.workflows.by('location', stage.headquartersId)[1]!
    const own = await product.sandbox.builder.addTrigger({ workflowId: workflow.id, key: 'health_status_changed' })
    const others = await product.sandbox.builder.addTrigger({ workflowId: other.id, key: 'health_status_changed' })
    await run('set_health_status', { level: 'steady', note: 'By a workflow.' })
    await until('the other workflow', () => product.sandbox.builder.executions(others.id).length === 1)
    await stage.fired()
    expect(product.sandbox.builder.executions(others.id)[0]!.payload).toMatchObject({ changedIn: 'workflow', changedBy: 'A workflow' })
    expect(product.sandbox.builder.executions(own.id)).toEqual([])
    for (const { id } of [own, others]) await product.sandbox.builder.removeTrigger(id)
  }, 60_000)

  it.each([
    ['no level', { note: 'Why not.' }, /^level: must be one of Struggling, Steady, Healthy, Thriving/],
    ['an unknown level', { level: 'splendid', note: 'Why not.' }, /^level: must be one of/],
    ['an operator instead of a level', { level: { $ne: '' }, note: 'Why not.' }, /^level: must be one of/],
    ['no note', { level: 'steady' }, /^Say why in a few words/],
    ['a note of a novel', { level: 'steady', note: 'x'.repeat(1_001) }, /^note: must not be longer/],
    ['an unknown reason', { level: 'steady', note: 'Because.', reasonCodes: ['weather'] }, /There is no reason "weather"/],
  ])('refuses %s in words that name the field', async (_what, data, words) => {
    const refused = await run('set_health_status', data)
    expect([refused.status, messageOf(refused)]).toEqual([422, expect.stringMatching(words)])
  })

  it('offers the agency\'s own reasons while somebody sets up the step', async () => {
    const { product, headquartersId, who } = stage
    const inputs = await product.sandbox.builder.dynamic('/webhooks/highlevel/actions/set_health_status/fields', headquartersId)
    expect(inputs).toMatchObject({ inputs: [{ section: 'Reasons', fields: [{ field: 'reasonCodes', fieldType: 'multiselect', options: expect.arrayContaining([{ label: 'Budget constraints', value: 'budget_constraints' }]) }] }] })
    expect(await product.sandbox.builder.dynamic('/webhooks/highlevel/triggers/health_status_changed/filters', headquartersId)).toMatchObject({ filters: [{ field: 'ownerId', options: expect.arrayContaining([expect.objectContaining({ label: 'Theo Marsh' })]) }] })
    expect(await product.sandbox.builder.dynamic('/webhooks/highlevel/actions/set_health_status/fields', who.locationId)).toEqual({ inputs: [] })
  })
})

describe('Ask for feedback now', () => {
  it('makes the prompt due for the contact\'s person and gives a link that takes their answer', async () => {
    const { product, who } = stage
    const user = product.as(who)
    expect((await user.get('/api/prompt')).body.due).toBe(false)
    const asked = await run('ask_for_feedback', { note: 'Before the renewal.' })
    const answer = asked.answer as Record<string, string>
    expect(asked).toMatchObject({ status: 200, answer: { asked: 'yes', reason: '' } })
    expect((await user.get('/api/prompt')).body).toMatchObject({ due: true })
    const page = await fetch(answer['feedbackLink']!.replace(/^https?:\/\/[^/]+/, product.url))
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
    const { items } = (await product.admin().get(`/api/accounts/${who.locationId}/timeline`)).body
    expect((items as { type: string; summary: string }[]).filter(({ type }) => type === 'feedback.requested')).toMatchObject([{ summary: expect.stringMatching(/^A workflow asked /), source: 'workflow' }])
  }, 60_000)

  it('says why somebody is not asked, so that the workflow can go another way', async () => {
    const { product, who } = stage
    await product.admin().send('PUT', `/api/accounts/${who.locationId}/feedback`, { enabled: false })
    expect(await run('ask_for_feedback', { note: 'Off.' })).toMatchObject({ status: 200, answer: { asked: 'no', feedbackLink: '', reason: expect.stringContaining('Feedback is off') } })
    await product.admin().send('PUT', `/api/accounts/${who.locationId}/feedback`, { enabled: true })
  }, 60_000)
})

describe('a contact that the agency had before', () => {
  it('and of whom nothing was ever written is known by the address: they can be asked, and have no reading', async () => {
    const { product, headquartersId } = stage
    const third = await product.enableFeedback(2)
    const email = product.sandbox.state.users.get(third.userId)!.email.toLowerCase()
    const contact = product.sandbox.state.contacts.by('location', headquartersId).find((one) => one.email === email)!
    expect(await product.app.services.effects.subjectsOf(product.companyId, contact.id)).toEqual([])
    expect(await run('branch_by_level', { reading: 'person_happiness' }, { contactId: contact.id, branches: [{ id: 'new', name: 'No reading', fields: {} }] })).toMatchObject({ status: 200, answer: { branchId: 'new' } })
    expect(await run('ask_for_feedback', {}, { contactId: contact.id })).toMatchObject({ status: 200, answer: { asked: 'yes', accountName: product.sandbox.company().accounts[2]!.name } })
    expect((await product.as(third).get('/api/prompt')).body.due).toBe(true)
    // Somebody who is no customer stays a stranger.
    const stranger = product.sandbox.createContact(headquartersId, { email: 'nobody@elsewhere.example', firstName: 'No', lastName: 'Body' })
    expect(await run('ask_for_feedback', {}, { contactId: stranger.id })).toMatchObject({ status: 404, answer: { error: { code: 'contact_unknown' } } })
  }, 60_000)
})

describe('Branch by level', () => {
  const branches = ['Very Happy', 'Happy', 'Neutral', 'Not Happy', 'Thriving', 'Healthy', 'Steady', 'Struggling', 'No reading'].map((name) => ({ id: `b-${name.toLowerCase().replace(' ', '-')}`, name, fields: {} }))

  it('answers the branch of the level that is true now', async () => {
    await run('set_health_status', { level: 'healthy', note: 'For the branch.' })
    expect(await run('branch_by_level', { reading: 'health_status' }, { branches })).toMatchObject({ status: 200, answer: { branchId: 'b-healthy', level: 'healthy', levelLabel: 'Healthy' } })
    expect(await run('branch_by_level', { reading: 'person_happiness' }, { branches })).toMatchObject({ answer: { branchId: 'b-happy', level: 'happy' } })
    expect(await run('branch_by_level', { reading: 'account_happiness' }, { branches: [{ id: 'fields', name: 'Fine people', fields: { level: ['very_happy', 'happy'] } }] })).toMatchObject({ answer: { branchId: 'fields' } })
    await stage.product.answer(stage.who, 'neutral')
    await stage.product.settled()
    expect(await run('branch_by_level', { reading: 'person_happiness' }, { branches })).toMatchObject({ answer: { branchId: 'b-neutral' } })
  }, 60_000)

  it('knows "no reading", takes the branch for all others where none fits, and names a branch that means no level', async () => {
    const { product } = stage
    const second = await product.enableFeedback(1)
    const path = `/api/accounts/${second.locationId}/health`
    await product.admin().send('PUT', path, { level: 'steady', note: 'To have a contact.' })
    const email = product.sandbox.accountUsersOf(second.locationId).map((user) => user.email.toLowerCase())
    const contact = await until('the second account\'s contact', async () => {
      const found = product.sandbox.state.contacts.by('location', stage.headquartersId).find((one) => email.includes(one.email))
      const bound = found === undefined ? [] : await product.app.services.effects.subjectsOf(product.companyId, found.id).catch(() => [])
      return bound.length > 0 && found
    }, 30_000)
    const other = { contactId: contact.id }
    expect(await run('branch_by_level', { reading: 'account_happiness' }, { ...other, branches })).toMatchObject({ answer: { branchId: 'b-no-reading', level: 'none', levelLabel: 'No reading' } })
    expect(await run('branch_by_level', { reading: 'account_happiness' }, { ...other, branches: [{ id: 'rest', name: 'Otherwise', fields: {} }] })).toMatchObject({ answer: { branchId: 'rest' } })
    expect((await run('branch_by_level', { reading: 'account_happiness' }, { ...other, branches: [] })).answer).toEqual({ level: 'none', levelLabel: 'No reading', accountName: expect.any(String) })
    const wrong = await run('branch_by_level', { reading: 'health_status' }, { ...other, branches: [{ id: 'x', name: 'Mine', fields: { level: 'superb' } }] })
    expect([wrong.status, messageOf(wrong)]).toEqual([422, expect.stringMatching(/^branches\.Mine: "superb" is no level/)])
    expect((await run('branch_by_level', {}, { branches })).status).toBe(422)
  }, 60_000)
})
