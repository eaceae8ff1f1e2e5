import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { PermanentError } from '../../src/kernel/errors.ts'
import { readDefinition, workflowDefinition } from '../../workflows/definition.ts'
import type { WorkflowDefinition } from '../../workflows/index.ts'
import { email } from '../../workflows/library/copy.ts'
import { neutralCheckIn } from '../../workflows/library/neutral.ts'
import { companyId, createWorld, dayMs, hourMs, locationId, minuteMs, type World } from './support/world.ts'

function workflow(key: string, steps: WorkflowDefinition['steps'], guards: Partial<WorkflowDefinition['guards']> = {}): WorkflowDefinition {
  return { ...neutralCheckIn, key, steps, guards: { ...neutralCheckIn.guards, exitOn: ['uninstall'], ...guards } }
}
const hour = { id: 'pause', kind: 'wait' as const, delayMinutes: 60 }
const ask = email('ask', 'How is it?', ['Hi {{ user.first_name }}'])
const definitions = [
  workflow('plain', [hour, ask]),
  workflow('once_only', [hour, ask], { reentry: 'once' }),
  workflow('after_end', [{ ...hour, delayMinutes: 3 * 24 * 60 }, ask], { reentry: 'after_end' }),
  workflow('cooling', [hour, ask], { cooldownDays: 10 }),
  workflow('leaves', [{ ...hour, delayMinutes: 24 * 60 }, ask], { exitOn: ['reply', 'opt_out', 'case_opened'] }),
  workflow('branching', [
    hour,
    { id: 'still', kind: 'if', when: [{ field: 'user.level', is: 'one_of', values: ['neutral'] }], otherwise: 'told' },
    ask,
    { id: 'over', kind: 'jump', to: 'end' },
    { id: 'told', kind: 'note', body: 'It went to {{ answer.level }}.' },
  ]),
  workflow('mornings', [{ ...hour, until: { time: '10:00', weekdays: [2, 4] }, businessHours: true }, { id: 'text', kind: 'sms', text: 'Hi {{ user.first_name }}' }]),
  {
    ...workflow('weekly', [{ id: 'remark', kind: 'note', body: 'A week of {{ account.name }}.' }], { dedupe: 'event' }),
    reading: 'account' as const,
    trigger: { events: [], where: [], schedule: { every: 'week' as const, at: '08:00', weekday: 1 } },
  },
]

let world: World
beforeEach(async () => {
  world = await createWorld({ library: definitions })
  world.around.settings.messages.onePerPersonDays = 0
})
afterEach(() => world.close())

const publish = (key: string) => world.engine.workflows.publish(companyId, key, 'admin-1')
const out = () => [...world.around.outbox.values()].filter((each) => !each.cancelled).map(({ content }) => content.kind)
async function happen(...events: ReturnType<World['answer']>[]): Promise<void> {
  for (const event of events) await world.engine.events.append(event)
  await world.engine.settle()
}
async function pass(durationMs: number): Promise<void> {
  world.clock.advanceMs(durationMs)
  await world.engine.settle()
}
async function runsOf(workflowKey: string) {
  const { items } = await world.engine.workflows.runs({ companyId, key: workflowKey, page: 1, pageSize: 20 })
  return items.reverse()
}
const told = (type: 'message.received' | 'contact.opted_out' | 'contact.opted_in' | 'case.opened', over: object = {}) => ({
  ...world.answer('neutral'), key: `${type}:${world.clock.nowMs()}`, type, data: { caseId: 'case-9' }, ...over,
})

describe('entering again', () => {
  it('once: a later fact is kept with its reason and starts nothing', async () => {
    await publish('once_only')
    await happen(world.answer('neutral'))
    await pass(2 * hourMs)
    await pass(40 * dayMs)
    await happen(world.answer('neutral'), world.answer('neutral', { userId: 'user-2' }))
    await pass(2 * hourMs)
    expect(out()).toHaveLength(2)
    expect((await runsOf('once_only')).map(({ userId, state, reason }) => [userId, state, reason])).toEqual([['user-1', 'done', null], ['user-1', 'stopped', 'entered_before'], ['user-2', 'done', null]])
  })

  it('after the end: not while the earlier run is under way', async () => {
    await publish('after_end')
    await happen(world.answer('neutral'))
    await pass(dayMs)
    await happen(world.answer('neutral'))
    await pass(3 * dayMs)
    await happen(world.answer('neutral'))
    await pass(4 * dayMs)
    expect((await runsOf('after_end')).map(({ state, reason }) => [state, reason])).toEqual([['done', null], ['stopped', 'still_in_it'], ['done', null]])
  })

  it('a cooldown counts from the last entry', async () => {
    await publish('cooling')
    for (const days of [0, 9, 2]) {
      await pass(days * dayMs)
      await happen(world.answer('neutral'))
      await pass(2 * hourMs)
    }
    expect((await runsOf('cooling')).map(({ reason }) => reason)).toEqual([null, 'cooldown', null])
  })

  it('two processes admit one of two facts', async () => {
    await publish('once_only')
    const other = await world.anotherEngine()
    await Promise.all([world.engine.events.append(world.answer('neutral')), other.events.append(world.answer('neutral', { locationId: 'location-2' }))])
    await Promise.all([world.engine.settle(), other.settle()])
    expect((await runsOf('once_only')).map(({ state }) => state).sort()).toEqual(['active', 'stopped'])
  })
})

describe('leaving early', () => {
  it.each([['message.received', 'reply'], ['contact.opted_out', 'opted_out'], ['case.opened', 'case_opened']] as const)('%s ends the runs that leave on it, and no others', async (type, reason) => {
    await publish('leaves')
    await publish('plain')
    await happen(world.answer('neutral'))
    await happen(told(type))
    expect((await runsOf('leaves'))[0]).toMatchObject({ state: 'stopped', reason })
    expect((await runsOf('plain'))[0]).toMatchObject({ state: 'active' })
  })

  it('somebody who does not want messages gets none, until they say otherwise', async () => {
    await publish('plain')
    await happen(told('contact.opted_out'), world.answer('neutral'))
    await pass(2 * hourMs)
    expect((await runsOf('plain'))[0]).toMatchObject({ state: 'stopped', reason: 'opted_out' })
    await happen(told('contact.opted_in'), world.answer('neutral'))
    await pass(2 * hourMs)
    expect(out()).toEqual(['email'])
  })
})

describe('branches and waits', () => {
  it('an if leads on by what is true then, and the run says where it went', async () => {
    await publish('branching')
    await happen(world.answer('neutral'))
    await pass(2 * hourMs)
    await pass(minuteMs)
    expect(out()).toEqual(['email'])
    await happen(world.answer('neutral', { userId: 'user-2' }))
    world.around.levels.set('user-2', 'happy')
    await pass(2 * hourMs)
    expect(out()).toEqual(['email', 'note'])
    const [stayed, left] = await runsOf('branching')
    expect([stayed?.state, left?.state]).toEqual(['done', 'done'])
    expect(stayed?.steps.map(({ stepId }) => stepId)).toEqual(['still', 'ask'])
    expect(left?.steps.map(({ stepId }) => stepId)).toEqual(['still', 'told'])
  })

  it('a wait goes on to the day and hour, by the recipient’s clock; no phone, no text message', async () => {
    world.around.timezone = 'America/New_York'
    await publish('mornings')
    // Monday, 2 November, 09:00 UTC.
    await happen(world.answer('neutral'))
    expect((await runsOf('mornings'))[0]?.nextAt).toBe('2026-11-03T15:01:00.000Z')
    await pass(2 * dayMs)
    expect((await runsOf('mornings'))[0]).toMatchObject({ state: 'stopped', reason: 'no_phone' })
  })
})

describe('a person in charge', () => {
  const operator = () => world.engine.workflows.operator

  it('cancels during the hold: nothing leaves', async () => {
    await publish('plain')
    await happen(world.answer('neutral'))
    await pass(hourMs + 30_000)
    const [run] = await runsOf('plain')
    await operator().cancel(companyId, run?.id ?? '')
    await pass(dayMs)
    expect(out()).toEqual([])
    expect((await runsOf('plain'))[0]).toMatchObject({ state: 'stopped', reason: 'cancelled' })
  })

  it('cancels what the outbox still has, and not what left', async () => {
    await publish('plain')
    await happen(world.answer('neutral'), world.answer('neutral', { userId: 'user-2' }))
    await pass(2 * hourMs)
    const [first, second] = await runsOf('plain')
    const keyOf = (id = '') => `run:${id}:ask`
    await operator().cancel(companyId, first?.id ?? '')
    expect(world.around.outbox.get(keyOf(first?.id))).toMatchObject({ cancelled: true })
    Object.assign(world.around.outbox.get(keyOf(second?.id)) ?? {}, { left: true })
    await expect(operator().cancel(companyId, second?.id ?? '')).rejects.toMatchObject({ status: 409, code: 'run_finished' })
    await expect(operator().cancel('company-2', first?.id ?? '')).rejects.toMatchObject({ status: 404 })
  })

  it('has a failed step repeated, once, under its key', async () => {
    await publish('plain')
    world.around.sendFaults.push(new PermanentError('contact_gone', 'No such contact'))
    await happen(world.answer('neutral'))
    await pass(2 * hourMs)
    const [failed] = await runsOf('plain')
    expect(failed).toMatchObject({ state: 'failed', reason: 'contact_gone' })
    await Promise.allSettled([operator().retry(companyId, failed?.id ?? ''), operator().retry(companyId, failed?.id ?? '')])
    await world.engine.settle()
    expect((await runsOf('plain'))[0]).toMatchObject({ state: 'done', reason: null })
    expect([...world.around.outbox.keys()]).toEqual([`run:${failed?.id ?? ''}:ask`])
    await expect(operator().retry(companyId, failed?.id ?? '')).rejects.toMatchObject({ status: 409, code: 'run_not_failed' })
  })

  it('has a message tried again that HighLevel refused', async () => {
    await publish('plain')
    await happen(world.answer('neutral'))
    await pass(2 * hourMs)
    const [run] = await runsOf('plain')
    const key = `run:${run?.id ?? ''}:ask`
    await happen({ ...world.answer('neutral', { answerId: 'x', userId: 'user-1' }), key: `message.failed:${key}`, type: 'message.failed', data: { messageKey: key, code: 'highlevel_refused' } })
    Object.assign(world.around.outbox.get(key) ?? {}, { gaveUp: true })
    await operator().retry(companyId, run?.id ?? '')
    await world.engine.settle()
    expect(world.around.outbox.get(key)).toMatchObject({ gaveUp: false })
    expect((await runsOf('plain'))[0]).toMatchObject({ state: 'done', steps: [{ stepId: 'ask', outcome: 'handed_over' }] })
  })
})

describe('a schedule', () => {
  it('starts one run per account and occasion, whoever looks how often, and none while it is paused', async () => {
    world.around.locationIds = Array.from({ length: 120 }, (_, index) => `location-${String(index).padStart(3, '0')}`)
    world.around.agencyZone = 'Europe/Berlin'
    await publish('weekly')
    const other = await world.anotherEngine()
    // Monday, 9 November, 07:00 UTC.
    world.clock.set(new Date('2026-11-09T06:59:00Z'))
    expect(await world.engine.workflows.sweepSchedules()).toBe(0)
    world.clock.set(new Date('2026-11-09T07:00:00Z'))
    const counts = await Promise.all([world.engine.workflows.sweepSchedules(), other.workflows.sweepSchedules()])
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(120)
    expect(await world.engine.workflows.sweepSchedules()).toBe(0)
    expect((await world.engine.workflows.runs({ companyId, key: 'weekly', page: 1, pageSize: 1 })).total).toBe(120)
    await world.engine.workflows.pause(companyId, 'weekly', 'admin-1')
    world.clock.set(new Date('2026-11-16T07:00:00Z'))
    expect(await world.engine.workflows.sweepSchedules()).toBe(0)
  })

  it('goes on where a process stopped', async () => {
    world.around.locationIds = Array.from({ length: 120 }, (_, index) => `location-${String(index).padStart(3, '0')}`)
    await publish('weekly')
    world.clock.set(new Date('2026-11-09T08:00:00Z'))
    const dying = world.engineWith({
      async primaryPerson(_company, at) {
        if (at === 'location-070') throw new Error('the process stopped')
        return 'user-1'
      },
    })
    await expect(dying.workflows.sweepSchedules()).rejects.toThrow('the process stopped')
    world.clock.advanceMs(6 * minuteMs)
    await world.engine.workflows.sweepSchedules()
    expect((await world.engine.workflows.runs({ companyId, key: 'weekly', page: 1, pageSize: 1 })).total).toBe(120)
  })
})

describe('a fact about an account without people', () => {
  it('is kept with its reason', async () => {
    world.around.primary = null
    await publish('plain')
    await happen(world.answer('neutral', { userId: null }))
    expect((await runsOf('plain'))[0]).toMatchObject({ state: 'stopped', reason: 'no_person', locationId })
  })
})

describe('the schema', () => {
  const base = workflow('base', [hour, ask])
  it.each<[string, object, (string | number)[]]>([
    ['a jump backwards', { steps: [hour, { id: 'back', kind: 'jump', to: 'pause' }] }, ['steps', 1, 'to']],
    ['a jump to nowhere', { steps: [{ id: 'if', kind: 'if', when: [{ field: 'user.level', is: 'one_of', values: ['happy'] }], otherwise: 'nowhere' }] }, ['steps', 0, 'otherwise']],
    ['a comparison of size with a word', { conditions: [{ field: 'activity.days', is: 'at_least', values: ['many'] }] }, ['conditions', 0, 'values']],
    ['events and a schedule at once', { trigger: { ...base.trigger, schedule: { every: 'day', at: '08:00' } } }, ['trigger', 'events']],
    ['a week without its day', { trigger: { events: [], where: [], schedule: { every: 'week', at: '08:00' } } }, ['trigger', 'schedule', 'weekday']],
    ['a time of day that there is not', { steps: [{ ...hour, until: { time: '25:00' } }] }, ['steps', 0, 'until', 'time']],
    ['a step of no kind', { steps: [{ id: 'x', kind: 'shout' }] }, ['steps', 0, 'kind']],
  ])('refuses %s with the place of the fault', (_what, change, path) => {
    expect(workflowDefinition.safeParse({ ...base, ...change }).error?.issues.map((issue) => issue.path)).toContainEqual(path)
  })

  it('reads what the first schema meant', () => {
    const { dedupe, capDays, exitOn, noOpenCase } = base.guards
    expect(readDefinition({ ...base, schemaVersion: 1, guards: { dedupe, capDays, exitOn, noOpenCase } })).toEqual(base)
  })
})
