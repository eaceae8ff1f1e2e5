import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Contact, Pipeline } from '../sandbox/index.ts'
import { startProduct, type Process, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'

const fieldNames = ['Happiness Level', 'Health Status', 'Happiness Score', 'Company Happiness Level', 'Last Feedback', 'Last Feedback Comment']
const levelNames = ['Not Happy', 'Neutral', 'Happy', 'Very Happy']

let product: Product
let second: Process
let headquartersId: string

beforeAll(async () => {
  product = await startProduct({ sandbox: { seed: { accounts: 3, usersPerAccount: 2, companies: 2 } } })
  second = await product.another()
  await product.install()
  headquartersId = product.sandbox.company().headquarters.id
}, 60_000)

afterAll(() => product.stop())

interface Check { key: string; ok: boolean; detail: string; fix: string | null }

const fields = () => product.sandbox.state.fields.by('location', headquartersId)
const pipelines = () => product.sandbox.state.pipelines.by('location', headquartersId)
const pipelineNamed = (name: string): Pipeline | undefined => pipelines().find((pipeline) => pipeline.name === name)
const fieldNamed = (name: string) => fields().find((field) => field.name === name)

async function check(key: string): Promise<Check> {
  const { body } = await product.admin().get('/api/setup?fresh=true')
  return (body.checks as Check[]).find((item) => item.key === key)!
}

async function ready(): Promise<boolean> {
  return (await product.admin().get('/api/setup?fresh=true')).body.ready as boolean
}

async function repair(): Promise<void> {
  const { status } = await product.admin().send('POST', '/api/setup/repair')
  expect(status).toBe(200)
}

function contactOf(userId: string): Contact | undefined {
  const { email } = product.sandbox.state.users.get(userId)!
  return product.sandbox.state.contacts.by('location', headquartersId).find((contact) => contact.email === email)
}

function valueOf(userId: string, fieldName: string): unknown {
  const field = fieldNamed(fieldName)
  return contactOf(userId)?.customFields.find(({ id }) => id === field?.id)?.value
}

function stagesOf(userId: string): string[] {
  const contact = contactOf(userId)
  return contact === undefined ? [] : product.sandbox.state.opportunities.by('contact', contact.id).map((card) =>
    product.sandbox.state.pipelines.get(card.pipelineId)?.stages.find((stage) => stage.id === card.pipelineStageId)?.name ?? '?')
}

const user = (account: number, index = 0) => {
  const { id: locationId } = product.sandbox.company().accounts[account]!
  return { locationId, userId: product.sandbox.accountUsersOf(locationId)[index]!.id }
}

describe('choosing the success location', () => {
  it('of another agency, or one that does not exist, is 404 and changes nothing', async () => {
    const otherId = product.sandbox.state.companies.values()[1]!.id
    const calls = product.sandbox.calls.length
    for (const locationId of [product.sandbox.company(otherId).headquarters.id, 'nowhere']) {
      const { status, body } = await product.admin().send('PUT', '/api/setup/success-location', { locationId })
      expect({ status, code: body.error.code as string }).toEqual({ status: 404, code: 'not_found' })
    }
    expect((await product.admin().get('/api/setup')).body.locationId).toBeNull()
    expect((await check('success_location')).fix).toContain('Choose')
    expect(product.sandbox.calls.slice(calls).filter((call) => call.method !== 'GET' && !call.path.startsWith('/oauth'))).toEqual([])
    expect((await product.as({ userId: product.sandbox.company().staff[0]!.id }).send('PUT', '/api/setup/success-location', { locationId: headquartersId })).status).toBe(403)
  })

  it('names exactly what a person has to make when pipelines may not be created; cards wait and arrive', async () => {
    const { sandbox } = product
    sandbox.settings.pipelinesV3 = false
    const chosen = await product.admin().send('PUT', '/api/setup/success-location', { locationId: headquartersId })
    expect(chosen.status).toBe(200)
    expect(chosen.body.ready).toBe(false)
    const failing = (chosen.body.checks as Check[]).filter((item) => !item.ok)
    expect(failing.map((item) => item.key)).toEqual(['pipeline.happiness', 'pipeline.health'])
    for (const name of ['Happiness Level', ...levelNames]) expect(failing[0]!.fix).toContain(`"${name}"`)
    for (const name of ['Company Health Status', 'Struggling', 'Steady', 'Healthy', 'Thriving']) expect(failing[1]!.fix).toContain(`"${name}"`)

    const who = await product.enableFeedback(0)
    expect((await product.answer(who, 'happy')).status).toBe(201)
    await until('the fields need no pipeline', () => valueOf(who.userId, 'Happiness Level') === 'Happy')
    await product.settled()
    expect(stagesOf(who.userId)).toEqual([])

    sandbox.createPipeline(headquartersId, 'happiness level ', ['Not Happy', 'Neutral', 'Very Happy'])
    await repair()
    const half = await check('pipeline.happiness')
    expect(half.ok).toBe(false)
    expect(`${half.detail} ${half.fix ?? ''}`).toContain('"Happy"')
    expect(half.fix).not.toContain('"Neutral"')

    sandbox.deletePipeline(pipelineNamed('happiness level ')!.id)
    sandbox.createPipeline(headquartersId, 'Happiness Level', levelNames)
    sandbox.createPipeline(headquartersId, 'Company Health Status', ['Struggling', 'Steady', 'Healthy', 'Thriving'])
    await repair()
    expect(await ready()).toBe(true)
    await until('the waiting card', () => stagesOf(who.userId)[0] === 'Happy')
    expect(stagesOf(who.userId)).toEqual(['Happy'])
    sandbox.settings.pipelinesV3 = true
  })

  it('again, from two processes at once, makes nothing twice', async () => {
    const { sandbox } = product
    const before = { fields: fields().length, pipelines: pipelines().length, tags: sandbox.state.tags.by('location', headquartersId).length }
    const admins = [product.admin(), product.as({ userId: sandbox.company().admin.id }, second.url)]
    const answers = await Promise.all([...admins, ...admins].map((client) => client.send('PUT', '/api/setup/success-location', { locationId: headquartersId })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    await until('set-up complete', ready)
    expect({ fields: fields().length, pipelines: pipelines().length, tags: sandbox.state.tags.by('location', headquartersId).length }).toEqual(before)
  })

  it('for the first time, from two processes at once, makes everything exactly once and takes what is there by its name', async () => {
    const { sandbox } = product
    const location = sandbox.createLocation({ companyId: product.companyId, name: 'Second HQ' })
    await until('the new account', async () => (await product.app.services.accounts.get(product.companyId, location.id)) !== null)
    const own = sandbox.createField(location.id, { model: 'contact', name: 'health status', dataType: 'SINGLE_OPTIONS', options: ['Thriving', 'Healthy', 'Steady', 'Struggling'] } as never)
    const mine = sandbox.createPipeline(location.id, 'Company Health Status', ['Lost', 'Struggling', 'Steady', 'Healthy', 'Thriving'])
    const admins = [product.admin(), product.as({ userId: sandbox.company().admin.id }, second.url)]
    const answers = await Promise.all([...admins, ...admins].map((client) => client.send('PUT', '/api/setup/success-location', { locationId: location.id })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    await until('set-up complete', ready)
    const made = sandbox.state.fields.by('location', location.id).map((field) => field.name.toLowerCase()).sort()
    expect(made).toEqual(fieldNames.map((name) => name.toLowerCase()).sort())
    expect(sandbox.state.pipelines.by('location', location.id).map((pipeline) => pipeline.name).sort()).toEqual(['Company Health Status', 'Happiness Level'])
    const tags = sandbox.state.tags.by('location', location.id).map((tag) => tag.name)
    expect(tags).toHaveLength(8)
    expect(new Set(tags).size).toBe(8)
    const map = await product.app.services.setup.resources(product.companyId)
    expect(map).toMatchObject({ locationId: location.id, fields: { healthStatus: own.id }, pipelines: { health: { id: mine.id } } })

    // Back to the first one: everything is found again.
    const before = { fields: fields().length, pipelines: pipelines().length }
    await product.admin().send('PUT', '/api/setup/success-location', { locationId: headquartersId })
    await until('set-up complete', ready)
    expect({ fields: fields().length, pipelines: pipelines().length }).toEqual(before)
  })
})

describe('drift', () => {
  it('by new names alone changes nothing: fields, stages and pipelines are known by their ids', async () => {
    const { sandbox } = product
    sandbox.renameField(fieldNamed('Happiness Level')!.id, 'Mood')
    const pipeline = sandbox.renamePipeline(pipelineNamed('Happiness Level')!.id, 'Customer mood')
    sandbox.renameStage(pipeline.id, pipeline.stages.find((stage) => stage.name === 'Neutral')!.id, 'So-so')
    expect(await ready()).toBe(true)
    expect((await check('field.happiness_level')).detail).toContain('"Mood"')
    expect((await check('pipeline.happiness')).detail).toContain('"Customer mood"')
    const who = user(0)
    await product.answer(who, 'neutral')
    await until('the renamed field and stage', () => valueOf(who.userId, 'Mood') === 'Neutral' && stagesOf(who.userId)[0] === 'So-so')
    expect(fieldNamed('Happiness Level')).toBeUndefined()
    sandbox.renameField(fieldNamed('Mood')!.id, 'Happiness Level')
    sandbox.renamePipeline(pipeline.id, 'Happiness Level')
    sandbox.renameStage(pipeline.id, pipelines().find(({ id }) => id === pipeline.id)!.stages.find((stage) => stage.name === 'So-so')!.id, 'Neutral')
  })

  it('by a deleted field is told with its fix; the work waits, and repair delivers it', async () => {
    const { sandbox } = product
    const who = user(0)
    await product.settled()
    sandbox.deleteField(fieldNamed('Last Feedback Comment')!.id)
    const found = await check('field.last_feedback_comment')
    expect(found).toMatchObject({ ok: false, fix: expect.stringContaining('Repair') })
    expect(found.detail).toContain('Last Feedback Comment')
    await until('the team was told', async () => JSON.stringify((await product.admin().get('/api/notifications')).body.items).includes('set-up needs was changed'))
    await product.answer(who, 'happy', { comment: 'Better now.' })
    await until('the rest is written', () => valueOf(who.userId, 'Happiness Level') === 'Happy')
    await repair()
    expect(await ready()).toBe(true)
    await until('the comment', () => valueOf(who.userId, 'Last Feedback Comment') === 'Better now.')
    expect(fields().filter((field) => field.name === 'Last Feedback Comment')).toHaveLength(1)
  })

  it('by a field deleted unseen is found by the work itself', async () => {
    const { sandbox } = product
    const who = user(1)
    await product.enableFeedback(1)
    await product.answer(who, 'neutral')
    await until('the field', () => valueOf(who.userId, 'Happiness Level') === 'Neutral')
    await product.settled()
    sandbox.deleteField(fieldNamed('Happiness Level')!.id)
    // Nobody looks at the set-up page: the answer is written into a field that is gone.
    await product.answer(who, 'very_happy')
    await product.settled()
    expect((await check('field.happiness_level')).ok).toBe(false)
    await repair()
    await until('the new field', () => valueOf(who.userId, 'Happiness Level') === 'Very Happy')
    await until('the others of the account too', () => valueOf(user(0).userId, 'Happiness Level') === 'Happy')
    expect(await ready()).toBe(true)
    await product.settled()
    const { body } = await product.admin().get('/api/operations')
    expect((body.queues as { name: string; held: number; dead: number }[]).filter((queue) => queue.held + queue.dead > 0)).toEqual([])
  })

  it('by changed options is told and mended without touching options of the agency', async () => {
    const { sandbox } = product
    sandbox.setFieldOptions(fieldNamed('Happiness Level')!.id, ['Not Happy', 'Happy', 'Ecstatic'])
    const found = await check('field.happiness_level')
    expect(found.ok).toBe(false)
    for (const option of ['Neutral', 'Very Happy']) expect(found.detail).toContain(`"${option}"`)
    expect(found.detail).not.toContain('"Happy"')
    await repair()
    expect(fieldNamed('Happiness Level')!.picklistOptions).toEqual(expect.arrayContaining(['Ecstatic', 'Neutral', 'Very Happy']))
    expect(await ready()).toBe(true)
  })

  it('by an option taken away unseen holds the values that need it until the option is back by itself', async () => {
    const { sandbox } = product
    const who = user(1)
    await product.settled()
    sandbox.setFieldOptions(fieldNamed('Happiness Level')!.id, ['Not Happy', 'Happy', 'Very Happy'])
    // The other side takes the value without complaint and does not keep it.
    await product.answer(who, 'neutral', { comment: 'In the middle.' })
    await until('what can be kept', () => valueOf(who.userId, 'Last Feedback Comment') === 'In the middle.' && stagesOf(who.userId)[0] === 'Neutral')
    await until('the team was told', async () => JSON.stringify((await product.admin().get('/api/notifications?pageSize=100')).body.items).includes('lacks the options'), 15_000, 200)
    await until('the value', () => valueOf(who.userId, 'Happiness Level') === 'Neutral')
    expect(await ready()).toBe(true)
    await product.answer(who, 'very_happy')
    await until('the next value', () => valueOf(who.userId, 'Happiness Level') === 'Very Happy')
  })

  it('by a deleted stage or pipeline is told with its fix; cards wait, and repair delivers them', async () => {
    const { sandbox } = product
    const who = user(2)
    await product.enableFeedback(2)
    const pipeline = pipelineNamed('Happiness Level')!
    sandbox.deleteStage(pipeline.id, pipeline.stages.find((stage) => stage.name === 'Very Happy')!.id)
    expect(await check('pipeline.happiness')).toMatchObject({ ok: false, detail: expect.stringContaining('"Very Happy"') })
    await product.answer(who, 'very_happy')
    await until('the field', () => valueOf(who.userId, 'Happiness Level') === 'Very Happy')
    await product.settled()
    expect(stagesOf(who.userId)).toEqual([])
    await repair()
    await until('the card', () => stagesOf(who.userId)[0] === 'Very Happy')
    expect(pipelineNamed('Happiness Level')!.stages.map((stage) => stage.name).sort()).toEqual([...levelNames].sort())
    // The card of another account that fell to the lowest stage goes back to where it belongs.
    await until('the fallen card', () => stagesOf(user(1).userId)[0] === 'Very Happy')

    await product.settled()
    sandbox.deletePipeline(pipelineNamed('Happiness Level')!.id)
    expect(await check('pipeline.happiness')).toMatchObject({ ok: false, fix: expect.stringContaining('Repair') })
    await product.answer(who, 'neutral')
    await until('the field', () => valueOf(who.userId, 'Happiness Level') === 'Neutral')
    await repair()
    expect(await ready()).toBe(true)
    await until('the card on the new pipeline', () => stagesOf(who.userId)[0] === 'Neutral')
    await until('the cards of all others', () => [user(0), user(1), who].every((each) => stagesOf(each.userId).length === 1))
    await product.settled()
    for (const each of [user(0), user(1), who]) expect(stagesOf(each.userId)).toHaveLength(1)
  })
})
