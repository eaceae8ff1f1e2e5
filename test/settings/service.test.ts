import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { defaultAgencySettings } from '../../src/http/contract/settings.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { createSettings, type Settings } from '../../src/settings/index.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

describe('settings', () => {
  let store: TestStore
  let clock: FakeClock
  let settings: Settings

  beforeAll(async () => {
    store = await openTestStore()
    clock = createFakeClock()
    settings = createSettings({ connection: store.connection, clock, logger: createLogger('silent') })
    await store.ensureIndexes()
  })
  afterAll(() => store.close())

  it('an agency that changed nothing has the product\'s numbers', async () => {
    expect(await settings.get('c0')).toEqual(defaultAgencySettings)
    expect((await settings.view('c0')).customised).toEqual([])
  })

  it('a change keeps every member it does not name, and is marked as customised', async () => {
    const view = await settings.update('c1', { prompt: { answeredDays: 45 }, happiness: { points: { happy: 20 } } }, 'u1')
    expect(view.settings).toEqual({
      ...defaultAgencySettings,
      prompt: { ...defaultAgencySettings.prompt, answeredDays: 45 },
      happiness: { ...defaultAgencySettings.happiness, points: { ...defaultAgencySettings.happiness.points, happy: 20 } },
    })
    expect(view.customised.sort()).toEqual(['happiness.points.happy', 'prompt.answeredDays'])
    expect(await settings.get('c2')).toEqual(defaultAgencySettings)
  })

  it('a change is stored whole or not at all, and the error names each faulty member', async () => {
    await expect(settings.update('c3', { happiness: { points: { happy: 60 } }, prompt: { answeredDays: 10 } }, 'u1')).rejects.toMatchObject({
      status: 422, code: 'settings_invalid', details: { fields: [{ field: 'happiness.points' }] },
    })
    expect(await settings.get('c3')).toEqual(defaultAgencySettings)
  })

  it('reset puts members and sections back, and refuses a path that is no setting', async () => {
    await settings.update('c4', { prompt: { laterDays: 5, closedDays: 20 }, cases: { dueHours: 48 } }, 'u1')
    expect((await settings.reset('c4', ['prompt.laterDays', 'cases'], 'u1')).customised).toEqual(['prompt.closedDays'])
    await expect(settings.reset('c4', ['prompt.__proto__', 'nothing'], 'u1')).rejects.toMatchObject({ status: 422 })
  })

  it('changes of two processes at once both end up stored', async () => {
    const other = createSettings({ connection: await store.another(), clock, logger: createLogger('silent') })
    await Promise.all([settings.update('c5', { cases: { dueHours: 12 } }, 'u1'), other.update('c5', { crm: { recreateDeletedCards: true } }, 'u2')])
    expect((await settings.view('c5')).customised.sort()).toEqual(['cases.dueHours', 'crm.recreateDeletedCards'])
  })

  it('another process sees a change within the cache time', async () => {
    const other = createSettings({ connection: await store.another(), clock, logger: createLogger('silent') })
    expect((await other.get('c6')).cases.dueHours).toBe(24)
    await settings.update('c6', { cases: { dueHours: 12 } }, 'u1')
    clock.advanceMs(5_001)
    expect((await other.get('c6')).cases.dueHours).toBe(12)
  })

  it('purge leaves the defaults', async () => {
    await settings.update('c7', { cases: { dueHours: 12 } }, 'u1')
    await settings.purge('c7')
    expect(await settings.get('c7')).toEqual(defaultAgencySettings)
  })
})
