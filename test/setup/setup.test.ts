import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openTenants, type Tenants } from '../support/tenants.ts'

const by = { userId: 'boss', name: 'Boss' }

describe('set-up of the success location', () => {
  let t: Tenants
  beforeEach(async () => {
    t = await openTenants()
    t.fake.addPlace('c1', 'hq', 'Head office')
    t.fake.addPlace('c1', 'l1', 'Customer')
    t.fake.addPlace('c2', 'x1', 'Foreign')
    await t.install('c1')
    t.fake.calls.length = 0
  })
  afterEach(() => t.store.close())

  const hq = () => {
    const place = t.fake.places.get('hq')
    if (place === undefined) throw new Error('no hq')
    return place
  }
  const failing = async (companyId = 'c1'): Promise<string[]> => (await t.setup.check(companyId)).checks.filter((item) => !item.ok).map((item) => item.key)

  it('says what is missing before anything was chosen', async () => {
    expect(await failing()).toEqual(['success_location'])
    expect(await t.setup.resources('c1')).toBeNull()
    await expect(t.setup.repair('c1', by)).rejects.toMatchObject({ status: 409, code: 'setup_not_chosen' })
  })

  it('creates the fields, tags and pipelines of the outside contract, and releases waiting work', async () => {
    const view = await t.setup.chooseSuccessLocation('c1', 'hq', by)
    expect(view).toMatchObject({ ready: true, locationId: 'hq', progress: { accountsMirrored: 2, running: false } })
    expect(hq().fields.map((field) => [field.name, field.dataType, field.options])).toEqual([
      ['Happiness Level', 'SINGLE_OPTIONS', ['Not Happy', 'Neutral', 'Happy', 'Very Happy']],
      ['Health Status', 'SINGLE_OPTIONS', ['Struggling', 'Steady', 'Healthy', 'Thriving']],
      ['Happiness Score', 'NUMERICAL', []],
      ['Company Happiness Level', 'SINGLE_OPTIONS', ['Not Happy', 'Neutral', 'Happy', 'Very Happy']],
      ['Last Feedback', 'DATE', []],
      ['Last Feedback Comment', 'LARGE_TEXT', []],
    ])
    expect(hq().pipelines.map((pipeline) => [pipeline.name, pipeline.stages.map((stage) => stage.name)])).toEqual([
      ['Happiness Level', ['Not Happy', 'Neutral', 'Happy', 'Very Happy']],
      ['Company Health Status', ['Struggling', 'Steady', 'Healthy', 'Thriving']],
    ])
    expect(hq().tags.map((tag) => tag.name).sort()).toEqual(['happiness: happy', 'happiness: neutral', 'happiness: not happy', 'happiness: very happy', 'health: healthy', 'health: steady', 'health: struggling', 'health: thriving'])
    const map = await t.setup.resources('c1')
    expect(map?.pipelines.happiness?.stages.very_happy).toBe(hq().pipelines[0]?.stages[3]?.id)
    expect(map?.fields.lastFeedback).toBe(hq().fields[4]?.id)
    expect([...t.events.keys()]).toContain('setup.completed:c1:hq')
    expect(t.released).toEqual(['c1', 'c1'])
    expect((await t.accounts.get('c1', 'hq'))?.isSuccessLocation).toBe(true)
  })

  it('one look at the success location serves everybody for five seconds; a repair, another location or a wish for a fresh one ends that', async () => {
    await t.setup.chooseSuccessLocation('c1', 'hq', by)
    t.fake.calls.length = 0
    const broken = async (options = { fresh: false }): Promise<string[]> => (await t.setup.check('c1', options)).checks.filter((item) => !item.ok).map((item) => item.key)
    expect(await Promise.all([broken(), broken(), broken()])).toEqual([[], [], []])
    const callsOfOneLook = t.fake.calls.length
    expect(callsOfOneLook).toBeLessThanOrEqual(3)
    hq().fields.splice(0, 1)
    expect(await broken()).toEqual([])
    expect(t.fake.calls.length).toBe(callsOfOneLook)
    expect(await broken({ fresh: true })).toEqual(['field.happiness_level'])
    await t.setup.repair('c1', by)
    expect(await broken()).toEqual([])
    hq().fields.splice(0, 1)
    t.clock.advanceMs(5_001)
    expect(await broken()).not.toEqual([])
    expect((await t.setup.chooseSuccessLocation('c1', 'l1', by)).ready).toBe(true)
    expect(await broken()).toEqual([])
  })

  it('a look that failed is not kept', async () => {
    await t.setup.chooseSuccessLocation('c1', 'hq', by)
    t.clock.advanceMs(5_001)
    let away = true
    t.fake.before = () => {
      if (away) throw new Error('connection reset')
    }
    expect((await t.setup.check('c1', { fresh: false })).checks.find((item) => item.key === 'location_access')?.ok).toBe(false)
    away = false
    expect((await t.setup.check('c1', { fresh: false })).ready).toBe(true)
  })

  it('provisions exactly once when two processes and a repeat ask for it', async () => {
    const other = await t.another()
    await Promise.all([t.setup.chooseSuccessLocation('c1', 'hq', by), other.setup.chooseSuccessLocation('c1', 'hq', by)])
    await t.setup.chooseSuccessLocation('c1', 'hq', by)
    expect([hq().fields.length, hq().tags.length, hq().pipelines.length]).toEqual([6, 8, 2])
    expect(await failing()).toEqual([])
  })

  it('goes on after a lost answer at any call, and still makes everything once', async () => {
    for (const lost of [true, false]) {
      let next = 1
      let calls = 0
      const crash = (): void => {
        calls += 1
        if (calls === next) throw new Error('connection reset')
      }
      if (lost) t.fake.after = crash
      else t.fake.before = crash
      const location = lost ? 'hq' : 'l1'
      await t.setup.chooseSuccessLocation('c1', location, by)
      for (let round = 0; round < 40 && (await t.setup.resources('c1'))?.pipelines.health?.id === undefined; round += 1) {
        next += 2
        calls = 0
        t.clock.advanceMs(301_000)
        await t.setup.resumeDue(5)
      }
      t.fake.after = () => undefined
      t.fake.before = () => undefined
      const place = t.fake.places.get(location)
      expect([place?.fields.length, place?.tags.length, place?.pipelines.length]).toEqual([6, 8, 2])
    }
  }, 60_000)

  it('adopts what is there by key, name and stage name, whatever its case, and adds only what is missing', async () => {
    hq().fields.push(
      { id: 'f1', name: 'HAPPINESS level', fieldKey: 'contact.happiness_level', dataType: 'SINGLE_OPTIONS', options: ['Happy', 'Meh'] },
      { id: 'f2', name: 'Score', fieldKey: 'contact.happiness_score', dataType: 'NUMERICAL', options: [] },
    )
    hq().pipelines.push({ id: 'p1', name: 'happiness LEVEL', stages: [{ id: 's1', name: 'happy', position: 0 }, { id: 's2', name: 'Paused', position: 1 }] })
    expect(await t.setup.chooseSuccessLocation('c1', 'hq', by)).toMatchObject({ ready: true })
    expect(hq().fields.find((field) => field.id === 'f1')?.options).toEqual(['Happy', 'Meh', 'Not Happy', 'Neutral', 'Very Happy'])
    expect(hq().pipelines.map((pipeline) => [pipeline.name, pipeline.stages.length])).toEqual([['happiness LEVEL', 5], ['Company Health Status', 4]])
    expect(await t.setup.resources('c1')).toMatchObject({ fields: { happinessLevel: 'f1', happinessScore: 'f2' }, pipelines: { happiness: { id: 'p1', stages: { happy: 's1' } } } })
  })

  it('where pipelines may not be created, says exactly what to make by hand, and maps it once it is there', async () => {
    t.fake.mayCreatePipelines = false
    hq().pipelines.push({ id: 'p1', name: 'Happiness Level', stages: [{ id: 's1', name: 'Happy', position: 0 }] })
    const view = await t.setup.chooseSuccessLocation('c1', 'hq', by)
    const broken = view.checks.filter((item) => !item.ok)
    expect(broken.map((item) => item.key)).toEqual(['pipeline.happiness', 'pipeline.health'])
    expect(broken[0]?.fix).toContain('"Not Happy", "Neutral", "Very Happy"')
    expect(broken[1]?.fix).toContain('named "Company Health Status" with the stages "Struggling", "Steady", "Healthy", "Thriving"')
    expect((await t.setup.resources('c1'))?.fields.happinessLevel).not.toBeNull()
    expect((await t.setup.resources('c1'))?.pipelines).toEqual({ happiness: null, health: null })
    for (const name of ['Not Happy', 'Neutral', 'Very Happy']) hq().pipelines[0]?.stages.push({ id: `s-${name}`, name, position: 9 })
    hq().pipelines.push({ id: 'p2', name: 'company health status', stages: ['Struggling', 'Steady', 'Healthy', 'Thriving'].map((name, position) => ({ id: `h${position}`, name, position })) })
    expect(await t.setup.repair('c1', by)).toMatchObject({ ready: true })
    expect(t.events.has('setup.completed:c1:hq')).toBe(true)
  })

  it('choices that are not kept at creation are written again; where they never are, a text field takes their place', async () => {
    t.fake.optionsAre = 'kept_on_update'
    expect(await t.setup.chooseSuccessLocation('c1', 'hq', by)).toMatchObject({ ready: true })
    expect(hq().fields[0]?.options).toHaveLength(4)
    t.fake.optionsAre = 'dropped'
    expect(await t.setup.chooseSuccessLocation('c1', 'l1', by)).toMatchObject({ ready: true })
    const fields = t.fake.places.get('l1')?.fields ?? []
    expect(fields.filter((field) => field.name === 'Health Status (text)').map((field) => field.dataType)).toEqual(['TEXT'])
    expect(fields.filter((field) => field.name === 'Health Status (unused)')).toHaveLength(1)
  })

  it('reports drift, makes the work wait that needs what is gone, and repair mends it', async () => {
    await t.setup.chooseSuccessLocation('c1', 'hq', by)
    const [happinessField, healthField] = hq().fields
    if (happinessField === undefined || healthField === undefined) throw new Error('no fields')
    happinessField.name = 'Mood'
    healthField.options = ['Steady']
    hq().fields.splice(2, 1)
    hq().pipelines.splice(1, 1)
    const [stage] = hq().pipelines[0]?.stages.splice(0, 1) ?? []
    hq().tags.splice(0, 1)
    expect(await failing()).toEqual(['field.health_status', 'field.happiness_score', 'tags', 'pipeline.happiness', 'pipeline.health'])
    expect(await t.setup.resources('c1')).toMatchObject({ fields: { happinessLevel: happinessField.id, happinessScore: null }, pipelines: { happiness: null, health: null } })
    expect([...t.events.values()].filter((event) => event.type === 'setup.drift_found')).toHaveLength(1)
    expect(await t.setup.repair('c1', by)).toMatchObject({ ready: true })
    expect(await failing()).toEqual([])
    const map = await t.setup.resources('c1')
    expect(map?.fields.happinessLevel).toBe(happinessField.id)
    expect(map?.pipelines.happiness?.stages.not_happy).not.toBe(stage?.id)
    expect(healthField.options).toEqual(['Steady', 'Struggling', 'Healthy', 'Thriving'])
    expect([...t.events.values()].filter((event) => event.type === 'setup.repaired')).toHaveLength(1)
  })

  it('the daily look finds drift without anybody asking', async () => {
    await t.setup.chooseSuccessLocation('c1', 'hq', by)
    hq().fields.splice(0, 1)
    t.clock.advanceMs(86_400_001)
    expect(await t.setup.checkDue(5)).toBe(1)
    expect((await t.setup.resources('c1'))?.fields.happinessLevel).toBeNull()
    expect(await t.setup.checkDue(5)).toBe(0)
  })

  it('a foreign, unknown or removed sub-account cannot be chosen', async () => {
    await t.install('c2')
    for (const locationId of ['x1', 'nowhere']) await expect(t.setup.chooseSuccessLocation('c1', locationId, by)).rejects.toMatchObject({ status: 404 })
    expect(await t.setup.resources('c1')).toBeNull()
  })
})
