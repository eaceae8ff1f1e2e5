import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { dayMs, minuteMs } from '../../src/kernel/clock.ts'
import type { HappinessLevel } from '../../src/kernel/levels.ts'
import { accountUser, companyId, eventsOf, locationId, newKey, openRig, respondent, type Process, type Rig } from '../feedback/rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.close())

const give = (userId: string, level: HappinessLevel, on: Process = rig) =>
  on.feedback.answers.give(respondent(userId), { level, comment: undefined, idempotencyKey: newKey(), source: 'widget' })
const reading = () => rig.happiness.reading(companyId, locationId)
const accountChanges = () => eventsOf(rig.world, 'happiness.account_level_changed').map((event) => [event.before, event.after])

describe('a removed user', () => {
  it('no longer counts, and the level follows at once, told once', async () => {
    await give('a', 'very_happy')
    // One after the other: at the same instant their ids would order them, by chance.
    rig.clock.advanceMs(1)
    await give('b', 'not_happy')
    expect(await reading()).toMatchObject({ level: 'happy', coverage: { answered: 2, eligible: 3 } })
    rig.clock.advanceMs(minuteMs)
    const removedAt = rig.clock.now()
    rig.world.users.set(`${locationId}:b`, accountUser('b', { removedAt: removedAt.toISOString() }))
    const event = {
      key: 'user.removed:1',
      companyId,
      locationId,
      userId: 'b',
      type: 'user.removed' as const,
      at: removedAt,
      actor: { kind: 'crm' as const, id: null, name: null },
      source: 'webhook' as const,
      summary: '',
      data: {},
    }
    await rig.happiness.observe(event)
    await rig.happiness.observe(event)
    expect(await reading()).toMatchObject({ level: 'very_happy', score: 50, coverage: { answered: 1, eligible: 2 } })
    expect(accountChanges()).toEqual([
      [null, 'very_happy'],
      ['very_happy', 'happy'],
      ['happy', 'very_happy'],
    ])
    expect(await rig.happiness.userLevel(companyId, locationId, 'b')).toBeNull()
  })

  it('counts as removed even if only the mirror knows', async () => {
    await give('b', 'not_happy')
    rig.clock.advanceMs(minuteMs)
    rig.world.users.set(`${locationId}:b`, accountUser('b', { removedAt: rig.clock.now().toISOString() }))
    await give('a', 'happy')
    expect(await reading()).toMatchObject({ level: 'happy', coverage: { answered: 1, eligible: 2 } })
  })

  it('known before the first answer arrives does not hide later answers', async () => {
    await rig.happiness.userRemoved(companyId, locationId, 'a', rig.clock.now())
    rig.clock.advanceMs(minuteMs)
    await give('a', 'happy')
    expect((await reading()).level).toBe('happy')
  })
})

describe('an answer that expires', () => {
  it("is found by the sweep at 90 days, not before, and leaves no reading; the user's own level stays", async () => {
    await give('a', 'happy')
    rig.clock.advanceMs(90 * dayMs - 1)
    expect(await rig.happiness.expireDue(10)).toBe(0)
    expect((await reading()).level).toBe('happy')
    rig.clock.advanceMs(1)
    expect(await rig.happiness.expireDue(10)).toBe(1)
    expect(await rig.happiness.expireDue(10)).toBe(0)
    expect(await reading()).toEqual({ level: null, score: null, coverage: { answered: 0, eligible: 3, newestAt: null }, dissent: false })
    expect(accountChanges()).toEqual([
      [null, 'happy'],
      ['happy', null],
    ])
    expect(rig.world.contacts.at(-1)?.fields).toEqual({ companyHappinessLevel: '' })
    expect((await rig.happiness.userLevel(companyId, locationId, 'a'))?.level).toBe('happy')
    expect(rig.world.readings.get(locationId)?.level).toBeNull()
  })

  it('lets the others decide', async () => {
    await give('a', 'not_happy')
    rig.clock.advanceMs(30 * dayMs)
    await give('b', 'very_happy')
    // The complaint weighs 2^(−1/2): (50 − 0.707 · 50) / 1.707 = 8.58, past 0 by more than 5.
    expect(await reading()).toMatchObject({ level: 'happy', score: 8.58 })
    rig.clock.advanceMs(60 * dayMs)
    expect(await rig.happiness.expireDue(10)).toBe(1)
    expect((await reading()).level).toBe('very_happy')
  })
})

describe('many at once', () => {
  it('thirty users answering in two processes give one reading, every change told once and in one chain', async () => {
    const users = Array.from({ length: 30 }, (_, index) => `u${index}`)
    for (const userId of users) rig.world.users.set(`${locationId}:${userId}`, accountUser(userId))
    const other = await rig.another()
    const levels: HappinessLevel[] = ['very_happy', 'not_happy', 'happy', 'neutral']
    await Promise.all(users.map((userId, index) => give(userId, levels[index % 4] ?? 'happy', index % 2 === 0 ? rig : other)))
    rig.clock.advanceMs(minuteMs)
    await rig.feedback.pump.drain()
    const now = await reading()
    // 8 × 50, 8 × −50, 7 × 25, 7 × −25.
    expect(now).toMatchObject({ score: 0, coverage: { answered: 30, eligible: 33 } })
    expect(rig.world.readings.get(locationId)).toMatchObject({ level: now.level, answered: 30 })
    expect(eventsOf(rig.world, 'happiness.user_level_changed')).toHaveLength(30)
    const changes = accountChanges()
    changes.forEach(([before], index) => {
      expect(before).toBe(index === 0 ? null : changes[index - 1]?.[1])
    })
    expect(changes.at(-1)?.[1]).toBe(now.level)
    // Whoever wrote last to each contact wrote today's account level.
    for (const userId of users) {
      const last = rig.world.contacts.filter((wanted) => wanted.identity.subjectId === `user:${locationId}:${userId}`).at(-1)
      expect(last?.fields?.companyHappinessLevel).toBe(
        { very_happy: 'Very Happy', happy: 'Happy', neutral: 'Neutral', not_happy: 'Not Happy' }[now.level ?? 'happy'],
      )
    }
  })

  it('what is given out says which state of the account it shows: the newest state is the last one, in whatever order they arrive', async () => {
    const other = await rig.another()
    await Promise.all([give('a', 'not_happy'), give('b', 'very_happy', other), give('c', 'neutral')])
    rig.clock.advanceMs(minuteMs)
    await rig.feedback.pump.drain()
    const stored = await rig.store.connection.collection('happiness_readings').findOne({})
    for (const userId of ['a', 'b', 'c']) {
      const wishes = rig.world.contacts.filter((wanted) => wanted.identity.subjectId === `user:${locationId}:${userId}`)
      const newest = Math.max(...wishes.map((wanted) => wanted.asOf?.version ?? 0))
      const shown = wishes.filter((wanted) => wanted.asOf?.version === newest).map((wanted) => wanted.fields?.companyHappinessLevel)
      expect(new Set(wishes.map((wanted) => wanted.asOf?.source))).toEqual(new Set([`happiness:${companyId}:${locationId}`]))
      expect(newest).toBeLessThanOrEqual(Number(stored?.['version']))
      expect(new Set(shown)).toEqual(new Set([{ very_happy: 'Very Happy', happy: 'Happy', neutral: 'Neutral', not_happy: 'Not Happy' }[(await reading()).level ?? 'happy']]))
    }
  })

  it('recomputing again and again changes nothing', async () => {
    await give('a', 'happy')
    const before = [
      rig.world.events.size,
      rig.world.contacts.length,
      (await rig.store.connection.collection('happiness_readings').findOne({}))?.['version'],
    ]
    const cause = {
      at: rig.clock.now(),
      actor: { kind: 'system' as const, id: null, name: null },
      source: 'schedule' as const,
      userId: null,
    }
    await Promise.all(Array.from({ length: 5 }, () => rig.happiness.recompute(companyId, locationId, cause)))
    expect([
      rig.world.events.size,
      rig.world.contacts.length,
      (await rig.store.connection.collection('happiness_readings').findOne({}))?.['version'],
    ]).toEqual(before)
  })
})

it('after years the facts that are read stay bounded by a checkpoint, and the level goes on from it', async () => {
  for (let cycle = 0; cycle < 12; cycle += 1) {
    await give('a', cycle % 2 === 0 ? 'very_happy' : 'happy')
    rig.clock.advanceMs(31 * dayMs)
  }
  const stored = await rig.store.connection
    .collection<{ _id: string; checkpointAt: Date | null; checkpointLevel: string | null }>('happiness_readings')
    .findOne({ _id: `${companyId}:${locationId}` })
  const checkpointAt = stored?.checkpointAt ?? new Date(0)
  expect(rig.clock.nowMs() - checkpointAt.getTime()).toBeLessThan((90 + 30 + 60 + 62) * dayMs)
  expect(stored?.checkpointLevel).not.toBeNull()
  expect(await reading()).toMatchObject({ level: 'happy', score: 25, coverage: { answered: 1 } })
})

it('an answer stamped by a clock that is ahead counts at once and stays counted', async () => {
  const ahead = new Date(rig.clock.nowMs() + 5_000)
  await rig.book.insert({
    ...respondent('b'),
    answerId: 'ahead',
    idempotencyKey: 'ahead',
    source: 'widget',
    level: 'very_happy',
    comment: null,
    at: ahead,
  })
  await give('a', 'very_happy')
  expect(await reading()).toMatchObject({ level: 'very_happy', coverage: { answered: 2 } })
})

it('a user who is not mirrored yet keeps the answer; contact and card follow', async () => {
  rig.world.users.delete(`${locationId}:a`)
  expect((await give('a', 'happy')).created).toBe(true)
  expect((await reading()).level).toBe('happy')
  expect(rig.world.contacts).toHaveLength(0)
  rig.world.users.set(`${locationId}:a`, accountUser('a'))
  rig.clock.advanceMs(minuteMs)
  expect(await rig.feedback.pump.drain()).toBe(1)
  expect(rig.world.contacts).toHaveLength(1)
})

it('another agency sees nothing of it', async () => {
  await give('a', 'happy')
  expect((await rig.happiness.reading('agency2', locationId)).level).toBeNull()
  expect(await rig.happiness.userLevel('agency2', locationId, 'a')).toBeNull()
})
