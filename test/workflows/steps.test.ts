import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { neutralCheckIn } from '../../workflows/library/neutral.ts'
import { email } from '../../workflows/library/copy.ts'
import type { WorkflowDefinition } from '../../workflows/index.ts'
import { companyId, createWorld, dayMs, hourMs, minuteMs, type World } from './support/world.ts'

/** Two messages with a task between them; the agency's cap is switched off. */
const story: WorkflowDefinition = {
  ...neutralCheckIn,
  key: 'story',
  steps: [
    { id: 'pause', kind: 'wait', delayMinutes: 60 },
    email('first', 'First', ['One']),
    { id: 'days', kind: 'wait', delayMinutes: 2 * 24 * 60 },
    { id: 'more', kind: 'wait', delayMinutes: 24 * 60 },
    { id: 'call', kind: 'task', title: 'Call {{ user.name }}', body: 'Ask', dueHours: 4 },
    email('second', 'Second', ['Two']),
  ],
}

let world: World
beforeEach(async () => {
  world = await createWorld({ library: [story] })
  world.around.settings.messages.onePerPersonDays = 0
  await world.engine.workflows.publish(companyId, 'story', 'admin-1')
})
afterEach(() => world.close())

const left = () => [...world.around.outbox.values()].map(({ content }) => (content.kind === 'email' ? content.subject : content.kind))
async function pass(durationMs: number): Promise<void> {
  world.clock.advanceMs(durationMs)
  await world.engine.settle()
}
async function theRun() {
  const { items } = await world.engine.workflows.runs({ companyId, key: 'story', page: 1, pageSize: 10 })
  expect(items).toHaveLength(1)
  return items[0]!
}

describe('a run of several steps', () => {
  it('goes through them in order, each wait counted from the step before', async () => {
    await world.engine.events.append(world.answer('neutral'))
    await world.engine.settle()
    expect((await theRun()).nextAt).toBe('2026-11-02T10:01:00.000Z')
    await pass(61 * minuteMs)
    expect(left()).toEqual(['First'])
    expect((await theRun()).nextAt).toBe('2026-11-05T10:01:00.000Z')
    await pass(3 * dayMs - minuteMs)
    expect(left()).toEqual(['First'])
    await pass(minuteMs)
    expect(left()).toEqual(['First', 'task'])
    await pass(minuteMs)
    expect(left()).toEqual(['First', 'task', 'Second'])
    expect(await theRun()).toMatchObject({ state: 'done', steps: [{ stepId: 'first' }, { stepId: 'call' }, { stepId: 'second' }] })
    await pass(100 * dayMs)
    expect(world.around.sendCalls).toHaveLength(3)
  })

  it('a crash between two steps loses neither and doubles neither', async () => {
    await world.engine.events.append(world.answer('neutral'))
    await world.engine.settle()
    for (let faults = 0; faults < 6; faults += 1) {
      // Each engine stops at another place: reading the scene, after the outbox took it, while the next step is queued.
      let calls = 0
      const dying = world.engineWith({
        async settings() {
          calls += 1
          if (calls > faults) throw new Error('the process stopped')
          return world.around.settings
        },
      })
      world.clock.advanceMs(12 * hourMs)
      await dying.settle()
    }
    for (let hours = 0; hours < 240; hours += 12) await pass(12 * hourMs)
    expect(left()).toEqual(['First', 'task', 'Second'])
    expect(await theRun()).toMatchObject({ state: 'done' })
  })

  it('two processes work on the same runs without doubling a step', async () => {
    const other = await world.anotherEngine()
    for (let user = 0; user < 12; user += 1) await world.engine.events.append(world.answer('neutral', { userId: `user-${user}` }))
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([world.engine.settle(), other.settle()])
      world.clock.advanceMs(12 * hourMs)
    }
    await Promise.all([world.engine.settle(), other.settle()])
    expect(world.around.sendCalls).toHaveLength(36)
    expect(new Set(world.around.sendCalls).size).toBe(36)
  })

  it('figures say what became of the runs', async () => {
    await world.engine.events.append(world.answer('neutral'))
    await world.engine.events.append(world.answer('neutral', { userId: 'user-2' }))
    await world.engine.settle()
    for (let round = 0; round < 8; round += 1) await pass(12 * hourMs)
    world.around.personRemoved = true
    await world.engine.events.append(world.answer('neutral', { userId: 'user-3' }))
    await world.engine.settle()
    await pass(2 * hourMs)
    await world.engine.events.append(world.answer('neutral', { userId: 'user-4' }))
    await world.engine.settle()
    expect((await world.engine.workflows.list(companyId))[0]?.last30Days).toEqual({ started: 4, sent: 2, waiting: 1, stopped: 1, failed: 0 })
    await pass(31 * dayMs)
    expect((await world.engine.workflows.list(companyId))[0]?.last30Days.started).toBe(0)
  })
})
