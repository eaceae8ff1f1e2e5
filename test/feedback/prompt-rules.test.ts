import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  applyOutcome,
  applyRequest,
  decidePrompt,
  freshClock,
  pauseDays,
  promptSeed,
  type PromptClock,
  type PromptState,
} from '../../src/feedback/prompt-rules.ts'
import { defaultAgencySettings } from '../../src/http/contract/settings.ts'
import { dayMs, hourMs, minuteMs } from '../../src/kernel/clock.ts'

const settings = defaultAgencySettings.prompt
const start = new Date('2026-03-02T09:00:00Z')
const after = (days: number, ms = 0) => new Date(start.getTime() + days * dayMs + ms)

function stateOf(changes: Partial<PromptState> = {}): PromptState {
  return {
    feedbackEnabled: true,
    isAgencyStaff: false,
    user: { joinedAt: null, removedAt: null },
    accountChurned: false,
    openCaseAt: null,
    lastAnswerAt: null,
    clock: freshClock,
    zone: 'UTC',
    ...changes,
  }
}
let prompts = 0
function outcome(
  clock: PromptClock,
  kind: 'shown' | 'later' | 'closed',
  at: Date,
  lastAnswerAt: Date | null = null,
  promptId?: string,
): PromptClock {
  prompts += 1
  return applyOutcome(clock, { kind, promptId: promptId ?? `p${prompts}`, at }, lastAnswerAt, settings, 'UTC') ?? clock
}
/** Shown on three days in a row from the given day. */
function ignoredThrice(clock: PromptClock, fromDay: number): PromptClock {
  return [0, 1, 2].reduce((so, day) => outcome(so, 'shown', after(fromDay + day)), clock)
}

describe('each rule of the clock', () => {
  const rows: { name: string; state: Partial<PromptState>; at: Date; due: boolean; reason: string; nextAt: Date | null }[] = [
    { name: 'a user who was there before the app is asked at once', state: {}, at: start, due: true, reason: 'first_time', nextAt: start },
    {
      name: 'not asked in the first 7 days',
      state: { user: { joinedAt: start, removedAt: null } },
      at: after(6.9),
      due: false,
      reason: 'new_user',
      nextAt: after(7),
    },
    {
      name: 'asked once 7 days are over',
      state: { user: { joinedAt: start, removedAt: null } },
      at: after(7),
      due: true,
      reason: 'first_time',
      nextAt: after(7),
    },
    {
      name: 'not asked for 30 days after an answer',
      state: { lastAnswerAt: start },
      at: after(29.99),
      due: false,
      reason: 'answered_recently',
      nextAt: after(30),
    },
    {
      name: 'asked 30 days after an answer',
      state: { lastAnswerAt: start },
      at: after(30),
      due: true,
      reason: 'cycle_over',
      nextAt: after(30),
    },
    {
      name: '"ask me later" waits 3 days',
      state: { clock: outcome(freshClock, 'later', start) },
      at: after(2.99),
      due: false,
      reason: 'asked_later',
      nextAt: after(3),
    },
    {
      name: 'asked again 3 days after "later"',
      state: { clock: outcome(freshClock, 'later', start) },
      at: after(3),
      due: true,
      reason: 'asked_again',
      nextAt: after(3),
    },
    {
      name: 'closing waits 14 days',
      state: { clock: outcome(freshClock, 'closed', start) },
      at: after(13.99),
      due: false,
      reason: 'closed_recently',
      nextAt: after(14),
    },
    {
      name: 'asked again 14 days after closing',
      state: { clock: outcome(freshClock, 'closed', start) },
      at: after(14),
      due: true,
      reason: 'asked_again',
      nextAt: after(14),
    },
    {
      name: 'not shown twice on one day',
      state: { clock: outcome(freshClock, 'shown', start) },
      at: after(0, 14 * hourMs),
      due: false,
      reason: 'shown_today',
      nextAt: new Date('2026-03-03T00:00:00Z'),
    },
    {
      name: 'an ignored prompt comes back tomorrow',
      state: { clock: outcome(freshClock, 'shown', start) },
      at: new Date('2026-03-03T00:00:00Z'),
      due: true,
      reason: 'asked_again',
      nextAt: new Date('2026-03-03T00:00:00Z'),
    },
    {
      name: 'three ignored days skip the cycle',
      state: { clock: ignoredThrice(freshClock, 0) },
      at: after(3),
      due: false,
      reason: 'cycle_skipped',
      nextAt: after(32),
    },
    {
      name: 'asked again a cycle after the skipped one',
      state: { clock: ignoredThrice(freshClock, 0) },
      at: after(32),
      due: true,
      reason: 'cycle_over',
      nextAt: after(32),
    },
    {
      name: 'after two skipped cycles 60 days',
      state: { clock: ignoredThrice(ignoredThrice(freshClock, 0), 32) },
      at: after(40),
      due: false,
      reason: 'cycle_skipped',
      nextAt: after(34 + 60),
    },
    {
      name: 'after three skipped cycles 90 days',
      state: { clock: ignoredThrice(ignoredThrice(ignoredThrice(freshClock, 0), 32), 94) },
      at: after(100),
      due: false,
      reason: 'cycle_skipped',
      nextAt: after(96 + 90),
    },
    {
      name: 'an answer forgives skipped cycles',
      state: { clock: ignoredThrice(ignoredThrice(freshClock, 0), 32), lastAnswerAt: after(50) },
      at: after(79),
      due: false,
      reason: 'answered_recently',
      nextAt: after(80),
    },
    {
      name: 'an open case holds prompts, whatever the clock',
      state: { openCaseAt: start, lastAnswerAt: after(-40) },
      at: after(1),
      due: false,
      reason: 'case_open',
      nextAt: null,
    },
    {
      name: 'agency staff is never asked',
      state: { isAgencyStaff: true, user: null },
      at: start,
      due: false,
      reason: 'agency_staff',
      nextAt: null,
    },
    {
      name: 'a removed user is not asked',
      state: { user: { joinedAt: null, removedAt: start } },
      at: after(1),
      due: false,
      reason: 'user_removed',
      nextAt: null,
    },
    { name: 'an unknown person is not asked', state: { user: null }, at: start, due: false, reason: 'user_removed', nextAt: null },
    {
      name: 'churned accounts are not asked',
      state: { accountChurned: true },
      at: start,
      due: false,
      reason: 'account_churned',
      nextAt: null,
    },
    {
      name: 'nobody is asked while feedback is off',
      state: { feedbackEnabled: false },
      at: start,
      due: false,
      reason: 'feedback_off',
      nextAt: null,
    },
    {
      name: 'a request makes due at once',
      state: { lastAnswerAt: start, clock: applyRequest(freshClock, after(1), start) },
      at: after(1),
      due: true,
      reason: 'requested',
      nextAt: after(1),
    },
    {
      name: 'a request asks a new user too',
      state: { user: { joinedAt: start, removedAt: null }, clock: applyRequest(freshClock, after(1), null) },
      at: after(1),
      due: true,
      reason: 'requested',
      nextAt: after(1),
    },
    {
      name: 'a request does not ask over an open case',
      state: { openCaseAt: start, clock: applyRequest(freshClock, after(1), null) },
      at: after(1),
      due: false,
      reason: 'case_open',
      nextAt: null,
    },
    {
      name: 'an answer after a request starts 30 days',
      state: { lastAnswerAt: after(2), clock: applyRequest(freshClock, after(1), null) },
      at: after(3),
      due: false,
      reason: 'answered_recently',
      nextAt: after(32),
    },
  ]
  it.each(rows)('$name', ({ state, at, due, reason, nextAt }) => {
    const decision = decidePrompt(stateOf(state), settings, at)
    expect({ due: decision.due, reason: decision.reason, nextAt: decision.nextAt }).toEqual({ due, reason, nextAt })
  })

  it('"tomorrow" is the account\'s tomorrow', () => {
    const shown = new Date('2026-03-02T22:30:00Z')
    const clock = outcome(freshClock, 'shown', shown)
    expect(decidePrompt(stateOf({ clock, zone: 'America/Chicago' }), settings, shown).nextAt).toEqual(new Date('2026-03-03T06:00:00Z'))
    expect(decidePrompt(stateOf({ clock, zone: 'Not/AZone' }), settings, shown).nextAt).toEqual(new Date('2026-03-03T00:00:00Z'))
  })

  it('pauses grow 30, 60, 90 and stay there', () => {
    expect([0, 1, 2, 3, 4, 9].map((skipped) => pauseDays(skipped, settings))).toEqual([30, 30, 60, 90, 90, 90])
  })
})

describe('outcomes', () => {
  it('count once per prompt', () => {
    const once = outcome(freshClock, 'shown', start, null, 'p')
    expect(applyOutcome(once, { kind: 'shown', promptId: 'p', at: after(1) }, null, settings, 'UTC')).toBeNull()
    const later = outcome(once, 'later', after(0, minuteMs), null, 'p')
    expect(applyOutcome(later, { kind: 'later', promptId: 'p', at: after(1) }, null, settings, 'UTC')).toBeNull()
    expect(applyOutcome(later, { kind: 'closed', promptId: 'p', at: after(1) }, null, settings, 'UTC')).toBeNull()
  })

  it('closing after answering is not a dismissal', () => {
    const shown = outcome(freshClock, 'shown', start, null, 'p')
    expect(
      applyOutcome(shown, { kind: 'closed', promptId: 'p', at: after(0, 2 * minuteMs) }, after(0, minuteMs), settings, 'UTC'),
    ).toBeNull()
  })

  it('the same prompt is named the same all day and differently in the next cycle', () => {
    expect(promptSeed(stateOf(), start)).toBe(promptSeed(stateOf(), after(0, hourMs)))
    expect(promptSeed(stateOf(), start)).not.toBe(promptSeed(stateOf(), after(1)))
    expect(promptSeed(stateOf({ lastAnswerAt: start }), after(31))).not.toBe(promptSeed(stateOf(), after(31)))
  })
})

describe('over a random life', () => {
  const steps = fc.array(
    fc.record({
      hours: fc.integer({ min: 1, max: 24 * 20 }),
      reaction: fc.constantFrom('ignore', 'later', 'closed', 'answer', 'link', 'request'),
    }),
    { maxLength: 80 },
  )

  it('a user is never asked within 30 days of an answer unless requested, nor on two prompts a day, nor more than 3 ignored days in a row', () => {
    fc.assert(
      fc.property(steps, (life) => {
        let at = start
        let clock = freshClock
        let lastAnswerAt: Date | null = null
        let requestedAt: Date | null = null
        let lastShownDay = ''
        let ignoredInARow = 0
        let lastIgnoredAt: Date | null = null
        life.forEach((step, index) => {
          at = new Date(at.getTime() + step.hours * hourMs)
          if (step.reaction === 'link') {
            lastAnswerAt = at
            ignoredInARow = 0
            return
          }
          if (step.reaction === 'request') {
            clock = applyRequest(clock, at, lastAnswerAt)
            requestedAt = at
            ignoredInARow = 0
            lastShownDay = ''
            return
          }
          const decision = decidePrompt(stateOf({ clock, lastAnswerAt }), settings, at)
          // What is promised is kept: due exactly from nextAt on.
          if (!decision.due) {
            const { nextAt } = decision
            expect(nextAt).not.toBeNull()
            expect(decidePrompt(stateOf({ clock, lastAnswerAt }), settings, nextAt!).due).toBe(true)
            expect(decidePrompt(stateOf({ clock, lastAnswerAt }), settings, new Date(nextAt!.getTime() - 1)).due).toBe(false)
            return
          }
          if (lastAnswerAt !== null && (requestedAt === null || requestedAt < lastAnswerAt))
            expect(at.getTime() - lastAnswerAt.getTime()).toBeGreaterThanOrEqual(30 * dayMs)
          const today = at.toISOString().slice(0, 10)
          expect(today).not.toBe(lastShownDay)
          lastShownDay = today
          if (ignoredInARow >= 3) {
            expect(at.getTime() - lastIgnoredAt!.getTime()).toBeGreaterThanOrEqual(30 * dayMs)
            ignoredInARow = 0
          }
          clock = applyOutcome(clock, { kind: 'shown', promptId: `r${index}`, at }, lastAnswerAt, settings, 'UTC') ?? clock
          if (step.reaction === 'ignore') {
            ignoredInARow += 1
            lastIgnoredAt = at
          } else if (step.reaction === 'answer') {
            lastAnswerAt = at
            ignoredInARow = 0
          } else {
            clock = applyOutcome(clock, { kind: step.reaction, promptId: `r${index}`, at }, lastAnswerAt, settings, 'UTC') ?? clock
            ignoredInARow = 0
          }
        })
      }),
      { numRuns: 300 },
    )
  })
})
