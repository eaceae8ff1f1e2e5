import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { OutboxMessage } from '../../src/effects/index.ts'
import { PermanentError } from '../../src/kernel/errors.ts'
import { until } from '../support/until.ts'
import { companyId, createHarness, person, type Harness } from './harness.ts'

describe('the outbox', () => {
  let h: Harness
  const ada = person('ada')

  beforeEach(async () => {
    h = await createHarness()
    h.crm.addContact({ email: 'ada@example.com', id: 'ada' })
    await h.effects.wantContact({ companyId, identity: ada })
    await h.drain()
  })
  afterEach(() => h.close())

  const message = (key: string, content: OutboxMessage['content'], delayMs = 0): OutboxMessage => ({ key, companyId, contact: ada, dueAt: new Date(h.clock.nowMs() + delayMs), content })
  const email = { kind: 'email', subject: 'Thank you', html: '<p>Thank you &amp; see you</p>', text: 'Thank you & see you' } as const
  const task = (): OutboxMessage['content'] => ({ kind: 'task', title: 'Call Ada', body: 'She is not happy', dueAt: h.clock.now(), assignedTo: null })
  const note = { kind: 'note', body: 'Ada answered.' } as const

  it('sends a message once, when it is due', async () => {
    expect(await h.effects.send(message('m1', email, 60_000))).toBe('queued')
    expect(await h.effects.send(message('m1', email, 60_000))).toBe('duplicate')
    await h.drain()
    expect(h.crm.messages).toEqual([])
    h.clock.advanceMs(60_000)
    await h.drain()
    await h.drain()
    expect(h.crm.messages).toMatchObject([{ contactId: 'ada', subject: 'Thank you' }])
    expect(h.events.map((event) => [event.type, event.locationId, event.userId])).toEqual([['message.sent', 'loc1', 'ada']])
  })

  it('does not send what was cancelled before it left', async () => {
    await h.effects.send(message('m1', email, 60_000))
    expect(await h.effects.cancel(companyId, 'm1', 'the level recovered')).toBe(true)
    h.clock.advanceMs(60_000)
    await h.drain()
    expect(h.crm.messages).toEqual([])
    expect(await h.effects.cancel(companyId, 'm1', 'again')).toBe(false)
  })

  it('keeps companies\' keys apart', async () => {
    await h.effects.send(message('m1', email))
    expect(await h.effects.send({ ...message('m1', email), companyId: 'company2' })).toBe('queued')
  })

  it.each([
    ['e-mail', email, 'sendMessage'],
    ['note', note, 'createNote'],
    ['task', { kind: 'task', title: 'Call Ada', body: 'She is not happy', dueAt: new Date(), assignedTo: null }, 'createTask'],
  ] as const)('does not repeat a %s whose sender died after HighLevel had accepted it', async (_name, content, call) => {
    h.crm.failNext(call, { when: 'after', hang: true })
    await h.effects.send(message('m1', content))
    const made = (): number => h.crm.messages.length + h.crm.notes.length + h.crm.tasks.length
    void h.effects.pumps[2]!.drain()
    await until('HighLevel to have it', () => made() === 1)
    const other = await h.anotherProcess()
    await h.drain(other)
    h.clock.advanceMs(60_001)
    await h.drain(other)
    expect(made()).toBe(1)
    expect(h.crm.count(call)).toBe(1)
    expect(h.events).toHaveLength(1)
  })

  it('sends again what did not arrive', async () => {
    h.crm.failNext('sendMessage', { when: 'before', error: new Error('socket hang up') })
    await h.effects.send(message('m1', email))
    await h.drain()
    expect(h.crm.messages).toHaveLength(0)
    h.clock.advanceMs(20_000)
    await h.drain()
    expect(h.crm.messages).toHaveLength(1)
  })

  it('does not take an earlier task with the same words for the one it may have made', async () => {
    await h.effects.send(message('case-1', task()))
    await h.drain()
    h.clock.advanceMs(86_400_000)
    h.crm.failNext('createTask', { when: 'before', error: new Error('socket hang up') })
    await h.effects.send(message('case-2', task()))
    await h.drain()
    h.clock.advanceMs(20_000)
    await h.drain()
    expect(h.crm.tasks).toHaveLength(2)
  })

  it('waits for set-up and connection, and reports what HighLevel refuses for good', async () => {
    h.setup.live = false
    await h.effects.send(message('m1', email))
    await h.drain()
    expect((await h.effects.status({ companyId, page: 1, pageSize: 5 })).items).toMatchObject([{ kind: 'message', state: 'held', reason: 'installation_not_live' }])
    h.setup.live = true
    h.crm.failNext('sendMessage', { when: 'before', error: new PermanentError('highlevel_invalid', 'The contact does not want messages.') })
    expect(await h.effects.releaseHeld(companyId)).toBe(1)
    await h.drain()
    expect(h.events.map((event) => event.type)).toEqual(['message.failed'])
    const { items } = await h.effects.status({ companyId, page: 1, pageSize: 5 })
    expect(items).toMatchObject([{ kind: 'message', state: 'dead', error: { code: 'highlevel_invalid' } }])
    expect(await h.effects.replay(companyId, items[0]!.key)).toBe(true)
    await h.drain()
    expect(h.crm.messages).toHaveLength(1)
  })

  it('does not repeat what had arrived before it was given up and taken up again by hand', async () => {
    h.crm.failNext('sendMessage', { when: 'after', error: new PermanentError('highlevel_invalid', 'The answer could not be read.') })
    await h.effects.send(message('m1', email))
    await h.drain()
    expect(h.crm.messages).toHaveLength(1)
    const [dead] = (await h.effects.status({ companyId, page: 1, pageSize: 5 })).items
    expect(await h.effects.replay(companyId, dead!.key)).toBe(true)
    await h.drain()
    expect(h.crm.messages).toHaveLength(1)
    expect(await h.effects.counts()).toMatchObject({ outbox: { done: 1, dead: 0 } })
  })

  describe('a task that need not be done any more', () => {
    const settle = (key = 'case-1', effects = h.effects): Promise<void> => effects.settleTask({ companyId, key, subjectId: ada.subjectId, locationId: 'loc1', reason: 'case_closed' })

    it('is completed once after it was made, and its timeline says so', async () => {
      await h.effects.send(message('case-1', task()))
      await h.effects.send(message('case-2', { kind: 'task', title: 'Something else', body: '', dueAt: h.clock.now(), assignedTo: null }))
      await h.drain()
      await settle()
      await settle()
      await h.drain()
      await settle()
      await h.drain()
      expect(h.crm.tasks.map(({ title, completed }) => [title, completed])).toEqual(expect.arrayContaining([['Call Ada', true], ['Something else', false]]))
      expect(h.crm.count('completeTask')).toBe(1)
      expect(h.events.filter((event) => event.type === 'task.completed')).toMatchObject([{ locationId: 'loc1', userId: 'ada', data: { reason: 'case_closed' } }])
    })

    it('never leaves if it has not left, also when it is sent only afterwards', async () => {
      await h.effects.send(message('case-1', task(), 60_000))
      await settle()
      await settle('case-2')
      expect(await h.effects.send(message('case-2', task()))).toBe('duplicate')
      h.clock.advanceMs(60_000)
      await h.drain()
      expect(h.crm.tasks).toEqual([])
      expect(await h.effects.counts()).toMatchObject({ outbox: { pending: 0, held: 0, dead: 0 } })
    })

    it('is completed if an attempt to make it may have arrived', async () => {
      h.crm.failNext('createTask', { when: 'after', error: new Error('socket hang up') })
      await h.effects.send(message('case-1', task()))
      await h.drain()
      await settle()
      h.clock.advanceMs(20_000)
      await h.drain()
      expect(h.crm.tasks).toMatchObject([{ completed: true }])
    })

    it('is completed once though whoever completed it died before that was recorded', async () => {
      await h.effects.send(message('case-1', task()))
      await h.drain()
      await settle()
      h.crm.failNext('completeTask', { when: 'after', hang: true })
      void h.effects.pumps[2]!.drain()
      await until('HighLevel to have it', () => h.crm.tasks[0]?.completed === true)
      const other = await h.anotherProcess()
      h.clock.advanceMs(60_001)
      await h.drain(other)
      expect(h.crm.count('completeTask')).toBe(1)
      expect(h.events.filter((event) => event.type === 'task.completed')).toHaveLength(1)
    })

    it('and that a person deleted is no trouble; without a connection its completion waits', async () => {
      await h.effects.send(message('case-1', task()))
      await h.effects.send(message('case-2', task()))
      await h.drain()
      h.crm.tasks.splice(h.crm.tasks.length - 1)
      h.setup.live = false
      await settle()
      await settle('case-2')
      await h.drain()
      expect(await h.effects.counts()).toMatchObject({ outbox: { held: 2 } })
      h.setup.live = true
      await h.effects.releaseHeld(companyId)
      await h.drain()
      expect(h.crm.tasks).toMatchObject([{ completed: true }])
      expect(await h.effects.counts()).toMatchObject({ outbox: { held: 0, dead: 0 } })
    })
  })

  it('makes the contact first if there is none', async () => {
    await h.effects.send({ ...message('m1', email), contact: person('bob') })
    await h.drain()
    h.clock.advanceMs(2_000)
    await h.drain()
    expect(h.crm.messages).toHaveLength(1)
    expect(h.crm.contacts.size).toBe(2)
  })
})
