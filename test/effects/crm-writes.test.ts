import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { OutboxMessage } from '../../src/effects/index.ts'
import { PermanentError, RetryAfterError } from '../../src/kernel/errors.ts'
import { until } from '../support/until.ts'
import { companyId, createHarness, map, person, type Harness } from './harness.ts'

describe('what steps write to a contact', () => {
  let h: Harness
  const ada = person('ada')

  beforeEach(async () => {
    h = await createHarness()
    h.crm.addContact({ email: 'ada@example.com', id: 'ada', tags: ['lead'] })
    await h.effects.wantContact({ companyId, identity: ada })
    await h.drain()
    h.crm.forgetCalls()
  })
  afterEach(() => h.close())

  const message = (key: string, content: OutboxMessage['content']): OutboxMessage => ({ key, companyId, contact: ada, dueAt: h.clock.now(), content })
  const tags: OutboxMessage['content'] = { kind: 'tags', add: ['VIP'], remove: ['lead'] }
  const field: OutboxMessage['content'] = { kind: 'field', fieldId: 'f-plan', value: 'Gold', label: 'Plan' }
  const card: OutboxMessage['content'] = { kind: 'card', pipelineId: 'p-sales', stageId: 's-won', name: 'Ada' }
  const enter: OutboxMessage['content'] = { kind: 'crm_workflow', action: 'add', workflowId: 'w-welcome', label: 'Welcome' }
  const leave: OutboxMessage['content'] = { kind: 'crm_workflow', action: 'remove', workflowId: 'w-welcome' }
  const adas = () => h.crm.contacts.get('ada')!
  const seen = (tagsSeen: string[]) => h.effects.observeContact(companyId, { id: 'ada', tags: tagsSeen, at: h.clock.now() })
  const status = async () => (await h.effects.status({ companyId, page: 1, pageSize: 10 })).items

  it('arrives in the order in which it was wanted, each once, and is told', async () => {
    for (const [key, content] of [['t', tags], ['f', field], ['c', card], ['w', enter]] as const) {
      expect(await h.effects.send(message(key, content))).toBe('queued')
      expect(await h.effects.send(message(key, content))).toBe('duplicate')
    }
    await h.drain()
    expect(adas().tags).toEqual(['vip'])
    expect(adas().customFields).toContainEqual({ id: 'f-plan', value: 'Gold' })
    expect([...h.crm.opportunities.values()]).toMatchObject([{ contactId: 'ada', pipelineId: 'p-sales', stageId: 's-won', name: 'Ada' }])
    expect(h.crm.enrolments).toEqual([{ contactId: 'ada', workflowId: 'w-welcome' }])
    expect(h.events.map(({ type, data }) => [type, data['kind'], data['messageKey']])).toEqual([
      ['message.sent', 'tags', 't'], ['message.sent', 'field', 'f'], ['message.sent', 'card', 'c'], ['message.sent', 'crm_workflow', 'w'],
    ])
    expect(h.events[3]!.summary).toBe('The contact was added to the workflow “Welcome”.')
  })

  it('keeps the order of one contact though the first of them has to be tried again', async () => {
    h.crm.failNext('addTags', { when: 'before', error: new Error('socket hang up') })
    await h.effects.send(message('on', { kind: 'tags', add: ['vip'], remove: [] }))
    await h.effects.send(message('off', { kind: 'tags', add: [], remove: ['vip'] }))
    await h.drain()
    h.clock.advanceMs(20_000)
    await h.drain()
    expect(adas().tags).toEqual(['lead'])
  })

  describe('whose writer died after HighLevel had accepted it', () => {
    async function dies(call: Parameters<Harness['crm']['failNext']>[0], content: OutboxMessage['content']): Promise<Harness['effects']> {
      h.crm.failNext(call, { when: 'after', hang: true })
      await h.effects.send(message('m', content))
      void h.effects.pumps[2]!.drain()
      await until('HighLevel to have it', () => h.crm.count(call) === 1)
      const other = await h.anotherProcess()
      h.clock.advanceMs(60_001)
      await h.drain(other)
      return other
    }

    it('is not written again: a tag', async () => {
      await dies('addTags', tags)
      expect(adas().tags).toEqual(['vip'])
      expect([h.crm.count('addTags'), h.crm.count('removeTags')]).toEqual([1, 1])
      expect(h.events.map(({ type }) => type)).toEqual(['message.sent'])
    })

    it('is not written again: a field', async () => {
      await dies('updateContact', field)
      expect(h.crm.count('updateContact')).toBe(1)
      expect(h.events.map(({ type }) => type)).toEqual(['message.sent'])
    })

    it('is not made again: a card', async () => {
      h.crm.searchLagMs = 5_000
      await dies('createOpportunity', card)
      expect(h.crm.opportunities.size).toBe(1)
      expect(h.events.map(({ type }) => type)).toEqual(['message.sent'])
    })

    it('is done again without harm: leaving a workflow', async () => {
      await h.effects.send(message('in', enter))
      await h.drain()
      await dies('removeFromWorkflow', leave)
      expect(h.crm.enrolments).toEqual([])
      expect(h.events.map(({ type }) => type)).toEqual(['message.sent', 'message.sent'])
    })

    it('is never done a second time by itself: entering a workflow, of which the end is told as unknown until a person decides', async () => {
      const other = await dies('addToWorkflow', enter)
      expect(h.crm.enrolments).toHaveLength(1)
      expect(h.events.map(({ type, data }) => [type, data['code']])).toEqual([['message.failed', 'crm_workflow_uncertain']])
      const [dead] = await status()
      expect(dead).toMatchObject({ state: 'dead', error: { code: 'crm_workflow_uncertain' } })
      expect(await other.replay(companyId, dead!.key)).toBe(true)
      await h.drain(other)
      expect(h.crm.enrolments).toHaveLength(2)
      expect(h.events.at(-1)).toMatchObject({ type: 'message.sent' })
    })
  })

  it('enters a workflow again by itself where the first call certainly did not arrive', async () => {
    h.crm.failNext('addToWorkflow', { when: 'before', error: new RetryAfterError('highlevel_rate_limited', 'Slow down.', 5_000) })
    await h.effects.send(message('m', enter))
    await h.drain()
    expect(h.crm.enrolments).toEqual([])
    h.clock.advanceMs(5_001)
    await h.drain()
    expect(h.crm.enrolments).toHaveLength(1)
  })

  it('and that was killed between noting and calling is told as unknown, never lost without a word', async () => {
    h.crm.failNext('addToWorkflow', { when: 'before', error: new Error('socket hang up') })
    await h.effects.send(message('m', enter))
    await h.drain()
    h.clock.advanceMs(20_000)
    await h.drain()
    expect(h.crm.enrolments).toEqual([])
    expect(await status()).toMatchObject([{ state: 'dead', error: { code: 'crm_workflow_uncertain' } }])
  })

  it('moves the card that is there, and the one that it made though no search shows it yet', async () => {
    h.crm.searchLagMs = 60_000
    await h.effects.send(message('one', card))
    await h.drain()
    h.clock.advanceMs(1_000)
    await h.effects.send(message('two', { ...card, stageId: 's-lost' }))
    await h.drain()
    expect([...h.crm.opportunities.values()]).toMatchObject([{ stageId: 's-lost' }])
    h.crm.forgetCalls()
    await h.effects.send(message('three', { ...card, stageId: 's-lost' }))
    await h.drain()
    expect(h.crm.count('moveOpportunity') + h.crm.count('createOpportunity')).toBe(0)
  })

  it.each([
    ['a tag of a reading', { kind: 'tags', add: ['Happiness: Happy'], remove: [] }, 'own_tag'],
    ['a field of a reading', { kind: 'field', fieldId: map.fields.happinessScore!, value: 100 }, 'own_field'],
    ['a card of a reading', { kind: 'card', pipelineId: map.pipelines.health!.id, stageId: 's-steady', name: 'x' }, 'own_pipeline'],
  ] as const)('never is %s: those follow by themselves', async (_what, content, code) => {
    await h.effects.send(message('m', content as unknown as OutboxMessage['content']))
    await h.drain()
    expect(h.crm.count()).toBe(0)
    expect(h.events).toMatchObject([{ type: 'message.failed', data: { code } }])
  })

  it('says why HighLevel refuses it', async () => {
    h.crm.failNext('updateContact', { when: 'before', error: new PermanentError('highlevel_invalid', 'No such field.') })
    await h.effects.send(message('m', field))
    await h.drain()
    expect(h.events).toMatchObject([{ type: 'message.failed', data: { code: 'highlevel_invalid' } }])
  })

  describe('as news that comes back', () => {
    const edits = () => h.events.filter(({ type }) => type === 'contact.tag_added' || type === 'contact.tag_removed').map(({ type, data }) => `${type} ${String(data['tag'])}`)

    it('is nobody\'s edit, whether it comes before or after our own record of it', async () => {
      h.crm.failNext('addTags', { when: 'after', hang: true })
      await h.effects.send(message('m', tags))
      void h.effects.pumps[2]!.drain()
      await until('HighLevel to have it', () => adas().tags.includes('vip'))
      h.clock.advanceMs(500)
      await seen(['vip'])
      expect(edits()).toEqual([])
      h.clock.advanceMs(60_001)
      const other = await h.anotherProcess()
      await h.drain(other)
      await seen(['vip'])
      h.clock.advanceMs(10_000)
      await seen(['vip'])
      expect(edits()).toEqual([])
    })

    it('does not hide what people do with the same tag afterwards', async () => {
      await h.effects.send(message('m', tags))
      await h.drain()
      h.clock.advanceMs(10_000)
      await seen(['vip'])
      h.clock.advanceMs(10_000)
      adas().tags = []
      await seen([])
      expect(edits()).toEqual(['contact.tag_removed vip'])
      h.clock.advanceMs(10_000)
      adas().tags = ['vip', 'lead']
      await seen(['vip', 'lead'])
      expect(edits().sort()).toEqual(['contact.tag_added lead', 'contact.tag_added vip', 'contact.tag_removed vip'])
    })

    it('that shows the time just before our write is read again before anything is concluded', async () => {
      await h.effects.send(message('m', tags))
      await h.drain()
      h.clock.advanceMs(1_000)
      await seen(['lead'])
      expect(edits()).toEqual([])
      h.clock.advanceMs(10_000)
      await h.drain()
      expect(h.crm.count('getContact')).toBe(1)
      expect(edits()).toEqual([])
    })

    it('leaves the reading\'s own tag to the reconcile', async () => {
      await h.effects.wantContact({ companyId, identity: ada, tags: { happiness: 'happiness: happy' } })
      await h.effects.send(message('m', tags))
      await h.drain()
      h.clock.advanceMs(10_000)
      await h.drain()
      expect([...adas().tags].sort()).toEqual(['happiness: happy', 'vip'])
      h.crm.forgetCalls()
      await seen(adas().tags)
      await h.drain()
      expect(h.crm.count()).toBe(0)
      expect(edits()).toEqual([])
    })
  })
})
