import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { neutralCheckIn } from '../../workflows/library/neutral.ts'
import type { DomainEvent } from '../../src/events/index.ts'
import type { DryRunRequest, DryRunView } from '../../src/http/contract/workflows.ts'
import { dryRunView } from '../../src/http/contract/workflows.ts'
import { companyId, createWorld, dayMs, hourMs, locationId, minuteMs, type World } from './support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const key = 'neutral_check_in'
const look = async (request: Partial<DryRunRequest> = {}): Promise<DryRunView> =>
  dryRunView.parse(await world.engine.workflows.authoring.dryRun.look(companyId, key, { days: 30, page: 1, pageSize: 100, ...request }))
const told = (view: DryRunView) => view.items.map(({ userId, outcome, reason }) => [userId, outcome, reason]).reverse()

function fact(type: DomainEvent['type'], over: Partial<DomainEvent> = {}): DomainEvent {
  return {
    key: `${type}:${world.clock.now().toISOString()}:${over.userId ?? 'none'}`, companyId, locationId, userId: 'user-1', type, at: world.clock.now(),
    actor: { kind: 'system', id: null, name: null }, source: 'webhook', summary: 'Something happened.', data: {}, ...over,
  }
}

describe('a dry run', () => {
  it('names who would have received what and when, and sends and stores nothing', async () => {
    const event = world.answer('neutral')
    await world.engine.events.append(event)
    await world.engine.events.append(world.answer('happy', { userId: 'user-2' }))
    await world.engine.settle()
    world.clock.advanceMs(dayMs)
    const view = await look()
    expect(view).toMatchObject({ eventsSeen: 2, people: 1, wouldReceive: 1, wouldNot: 0, stillWaiting: 0, total: 1, truncated: false })
    expect(view.items).toMatchObject([
      { eventKey: event.key, accountName: 'Bright Smile Dental', userId: 'user-1', userName: 'Maya Lopez', stepId: 'ask', kind: 'message', outcome: 'would_receive', subject: 'What would make it better, Maya?' },
    ])
    // Two hours of waiting and the hold.
    expect(view.items[0]?.at).toBe(new Date(event.at.getTime() + 2 * hourMs + minuteMs).toISOString())
    expect(world.around.sendCalls).toEqual([])
    expect(await world.store.connection.collection('workflow_runs').countDocuments({ workflowKey: key })).toBe(0)
    expect(await world.store.connection.collection('message_caps').countDocuments({})).toBe(0)
  })

  it('says why others would not: a reply, a better answer, somebody who left, who opted out, who has no address', async () => {
    for (const user of ['replied', 'recovered', 'left', 'opted_out']) await world.engine.events.append(world.answer('neutral', { userId: user }))
    world.clock.advanceMs(hourMs)
    await world.engine.events.append(fact('message.received', { userId: 'replied' }))
    await world.engine.events.append(world.answer('very_happy', { userId: 'recovered' }))
    await world.engine.events.append(fact('user.removed', { userId: 'left' }))
    await world.engine.events.append(fact('contact.opted_out', { userId: 'opted_out' }))
    world.clock.advanceMs(dayMs)
    const view = await look()
    expect(Object.fromEntries(view.items.map(({ userId, reason }) => [userId, reason]))).toEqual({ replied: 'reply', recovered: 'recovered', left: 'user_removed', opted_out: 'opted_out' })
    expect(view.reasons).toHaveLength(4)
    world.around.email = null
    expect((await look({ days: 29 })).reasons.map(({ reason }) => reason)).toContain('no_email')
  })

  it('counts the cap, messages of other follow-ups included, and waits out quiet hours', async () => {
    world.around.settings.messages.quietHours = { enabled: true, from: '20:00', to: '08:00' }
    world.clock.set(new Date('2026-11-03T19:30:00Z'))
    await world.engine.events.append(world.answer('neutral'))
    await world.engine.events.append(fact('message.sent', { userId: 'user-2', data: { messageKey: 'run:another:offer', kind: 'email' } }))
    await world.engine.events.append(world.answer('neutral', { userId: 'user-2' }))
    world.clock.advanceMs(2 * dayMs)
    await world.engine.events.append(world.answer('neutral'))
    world.clock.advanceMs(dayMs)
    const view = await look()
    expect(told(view)).toEqual([['user-2', 'would_not', 'capped'], ['user-1', 'would_receive', null], ['user-1', 'would_not', 'capped']])
    expect(view.items.find(({ outcome }) => outcome === 'would_receive')?.at).toBe('2026-11-04T08:00:00.000Z')
  })

  it('speaks with words and waits that are not saved yet, refuses faults in them, and shows what is still to come', async () => {
    await world.engine.events.append(world.answer('neutral'))
    world.clock.advanceMs(hourMs)
    const view = await look({ steps: { pause: { delayMinutes: 3 * 24 * 60 }, ask: { subject: 'Hello {{ user.name }}' } } })
    expect(view.items).toMatchObject([{ outcome: 'still_waiting', subject: 'Hello Maya Lopez' }])
    await expect(look({ steps: { ask: { subject: '{{ nobody }}' } } })).rejects.toMatchObject({ status: 422, code: 'invalid_template' })
    await expect(look({ steps: { other: {} } })).rejects.toMatchObject({ code: 'unknown_step' })
  })

  it('of a schedule plays every occasion for every account', async () => {
    const weekly = {
      ...neutralCheckIn, key: 'weekly_word', level: null, trigger: { events: [], where: [], schedule: { every: 'week' as const, at: '09:00', weekday: 2 } },
      guards: { ...neutralCheckIn.guards, dedupe: 'event' as const, capDays: 10, exitOn: ['reply' as const] },
    }
    await world.engine.workflows.authoring.exchange.importAll(companyId, { format: 'workflows', formatVersion: 1, workflows: [{ definition: weekly }] }, 'admin-1', false)
    world.clock.set(new Date('2026-11-18T12:00:00Z'))
    const view = dryRunView.parse(await world.engine.workflows.authoring.dryRun.look(companyId, 'weekly_word', { days: 14, page: 1, pageSize: 10 }))
    expect(view.items.map(({ eventAt, outcome, reason }) => [eventAt, outcome, reason])).toEqual([
      ['2026-11-17T09:00:00.000Z', 'would_not', 'capped'],
      ['2026-11-10T09:00:00.000Z', 'would_receive', null],
    ])
  })

  it('is read in pages and by outcome, and only as far back as asked', async () => {
    for (let user = 0; user < 5; user += 1) await world.engine.events.append(world.answer('neutral', { userId: `user-${user}` }))
    world.clock.advanceMs(3 * dayMs)
    expect(await look({ page: 2, pageSize: 2 })).toMatchObject({ total: 5, items: [{}, {}], wouldReceive: 5 })
    expect(await look({ outcome: 'would_not' })).toMatchObject({ total: 0, items: [], wouldReceive: 5 })
    expect(await look({ days: 2 })).toMatchObject({ eventsSeen: 0, total: 0 })
  })

  it('says of a window what the engine did in it', async () => {
    await world.close()
    world = await createWorld({ library: [neutralCheckIn] })
    await world.engine.workflows.publish(companyId, key, 'admin-1')
    const levels = ['neutral', 'happy', 'not_happy', 'neutral', 'very_happy'] as const
    for (let turn = 0; turn < 45; turn += 1) {
      const userId = `user-${(turn * 7) % 11}`
      const level = levels[turn % levels.length]!
      world.around.levels.set(userId, level)
      await world.engine.events.append(world.answer(level, { userId }))
      world.clock.advanceMs(hourMs)
      if (turn % 3 === 0) await world.engine.events.append(fact('message.received', { userId }))
      await world.engine.settle()
      world.clock.advanceMs(3 * hourMs)
      await world.engine.settle()
      // What was handed over has left by the next turn: a later reply does not take it back.
      for (const message of world.around.outbox.values()) message.left = true
    }
    const runs = await world.store.connection.collection('workflow_runs').find({ workflowKey: key }).toArray()
    const did = runs.filter((run) => (run['history'] as { outcome: string }[]).some(({ outcome }) => outcome === 'handed_over')).map((run) => String(run['eventKey']))
    const view = await look()
    const would = view.items.filter(({ outcome }) => outcome === 'would_receive').map(({ eventKey }) => eventKey)
    expect(would.length).toBeGreaterThan(3)
    expect(view.wouldNot).toBeGreaterThan(3)
    expect(would.sort()).toEqual(did.sort())
  }, 120_000)
})
