import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openDrifting, type Drifting } from './support/drifting.ts'
import { until } from '../support/until.ts'

let d: Drifting

beforeAll(async () => {
  d = await openDrifting()
}, 60_000)

afterAll(() => d.product.stop())

describe('a custom field', () => {
  it('whose option was renamed or deleted is told within an hour and gets the option back by itself; the value that needs it arrives', async () => {
    const { sandbox } = d.product
    for (const [key, name, without] of [['field.happiness_level', 'Happiness Level', 'Neutral'], ['field.health_status', 'Health Status', 'Steady']] as const) {
      const field = d.fieldNamed(name)!
      sandbox.setFieldOptions(field.id, field.picklistOptions.map((option) => (option === without ? `${without} or so` : option)))
      await d.nextCycle()
      expect(d.told(key).detail).toContain(`"${without}"`)
    }
    await d.answer(d.people[0]!, 'neutral')
    await d.setHealth(d.people[0]!, 'steady')
    await d.mended()
    await until('both values', () => d.valueOf(d.people[0]!, 'Happiness Level') === 'Neutral' && d.valueOf(d.people[0]!, 'Health Status') === 'Steady')
    expect(d.fieldNamed('Health Status')!.picklistOptions).toEqual(expect.arrayContaining(['Steady', 'Steady or so']))
    await d.product.settled()
    expect(await d.unfinished()).toEqual([])
  })

  it('that was renamed is used under its new name, and that is said', async () => {
    const { sandbox } = d.product
    const field = d.fieldNamed('Health Status')!
    sandbox.renameField(field.id, 'Account temperature')
    await d.nextCycle()
    expect(await d.check('field.health_status')).toMatchObject({ ok: true, detail: expect.stringContaining('"Account temperature"') })
    await d.setHealth(d.people[0]!, 'healthy')
    await until('the value', () => d.valueOf(d.people[0]!, 'Account temperature') === 'Healthy')
    sandbox.renameField(field.id, 'Health Status')
    await d.answer(d.people[0]!, 'happy')
  })

  it('that was deleted holds what needs it, with the reason; made anew under its name it is taken up and everything arrives', async () => {
    const { sandbox } = d.product
    for (const [key, name, field] of [['field.happiness_level', 'Happiness Level', 'happinessLevel'], ['field.health_status', 'Health Status', 'healthStatus']] as const) {
      const { id, picklistOptions } = d.fieldNamed(name)!
      sandbox.deleteField(id)
      await d.nextCycle()
      expect(d.told(key)).toMatchObject({ detail: expect.stringContaining('deleted'), fix: expect.stringContaining('Repair') })
      await d.answer(d.people[0]!, 'not_happy')
      await d.setHealth(d.people[0]!, 'thriving')
      await until('it is held', async () => (await d.heldFor()).includes(`field_missing:${field}`), 15_000, 200)
      await d.product.settled()
      sandbox.createField(d.headquartersId, { model: 'contact', name, dataType: 'SINGLE_OPTIONS', options: picklistOptions })
      await d.nextCycle()
      await d.mended()
      await until('the value', () => d.valueOf(d.people[0]!, name) === (field === 'happinessLevel' ? 'Not Happy' : 'Thriving'))
      expect(d.fieldsNamed(name)).toHaveLength(1)
    }
    await d.product.settled()
    expect(await d.unfinished()).toEqual([])
  })
})

describe('a pipeline', () => {
  it('with a renamed stage and a new name works on, and both are said', async () => {
    const { sandbox } = d.product
    const pipeline = d.pipelineNamed('Company Health Status')!
    const stage = pipeline.stages.find(({ name }) => name === 'Steady')!
    sandbox.renameStage(pipeline.id, stage.id, 'So-so')
    sandbox.renamePipeline(pipeline.id, 'Accounts')
    await d.nextCycle()
    const found = await d.check('pipeline.health')
    expect(found).toMatchObject({ ok: true, detail: expect.stringContaining('"So-so"') })
    expect(found.detail).toContain('"Accounts"')
    await d.setHealth(d.people[0]!, 'steady')
    await until('the card', () => d.stageOf(d.people[0]!, pipeline.id) === 'So-so')
    sandbox.renameStage(pipeline.id, stage.id, 'Steady')
    sandbox.renamePipeline(pipeline.id, 'Company Health Status')
  })

  it('whose stages were merged asks for a repair; the cards that fell say nothing about health, and go back', async () => {
    const { sandbox } = d.product
    const { id } = d.pipelineNamed('Company Health Status')!
    await d.setHealth(d.people[0]!, 'healthy')
    await until('the card', () => d.stageOf(d.people[0]!, id) === 'Healthy')
    await d.product.settled()
    sandbox.deleteStage(id, d.stage(id, 'Healthy'))
    expect(d.stageOf(d.people[0]!, id)).toBe('Struggling')
    await until('told at once', async () => !(await d.check('pipeline.health')).ok)
    expect((await d.check('pipeline.health')).fix).toContain('Repair')
    await d.product.settled()
    expect(await d.healthOf(d.people[0]!)).toBe('healthy')
    await until('the card is held', async () => (await d.heldFor()).includes('pipeline_missing:health'), 15_000, 200)
    await d.repair()
    await until('the card went back', () => d.stageOf(d.people[0]!, id) === 'Healthy')
    await d.product.settled()
    expect(await d.healthOf(d.people[0]!)).toBe('healthy')
    expect(d.cardsOf(d.people[0]!, id)).toHaveLength(1)
  })

  it('that was deleted and made anew is taken up by itself; every card is there once', async () => {
    const { sandbox } = d.product
    for (const name of ['Happiness Level', 'Company Health Status']) {
      const { id, stages } = d.pipelineNamed(name)!
      sandbox.deletePipeline(id)
      await d.nextCycle()
      const key = name === 'Happiness Level' ? 'pipeline.happiness' : 'pipeline.health'
      expect(d.told(key)).toMatchObject({ detail: expect.stringContaining('deleted'), fix: expect.stringContaining('Repair') })
      await d.answer(d.people[0]!, 'very_happy')
      await d.setHealth(d.people[0]!, 'thriving')
      await d.product.settled()
      const made = sandbox.createPipeline(d.headquartersId, name, stages.map((stage) => stage.name))
      await d.nextCycle()
      await d.mended()
      await until('the card', () => d.cardsOf(d.people[0]!, made.id).length > 0)
      await d.product.settled()
      expect(d.cardsOf(d.people[0]!, made.id)).toHaveLength(1)
      expect(d.stageOf(d.people[0]!, made.id)).toBe(name === 'Happiness Level' ? 'Very Happy' : 'Thriving')
    }
    expect(await d.healthOf(d.people[0]!)).toBe('thriving')
    expect(await d.unfinished()).toEqual([])
  })
})

describe('a level tag', () => {
  it('that was deleted or renamed in the list comes back by itself, there and on the contacts that are to have it', async () => {
    const { sandbox } = d.product
    const who = d.people[0]!
    await until('the tag', () => d.contactOf(who)!.tags.includes('happiness: very happy'))
    for (const drift of [() => sandbox.deleteTag(d.headquartersId, 'happiness: very happy'), () => sandbox.renameTag(d.headquartersId, 'happiness: very happy', 'delighted')]) {
      await d.product.settled()
      drift()
      expect(d.contactOf(who)!.tags).not.toContain('happiness: very happy')
      await d.nextCycle()
      expect(d.told('tags').detail).toContain('happiness: very happy')
      await d.mended()
      await until('the tag is back', () => d.contactOf(who)!.tags.includes('happiness: very happy'))
    }
    expect(d.contactOf(who)!.tags).toContain('delighted')
  })
})

describe('the team', () => {
  it('was told of every drift', async () => {
    const events = JSON.stringify(await d.product.connection.collection('events').find({ 'data.type': 'setup.drift_found' }).toArray())
    for (const said of ['lacks the options', 'was deleted', 'are missing']) expect(events).toContain(said)
    // Drifts of one moment are one notice, in the words of the newest.
    const notices = (await d.admin().get('/api/notifications?pageSize=100')).body.items as { kind: string }[]
    expect(notices.filter(({ kind }) => kind === 'setup_drift').length).toBeGreaterThan(0)
  })
})
