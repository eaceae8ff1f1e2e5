import { describe, expect, it } from '@jest/globals'
import type { HappinessLevel } from '../../src/kernel/levels.ts'
import { happinessLevels } from '../../src/kernel/levels.ts'
import { companyId, createWorld, dayMs, hourMs, type Engine, type World } from './support/world.ts'

/** Small seeded generator (mulberry32): the same seed tells the same story. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const keyByLevel: Record<HappinessLevel, string> = {
  not_happy: 'not_happy_support', neutral: 'neutral_check_in', happy: 'happy_next_step', very_happy: 'very_happy_review',
}

/** Answers, repeats, faults, replies and pauses over four weeks in two processes. */
async function live(world: World, engines: Engine[], random: () => number): Promise<{ facts: Map<string, string>; sentAt: Map<string, { userId: string; at: number }> }> {
  const facts = new Map<string, string>()
  const sentAt = new Map<string, { userId: string; at: number }>()
  let published = false
  for (let hour = 0; hour < 28 * 24; hour += 12) {
    world.clock.advanceMs(12 * hourMs)
    if (hour === 24 || hour === 16 * 24) {
      for (const key of Object.values(keyByLevel)) await world.engine.workflows.publish(companyId, key, 'admin-1')
      published = true
    }
    if (hour === 14 * 24) {
      for (const key of Object.values(keyByLevel)) await world.engine.workflows.pause(companyId, key, 'admin-1')
      published = false
    }
    if (random() < 0.9) {
      const userId = `user-${Math.floor(random() * 6)}`
      const level = happinessLevels[Math.floor(random() * 4)]!
      world.around.levels.set(userId, level)
      const event = world.answer(level, { userId })
      for (let copies = 0; copies < (random() < 0.3 ? 3 : 1); copies += 1) await engines[Math.floor(random() * engines.length)]!.events.append(event)
      if (published) facts.set(event.key, keyByLevel[level])
    }
    if (random() < 0.1) {
      const userId = `user-${Math.floor(random() * 6)}`
      await world.engine.events.append({ ...world.answer('happy', { userId }), key: `message.received:${hour}`, type: 'message.received', data: {} })
    }
    if (random() < 0.2 && world.around.sendFaults.length === 0) world.around.sendFaults.push(new Error('network'))
    await Promise.all(engines.map((engine) => engine.settle()))
    for (const [key, message] of world.around.outbox) {
      if (sentAt.has(key) || message.cancelled || message.content.kind !== 'email') continue
      message.left = true
      sentAt.set(key, { userId: message.contact.subjectId, at: world.clock.nowMs() })
      await world.engine.events.append({ ...world.answer('happy', { userId: message.contact.subjectId.split(':')[2]! }), key: `message.sent:${key}`, type: 'message.sent', data: { messageKey: key } })
    }
  }
  for (let day = 0; day < 6; day += 1) {
    world.clock.advanceMs(dayMs)
    await Promise.all(engines.map((engine) => engine.settle()))
  }
  return { facts, sentAt }
}

describe.each([1, 2])('four weeks of an agency, seed %i', (seed) => {
  it('write to nobody twice within 7 days and account for every fact that should have started something', async () => {
    const world = await createWorld()
    try {
      const engines = [world.engine, await world.anotherEngine()]
      const { facts, sentAt } = await live(world, engines, randomOf(seed))

      const runs = (await Promise.all(Object.values(keyByLevel).map((key) => world.engine.workflows.runs({ companyId, key, page: 1, pageSize: 500 })))).flatMap((page) => page.items)
      // Every fact has its one run, and every run has come to an end with a reason or a message.
      expect(new Map(runs.map((run) => [run.eventKey, run.workflowKey]))).toEqual(facts)
      expect(runs).toHaveLength(facts.size)
      for (const run of runs) {
        expect(['done', 'stopped']).toContain(run.state)
        if (run.state === 'stopped') expect(run.reason).toMatch(/^(level_changed|recovered|capped|paused|reply)$/)
      }
      // Each message left once, for a run that says so.
      const done = runs.filter((run) => run.steps.some((step) => step.outcome === 'sent'))
      expect(done.length).toBe(sentAt.size)
      expect(sentAt.size).toBeGreaterThan(3)
      const byUser = new Map<string, number[]>()
      for (const { userId, at } of sentAt.values()) byUser.set(userId, [...(byUser.get(userId) ?? []), at])
      for (const times of byUser.values()) {
        times.sort((one, other) => one - other)
        for (const [index, at] of times.entries()) if (index > 0) expect(at - times[index - 1]!).toBeGreaterThanOrEqual(7 * dayMs)
      }
    } finally {
      await world.close()
    }
  }, 120_000)
})
