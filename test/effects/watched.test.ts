import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compactValue, differenceFrom, firstSeen, isNothing } from '../../src/effects/watched-rules.ts'
import { companyId, contactOf, createHarness, person, type Harness } from './harness.ts'

const secondMs = 1_000

/** A whole state of the contact, as HighLevel sends it. */
interface State {
  tags: string[]
  plan: string
  seats: string
}

let h: Harness
let contactId: string
let sent = 0

beforeAll(async () => {
  h = await createHarness()
}, 60_000)
afterAll(() => h.close())

beforeEach(async () => {
  h.clock.advanceMs(3_600_000)
  sent += 1
  const identity = person(`ada${sent}`)
  h.crm.addContact({ email: identity.email ?? '', tags: ['customer'], customFields: [{ id: 'f-plan', value: 'Basic' }] })
  await h.effects.wantContact({ companyId, identity, fields: { happinessScore: 25 } })
  await h.drain()
  contactId = contactOf(h.crm, identity.email ?? '').id
  h.events.length = 0
  h.clock.advanceMs(60_000)
})
afterEach(() => h.crm.forgetCalls())

/** Shows the state, and lets HighLevel hold the newest one that was shown. */
async function show(state: State, at: Date): Promise<void> {
  const customFields = [{ id: 'f-score', value: 25 }, ...(state.plan === '' ? [] : [{ id: 'f-plan', value: state.plan }]), ...(state.seats === '' ? [] : [{ id: 'f-seats', value: state.seats }])]
  await h.effects.observeContact(companyId, { id: contactId, tags: state.tags, customFields, dnd: false, at })
}
const told = () => h.events.map((event) => [event.type, event.data['tag'] ?? event.data['fieldName'], event.before, event.after].filter((part) => part !== undefined))
const start: State = { tags: ['customer'], plan: 'Basic', seats: '' }
const after = (ms: number) => new Date(h.clock.nowMs() + ms)

describe('what people change on a contact', () => {
  it('is told with what it was before: tags, fields that were set, changed and emptied', async () => {
    h.crm.customFields = [{ id: 'f-plan', name: 'Plan' }, { id: 'f-seats', name: 'Seats' }].map((field) => ({ ...field, fieldKey: field.name, dataType: 'TEXT', options: [] }))
    await show({ tags: ['customer', 'vip'], plan: 'Pro', seats: '12' }, after(0))
    await show({ tags: ['vip'], plan: '', seats: '12' }, after(secondMs))
    expect(told()).toEqual([
      ['contact.tag_added', 'vip'],
      ['contact.custom_field_changed', 'Plan', 'Basic', 'Pro'],
      ['contact.custom_field_changed', 'Seats', null, '12'],
      ['contact.tag_removed', 'customer'],
      ['contact.custom_field_changed', 'Plan', 'Pro', null],
    ])
  })

  it('is told once, however often and in whatever events it comes', async () => {
    const state = { ...start, tags: ['customer', 'vip'] }
    const at = after(0)
    for (let count = 0; count < 3; count += 1) await show(state, at)
    await show(state, after(5))
    expect(told()).toEqual([['contact.tag_added', 'vip']])
  })

  it('is not told of a state that is older than one already known, and the newest state stays', async () => {
    await show({ ...start, plan: 'Pro' }, after(2 * secondMs))
    await show({ ...start, tags: ['customer', 'gone again'] }, after(secondMs))
    await show({ ...start, plan: 'Pro' }, after(3 * secondMs))
    expect(told()).toEqual([['contact.custom_field_changed', expect.any(String), 'Basic', 'Pro']])
  })

  it('of two different states of one instant is settled by reading the contact', async () => {
    const at = after(0)
    const held = h.crm.contacts.get(contactId)!
    held.tags = ['customer', 'vip']
    held.customFields = [{ id: 'f-plan', value: 'Pro' }, { id: 'f-score', value: 25 }]
    await show({ ...start, tags: ['customer', 'vip'] }, at)
    await show({ ...start, plan: 'Pro', tags: ['customer', 'vip'] }, at)
    await h.drain()
    expect(told()).toEqual([['contact.tag_added', 'vip'], ['contact.custom_field_changed', expect.any(String), 'Basic', 'Pro']])
  })

  it('leaves out our own writes of steps, whether their echo comes before or after they are noted, once each', async () => {
    const step = { addTags: ['Onboarded'], fields: [{ id: 'f-plan', value: 'Gold' }] }
    await h.effects.ownWrites.around((await h.effects.linked(companyId, [`user:loc1:ada${sent}`]))[0]!.key, step, async () => {
      await show({ ...start, tags: ['customer', 'onboarded'], plan: 'Gold' }, after(0))
    })
    await show({ ...start, tags: ['customer', 'onboarded'], plan: 'Gold' }, after(10))
    expect(told()).toEqual([])
    h.clock.advanceMs(60_000)
    await show({ ...start, plan: 'Basic' }, after(0))
    await show({ ...start, tags: ['customer', 'onboarded'], plan: 'Gold' }, after(secondMs))
    expect(h.events.map(({ type }) => type)).toEqual(['contact.tag_removed', 'contact.custom_field_changed', 'contact.tag_added', 'contact.custom_field_changed'])
  })

  it('names the channels of do-not-disturb', async () => {
    const dnd = (dndSettings: Record<string, { status: string }>, all: boolean, at: Date) => h.effects.observeContact(companyId, { id: contactId, tags: start.tags, customFields: [{ id: 'f-plan', value: 'Basic' }, { id: 'f-score', value: 25 }], dnd: all, dndSettings, at })
    await dnd({ SMS: { status: 'active' }, Email: { status: 'inactive' } }, false, after(0))
    await dnd({ SMS: { status: 'active' } }, true, after(secondMs))
    await dnd({ SMS: { status: 'inactive' } }, false, after(2 * secondMs))
    expect(h.events.map((event) => [event.type, event.data['channels']])).toEqual([['contact.opted_out', ['sms']], ['contact.opted_out', ['all']], ['contact.opted_in', ['all', 'sms']]])
  })

  it('is led from the first state to the newest, by every order of arrival and any duplicates', async () => {
    const state = fc.record({ tags: fc.uniqueArray(fc.constantFrom('customer', 'vip', 'golf', 'trial'), { maxLength: 4 }), plan: fc.constantFrom('', 'Basic', 'Pro', 'Gold'), seats: fc.constantFrom('', '5', '12') })
    await fc.assert(
      fc.asyncProperty(fc.array(state, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(100), { maxLength: 8 }), async (states, order) => {
        h.clock.advanceMs(60_000)
        const from = h.clock.nowMs()
        // Every one is the same start again, a minute later.
        await show(start, new Date(from))
        h.events.length = 0
        const arrivals = [...order.map((index) => index % states.length), ...states.keys()].sort((left, right) => (order[left % Math.max(1, order.length)] ?? left) - (order[right % Math.max(1, order.length)] ?? right))
        for (const index of arrivals) await show(states[index]!, new Date(from + (index + 1) * secondMs))
        h.clock.advanceMs(30_000)
        const folded = h.events.reduce<State>((now, event) => applied(now, event), { ...start, tags: [...start.tags] })
        const newest = states.at(-1)!
        expect({ ...folded, tags: folded.tags.sort() }).toEqual({ ...newest, tags: [...newest.tags].sort() })
        const keys = h.events.map(({ key }) => key)
        expect(new Set(keys).size).toBe(keys.length)
        // Every change leads away from the value that was told before it, and to one that some state shows.
        for (const event of h.events) if (event.type === 'contact.custom_field_changed') expect(event.before).not.toEqual(event.after)
        const inOrder = changesInOrder(states)
        expect(h.events.length).toBeLessThanOrEqual(inOrder)
        if (arrivals.every((index, place) => place === 0 || index >= arrivals[place - 1]!)) expect(h.events).toHaveLength(inOrder)
      }),
      { numRuns: 40, seed: 20_261_129 },
    )
  }, 60_000)
})

function applied(now: State, { type, data, after: value }: Harness['events'][number]): State {
  if (type === 'contact.tag_added') return { ...now, tags: [...now.tags, String(data['tag'])] }
  if (type === 'contact.tag_removed') return { ...now, tags: now.tags.filter((tag) => tag !== data['tag']) }
  const member = data['fieldId'] === 'f-plan' ? 'plan' : 'seats'
  return { ...now, [member]: typeof value === 'string' ? value : '' }
}

function changesInOrder(states: readonly State[]): number {
  let before: State = start
  let count = 0
  for (const now of states) {
    const gone = before.tags.filter((tag) => !now.tags.includes(tag)).length
    const came = now.tags.filter((tag) => !before.tags.includes(tag)).length
    count += gone + came + (before.plan === now.plan ? 0 : 1) + (before.seats === now.seats ? 0 : 1)
    before = now
  }
  return count
}

describe('what is kept of a contact', () => {
  const at = new Date('2026-11-02T09:00:00Z')
  const many = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `f${String(index).padStart(4, '0')}`, value: `v${index}` }))

  it('is bounded in number, and a field that found no room never looks as if it had changed', () => {
    const seen = firstSeen({ customFields: many(500) }, new Set(), at, false)
    expect(seen.fields).toHaveLength(200)
    const moved = differenceFrom(seen, { customFields: many(500).slice(100) }, new Set())
    expect(moved.fields.map(({ after: value }) => value)).toEqual(Array<string>(100).fill(''))
    expect(moved.next.fields).toHaveLength(200)
  })

  it('is bounded in length, and long texts that differ anywhere are told apart', () => {
    const long = 'x'.repeat(5_000)
    expect(compactValue(long).length).toBeLessThan(160)
    expect(compactValue(`${long}a`)).not.toBe(compactValue(`${long}b`))
  })

  it('takes a date for the same in both forms in which it is shown, and nothing for what is not there', () => {
    const seen = firstSeen({ customFields: [{ id: 'f', value: '2026-03-01T00:00:00.000Z' }, { id: 'none', value: null }, { id: 'list', value: [] }] }, new Set(), at, false)
    expect(isNothing(differenceFrom(seen, { customFields: [{ id: 'f', value: Date.parse('2026-03-01T00:00:00Z') }] }, new Set()))).toBe(true)
  })
})

describe('where cards of any pipeline are', () => {
  const place = (stageId: string, at: Date, more = {}) => h.effects.observeOpportunity(companyId, { id: `card-${contactId}`, contactId, pipelineId: 'p-onboarding', stageId, status: 'open', at, ...more })
  const moves = () => h.events.map((event) => [event.type, event.before, event.after])

  it('is told when it changes: once, by the newest news, and not of a first sight', async () => {
    await place('s1', after(0))
    await place('s2', after(2 * secondMs), { moved: true })
    await place('s2', after(2 * secondMs))
    await place('s1', after(secondMs))
    await place('s3', after(3 * secondMs))
    expect(moves()).toEqual([['card.stage_changed', 's1', 's2'], ['card.stage_changed', 's2', 's3']])
    expect(new Set(h.events.map(({ key }) => key)).size).toBe(2)
  })

  it('is told of a card that nobody saw before where the event calls it a move, in both orders of its two events', async () => {
    await place('s2', after(0))
    await place('s2', after(1), { moved: true })
    await place('s2', after(1), { moved: true })
    expect(moves()).toEqual([['card.stage_changed', null, 's2']])
  })

  it('is not told of our own moves, whether their echo comes before or after they are noted, nor of news from just before', async () => {
    const card = { id: `card-${contactId}`, name: 'Card', contactId, pipelineId: 'p-onboarding', stageId: 's3', status: 'open' }
    h.crm.opportunities.set(card.id, card)
    await h.effects.ownWrites.aroundMove(companyId, contactId, card.id, 'p-onboarding/s3', async () => {
      await place('s3', after(0), { moved: true })
    })
    await place('s3', after(20), { moved: true })
    await place('s1', after(-2 * secondMs))
    expect(moves()).toEqual([])
    h.clock.advanceMs(60_000)
    await place('s1', after(0))
    expect(moves()).toEqual([['card.stage_changed', 's3', 's1']])
  })

  it('says nothing of contacts that are not ours, at the cost of two looks', async () => {
    await h.effects.observeOpportunity(companyId, { id: 'foreign', contactId: 'a stranger', pipelineId: 'p', stageId: 's1', status: 'open', at: after(0) })
    await h.effects.observeOpportunity(companyId, { id: 'foreign', contactId: 'a stranger', pipelineId: 'p', stageId: 's2', status: 'open', at: after(secondMs), moved: true })
    expect(h.events).toEqual([])
    expect(await h.store.connection.collection('effect_watched_cards').countDocuments({ opportunityId: 'foreign' })).toBe(0)
  })
})
