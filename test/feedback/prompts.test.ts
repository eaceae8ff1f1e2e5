import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { promptInspection, promptView } from '../../src/http/contract/feedback.ts'
import { dayMs, hourMs, minuteMs } from '../../src/kernel/clock.ts'
import { RequestError } from '../../src/kernel/errors.ts'
import type { HappinessLevel } from '../../src/kernel/levels.ts'
import { account, accountUser, companyId, csm, customer, eventsOf, locationId, newKey, openRig, respondent, type Rig } from './rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.close())

const view = async (userId = 'a') => promptView.parse(await rig.feedback.prompts.view(customer(userId)))
const inspect = async (userId: string) => promptInspection.parse(await rig.feedback.prompts.inspect(companyId, locationId, userId))
const give = (userId: string, level: HappinessLevel) =>
  rig.feedback.answers.give(respondent(userId), { level, comment: undefined, idempotencyKey: newKey(), source: 'widget' })
const actor = { kind: 'agency_user' as const, id: 'csm1', name: 'Priya Nair' }
const request = (options: { userIds?: string[] } = {}) => rig.feedback.prompts.requestNow(companyId, locationId, options, actor, 'page')
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof RequestError) return `${error.status} ${error.code}`
    throw error
  }
  return 'ok'
}

describe('the prompt', () => {
  it("comes with the agency's words and colours, and asking records nothing", async () => {
    await rig.settings.update(
      companyId,
      {
        brand: { name: 'Northlight', accentColour: '#aa3300' },
        widget: { copy: { question: 'How is Northlight doing?' }, levels: { happy: 'Glad' } },
      },
      'csm1',
    )
    const first = await view()
    expect(first).toMatchObject({
      due: true,
      reason: 'first_time',
      button: true,
      answer: null,
      copy: {
        question: 'How is Northlight doing?',
        levels: { happy: 'Glad', neutral: 'Neutral' },
        brand: { name: 'Northlight', accentColour: '#aa3300' },
        language: 'en',
        maxCommentLength: 2000,
      },
    })
    expect(await view()).toEqual(first)
    expect(await rig.store.connection.collection('prompt_clocks').countDocuments()).toBe(0)
  })

  it('rests 30 days after an answer, shows the answer while it can be changed, then asks "again"', async () => {
    const { answer } = await give('a', 'happy')
    expect(await view()).toMatchObject({
      due: false,
      reason: 'answered_recently',
      promptId: null,
      button: true,
      answer: { answerId: answer.answerId, level: 'happy' },
    })
    rig.clock.advanceMs(11 * minuteMs)
    expect((await view()).answer).toBeNull()
    rig.clock.advanceMs(30 * dayMs)
    expect(await view()).toMatchObject({ due: true, reason: 'cycle_over', copy: { question: 'And now, how are we doing?' } })
  })

  it("is per user: one user's answer does not move another's clock", async () => {
    await give('a', 'happy')
    expect((await view('b')).due).toBe(true)
  })

  it('is silent for agency staff, with feedback off, for people who left, and during an open case', async () => {
    expect(await rig.feedback.prompts.view(csm)).toMatchObject({ due: false, reason: 'agency_staff', button: false, copy: null })
    await give('a', 'not_happy')
    rig.clock.advanceMs(40 * dayMs)
    expect(await view()).toMatchObject({ due: false, reason: 'case_open', nextAt: null, button: true })
    rig.world.users.set(`${locationId}:b`, accountUser('b', { removedAt: rig.clock.now().toISOString() }))
    expect(await view('b')).toMatchObject({ due: false, reason: 'user_removed', button: false, copy: null })
    rig.world.accounts.set(locationId, account({ feedbackEnabled: false }))
    expect(await view('c')).toMatchObject({ due: false, reason: 'feedback_off', button: false, copy: null })
  })

  it('comes back once the case is closed by a person', async () => {
    await give('a', 'not_happy')
    rig.clock.advanceMs(40 * dayMs)
    const open = await rig.cases.openCaseOf(companyId, locationId, 'a')
    await rig.cases.close(csm, open!.caseId, { outcome: 'resolved', note: 'Called.' })
    expect(await view()).toMatchObject({ due: true, reason: 'cycle_over' })
  })
})

describe('outcomes', () => {
  it('count once per prompt, however often and at once they are sent', async () => {
    const { promptId } = await view()
    const results = await Promise.all(
      Array.from({ length: 6 }, () => rig.feedback.prompts.record(customer('a'), { outcome: 'shown', promptId: promptId! })),
    )
    expect(results.filter((result) => result.recorded)).toHaveLength(1)
    const later = await rig.feedback.prompts.record(customer('a'), { outcome: 'later', promptId: promptId! })
    expect(later).toEqual({ recorded: true, nextAt: new Date(rig.clock.nowMs() + 3 * dayMs).toISOString() })
    rig.clock.advanceMs(hourMs)
    expect(await rig.feedback.prompts.record(customer('a'), { outcome: 'closed', promptId: promptId! })).toMatchObject({ recorded: false })
    expect(await view()).toMatchObject({ due: false, reason: 'asked_later' })
  })

  it('of a prompt that was never given to this user are refused', async () => {
    const { promptId } = await view('b')
    expect(await codeOf(rig.feedback.prompts.record(customer('a'), { outcome: 'closed', promptId: promptId! }))).toBe('409 prompt_gone')
    expect(await codeOf(rig.feedback.prompts.record(customer('a'), { outcome: 'closed', promptId: 'made-up' }))).toBe('409 prompt_gone')
  })

  it('of a prompt given just before midnight count after it', async () => {
    rig.clock.set(new Date('2026-11-03T05:59:50Z')) // 23:59:50 in Chicago
    const { promptId } = await view()
    rig.clock.advanceMs(minuteMs)
    expect(await rig.feedback.prompts.record(customer('a'), { outcome: 'shown', promptId: promptId! })).toMatchObject({ recorded: true })
    expect((await view()).due).toBe(false)
  })

  it('"ignored" follows from shown and nothing after it: three days, then the cycle is skipped', async () => {
    for (let day = 0; day < 3; day += 1) {
      const prompt = await view()
      expect(prompt.due).toBe(true)
      await rig.feedback.prompts.record(customer('a'), { outcome: 'shown', promptId: prompt.promptId! })
      expect((await view()).due).toBe(false)
      rig.clock.advanceMs(dayMs)
    }
    expect(await view()).toMatchObject({ due: false, reason: 'cycle_skipped' })
    rig.clock.advanceMs(29 * dayMs)
    expect(await view()).toMatchObject({ due: true, reason: 'cycle_over' })
  })

  it('answering after a prompt was shown is not "ignored"', async () => {
    const { promptId } = await view()
    await rig.feedback.prompts.record(customer('a'), { outcome: 'shown', promptId: promptId! })
    rig.clock.advanceMs(minuteMs)
    await give('a', 'happy')
    expect(await rig.feedback.prompts.record(customer('a'), { outcome: 'closed', promptId: promptId! })).toMatchObject({ recorded: false })
    expect(await view()).toMatchObject({ reason: 'answered_recently' })
  })
})

describe('request feedback now', () => {
  it('asks everybody who may be asked, whatever their clocks say, and says who is not and why', async () => {
    rig.world.users.set(`${locationId}:n`, accountUser('n', { joinedAt: rig.clock.now().toISOString() }))
    await give('a', 'happy')
    await give('b', 'not_happy')
    rig.clock.advanceMs(minuteMs)
    const result = await request({ userIds: ['a', 'b', 'n', 'csm1'] })
    expect(result).toEqual({
      locationId,
      requested: ['a', 'n'],
      skipped: [
        { userId: 'b', reason: 'case_open' },
        { userId: 'csm1', reason: 'user_removed' },
      ],
    })
    expect(await view('a')).toMatchObject({ due: true, reason: 'requested' })
    expect(await view('n')).toMatchObject({ due: true, reason: 'requested' })
    expect(await view('b')).toMatchObject({ due: false, reason: 'case_open' })
    expect(eventsOf(rig.world, 'feedback.requested')).toMatchObject([{ locationId, actor, data: { userIds: ['a', 'n'] } }])
    rig.clock.advanceMs(minuteMs)
    await give('a', 'happy')
    expect(await view('a')).toMatchObject({ due: false, reason: 'answered_recently' })
  })

  it('is refused for churned accounts, with feedback off, and for accounts that are not there', async () => {
    rig.world.accounts.set(locationId, account({ group: 'churned' }))
    expect(await codeOf(request())).toBe('409 account_churned')
    rig.world.accounts.set(locationId, account({ feedbackEnabled: false }))
    expect(await codeOf(request())).toBe('409 feedback_off')
    expect(await codeOf(rig.feedback.prompts.requestNow('agency2', locationId, {}, actor, 'page'))).toBe('404 not_found')
    expect(rig.world.events.size).toBe(0)
  })

  it('in bulk gives each account its own outcome', async () => {
    rig.world.accounts.set('loc2', account({ locationId: 'loc2', feedbackEnabled: false }))
    const results = await rig.feedback.requestFeedbackInBulk(csm, [locationId, 'loc2', 'nowhere'], {
      locationIds: [locationId],
      action: 'request_feedback',
    })
    expect(results.map((result) => [result.locationId, result.ok, result.error?.code])).toEqual([
      [locationId, true, undefined],
      ['loc2', false, 'feedback_off'],
      ['nowhere', false, 'not_found'],
    ])
    expect((await view('c')).reason).toBe('requested')
  })
})

describe('the inspector', () => {
  it('names every gate in order, the next time, and what the user saw and said', async () => {
    const { promptId } = await view()
    await rig.feedback.prompts.record(customer('a'), { outcome: 'shown', promptId: promptId! })
    await rig.feedback.prompts.record(customer('a'), { outcome: 'later', promptId: promptId! })
    rig.clock.advanceMs(3 * dayMs)
    await give('a', 'not_happy')
    rig.clock.advanceMs(minuteMs)
    const seen = await inspect('a')
    expect(seen).toMatchObject({
      user: { userId: 'a', name: 'User a' },
      timezone: 'America/Chicago',
      due: false,
      reason: 'case_open',
      nextAt: null,
    })
    expect(seen.gates.map((gate) => gate.passed)).toEqual([true, true, true, true, true, false, false, true, true])
    expect(seen.clockDueAt).toBe(new Date(rig.clock.nowMs() - minuteMs + 30 * dayMs).toISOString())
    expect(seen.openCaseId).toBe((await rig.cases.openCaseOf(companyId, locationId, 'a'))?.caseId)
    expect(seen.history.map((entry) => entry.kind)).toEqual(['answered', 'shown', 'later'])
  })

  it('knows staff, and does not know strangers', async () => {
    expect(await inspect('csm1')).toMatchObject({ user: { name: 'Priya Nair' }, due: false, reason: 'agency_staff' })
    expect(await codeOf(rig.feedback.prompts.inspect(companyId, locationId, 'nobody'))).toBe('404 not_found')
    expect(await codeOf(rig.feedback.prompts.inspect('agency2', locationId, 'a'))).toBe('404 not_found')
  })
})
