import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { PermanentError } from '../../src/kernel/errors.ts'
import type { RunView } from '../../src/http/contract/workflows.ts'
import { companyId, createWorld, dayMs, hourMs, locationId, minuteMs, type World } from './support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const messages = () => [...world.around.outbox.values()].filter((each) => each.content.kind === 'email')
/** HighLevel has them: nobody can take them back. */
const leave = () => {
  for (const message of world.around.outbox.values()) message.left = true
}
const publish = (key: string) => world.engine.workflows.publish(companyId, key, 'admin-1')
async function runsOf(key: string): Promise<RunView[]> {
  return (await world.engine.workflows.runs({ companyId, key, page: 1, pageSize: 50 })).items
}
async function happen(...events: ReturnType<World['answer']>[]): Promise<void> {
  for (const event of events) await world.engine.events.append(event)
  await world.engine.settle()
}
async function passMs(durationMs: number): Promise<void> {
  world.clock.advanceMs(durationMs)
  await world.engine.settle()
}

describe('a follow-up', () => {
  it('as a draft reaches nobody', async () => {
    await happen(world.answer('neutral'))
    await passMs(30 * dayMs)
    expect(messages()).toEqual([])
    expect(await runsOf('neutral_check_in')).toEqual([])
  })

  it('once published is sent once, after its delay and the hold', async () => {
    await publish('neutral_check_in')
    await happen(world.answer('neutral'))
    await passMs(2 * hourMs)
    expect(messages()).toEqual([])
    await passMs(59_000)
    expect(messages()).toEqual([])
    await passMs(1_000)
    expect(messages()).toHaveLength(1)
    await passMs(20 * dayMs)
    expect(world.around.sendCalls).toHaveLength(1)
    const [message] = messages()
    expect(message).toMatchObject({
      companyId,
      contact: { subjectId: `user:${locationId}:user-1`, email: 'maya@example.com', companyName: 'Bright Smile Dental' },
      content: { kind: 'email', subject: 'What would make it better, Maya?', text: expect.stringContaining('Priya Nair\nNorthbeam') },
    })
    const [run] = await runsOf('neutral_check_in')
    expect(message?.key).toBe(`run:${run?.id ?? ''}:ask`)
    expect(run).toMatchObject({ state: 'done', reason: null, nextAt: null, steps: [{ stepId: 'ask', outcome: 'handed_over' }] })
  })

  it('starts with the next fact, never with past ones', async () => {
    const past = world.answer('neutral')
    world.clock.advanceMs(1)
    await publish('neutral_check_in')
    await happen(past)
    await passMs(30 * dayMs)
    expect(await runsOf('neutral_check_in')).toEqual([])
    await happen(world.answer('neutral'))
    expect(await runsOf('neutral_check_in')).toHaveLength(1)
  })

  it('of another level does not start', async () => {
    await publish('neutral_check_in')
    await happen(world.answer('happy'))
    expect(await runsOf('neutral_check_in')).toEqual([])
  })

  it('is stopped by a pause, and what has not left is taken back', async () => {
    await publish('neutral_check_in')
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    expect(messages()).toHaveLength(1)
    await happen(world.answer('neutral', { userId: 'user-2' }))
    await world.engine.workflows.pause(companyId, 'neutral_check_in', 'admin-1')
    expect(messages()[0]).toMatchObject({ cancelled: true })
    await passMs(3 * hourMs)
    expect(messages()).toHaveLength(1)
    expect((await runsOf('neutral_check_in')).map((run) => [run.state, run.reason])).toEqual([['stopped', 'paused'], ['stopped', 'paused']])
  })

  it('does not take back what left already', async () => {
    await publish('neutral_check_in')
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    const [message] = messages()
    await happen({ ...world.answer('neutral'), key: 'message.sent:1', type: 'message.sent', data: { messageKey: message?.key } })
    await world.engine.workflows.pause(companyId, 'neutral_check_in', 'admin-1')
    expect(messages()[0]).toMatchObject({ cancelled: false })
    expect((await runsOf('neutral_check_in'))[0]).toMatchObject({ state: 'done', steps: [{ outcome: 'sent' }] })
  })

  it.each<[string, string, (world: World) => void]>([
    ['the level recovered', 'recovered', ({ around }) => (around.level = 'very_happy')],
    ['a newer answer says something else', 'level_changed', ({ around }) => (around.level = 'not_happy')],
    ['the user was removed', 'user_removed', ({ around }) => (around.personRemoved = true)],
    ['the user has no e-mail address', 'no_email', ({ around }) => (around.email = null)],
    ['the app was uninstalled', 'uninstalled', ({ around }) => (around.live = false)],
    ['everything is paused', 'all_paused', ({ around }) => (around.settings.messages.paused = true)],
  ])('is not sent if %s in the meantime', async (_what, reason, change) => {
    await publish('neutral_check_in')
    await happen(world.answer('neutral'))
    change(world)
    await passMs(3 * hourMs)
    expect(messages()).toEqual([])
    expect((await runsOf('neutral_check_in'))[0]).toMatchObject({ state: 'stopped', reason, steps: [{ stepId: 'ask', outcome: 'stopped', reason }] })
  })

  it('asks no favour while a case is open in the account', async () => {
    await publish('very_happy_review')
    await happen(world.answer('very_happy'))
    world.around.openCase = true
    await passMs(2 * dayMs)
    expect(messages()).toEqual([])
    expect((await runsOf('very_happy_review'))[0]).toMatchObject({ state: 'stopped', reason: 'open_case' })
  })

  it('stops at a reply', async () => {
    await publish('neutral_check_in')
    await happen(world.answer('neutral'))
    await happen({ ...world.answer('neutral'), key: 'message.received:1', type: 'message.received', data: {} })
    await passMs(3 * hourMs)
    expect(messages()).toEqual([])
    expect((await runsOf('neutral_check_in'))[0]).toMatchObject({ state: 'stopped', reason: 'reply' })
  })

  it('waits for the end of the quiet hours in the recipient’s zone', async () => {
    world.around.settings.messages.quietHours = { enabled: true, from: '20:00', to: '08:00' }
    world.around.timezone = 'America/Los_Angeles'
    await publish('neutral_check_in')
    // 09:00 UTC is 01:00 there; the night ends at 16:00 UTC.
    await happen(world.answer('neutral'))
    await passMs(6.5 * hourMs)
    expect(messages()).toEqual([])
    expect((await runsOf('neutral_check_in'))[0]).toMatchObject({ state: 'active', reason: 'quiet_hours', nextAt: '2026-11-02T16:00:00.000Z' })
    await passMs(31 * minuteMs)
    expect(messages()).toHaveLength(1)
    expect((await runsOf('neutral_check_in'))[0]).toMatchObject({ state: 'done', reason: null })
  })

  it('writes to one person once in 7 days across all follow-ups, and says why it held back', async () => {
    await publish('neutral_check_in')
    await publish('happy_next_step')
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    leave()
    await happen(world.answer('happy'))
    await passMs(5 * hourMs)
    expect(messages()).toHaveLength(1)
    expect((await runsOf('happy_next_step'))[0]).toMatchObject({ state: 'stopped', reason: 'capped' })
    await happen(world.answer('happy', { userId: 'user-2' }))
    await passMs(5 * hourMs)
    expect(messages()).toHaveLength(2)
    leave()
    await passMs(7 * dayMs)
    await happen(world.answer('happy'))
    await passMs(5 * hourMs)
    expect(messages()).toHaveLength(3)
  })

  it('counts the 7 days from when a delayed message really left', async () => {
    await publish('neutral_check_in')
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    const [message] = messages()
    world.clock.advanceMs(2 * dayMs)
    await happen({ ...world.answer('neutral', { answerId: 'x' }), key: 'message.sent:1', type: 'message.sent', data: { messageKey: message?.key } })
    await passMs(6 * dayMs)
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    expect(messages()).toHaveLength(1)
    await passMs(dayMs)
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    expect(messages()).toHaveLength(2)
  })

  it('a message that failed for good gives the person’s turn back', async () => {
    await publish('neutral_check_in')
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    await happen({ ...world.answer('neutral', { answerId: 'x' }), key: 'message.failed:1', type: 'message.failed', data: { messageKey: messages()[0]?.key, code: 'highlevel_dnd' } })
    expect((await runsOf('neutral_check_in'))[0]).toMatchObject({ state: 'failed', reason: 'highlevel_dnd' })
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    expect(messages()).toHaveLength(2)
  })

  it('an answer that is changed back and forth starts each level once', async () => {
    await publish('neutral_check_in')
    await publish('happy_next_step')
    const first = world.answer('neutral', { answerId: 'a' })
    const changed = (level: 'happy' | 'neutral', n: number) => ({ ...world.answer(level, { answerId: 'a' }), key: `feedback.changed:a:${n}`, type: 'feedback.changed' as const })
    await happen(first, changed('happy', 1), changed('neutral', 2))
    expect(await runsOf('neutral_check_in')).toHaveLength(1)
    await passMs(6 * hourMs)
    expect(messages()).toHaveLength(1)
    expect((await runsOf('happy_next_step'))[0]).toMatchObject({ state: 'stopped', reason: 'level_changed' })
  })

  it('under way finishes on its version, new ones use the new words', async () => {
    await publish('neutral_check_in')
    await happen(world.answer('neutral'))
    await world.engine.workflows.edit(companyId, 'neutral_check_in', { copy: { subject: 'New words' }, delayMinutes: 0 }, 'admin-1')
    await happen(world.answer('neutral', { userId: 'user-2' }))
    await passMs(minuteMs)
    expect(messages().map((each) => each.content.kind === 'email' && each.content.subject)).toEqual(['New words'])
    await passMs(3 * hourMs)
    expect(messages().map((each) => each.content.kind === 'email' && each.content.subject)).toEqual(['New words', 'What would make it better, Maya?'])
    expect((await runsOf('neutral_check_in')).map((run) => run.version).sort()).toEqual([1, 2])
  })
})

describe('the engine', () => {
  it('two processes and duplicate events make one run and one message', async () => {
    await publish('neutral_check_in')
    const other = await world.anotherEngine()
    const event = world.answer('neutral')
    const twin = { ...event, key: `${event.key}:again` }
    await Promise.all([world.engine.events.append(event), other.events.append(event), world.engine.events.append(twin)])
    await Promise.all([world.engine.settle(), other.settle()])
    world.clock.advanceMs(3 * hourMs)
    await Promise.all([world.engine.settle(), other.settle()])
    expect(await runsOf('neutral_check_in')).toHaveLength(1)
    expect(messages()).toHaveLength(1)
  })

  it('a crash between the message and its record repeats the step, not the message', async () => {
    await publish('neutral_check_in')
    // This process stops for good right after the outbox took the message.
    let stopped = false
    const dying = world.engineWith({
      async send(message) {
        world.around.outbox.set(message.key, { ...message, cancelled: false, left: false })
        stopped = true
        return new Promise(() => undefined)
      },
    })
    await happen(world.answer('neutral'))
    world.clock.advanceMs(3 * hourMs)
    void dying.workflows.pumps.runs.drain()
    while (!stopped) await new Promise((resolve) => setImmediate(resolve))
    world.clock.advanceMs(10 * minuteMs)
    await world.engine.settle()
    expect(world.around.outbox.size).toBe(1)
    expect(world.around.sendCalls).toHaveLength(1)
    expect((await runsOf('neutral_check_in'))[0]).toMatchObject({ state: 'done', steps: [{ stepId: 'ask', outcome: 'handed_over' }] })
  })

  it('a run that was stored without its first step is taken up when the event comes again', async () => {
    await publish('neutral_check_in')
    let faults = 1
    const dying = world.engineWith({
      async settings() {
        if (faults-- > 0) throw new Error('the store went away')
        return world.around.settings
      },
    })
    const event = world.answer('neutral')
    await dying.events.append(event)
    await dying.settle()
    await passMs(3 * hourMs)
    await passMs(minuteMs)
    await passMs(3 * hourMs)
    expect(messages()).toHaveLength(1)
    expect(await runsOf('neutral_check_in')).toHaveLength(1)
  })

  it('a passing fault is tried again, and the message is sent once', async () => {
    await publish('neutral_check_in')
    world.around.sendFaults.push(new Error('network'))
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    await passMs(minuteMs)
    expect(messages()).toHaveLength(1)
    expect((await runsOf('neutral_check_in'))[0]).toMatchObject({ state: 'done' })
  })

  it('a permanent fault ends the run with its code', async () => {
    await publish('neutral_check_in')
    world.around.sendFaults.push(new PermanentError('contact_gone', 'No such contact'))
    await happen(world.answer('neutral'))
    await passMs(3 * hourMs)
    expect((await runsOf('neutral_check_in'))[0]).toMatchObject({ state: 'failed', reason: 'contact_gone', steps: [{ outcome: 'failed' }] })
  })

  it('never reads another agency’s runs or words', async () => {
    await publish('neutral_check_in')
    await world.engine.workflows.edit(companyId, 'neutral_check_in', { copy: { subject: 'Ours' } }, 'admin-1')
    await happen(world.answer('neutral'), world.answer('neutral', { companyId: 'company-2' }))
    await passMs(3 * hourMs)
    expect(messages()).toHaveLength(1)
    expect((await world.engine.workflows.runs({ companyId: 'company-2', key: 'neutral_check_in', page: 1, pageSize: 10 })).total).toBe(0)
    expect((await world.engine.workflows.detail('company-2', 'neutral_check_in')).copy.subject).not.toBe('Ours')
  })
})

describe('notifications of the team', () => {
  it('are on without anybody publishing them', async () => {
    await happen(world.answer('not_happy', { comment: 'Reports are slow' }))
    expect(world.around.notices).toEqual([
      expect.objectContaining({ kind: 'feedback_received', audience: 'owner', title: 'Bright Smile Dental: Maya Lopez answered Not Happy.', body: '“Reports are slow”', link: `/accounts/${locationId}`, email: false }),
    ])
  })

  it('whose telling failed are told by the queue; a run says once what came of it', async () => {
    let faults = 1
    const failing = world.engineWith({
      async notify(notice) {
        if (faults-- > 0) throw new Error('the store went away')
        world.around.notices.push(notice)
      },
    })
    await failing.events.append(world.answer('happy'))
    await failing.settle()
    await passMs(minuteMs)
    await happen(world.answer('neutral'))
    expect(world.around.notices.map(({ kind }) => kind)).toEqual(['feedback_received', 'feedback_received'])
    const runs = await runsOf('feedback_received')
    expect(runs.map(({ state, steps }) => [state, steps.map(({ stepId, outcome }) => [stepId, outcome])])).toEqual([
      ['done', [['tell', 'done']]],
      ['done', [['tell', 'done']]],
    ])
  })

  it('a case that is opened tells the owner and gives them a task once', async () => {
    const dueAt = new Date(world.clock.nowMs() + dayMs)
    const opened = { ...world.answer('not_happy'), key: 'case.opened:1', type: 'case.opened' as const, data: { caseId: 'case-1', ownerUserId: 'csm-2', dueAt: dueAt.toISOString() } }
    await happen(opened, opened)
    expect(world.around.notices).toEqual([expect.objectContaining({ kind: 'case_opened', ownerId: 'csm-2', email: true, link: '/cases/case-1', title: expect.stringContaining('Case due 3 Nov, 09:00 UTC') })])
    expect([...world.around.outbox.values()]).toEqual([
      expect.objectContaining({ content: expect.objectContaining({ kind: 'task', title: 'Call Maya Lopez, Bright Smile Dental: Not Happy', assignedTo: 'csm-2', dueAt }) }),
    ])
  })

  it('a case that is closed needs its task no more, also one that has not begun; another case keeps its own', async () => {
    const event = (type: 'case.opened' | 'case.closed', caseId: string, opening = 1) => ({ ...world.answer('not_happy'), key: `${type}:${caseId}:${opening}`, type, data: { caseId } })
    const taskKeys = () => [...world.around.outbox.values()].filter((each) => each.content.kind === 'task').map((each) => each.key)
    await happen(event('case.opened', 'case-1'))
    const [first] = taskKeys()
    await happen(event('case.opened', 'case-2'), event('case.closed', 'case-1'))
    expect(world.around.settledTasks).toEqual([first])
    // Closed while the first step could not be done.
    await world.engine.events.append(event('case.opened', 'case-3'))
    await world.engine.events.append(event('case.closed', 'case-3'))
    await world.engineWith({ notify: () => Promise.reject(new Error('not now')) }).workflows.pumps.events.drain()
    await world.engine.settle()
    expect(world.around.settledTasks).toHaveLength(2)
    expect(taskKeys()).toHaveLength(2)
    expect(world.around.notices.filter(({ kind }) => kind === 'case_opened')).toHaveLength(2)
    expect((await runsOf('case_opened')).filter(({ state }) => state === 'stopped')).toMatchObject([{ reason: 'case_closed' }])
    // Opened again: a matter of its own.
    await happen(event('case.opened', 'case-1', 2))
    expect(taskKeys()).toHaveLength(3)
    expect(world.around.settledTasks).toHaveLength(2)
  })

  it('can be paused', async () => {
    await world.engine.workflows.pause(companyId, 'feedback_received', 'admin-1')
    await happen(world.answer('happy'))
    expect(world.around.notices).toEqual([])
  })
})
