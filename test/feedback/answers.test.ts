import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { minuteMs, secondMs } from '../../src/kernel/clock.ts'
import { RequestError } from '../../src/kernel/errors.ts'
import type { HappinessLevel } from '../../src/kernel/levels.ts'
import { account, companyId, eventsOf, locationId, newKey, openRig, respondent, type Process, type Rig } from './rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.close())

function give(userId: string, level: HappinessLevel, options: { key?: string; comment?: string; on?: Process } = {}) {
  return (options.on ?? rig).feedback.answers.give(respondent(userId), {
    level,
    comment: options.comment,
    idempotencyKey: options.key ?? newKey(),
    source: 'widget',
  })
}
async function refusalOf(work: Promise<unknown>): Promise<{ status: number; code: string }> {
  try {
    await work
  } catch (error) {
    if (error instanceof RequestError) return { status: error.status, code: error.code }
    throw error
  }
  return { status: 200, code: 'none' }
}
const total = () => rig.scores.total(companyId, locationId)

describe('an answer', () => {
  it('does everything at once: reading, contact, card, points, events', async () => {
    const { created, answer } = await give('a', 'very_happy', { comment: '  Bookings land in one place. ' })
    expect({ created, level: answer.level, comment: answer.comment }).toEqual({
      created: true,
      level: 'very_happy',
      comment: 'Bookings land in one place.',
    })
    expect(rig.world.contacts).toEqual([
      {
        companyId,
        asOf: { source: `happiness:${companyId}:${locationId}`, version: 1 },
        identity: {
          subjectId: 'user:loc1:a',
          locationId,
          email: 'a@customer.example',
          firstName: 'User',
          lastName: 'a',
          phone: null,
          companyName: 'Harbor Street Dental',
        },
        fields: {
          happinessLevel: 'Very Happy',
          happinessScore: 50,
          companyHappinessLevel: 'Very Happy',
          lastFeedback: '2026-11-02',
          lastFeedbackComment: 'Bookings land in one place.',
        },
        tags: { happiness: 'happiness: very happy' },
        tagChoices: { happiness: ['happiness: very happy', 'happiness: happy', 'happiness: neutral', 'happiness: not happy'] },
      },
    ])
    expect(rig.world.cards).toMatchObject([
      { pipeline: 'happiness', subjectId: 'user:loc1:a', level: 'very_happy', name: 'User a (Harbor Street Dental)' },
    ])
    expect(rig.world.readings.get(locationId)).toMatchObject({ level: 'very_happy', score: 50, answered: 1, dissent: false })
    expect(await rig.happiness.reading(companyId, locationId)).toMatchObject({
      level: 'very_happy',
      coverage: { answered: 1, eligible: 3 },
    })
    expect(await total()).toBe(50)
    expect([...rig.world.events.values()].map((event) => [event.type, event.before ?? null, event.after])).toEqual([
      ['feedback.received', null, 'very_happy'],
      ['happiness.user_level_changed', null, 'very_happy'],
      ['happiness.account_level_changed', null, 'very_happy'],
    ])
  })

  it('leaves nothing to do for the safety net', async () => {
    await give('a', 'happy')
    rig.clock.advanceMs(minuteMs)
    expect(await rig.feedback.pump.drain()).toBe(0)
  })

  it('given twenty times at once under one key is one answer with one set of effects', async () => {
    const key = newKey()
    const other = await rig.another()
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => give('a', 'not_happy', { key, on: index % 2 === 0 ? rig : other })),
    )
    expect(results.filter((result) => result.created)).toHaveLength(1)
    expect(new Set(results.map((result) => result.answer.answerId)).size).toBe(1)
    expect(await total()).toBe(-50)
    expect([...rig.world.events.values()].map((event) => event.type).sort()).toEqual([
      'case.opened',
      'feedback.received',
      'happiness.account_level_changed',
      'happiness.user_level_changed',
    ])
    expect((await rig.scores.statement(companyId, locationId, { page: 1, pageSize: 10 })).entries.total).toBe(1)
    expect(await rig.cases.openCasesOf(companyId, locationId)).toHaveLength(1)
  })

  it('repeated says 200 and changes nothing; another body under the same key is a conflict', async () => {
    const key = newKey()
    const first = await give('a', 'happy', { key, comment: 'fine' })
    const contacts = rig.world.contacts.length
    expect(await give('a', 'happy', { key, comment: 'fine ' })).toEqual({ created: false, answer: first.answer })
    expect(rig.world.contacts).toHaveLength(contacts)
    expect(await refusalOf(give('a', 'neutral', { key }))).toEqual({ status: 409, code: 'idempotency_conflict' })
    expect(await refusalOf(give('a', 'happy', { key }))).toEqual({ status: 409, code: 'idempotency_conflict' })
  })

  it('under the same key of another user is another answer', async () => {
    const key = newKey()
    expect((await give('a', 'happy', { key })).created).toBe(true)
    expect((await give('b', 'neutral', { key })).created).toBe(true)
  })

  it('is refused while feedback is off, by a removed user, and with a long comment; nothing is kept', async () => {
    rig.world.accounts.set(locationId, account({ feedbackEnabled: false }))
    expect(await refusalOf(give('a', 'happy'))).toEqual({ status: 403, code: 'feedback_off' })
    rig.world.accounts.set(locationId, account())
    rig.world.users.set(`${locationId}:a`, { ...rig.world.users.get(`${locationId}:a`)!, removedAt: '2026-10-01T00:00:00.000Z' })
    expect(await refusalOf(give('a', 'happy'))).toEqual({ status: 403, code: 'user_removed' })
    expect(await refusalOf(give('b', 'happy', { comment: 'x'.repeat(2_001) }))).toEqual({ status: 400, code: 'invalid_input' })
    rig.clock.advanceMs(minuteMs)
    await rig.feedback.pump.drain()
    expect(rig.world.events.size).toBe(0)
    expect((await give('b', 'happy', { comment: 'x'.repeat(2_000) })).created).toBe(true)
  })

  it('writes the account level to the colleagues who answered before, only when it changed', async () => {
    await give('a', 'very_happy')
    rig.world.contacts.length = 0
    await give('b', 'very_happy')
    expect(rig.world.contacts.map((wanted) => wanted.identity.subjectId)).toEqual(['user:loc1:b'])
    rig.world.contacts.length = 0
    await give('c', 'not_happy')
    // (50 + 50 − 50) / 3 = 16.7: Happy now, with dissent.
    expect(
      rig.world.contacts
        .filter((wanted) => wanted.identity.subjectId !== 'user:loc1:c')
        .map((wanted) => [wanted.identity.subjectId, wanted.fields]),
    ).toEqual([
      ['user:loc1:a', { companyHappinessLevel: 'Happy' }],
      ['user:loc1:b', { companyHappinessLevel: 'Happy' }],
    ])
    expect(rig.world.readings.get(locationId)).toMatchObject({ level: 'happy', dissent: true })
  })
})

describe('a crash or a fault', () => {
  it('right after the fact was stored loses nothing: the net finishes it, once', async () => {
    const doomed = rig.process((name) => {
      if (name === 'answers.inserted') throw new Error('killed here')
    })
    const key = newKey()
    await expect(give('a', 'not_happy', { key, on: doomed })).rejects.toThrow('killed here')
    expect(rig.world.events.size).toBe(0)
    expect(await rig.feedback.pump.drain()).toBe(0)
    rig.clock.advanceMs(11 * secondMs)
    const other = await rig.another()
    expect((await Promise.all([rig.feedback.pump.drain(), other.feedback.pump.drain()])).reduce((sum, count) => sum + count, 0)).toBe(1)
    expect(eventsOf(rig.world, 'feedback.received', 'case.opened')).toHaveLength(2)
    expect(await total()).toBe(-50)
    expect((await give('a', 'not_happy', { key })).created).toBe(false)
    expect(await total()).toBe(-50)
  })

  it('of the neighbours does not fail the answer; its effects follow', async () => {
    rig.world.effectsFault = new Error('store refused')
    expect((await give('a', 'happy')).created).toBe(true)
    expect(rig.world.contacts).toHaveLength(0)
    rig.world.effectsFault = null
    rig.clock.advanceMs(11 * secondMs)
    expect(await rig.feedback.pump.drain()).toBe(1)
    expect(rig.world.contacts).toHaveLength(1)
    expect(rig.world.cards).toHaveLength(1)
    expect(eventsOf(rig.world, 'happiness.account_level_changed')).toHaveLength(1)
    expect(await total()).toBe(25)
  })

  it('between computing a reading and telling it is mended by the next sweep', async () => {
    rig.world.effectsFault = new Error('store refused')
    await give('a', 'happy')
    await give('b', 'not_happy')
    rig.world.effectsFault = null
    rig.clock.advanceMs(11 * secondMs)
    expect(await rig.happiness.expireDue(10)).toBe(1)
    expect(await rig.happiness.expireDue(10)).toBe(0)
    // (25 − 50) / 2 = −12.5: from Happy past 0 by more than 5.
    expect(rig.world.readings.get(locationId)?.level).toBe('neutral')
    expect(eventsOf(rig.world, 'happiness.account_level_changed').map((event) => event.after)).toEqual(['happy', 'neutral'])
  })
})

describe('a correction', () => {
  it('within 10 minutes replaces the answer everywhere, with compensated points and a withdrawn case', async () => {
    const { answer } = await give('a', 'not_happy')
    expect(await rig.cases.openCaseOf(companyId, locationId, 'a')).not.toBeNull()
    rig.clock.advanceMs(5 * minuteMs)
    const changed = await rig.feedback.answers.change(respondent('a'), answer.answerId, { level: 'very_happy', comment: 'slipped' })
    expect(changed).toMatchObject({ level: 'very_happy', comment: 'slipped' })
    expect(await rig.cases.openCaseOf(companyId, locationId, 'a')).toBeNull()
    expect(
      (await rig.scores.statement(companyId, locationId, { page: 1, pageSize: 10 })).entries.items.map((entry) => entry.points),
    ).toEqual([100, -50])
    expect(await total()).toBe(50)
    expect(await rig.happiness.reading(companyId, locationId)).toMatchObject({ level: 'very_happy', score: 50 })
    expect(rig.world.contacts.at(-1)?.fields).toMatchObject({ happinessLevel: 'Very Happy', lastFeedbackComment: 'slipped' })
    expect(eventsOf(rig.world, 'feedback.changed', 'case.closed').map((event) => event.type)).toEqual(['feedback.changed', 'case.closed'])
    // And back again: the same case is open once more.
    await rig.feedback.answers.change(respondent('a'), answer.answerId, { level: 'not_happy' })
    expect(await rig.cases.openCasesOf(companyId, locationId)).toHaveLength(1)
    expect(await total()).toBe(-50)
    expect(eventsOf(rig.world, 'case.opened')).toHaveLength(2)
  })

  it('of the comment alone moves no points and no level', async () => {
    const { answer } = await give('a', 'happy')
    await rig.feedback.answers.change(respondent('a'), answer.answerId, { comment: 'more of this' })
    expect(await total()).toBe(25)
    expect(eventsOf(rig.world, 'happiness.user_level_changed')).toHaveLength(1)
    expect(rig.world.contacts.at(-1)?.fields).toMatchObject({ happinessLevel: 'Happy', lastFeedbackComment: 'more of this' })
    await rig.feedback.answers.change(respondent('a'), answer.answerId, { comment: null })
    expect(rig.world.contacts.at(-1)?.fields).toMatchObject({ lastFeedbackComment: '' })
  })

  it('repeated changes nothing; later than 10 minutes it is refused', async () => {
    const { answer } = await give('a', 'happy')
    await rig.feedback.answers.change(respondent('a'), answer.answerId, { level: 'neutral' })
    rig.clock.advanceMs(10 * minuteMs + 1)
    expect(await rig.feedback.answers.change(respondent('a'), answer.answerId, { level: 'neutral' })).toMatchObject({ level: 'neutral' })
    expect(eventsOf(rig.world, 'feedback.changed')).toHaveLength(1)
    expect(await refusalOf(rig.feedback.answers.change(respondent('a'), answer.answerId, { level: 'happy' }))).toEqual({
      status: 409,
      code: 'too_late',
    })
  })

  it("is for one's own answer only, and the two cases look the same", async () => {
    const { answer } = await give('a', 'happy')
    expect(await refusalOf(rig.feedback.answers.change(respondent('b'), answer.answerId, { level: 'neutral' }))).toEqual({
      status: 404,
      code: 'not_found',
    })
    expect(
      await refusalOf(rig.feedback.answers.change({ ...respondent('a'), companyId: 'other' }, answer.answerId, { level: 'neutral' })),
    ).toEqual({ status: 404, code: 'not_found' })
    expect(await refusalOf(rig.feedback.answers.change(respondent('a'), 'nothing', { level: 'neutral' }))).toEqual({
      status: 404,
      code: 'not_found',
    })
  })

  it('that overtakes the first derivation is not undone by it', async () => {
    // The first process has read the answer as Not Happy and stalls before its case; the correction is complete before it goes on.
    let goOn: () => void = () => undefined
    const stalled = new Promise<void>((resolve) => {
      goOn = resolve
    })
    let reached: () => void = () => undefined
    const atCase = new Promise<void>((resolve) => {
      reached = resolve
    })
    const slow = rig.process()
    const attach = slow.cases.attach.bind(slow.cases)
    slow.cases.attach = async (answer) => {
      reached()
      await stalled
      return attach(answer)
    }
    const key = newKey()
    const first = give('a', 'not_happy', { key, on: slow })
    await atCase
    const [answer] = await rig.book.listOf(respondent('a'), 1)
    await rig.feedback.answers.change(respondent('a'), answer!._id, { level: 'happy' })
    goOn()
    await first
    expect(await rig.cases.openCasesOf(companyId, locationId)).toEqual([])
    expect(await total()).toBe(25)
    expect(rig.world.contacts.at(-1)?.fields).toMatchObject({ happinessLevel: 'Happy' })
  })

  it('by many at once ends in one state that everything agrees on', async () => {
    const { answer } = await give('a', 'not_happy')
    const other = await rig.another()
    const levels: HappinessLevel[] = ['happy', 'neutral', 'very_happy', 'happy', 'not_happy', 'neutral']
    await Promise.all(
      levels.map((level, index) => (index % 2 === 0 ? rig : other).feedback.answers.change(respondent('a'), answer.answerId, { level })),
    )
    rig.clock.advanceMs(11 * secondMs)
    await rig.feedback.pump.drain()
    const stored = await rig.book.find(companyId, answer.answerId)
    const points = { very_happy: 50, happy: 25, neutral: -25, not_happy: -50 }
    expect(await total()).toBe(points[stored!.level])
    expect((await rig.happiness.userLevel(companyId, locationId, 'a'))?.level).toBe(stored!.level)
    expect(rig.world.cards.at(-1)?.level).toBe(stored!.level)
    expect((await rig.cases.openCasesOf(companyId, locationId)).length).toBe(stored!.level === 'not_happy' ? 1 : 0)
  })
})
