import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { SeenValue } from '../../src/effects/index.ts'
import { healthLabels, type HealthLevel } from '../../src/kernel/levels.ts'
import { companyId, contactOf, createHarness, person, type Harness } from './harness.ts'

describe('Health Status', () => {
  let h: Harness
  let seen: SeenValue[]
  let writes: { step: 'writing' | 'wrote'; target: string; value?: string }[]
  /** What is wanted in answer to a look: the account's level. */
  let judge: (fact: SeenValue) => Promise<void>
  const ada = person('ada')
  const told = () => seen.map(({ kind, value, first, at }) => [kind, value, first, at.getTime()])

  beforeEach(async () => {
    seen = []
    writes = []
    judge = async () => undefined
    h = await createHarness({
      async seen(fact) {
        seen.push(fact)
        await judge(fact)
      },
      async writing({ target, value }) {
        writes.push({ step: 'writing', target: target.split(':')[0]!, value })
      },
      async wrote({ target }) {
        writes.push({ step: 'wrote', target: target.split(':')[0]! })
      },
    })
    h.crm.addContact({ email: 'ada@example.com', id: 'ada' })
  })
  afterEach(() => h.close())

  const want = (level: HealthLevel | ''): Promise<void> =>
    h.effects.wantContact({ companyId, identity: ada, fields: { healthStatus: level === '' ? '' : healthLabels[level] }, tags: { health: level === '' ? null : `health: ${level}` } })
  const wantCard = (level: HealthLevel): Promise<void> => h.effects.wantCard({ companyId, pipeline: 'health', subjectId: 'account:loc1', contact: ada, name: 'Acme', level })
  const look = (value: string, at: Date, deliveryId?: string) =>
    h.effects.observeContact(companyId, { id: 'ada', at, customFields: value === '' ? [] : [{ id: 'f-health', value }], ...(deliveryId === undefined ? {} : { deliveryId }) })
  const card = () => [...h.crm.opportunities.values()][0]!
  const lookCard = (change: object, at: Date) => h.effects.observeOpportunity(companyId, { ...card(), ...change, at })
  const edit = (value: string): Date => {
    h.clock.advanceMs(20_000)
    const contact = h.crm.contacts.get('ada')!
    contact.customFields = [{ id: 'f-health', value }]
    return h.clock.now()
  }
  const put = () => h.crm.calls.filter(({ name }) => name === 'updateContact' || name === 'moveOpportunity' || name === 'createOpportunity').length

  it('of a contact that has nothing to do with it is never told', async () => {
    await h.effects.wantContact({ companyId, identity: ada, fields: { happinessLevel: 'Happy' } })
    await h.drain()
    await look('', edit(''))
    expect([seen, writes]).toEqual([[], []])
  })

  it('that a contact brings along is told as a first look, and replaced by what is wanted', async () => {
    h.crm.contacts.get('ada')!.customFields = [{ id: 'f-health', value: 'Steady' }]
    await want('thriving')
    await h.drain()
    expect(told()).toEqual([['field', 'Steady', true, expect.any(Number)]])
    expect(contactOf(h.crm, 'ada@example.com').fields['f-health']).toBe('Thriving')
  })

  it('is told before and after a write, and so is the card', async () => {
    await want('steady')
    await wantCard('steady')
    await h.drain()
    h.clock.advanceMs(5_000)
    await wantCard('healthy')
    await h.drain()
    expect(writes).toEqual([
      { step: 'writing', target: 'contact', value: 'Steady' }, { step: 'wrote', target: 'contact' },
      { step: 'writing', target: 'card', value: 'steady' }, { step: 'wrote', target: 'card' },
      { step: 'writing', target: 'card', value: 'healthy' }, { step: 'wrote', target: 'card' },
    ])
  })

  it('edited by a person is told with time and delivery, appended with its cause, and not written over', async () => {
    await want('steady')
    await h.drain()
    h.crm.forgetCalls()
    const at = edit('Thriving')
    expect(await look('Thriving', at, 'delivery1')).toMatchObject([{ kind: 'field', field: 'healthStatus', before: 'Steady', after: 'Thriving' }])
    await h.drain()
    expect(seen).toMatchObject([{ companyId, locationId: 'loc1', subjectId: 'user:loc1:ada', kind: 'field', value: 'Thriving', at, first: false, deliveryId: 'delivery1' }])
    expect(h.events).toMatchObject([{ type: 'contact.field_changed', cause: { kind: 'delivery', id: 'delivery1' } }])
    // Judged as the winner: nothing but the tag is left to write.
    await want('thriving')
    await h.drain()
    expect(h.crm.calls.map(({ name }) => name)).toEqual(['removeTags', 'addTags'])
  })

  it('that was wanted before a person\'s edit became known is never written over it', async () => {
    await want('steady')
    await h.drain()
    h.crm.forgetCalls()
    await want('healthy')
    const at = edit('Thriving')
    await look('Thriving', at)
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields['f-health']).toBe('Thriving')
  })

  it('seen late is told together with what is known to have come after', async () => {
    await want('steady')
    await h.drain()
    const first = edit('Thriving')
    const second = edit('Healthy')
    await look('Healthy', second)
    await look('Thriving', first)
    expect(told()).toEqual([['field', 'Healthy', false, second.getTime()], ['field', 'Thriving', false, first.getTime()], ['field', 'Healthy', false, second.getTime()]])
  })

  it('that is no level is restored, and the same value later is not told again', async () => {
    judge = () => want('steady')
    await want('steady')
    await h.drain()
    const at = edit('Excellent')
    await look('Excellent', at)
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields['f-health']).toBe('Steady')
    const cleared = edit('')
    await look('', cleared)
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields['f-health']).toBe('Steady')
    expect(seen.map(({ value }) => value)).toEqual(['Excellent', null])
  })

  it('that may have crossed a write of ours is read, and told by what HighLevel holds', async () => {
    await want('steady')
    await h.drain()
    h.crm.forgetCalls()
    const contact = h.crm.contacts.get('ada')!
    contact.customFields = [{ id: 'f-health', value: 'Healthy' }]
    h.clock.advanceMs(1_000)
    await look('Healthy', h.clock.now())
    h.clock.advanceMs(5_000)
    await h.drain()
    expect(h.crm.calls.map(({ name }) => name)).toEqual(['getContact'])
    expect(seen.at(-1)).toMatchObject({ value: 'Healthy' })
    expect(contactOf(h.crm, 'ada@example.com').fields['f-health']).toBe('Healthy')
  })

  it('of a card in another pipeline is told as that place, and brought back by one call', async () => {
    judge = () => wantCard('steady')
    await wantCard('steady')
    await h.drain()
    h.clock.advanceMs(60_000)
    h.crm.forgetCalls()
    Object.assign(card(), { pipelineId: 'p-sales', stageId: 's-offer' })
    await lookCard({}, h.clock.now())
    await h.drain()
    expect(seen).toMatchObject([{ kind: 'card', value: 'stage:p-sales/s-offer', subjectId: 'account:loc1', locationId: 'loc1' }])
    expect(card()).toMatchObject({ pipelineId: 'p-health', stageId: 's-steady' })
    expect(put()).toBe(1)
  })

  it('of a card says its stage, whether it is won, lost or open', async () => {
    await wantCard('steady')
    await h.drain()
    h.clock.advanceMs(60_000)
    h.crm.forgetCalls()
    await lookCard({ status: 'lost' }, h.clock.now())
    h.clock.advanceMs(1_000)
    await lookCard({ status: 'won', stageId: 's-healthy' }, h.clock.now())
    await h.drain()
    expect(seen.map(({ value }) => value)).toEqual(['steady', 'healthy'])
    expect(put()).toBe(0)
  })

  it('of a card that was deleted counts where it was last, also when that is heard late', async () => {
    await wantCard('steady')
    await h.drain()
    h.clock.advanceMs(60_000)
    const moved = h.clock.now()
    const before = { ...card() }
    h.clock.advanceMs(10_000)
    const deletedAt = h.clock.now()
    h.crm.opportunities.clear()
    await h.effects.observeOpportunity(companyId, { ...before, stageId: 's-healthy', deleted: true, at: deletedAt })
    await h.effects.observeOpportunity(companyId, { ...before, stageId: 's-healthy', at: moved })
    await h.drain()
    expect(told()).toEqual([['card', 'healthy', false, deletedAt.getTime()], ['card', 'healthy', false, moved.getTime()]])
    expect(h.crm.opportunities.size).toBe(0)
    await wantCard('thriving')
    await h.drain()
    expect(h.crm.opportunities.size).toBe(0)
    h.setup.recreateDeletedCards = true
    await wantCard('healthy')
    await h.drain()
    expect(card().stageId).toBe('s-healthy')
  })

  it('finds its card again after the contact was deleted and made anew', async () => {
    await want('steady')
    await wantCard('steady')
    await h.drain()
    h.clock.advanceMs(60_000)
    h.crm.contacts.clear()
    h.crm.opportunities.clear()
    await h.effects.observeContact(companyId, { id: 'ada', at: h.clock.now(), deleted: true })
    await want('thriving')
    await wantCard('thriving')
    await h.drain()
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields['f-health']).toBe('Thriving')
    expect(card().stageId).toBe('s-thriving')
  })

  it('stays with a person whose e-mail address changes, and whoever takes the old address is somebody else', async () => {
    await want('steady')
    await h.drain()
    const moved = { ...ada, email: 'ada@new.example' }
    await h.effects.wantContact({ companyId, identity: moved, fields: { healthStatus: 'Healthy' } })
    h.clock.advanceMs(5_000)
    await h.drain()
    expect(h.crm.contacts.get('ada')!.customFields).toContainEqual({ id: 'f-health', value: 'Healthy' })
    h.crm.contacts.get('ada')!.email = 'ada@new.example'
    const other = person('bob', { email: 'ada@example.com' })
    await h.effects.wantContact({ companyId, identity: other, fields: { healthStatus: 'Thriving' } })
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields['f-health']).toBe('Thriving')
    expect(contactOf(h.crm, 'ada@new.example').fields['f-health']).toBe('Healthy')
    const linked = await h.effects.linked(companyId, [ada.subjectId, other.subjectId, 'user:loc1:nobody'])
    expect(linked.map(({ home, identity, contactId }) => [home, identity.subjectId, contactId === null]).sort()).toEqual([['loc1', 'user:loc1:ada', false], ['loc1', 'user:loc1:bob', false]])
  })

  it('is told again when the process died between storing and telling', async () => {
    await want('steady')
    await h.drain()
    const at = edit('Thriving')
    judge = () => Promise.reject(new Error('The store went away'))
    await expect(look('Thriving', at)).rejects.toThrow('went away')
    judge = async () => undefined
    await look('Thriving', at)
    expect(told()).toEqual([['field', 'Thriving', false, at.getTime()], ['field', 'Thriving', false, at.getTime()]])
  })
})
