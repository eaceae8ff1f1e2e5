import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Effects, SeenValue } from '../../src/effects/index.ts'
import { PermanentError } from '../../src/kernel/errors.ts'
import type { HappinessLevel, HealthLevel } from '../../src/kernel/levels.ts'
import { until } from '../support/until.ts'
import { companyId, createHarness, map, person, type Harness } from './harness.ts'

describe('cards', () => {
  let h: Harness
  const ada = person('ada')

  let told: SeenValue[]

  beforeEach(async () => {
    told = []
    h = await createHarness({ seen: async (fact) => void told.push(fact), writing: async () => undefined, wrote: async () => undefined })
    h.crm.addContact({ email: 'ada@example.com', id: 'ada' })
  })
  afterEach(() => h.close())

  const want = (level: HappinessLevel): Promise<void> => h.effects.wantCard({ companyId, pipeline: 'happiness', subjectId: ada.subjectId, contact: ada, name: 'Ada (Acme)', level })
  const wantHealth = (level: HealthLevel, locationId = 'loc1'): Promise<void> =>
    h.effects.wantCard({ companyId, pipeline: 'health', subjectId: `account:${locationId}`, contact: ada, name: 'Acme', level })
  const stages = (): string[] => [...h.crm.opportunities.values()].map((card) => card.stageId)
  const seen = (change: object = {}) => {
    const [card] = [...h.crm.opportunities.values()]
    return { ...card!, ...change, at: h.clock.now() }
  }

  it('are made once on the wanted stage, and moved only when the stage differs', async () => {
    await want('happy')
    await h.drain()
    expect(stages()).toEqual(['s-happy'])
    h.clock.advanceMs(5_000)
    h.crm.forgetCalls()
    await want('happy')
    await h.drain()
    expect(h.crm.calls).toEqual([])
    await want('not_happy')
    await h.drain()
    expect(h.crm.calls.map((call) => call.name)).toEqual(['moveOpportunity'])
    expect(stages()).toEqual(['s-not'])
  })

  it('are found before one is made', async () => {
    h.crm.opportunities.set('old', { id: 'old', name: 'Ada', contactId: 'ada', pipelineId: 'p-happiness', stageId: 's-neutral', status: 'open' })
    await want('happy')
    await h.drain()
    expect(h.crm.count('createOpportunity')).toBe(0)
    expect(stages()).toEqual(['s-happy'])
  })

  it('of two accounts with the same contact are two', async () => {
    await wantHealth('steady', 'loc1')
    await h.drain()
    await wantHealth('thriving', 'loc2')
    await h.drain()
    expect(stages().sort()).toEqual(['s-steady', 's-thriving'])
  })

  it('are made once although the process dies when HighLevel has accepted', async () => {
    h.crm.searchLagMs = 5_000
    await want('happy')
    await h.effects.pumps[0]!.drain()
    h.crm.failNext('createOpportunity', { when: 'after', hang: true })
    void h.effects.pumps[1]!.drain()
    await until('HighLevel to have the card', () => h.crm.opportunities.size === 1)
    const other = await h.anotherProcess()
    await h.drain(other)
    h.clock.advanceMs(60_001)
    await h.drain(other)
    expect(h.crm.opportunities.size).toBe(1)
    expect(h.crm.count('createOpportunity')).toBe(1)
    await want('neutral')
    h.clock.advanceMs(60_001)
    await h.drain(other)
    expect(stages()).toEqual(['s-neutral'])
  })

  it('are not made twice when the answer to a create is lost', async () => {
    h.crm.searchLagMs = 5_000
    h.crm.failNext('createOpportunity', { when: 'after', error: new Error('socket hang up') })
    await want('happy')
    for (let turn = 0; turn < 12; turn += 1) {
      await h.drain()
      h.clock.advanceMs(1_500)
    }
    expect(h.crm.opportunities.size).toBe(1)
    expect((await h.effects.status({ companyId, page: 1, pageSize: 5 })).total).toBe(0)
  })

  describe('made by a process that died before it had recorded them', () => {
    /** @returns another process, for which nobody knows what became of the create */
    async function makeAndDie(begin: () => Promise<void>): Promise<Effects> {
      h.crm.searchLagMs = 5_000
      await begin()
      await h.effects.pumps[0]!.drain()
      h.crm.failNext('createOpportunity', { when: 'after', hang: true })
      void h.effects.pumps[1]!.drain()
      await until('HighLevel to have the card', () => h.crm.opportunities.size === 1)
      return h.anotherProcess()
    }
    const goOn = async (other: Effects): Promise<void> => {
      await h.drain(other)
      h.clock.advanceMs(60_001)
      await h.drain(other)
    }
    const move = (to: { pipelineId: string; stageId: string; movedAt?: Date }): void => void Object.assign([...h.crm.opportunities.values()][0]!, to)

    it.each<[string, () => Promise<void>, string]>([['happiness', () => want('happy'), 's-happy'], ['health', () => wantHealth('steady'), 's-steady']])(
      'are found in whatever pipeline somebody put them, and brought back (%s)',
      async (_name, begin, stageId) => {
        const other = await makeAndDie(begin)
        move({ pipelineId: 'p-sales', stageId: 's-lead' })
        await goOn(other)
        expect([...h.crm.opportunities.values()]).toMatchObject([{ stageId }])
        expect(h.crm.count('createOpportunity')).toBe(1)
      },
    )

    it('are not mixed up with a deal of the same name that was there before, or of another name', async () => {
      h.crm.opportunities.set('deal', { id: 'deal', name: 'Acme', contactId: 'ada', pipelineId: 'p-sales', stageId: 's-lead', status: 'open', madeAt: new Date(h.clock.nowMs() - 60_000) })
      h.crm.opportunities.set('other', { id: 'other', name: 'Acme website', contactId: 'ada', pipelineId: 'p-sales', stageId: 's-lead', status: 'open', madeAt: h.clock.now() })
      h.crm.failNext('createOpportunity', { when: 'before', error: new Error('socket hang up') })
      await wantHealth('steady')
      for (let turn = 0; turn < 12; turn += 1) {
        await h.drain()
        h.clock.advanceMs(1_500)
      }
      expect(stages().sort()).toEqual(['s-lead', 's-lead', 's-steady'])
    })

    it('keep what a person did with them meanwhile: its news waits until the card is known', async () => {
      const other = await makeAndDie(() => wantHealth('steady'))
      h.clock.advanceMs(500)
      move({ pipelineId: 'p-health', stageId: 's-thriving', movedAt: h.clock.now() })
      const dragged = seen()
      await expect(other.observeOpportunity(companyId, dragged)).rejects.toMatchObject({ code: 'card_being_bound' })
      await expect(other.observeOpportunity(companyId, { ...dragged, id: 'somebody-else', contactId: 'nobody-of-ours' })).resolves.toEqual([])
      await goOn(other)
      expect(told).toMatchObject([{ target: expect.stringMatching(/^card:/), value: 'thriving', at: dragged.at, first: false }])
      await other.observeOpportunity(companyId, dragged)
      expect(h.crm.count('createOpportunity')).toBe(1)
    })
  })

  it('that a person moved are recorded and put back; echoes are neither', async () => {
    await want('happy')
    await h.drain()
    h.clock.advanceMs(60_000)
    h.crm.forgetCalls()
    expect(await h.effects.observeOpportunity(companyId, seen())).toEqual([])
    const [card] = [...h.crm.opportunities.values()]
    card!.stageId = 's-very'
    const moved = seen()
    expect(await h.effects.observeOpportunity(companyId, moved)).toMatchObject([{ kind: 'card_moved', pipeline: 'happiness', before: 'happy', after: 'very_happy' }])
    // One change comes as two events.
    expect(await h.effects.observeOpportunity(companyId, moved)).toEqual([])
    await h.drain()
    expect(stages()).toEqual(['s-happy'])
    h.clock.advanceMs(1_000)
    expect(await h.effects.observeOpportunity(companyId, moved)).toEqual([])
    expect(await h.effects.observeOpportunity(companyId, seen())).toEqual([])
    await h.drain()
    expect(h.crm.calls.map((call) => call.name)).toEqual(['moveOpportunity'])
    expect(h.events.map((event) => [event.type, event.source, event.before, event.after])).toEqual([
      ['card.moved', 'card', 'happy', 'very_happy'],
      ['card.stage_changed', 'card', 'Happy', 'Very Happy'],
    ])
  })

  it('of Health Status stay where a person puts them', async () => {
    await wantHealth('steady')
    await h.drain()
    h.clock.advanceMs(60_000)
    h.crm.forgetCalls()
    expect(await h.effects.observeOpportunity(companyId, seen({ stageId: 's-thriving' }))).toMatchObject([{ kind: 'card_moved', before: 'steady', after: 'thriving' }])
    await h.drain()
    expect(h.crm.calls).toEqual([])
  })

  it('that a person deleted stay deleted, unless the agency wants them back', async () => {
    await want('happy')
    await h.drain()
    const deleted = seen({ deleted: true })
    h.crm.opportunities.clear()
    expect(await h.effects.observeOpportunity(companyId, deleted)).toMatchObject([{ kind: 'card_deleted' }])
    expect(await h.effects.observeOpportunity(companyId, deleted)).toEqual([])
    h.clock.advanceMs(5_000)
    await want('neutral')
    await h.drain()
    expect(h.crm.opportunities.size).toBe(0)
    h.setup.recreateDeletedCards = true
    await want('happy')
    await h.drain()
    expect(stages()).toEqual(['s-happy'])
    expect(h.events.map((event) => event.type)).toEqual(['card.deleted'])
  })

  it('that vanished without a word are treated as deleted', async () => {
    h.setup.recreateDeletedCards = true
    await want('happy')
    await h.drain()
    h.crm.opportunities.clear()
    h.clock.advanceMs(5_000)
    await want('neutral')
    await h.drain()
    expect(stages()).toEqual(['s-neutral'])
  })

  it('wait with a reason for a stage or pipeline that is missing', async () => {
    await want('happy')
    await h.drain()
    h.clock.advanceMs(5_000)
    h.crm.failNext('moveOpportunity', { when: 'before', error: new PermanentError('highlevel_not_found', 'No such stage.') })
    await want('neutral')
    await h.drain()
    expect((await h.effects.status({ companyId, page: 1, pageSize: 5 })).items).toMatchObject([{ kind: 'card', state: 'held', reason: 'stage_missing:happiness' }])
    h.setup.map = { ...map, pipelines: { ...map.pipelines, happiness: null } }
    await h.effects.releaseHeld(companyId)
    await h.drain()
    expect((await h.effects.status({ companyId, page: 1, pageSize: 5 })).items).toMatchObject([{ state: 'held', reason: 'pipeline_missing:happiness' }])
    h.setup.map = map
    await h.effects.releaseHeld(companyId)
    await h.drain()
    expect(stages()).toEqual(['s-neutral'])
  })
})
