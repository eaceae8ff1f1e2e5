import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { triggers } from '../../src/marketplace/index.ts'
import type { TriggerExecution, WorkflowTrigger } from '../sandbox/index.ts'
import { until } from '../support/until.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
let executions: (triggerId?: string) => TriggerExecution[]

beforeAll(async () => {
  stage = await openStage()
  executions = (triggerId) => stage.product.sandbox.builder.executions(triggerId)
}, 120_000)
afterAll(() => stage.product.stop())

const path = () => `/api/accounts/${stage.who.locationId}/health`
const put = (key: string, filters: { field: string; value: string | string[]; operator?: string }[] = [], workflowId = stage.workflow.id): Promise<WorkflowTrigger> => stage.product.sandbox.builder.addTrigger({ workflowId, key, filters })
const workflowIn = (locationId: string) => stage.product.sandbox.createWorkflow(locationId, 'Their own workflow')

beforeEach(async () => {
  const { sandbox } = stage.product
  for (const trigger of sandbox.state.workflowTriggers.values()) await sandbox.builder.removeTrigger(trigger.id)
})

describe('a trigger in a workflow of the success location', () => {
  it('starts it once for an answer, with the person bound and every variable that was declared', async () => {
    const { product, who } = stage
    const trigger = await put('feedback_received', [{ field: 'level', value: ['very_happy', 'happy'] }])
    expect(trigger.told).toBe(200)
    expect(JSON.parse(trigger.answer)).toEqual({ outcome: 'created', problems: [] })
    await product.answer(who, 'very_happy', { comment: 'Great reports.' })
    const contactId = await stage.contactId()
    await until('the execution', () => executions(trigger.id).length > 0)
    await stage.fired()
    const found = executions(trigger.id)
    expect(found).toHaveLength(1)
    const user = product.sandbox.state.users.get(who.userId)!
    expect(found[0]).toMatchObject({ workflowId: stage.workflow.id, contactId })
    const { payload } = found[0]!
    expect(payload).toMatchObject({
      level: 'very_happy', levelLabel: 'Very Happy', comment: 'Great reports.', hasComment: 'yes', answeredVia: 'widget', accountLevelLabel: 'Very Happy', healthStatusLabel: 'No reading',
      contactId, email: user.email, firstName: user.firstName, personName: `${user.firstName} ${user.lastName}`, accountId: who.locationId, accountName: product.sandbox.company().accounts[0]!.name,
    })
    expect(Object.keys(payload).sort()).toEqual(triggers.find(({ key }) => key === 'feedback_received')!.variables.map(({ key }) => key).sort())
    expect((await product.admin().get('/api/marketplace')).body.subscriptions).toMatchObject([{ triggerKey: 'feedback_received', fired: 1, state: 'active', problems: [] }])
    expect((await product.admin().get('/api/marketplace/executions')).body.items[0]).toMatchObject({ state: 'accepted', accountId: who.locationId })
  }, 60_000)

  it('stays still where a filter does not fit, or cannot be judged', async () => {
    const { product, who } = stage
    const other = await put('feedback_received', [{ field: 'level', value: 'neutral' }])
    const strange = await put('feedback_received', [{ field: 'level', value: 'not_happy', operator: 'resembles' }])
    const foreign = await put('feedback_received', [{ field: 'mood', value: 'bright' }])
    const fits = await put('feedback_received', [{ field: 'level', value: 'Not Happy' }, { field: 'comment', value: 'INVOICE', operator: 'contains' }])
    expect(JSON.parse(strange.answer).problems).toEqual([expect.stringContaining('"resembles"')])
    expect(JSON.parse(foreign.answer).problems).toEqual([expect.stringContaining('"mood"')])
    await product.answer({ ...who, userId: who.userIds[1] ?? who.userId }, 'not_happy', { comment: 'The invoices are wrong.' })
    await until('the fitting one', () => executions(fits.id).length > 0)
    await stage.fired()
    expect([other, strange, foreign].flatMap(({ id }) => executions(id))).toEqual([])
    expect(executions(fits.id)).toHaveLength(1)
  }, 60_000)

  it('tells both readings of Happiness, each with from, to and direction', async () => {
    const { product, who } = stage
    const person = await put('happiness_level_changed', [{ field: 'reading', value: 'person' }])
    const account = await put('happiness_level_changed', [{ field: 'reading', value: 'account' }, { field: 'direction', value: ['fell'] }])
    for (const userId of who.userIds) await product.answer({ ...who, userId }, 'not_happy')
    await until('both', () => executions(person.id).length > 0 && executions(account.id).length > 0)
    await stage.fired()
    expect(executions(person.id).map(({ payload }) => payload)).toContainEqual(expect.objectContaining({ reading: 'person', from: 'very_happy', to: 'not_happy', direction: 'fell' }))
    for (const { payload } of executions(account.id)) expect(payload).toMatchObject({ reading: 'account', direction: 'fell', eligible: who.userIds.length })
    const events = executions(account.id).map(({ payload }) => payload['eventId'])
    expect(new Set(events).size).toBe(events.length)
  }, 60_000)

  it('tells a change of Health Status wherever it was made, with note and reasons', async () => {
    const { product } = stage
    const trigger = await put('health_status_changed', [{ field: 'to', value: ['Struggling', 'Steady'] }])
    await product.admin().send('PUT', path(), { level: 'struggling', note: 'Two customers left.', reasonCodes: ['budget_constraints'] })
    await until('the execution', () => executions(trigger.id).length === 1)
    expect(executions(trigger.id)[0]).toMatchObject({ contactId: expect.stringMatching(/^\w+$/), payload: { from: 'none', to: 'struggling', direction: 'first', note: 'Two customers left.', reasons: 'Budget constraints', changedIn: 'page' } })
    // What a person sets in the contact's field is told as well; a confirmation is no change.
    await product.admin().send('PUT', path(), { level: 'struggling', note: 'Still so.' })
    await product.settled()
    product.sandbox.updateContact(await stage.contactId(), { fields: { 'Health Status': 'Steady' } })
    await until('the second', () => executions(trigger.id).length === 2, 30_000)
    await stage.fired()
    expect(executions(trigger.id)[1]!.payload).toMatchObject({ from: 'struggling', to: 'steady', direction: 'rose', changedIn: 'field', note: '' })
  }, 90_000)
})

describe('a workflow of a customer\'s own sub-account', () => {
  it('hears of its own account only, and nothing that is the agency\'s own business', async () => {
    const { product, who } = stage
    const neighbour = product.sandbox.company().accounts[1]!
    const own = await put('feedback_received', [], workflowIn(who.locationId).id)
    const prying = await put('feedback_received', [{ field: 'comment', value: 'secret', operator: 'contains' }], workflowIn(who.locationId).id)
    const foreign = await put('feedback_received', [], workflowIn(neighbour.id).id)
    const health = await put('health_status_changed', [], workflowIn(who.locationId).id)
    expect(JSON.parse(prying.answer).problems).toHaveLength(1)
    await product.answer(who, 'happy', { comment: 'A secret of ours.' })
    await product.admin().send('PUT', path(), { level: 'thriving', note: 'For our eyes.' })
    await until('the own ones', () => executions(own.id).length > 0 && executions(health.id).length > 0)
    await stage.fired()
    expect(executions(foreign.id)).toEqual([])
    expect(executions(prying.id)).toEqual([])
    const told = JSON.stringify([...executions(own.id), ...executions(health.id)].map(({ payload }) => payload))
    for (const secret of ['A secret', 'For our eyes', 'contactId', 'changedBy', 'ownerEmail', 'accountGroup']) expect(told).not.toContain(secret)
    expect(executions(own.id)[0]!.payload).toMatchObject({ level: 'happy', email: product.sandbox.state.users.get(who.userId)!.email })
  }, 60_000)
})

describe('a trigger that was taken out', () => {
  it('fires no more; one that was changed fires by its new filters', async () => {
    const { product, who } = stage
    const gone = await put('feedback_received')
    const changed = await put('feedback_received', [{ field: 'level', value: 'very_happy' }])
    await product.sandbox.builder.removeTrigger(gone.id)
    await product.sandbox.builder.changeTrigger(changed.id, [{ field: 'level', value: 'neutral' }])
    await product.answer(who, 'neutral')
    await until('the changed one', () => executions(changed.id).length === 1)
    await stage.fired()
    expect(executions(gone.id)).toEqual([])
  }, 60_000)

  it('without the app being told is found out when it fires, and then left alone', async () => {
    const { product, who } = stage
    const trigger = await put('feedback_received')
    product.sandbox.state.workflowTriggers.delete(trigger.id)
    await product.answer(who, 'happy')
    await until('the dead letter', async () => (await product.app.services.marketplace.queue.counts()).dead > 0)
    const items = (await product.admin().get('/api/operations/queues/marketplace?state=dead')).body.items
    expect(items[0].error.code).toBe('highlevel_not_found')
    expect((await product.admin().get('/api/marketplace')).body.subscriptions).toContainEqual(expect.objectContaining({ state: 'gone' }))
    const before = product.sandbox.calls.filter((one) => one.path.includes('triggers/execute')).length
    await product.answer(who, 'very_happy')
    await stage.fired()
    expect(product.sandbox.calls.filter((one) => one.path.includes('triggers/execute'))).toHaveLength(before)
  }, 60_000)
})

describe('an uninstall', () => {
  it('ends every subscription: of the sub-account, then of the agency', async () => {
    const { product, who } = stage
    await put('feedback_received')
    await put('feedback_received', [], workflowIn(who.locationId).id)
    const listed = async () => (await product.app.services.marketplace.view(product.companyId)).subscriptions.filter(({ state }) => state === 'active').map(({ locationId }) => locationId)
    expect((await listed()).sort()).toEqual([who.locationId, stage.headquartersId].sort())
    product.sandbox.uninstall({ locationId: who.locationId })
    await until('the account\'s gone', async () => (await listed()).join() === stage.headquartersId)
    product.sandbox.uninstall()
    await until('all gone', async () => (await listed()).length === 0)
    expect(await product.connection.collection('marketplace_subscriptions').countDocuments({ companyId: product.companyId, state: 'active' })).toBe(0)
  }, 60_000)
})
