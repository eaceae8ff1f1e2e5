import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { pointsOf } from '../../src/reports/calendar.ts'
import { agencyMean, boundsOf, confidenceOf, medianOf, rankingOf, shareOf, shrunkScore, silenceOf, unansweredRow, wilsonRange, type ConfidenceInput } from '../../src/reports/rules.ts'
import type { HappinessLevel } from '../../src/kernel/levels.ts'

const levelOf = (score: number): HappinessLevel => (score >= 37.5 ? 'very_happy' : score >= 0 ? 'happy' : score >= -37.5 ? 'neutral' : 'not_happy')
const input = (points: number[], eligible: number, ageDays = points.map(() => 10)): ConfidenceInput => ({ points, ageDays, eligible, worst: -50, best: 50, levelOf })
const point = fc.constantFrom(-50, -25, 25, 50)

describe('a share', () => {
  it.each([[1, 1, 21, 100], [3, 3, 44, 100], [2, 3, 21, 94], [8, 10, 49, 94], [40, 50, 67, 89]])('of %d in %d lies between %d and %d percent (published values)', (count, of, low, high) => {
    const range = wilsonRange(count, of)
    expect([Math.round(range.low * 100), Math.round(range.high * 100)]).toEqual([low, high])
  })

  it('is no number under five people, counts stay', () => {
    expect(shareOf(3, 4)).toEqual({ count: 3, of: 4, value: null, low: null, high: null })
    expect(shareOf(0, 0)).toEqual({ count: 0, of: 0, value: null, low: null, high: null })
    expect(shareOf(4, 5)).toMatchObject({ value: 0.8 })
  })

  it('lies within its range, and more people make the range narrower', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (of, p) => {
      const count = Math.round(p * of)
      const { low, high } = wilsonRange(count, of)
      expect(low).toBeLessThanOrEqual(count / of + 1e-9)
      expect(high).toBeGreaterThanOrEqual(count / of - 1e-9)
      const more = wilsonRange(count * 4, of * 4)
      expect(more.high - more.low).toBeLessThan(high - low + 1e-9)
    }))
  })
})

describe('confidence', () => {
  it.each([
    ['certain', [50, 50, 50], 3], ['certain', [-50], 1], ['certain', [50, 50, 50, 50, 50, 50, 50, 50, 50], 10],
    ['high', [25, 25, 25], 5], ['medium', [50, -50], 5], ['low', [50], 2], ['low', [25, 25], 7],
  ] as const)('is %s for %j of %d users', (word, points, eligible) => {
    expect(confidenceOf(input([...points], eligible)).word).toBe(word)
  })

  it('is not high with old answers', () => {
    expect(confidenceOf(input([25, 25, 25], 5, [46, 46, 46])).word).toBe('medium')
  })

  it('without an answer there is none, and a sentence says so', () => {
    expect(confidenceOf(input([], 4))).toEqual({ word: null, answered: 0, eligible: 4, medianAgeDays: null, bounds: null, says: 'No current reading: none of 4 users gave an answer that is young enough.' })
  })

  it('says in one sentence what it rests on', () => {
    expect(confidenceOf(input([50], 1)).says).toBe('Certain: the only user answered, given 10 days ago; this is everybody, not a sample.')
    expect(confidenceOf(input([25, 25], 5)).says).toBe('Medium: 2 of 5 users answered, half of them within 10 days. With the others it could be anything from Neutral to Very Happy.')
  })

  it('whatever the others answer, the mean lies within the bounds; the bounds are reached', () => {
    fc.assert(fc.property(fc.array(point, { minLength: 1, maxLength: 8 }), fc.array(point, { maxLength: 8 }), (given, missing) => {
      const bounds = boundsOf(input(given, given.length + missing.length))
      const all = [...given, ...missing]
      const mean = all.reduce((sum, value) => sum + value, 0) / all.length
      expect(bounds?.low).toBeLessThanOrEqual(mean + 0.01)
      expect(bounds?.high).toBeGreaterThanOrEqual(mean - 0.01)
    }))
  })
})

describe('a ranking', () => {
  it('draws few answers towards the mean, many hardly', () => {
    expect(shrunkScore({ score: 50, answered: 1 }, 0)).toBeCloseTo(16.67, 2)
    expect(shrunkScore({ score: 50, answered: 98 }, 0)).toBe(49)
    expect(rankingOf([{ locationId: 'one', score: 50, answered: 1 }, { locationId: 'many', score: 40, answered: 20 }], 0, 'top').map(({ locationId }) => locationId)).toEqual(['many', 'one'])
  })

  it('stays between the account and the agency, keeps the account\'s own score, and is one order for everybody', () => {
    const row = fc.record({ locationId: fc.uuid(), score: fc.double({ min: -50, max: 50, noNaN: true }), answered: fc.integer({ min: 1, max: 20 }) })
    fc.assert(fc.property(fc.uniqueArray(row, { minLength: 1, maxLength: 20, selector: ({ locationId }) => locationId }), (rows) => {
      const mean = agencyMean(rows) ?? 0
      for (const one of rows) {
        const shrunk = shrunkScore(one, mean)
        expect(shrunk).toBeGreaterThanOrEqual(Math.min(one.score, mean) - 1e-9)
        expect(shrunk).toBeLessThanOrEqual(Math.max(one.score, mean) + 1e-9)
      }
      const ids = rankingOf(rows, mean, 'bottom').map(({ locationId }) => locationId)
      expect(rankingOf([...rows].reverse(), mean, 'bottom').map(({ locationId }) => locationId)).toEqual(ids)
      expect(rankingOf(rows, mean, 'top').map(({ score }) => score).sort()).toEqual(rows.map(({ score }) => score).sort())
    }))
  })
})

describe('silence', () => {
  const sample = (answered: number, day: number) => ({ at: new Date(Date.UTC(2026, 0, day)), answered, eligible: 10 })
  it.each([
    ['below half of the usual', [sample(8, 1), sample(8, 8), sample(8, 15), sample(2, 22)], [], true],
    ['as usual', [sample(8, 1), sample(8, 8), sample(7, 15)], [], false],
    ['too short a habit', [sample(8, 1), sample(1, 8)], [], false],
    ['never answered at all', [sample(0, 1), sample(0, 8), sample(0, 15)], [], false],
    ['two cycles shown and unanswered', [], [{ shown: 2, answered: 0 }, { shown: 1, answered: 0 }], true],
    ['one of two cycles answered', [], [{ shown: 2, answered: 0 }, { shown: 1, answered: 1 }], false],
    ['nobody was shown anything', [], [{ shown: 0, answered: 0 }, { shown: 0, answered: 0 }], false],
  ])('%s', (_name, samples, cycles, silent) => {
    expect(silenceOf({ samples, cycles }) !== null).toBe(silent)
  })
})

it('the median of two is between them', () => {
  expect([medianOf([]), medianOf([3]), medianOf([1, 2]), medianOf([9, 1, 5])]).toEqual([null, 3, 1.5, 5])
})

it('trends are read at the ends of weeks and months, and on the last day', () => {
  expect(pointsOf('2026-11-02', '2026-11-18', 'week')).toEqual(['2026-11-08', '2026-11-15', '2026-11-18'])
  expect(pointsOf('2026-01-15', '2026-03-31', 'month')).toEqual(['2026-01-31', '2026-02-28', '2026-03-31'])
  expect(pointsOf('2026-01-01', '2026-01-03', 'day')).toHaveLength(3)
})

it.each<[string, { shown: number; answered: number }[], number]>([
  ['nobody was ever asked', [], 0],
  ['three in a row, then an answer', [{ shown: 2, answered: 0 }, { shown: 1, answered: 0 }, { shown: 4, answered: 0 }, { shown: 2, answered: 1 }, { shown: 2, answered: 0 }], 3],
  ['a month in which nobody was asked ends the row', [{ shown: 2, answered: 0 }, { shown: 0, answered: 0 }, { shown: 2, answered: 0 }], 1],
  ['all that are looked at', [{ shown: 1, answered: 0 }, { shown: 1, answered: 0 }], 2],
])('cycles in a row without an answer: %s', (_case, cycles, expected) => {
  expect(unansweredRow(cycles)).toBe(expected)
})
