import { describe, expect, it } from '@jest/globals'
import { dayMs } from '../../src/kernel/clock.ts'
import { mergedCycle, noCounts, stepOf, withCycle, type Cycle, type CycleFact } from '../../src/reports/cycle-rules.ts'

const at = (day: number): Date => new Date(Date.UTC(2026, 0, 1) + day * dayMs)
/** All cycles after facts, the present one last. */
function run(facts: CycleFact[]): { over: Cycle[]; present: Cycle | null; neverDue: number } {
  let present: Cycle | null = null
  let neverDue = 0
  const over: Cycle[] = []
  for (const fact of facts) {
    const step = stepOf(present, fact, 30)
    if (step.ends && step.present !== null) {
      if (step.neverDue) neverDue += 1
      else over.push(step.present)
    }
    present = step.next ?? (step.ends ? null : step.present)
  }
  return { over, present, neverDue }
}

describe('a cycle', () => {
  it('that is answered belongs to the day on which it was due, and the next one begins', () => {
    const { over, present } = run([
      { kind: 'eligible', at: at(0), dueAt: at(7) }, { kind: 'shown', at: at(10), dueAt: at(7) },
      { kind: 'answered', at: at(40), answerId: 'a', asked: true, commented: true },
    ])
    expect(over).toMatchObject([{ dueAt: at(7), state: 'answered', shownAt: at(10), commented: true }])
    expect(present).toMatchObject({ dueAt: at(70), state: 'waiting' })
  })

  it('goes on while the prompt is asked again, and the last word of the user stands', () => {
    expect(run([{ kind: 'eligible', at: at(0), dueAt: at(0) }, { kind: 'shown', at: at(1), dueAt: at(0) }, { kind: 'later', at: at(1), dueAt: at(1) }, { kind: 'shown', at: at(4), dueAt: at(4) }]).present).toMatchObject({ dueAt: at(0), state: 'later' })
  })

  it('that was ignored is over when the prompt is due a cycle later', () => {
    const { over, present } = run([{ kind: 'eligible', at: at(0), dueAt: at(0) }, { kind: 'shown', at: at(0), dueAt: at(0) }, { kind: 'shown', at: at(40), dueAt: at(32) }])
    expect(over).toMatchObject([{ state: 'shown', dueAt: at(0) }])
    expect(present).toMatchObject({ state: 'shown', dueAt: at(32) })
  })

  it('an unasked answer counts in no cycle; one that was not due is never due', () => {
    const answer = { kind: 'answered' as const, at: at(3), answerId: 'a', asked: false, commented: false }
    expect(run([{ kind: 'eligible', at: at(0), dueAt: at(7) }, answer])).toMatchObject({ over: [], neverDue: 1, present: { dueAt: at(33) } })
    expect(run([{ kind: 'eligible', at: at(0), dueAt: at(1) }, { kind: 'shown', at: at(2), dueAt: at(1) }, answer]).over).toMatchObject([{ state: 'shown' }])
  })

  it('ends with the user', () => {
    expect(run([{ kind: 'eligible', at: at(0), dueAt: at(7) }, { kind: 'left', at: at(1) }])).toMatchObject({ present: null, neverDue: 1 })
  })

  it('is due at once when somebody asks', () => {
    expect(run([{ kind: 'eligible', at: at(0), dueAt: at(20) }, { kind: 'requested', at: at(2) }]).present).toMatchObject({ dueAt: at(2) })
  })
})

it('a user whose prompt was due twice in a month is one user', () => {
  const cycle = (state: Cycle['state'], day: number): Cycle => ({ dueAt: at(day), openedAt: at(day), state, shownAt: at(day), commented: false, answerId: null })
  expect(mergedCycle(cycle('answered', 1), cycle('shown', 30))).toMatchObject({ state: 'answered', dueAt: at(1) })
})

it('what was shown is answered, snoozed, closed or ignored', () => {
  const states: Cycle['state'][] = ['waiting', 'shown', 'later', 'closed', 'answered', 'self']
  const total = states.reduce((counts, state) => withCycle(counts, { state, commented: true, dueAt: at(0) }, at(1)), noCounts)
  expect(total).toEqual({ due: 5, shown: 4, answered: 1, snoozed: 1, closed: 1, ignored: 1, commented: 1, selfInitiated: 1 })
  expect(withCycle(noCounts, { state: 'waiting', commented: false, dueAt: at(2) }, at(1))).toEqual(noCounts)
})
