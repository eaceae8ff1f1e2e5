import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { foldAccount, nextLevel, plainLevel, type AnswerFact, type HappinessFact } from '../../src/happiness/rules.ts'
import { defaultAgencySettings } from '../../src/http/contract/settings.ts'
import { dayMs, minuteMs } from '../../src/kernel/clock.ts'
import { happinessLevels, type HappinessLevel } from '../../src/kernel/levels.ts'

const settings = defaultAgencySettings.happiness
const start = Date.UTC(2026, 0, 1)
const day = (days: number) => new Date(start + days * dayMs)

let answers = 0
function answer(userId: string, days: number, level: HappinessLevel, edits?: AnswerFact['edits']): AnswerFact {
  answers += 1
  return { kind: 'answer', answerId: `a${answers}`, userId, at: day(days), level, ...(edits === undefined ? {} : { edits }) }
}
const removal = (userId: string, days: number): HappinessFact => ({ kind: 'removal', userId, at: day(days) })

/** Facts with unique ids over 400 days, in hours so that ties happen. */
const factsArbitrary: fc.Arbitrary<HappinessFact[]> = fc
  .array(
    fc.record({
      user: fc.integer({ min: 0, max: 4 }),
      hour: fc.integer({ min: 0, max: 400 * 24 }),
      level: fc.constantFrom(...happinessLevels),
      removal: fc.boolean(),
      edit: fc.option(fc.constantFrom(...happinessLevels)),
    }),
    { maxLength: 40 },
  )
  .map((rows) =>
    rows.map((row, index): HappinessFact => {
      const at = new Date(start + row.hour * 3_600_000)
      const userId = `u${row.user}`
      if (row.removal && index % 4 === 0) return { kind: 'removal', userId, at }
      const edits = row.edit === null ? [] : [{ revision: 1, at: new Date(at.getTime() + 5 * minuteMs), level: row.edit }]
      return { kind: 'answer', answerId: `a${index}`, userId, at, level: row.level, edits }
    }),
  )
const instant = fc.integer({ min: 0, max: 500 * 24 }).map((hour) => new Date(start + hour * 3_600_000))

describe('hand-computed readings', () => {
  const rows: {
    name: string
    facts: () => HappinessFact[]
    at: number
    level: HappinessLevel | null
    score: number | null
    answered: number
    dissent?: boolean
  }[] = [
    { name: 'nobody answered', facts: () => [], at: 0, level: null, score: null, answered: 0 },
    { name: 'one fresh Very Happy', facts: () => [answer('a', 0, 'very_happy')], at: 0, level: 'very_happy', score: 50, answered: 1 },
    { name: 'one Happy is on neither cut', facts: () => [answer('a', 0, 'happy')], at: 0, level: 'happy', score: 25, answered: 1 },
    { name: 'one Neutral', facts: () => [answer('a', 0, 'neutral')], at: 0, level: 'neutral', score: -25, answered: 1 },
    { name: 'one Not Happy', facts: () => [answer('a', 0, 'not_happy')], at: 0, level: 'not_happy', score: -50, answered: 1 },
    // (50 + 25) / 2 = 37.5, exactly the cut; second answer: the first level (Very Happy) stays.
    {
      name: 'Very Happy then Happy at once',
      facts: () => [answer('a', 0, 'very_happy'), answer('b', 0, 'happy')],
      at: 0,
      level: 'very_happy',
      score: 37.5,
      answered: 2,
    },
    // First Happy, then 37.5: not 5 past the cut, so Happy stays.
    {
      name: 'Happy, then Very Happy reaches the cut only',
      facts: () => [answer('a', 0, 'happy'), answer('b', 0.001, 'very_happy')],
      at: 0.001,
      level: 'happy',
      score: 37.500072,
      answered: 2,
    },
    // Weight of a 60-day answer is 1/2: (0.5·50 + 1·(−50)) / 1.5 = −16.666667; from Very Happy down past 37.5 and past 0 by more than 5.
    {
      name: 'an old delight against a fresh complaint',
      facts: () => [answer('a', 0, 'very_happy'), answer('b', 60, 'not_happy')],
      at: 60,
      level: 'neutral',
      score: -16.666667,
      answered: 2,
      dissent: true,
    },
    // (50·3 − 50)/4 = 25: one of four unhappy, level falls to Happy (25 ≤ 32.5) and shows dissent.
    {
      name: 'one of four is Not Happy',
      facts: () => [answer('a', 0, 'very_happy'), answer('b', 0, 'very_happy'), answer('c', 0, 'very_happy'), answer('d', 0, 'not_happy')],
      at: 0,
      level: 'happy',
      score: 25,
      answered: 4,
      dissent: true,
    },
    {
      name: 'the newest answer of a user replaces the older',
      facts: () => [answer('a', 0, 'not_happy'), answer('a', 10, 'very_happy')],
      at: 10,
      level: 'very_happy',
      score: 50,
      answered: 1,
    },
    {
      name: 'an answer counts until just before 90 days',
      facts: () => [answer('a', 0, 'happy')],
      at: 89.999,
      level: 'happy',
      score: 25,
      answered: 1,
    },
    { name: 'an answer is gone at 90 days', facts: () => [answer('a', 0, 'happy')], at: 90, level: null, score: null, answered: 0 },
    {
      name: 'a removed user has no vote',
      facts: () => [answer('a', 0, 'not_happy'), answer('b', 0, 'very_happy'), removal('a', 1)],
      at: 1,
      level: 'very_happy',
      score: 50,
      answered: 1,
    },
    {
      name: 'a user who came back and answered counts',
      facts: () => [answer('a', 0, 'not_happy'), removal('a', 1), answer('a', 2, 'happy')],
      at: 2,
      level: 'happy',
      score: 25,
      answered: 1,
    },
    {
      name: 'a correction replaces the answer',
      facts: () => [answer('a', 0, 'not_happy', [{ revision: 1, at: day(0.001), level: 'happy' }])],
      at: 1,
      level: 'happy',
      score: 25,
      answered: 1,
    },
    {
      name: 'a correction is not known before it was made',
      facts: () => [answer('a', 0, 'not_happy', [{ revision: 1, at: day(0.001), level: 'happy' }])],
      at: 0,
      level: 'not_happy',
      score: -50,
      answered: 1,
    },
    // After an empty account the first level is plain again: 25 → Happy although the level before was Very Happy.
    {
      name: 'a level after silence uses the plain cuts',
      facts: () => [answer('a', 0, 'very_happy'), answer('a', 200, 'happy')],
      at: 200,
      level: 'happy',
      score: 25,
      answered: 1,
    },
  ]
  it.each(rows)('$name', (row) => {
    const fold = foldAccount(row.facts(), day(row.at), settings, ['a', 'b', 'c', 'd', 'e'])
    expect({ level: fold.level, score: fold.score, answered: fold.coverage.answered, dissent: fold.dissent }).toEqual({
      level: row.level,
      score: row.score,
      answered: row.answered,
      dissent: row.dissent ?? false,
    })
    expect(fold.coverage.eligible).toBe(5)
  })

  it('coverage names the newest answer and counts answering users who are not on the list', () => {
    const fold = foldAccount([answer('a', 1, 'happy'), answer('z', 4, 'happy')], day(5), settings, ['a', 'b'])
    expect(fold.coverage).toEqual({ answered: 2, eligible: 3, newestAt: day(4) })
    expect(fold.nextExpiryAt).toEqual(day(91))
  })
})

describe('hysteresis', () => {
  it.each<[HappinessLevel | null, number, HappinessLevel]>([
    [null, 37.5, 'very_happy'],
    [null, 37.4, 'happy'],
    [null, 0, 'happy'],
    [null, -0.1, 'neutral'],
    [null, -37.5, 'neutral'],
    [null, -37.6, 'not_happy'],
    ['happy', 42.4, 'happy'],
    ['happy', 42.5, 'very_happy'],
    ['very_happy', 32.6, 'very_happy'],
    ['very_happy', 32.5, 'happy'],
    ['happy', -4.9, 'happy'],
    ['happy', -5, 'neutral'],
    ['neutral', 4.9, 'neutral'],
    ['neutral', 5, 'happy'],
    ['neutral', -42.4, 'neutral'],
    ['neutral', -42.5, 'not_happy'],
    ['not_happy', -32.6, 'not_happy'],
    ['not_happy', -32.5, 'neutral'],
    ['very_happy', -50, 'not_happy'],
    ['not_happy', 50, 'very_happy'],
    ['very_happy', -2, 'happy'],
    ['not_happy', 38, 'happy'],
  ])('from %s at H = %d the level is %s', (before, score, after) => {
    expect(nextLevel(before, score, settings)).toBe(after)
  })

  it('never goes past the plain level, and stays within the band around it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...happinessLevels), fc.double({ min: -50, max: 50, noNaN: true }), (before, score) => {
        const index = (level: HappinessLevel) => happinessLevels.indexOf(level)
        const [after, plain] = [index(nextLevel(before, score, settings)), index(plainLevel(score, settings))]
        expect(after).toBeGreaterThanOrEqual(Math.min(index(before), plain))
        expect(after).toBeLessThanOrEqual(Math.max(index(before), plain))
        expect(
          [plainLevel(score - 5.001, settings), plainLevel(score, settings), plainLevel(score + 5.001, settings)].map(index),
        ).toContain(after)
      }),
    )
  })
})

describe('the fold', () => {
  it('gives the same reading for every order of arrival', () => {
    fc.assert(
      fc.property(
        factsArbitrary.chain((facts) =>
          fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length, maxLength: facts.length })),
        ),
        instant,
        ([facts, shuffled], at) => {
          expect(foldAccount(shuffled, at, settings)).toEqual(foldAccount(facts, at, settings))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is not moved by a fact that arrives twice', () => {
    fc.assert(
      fc.property(factsArbitrary, instant, (facts, at) => {
        expect(foldAccount([...facts, ...facts], at, settings)).toEqual(foldAccount(facts, at, settings))
      }),
    )
  })

  it('gives each user one vote, the newest', () => {
    fc.assert(
      fc.property(factsArbitrary, instant, (facts, at) => {
        const fold = foldAccount(facts, at, settings)
        expect(new Set(fold.opinions.map((opinion) => opinion.userId)).size).toBe(fold.opinions.length)
        for (const opinion of fold.opinions) {
          const newest = Math.max(
            ...facts
              .filter((fact) => fact.kind === 'answer' && fact.userId === opinion.userId && fact.at <= at)
              .map((fact) => fact.at.getTime()),
          )
          expect(opinion.at.getTime()).toBe(newest)
        }
      }),
    )
  })

  it('has a level exactly when it has a valid answer', () => {
    fc.assert(
      fc.property(factsArbitrary, instant, (facts, at) => {
        const fold = foldAccount(facts, at, settings)
        expect(fold.level === null).toBe(fold.opinions.length === 0)
        for (const opinion of fold.opinions) expect(at.getTime() - opinion.at.getTime()).toBeLessThan(90 * dayMs)
      }),
    )
  })

  it('changes no level between two events, however the weights shrink', () => {
    fc.assert(
      fc.property(factsArbitrary, instant, fc.integer({ min: 0, max: 90 * 24 }), (facts, from, hours) => {
        const to = new Date(from.getTime() + hours * 3_600_000)
        const eventTimes = facts.flatMap((fact) =>
          fact.kind === 'removal'
            ? [fact.at.getTime()]
            : [fact.at.getTime(), fact.at.getTime() + 90 * dayMs, ...(fact.edits ?? []).map((edit) => edit.at.getTime())],
        )
        fc.pre(!eventTimes.some((time) => time > from.getTime() && time <= to.getTime()))
        expect(foldAccount(facts, to, settings).level).toBe(foldAccount(facts, from, settings).level)
      }),
      { numRuns: 200 },
    )
  })

  it('reads the same from a checkpoint and the facts young enough to matter as from everything', () => {
    fc.assert(
      fc.property(factsArbitrary, instant, fc.integer({ min: 0, max: 300 }), (facts, at, hoursBack) => {
        const checkpointAt = new Date(at.getTime() - hoursBack * 3_600_000 - dayMs)
        // Corrections come within minutes: they are known by then, as in life (checkpoints are months old).
        const known = facts.map((fact) =>
          fact.kind === 'answer' ? { ...fact, edits: (fact.edits ?? []).map((edit) => ({ ...edit, at: fact.at })) } : fact,
        )
        const checkpoint = { at: checkpointAt, level: foldAccount(known, checkpointAt, settings).level }
        const young = known.filter((fact) => fact.at.getTime() > checkpointAt.getTime() - 90 * dayMs)
        const { levelSinceAt: _all, ...whole } = foldAccount(known, at, settings)
        const { levelSinceAt: _some, ...partial } = foldAccount(young, at, settings, [], checkpoint)
        expect(partial).toEqual(whole)
      }),
      { numRuns: 300 },
    )
  })
})
