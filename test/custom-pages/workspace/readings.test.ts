import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { historyInWords, pathOf, shownSegments, stretchesOf } from '../../../custom-pages/shared/parts/level-history.ts'
import { sparkInWords, sparkOf } from '../../../custom-pages/shared/parts/spark.ts'
import { columnsThatFit, sinceKnown, spread, stackOf, ticksFor } from '../../../custom-pages/workspace/readings/chart.ts'
import { scopeInWords } from '../../../custom-pages/workspace/readings/scope.ts'

describe('stacked columns', () => {
  const keys = ['struggling', 'steady', 'healthy', 'thriving', 'none']

  it('stand on the worst level, without gaps, and reach the sum', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 10_000 }), { minLength: 5, maxLength: 5 }), (values) => {
        const counts = Object.fromEntries(keys.map((key, at) => [key, values[at] ?? 0]))
        const slices = stackOf(counts, keys)
        expect(slices.map(({ key }) => key)).toEqual(keys.filter((key) => (counts[key] ?? 0) > 0))
        expect(slices.reduce((top, { from, to }) => (expect(from).toBe(top), to), 0)).toBe(values.reduce((sum, value) => sum + value, 0))
      }),
    )
  })

  it('begin with the first time of which something is known; later gaps stay', () => {
    const since = (...points: (number | null)[]) => sinceKnown(points, (point) => point !== null)
    expect([since(null, null, 1, null, 2), since(1, 2), since(null), since()]).toEqual([[1, null, 2], [1, 2], [], []])
  })

  it('have an axis of whole, even steps that reaches over the highest one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), (most) => {
        const ticks = ticksFor(most)
        expect(ticks.length).toBeGreaterThanOrEqual(2)
        expect(ticks.length).toBeLessThanOrEqual(6)
        expect(ticks[0]).toBe(0)
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(most)
        expect(new Set(ticks.slice(1).map((tick, at) => tick - ticks[at]!)).size).toBe(1)
      }),
    )
    expect(ticksFor(22)).toEqual([0, 5, 10, 15, 20, 25])
  })

  it('keep their names apart, in order and inside', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { maxLength: 5 }), (places) => {
        const wanted = places.sort((a, b) => a - b)
        const found = spread(wanted, 18, 0, 200)
        expect(found).toHaveLength(wanted.length)
        for (const [at, place] of found.entries()) {
          expect(place).toBeGreaterThanOrEqual(0)
          expect(place).toBeLessThanOrEqual(200)
          if (at > 0) expect(place - found[at - 1]!).toBeGreaterThanOrEqual(18 - 1e-9)
        }
      }),
    )
  })

  it('show the newest ones that fit, at least one', () => {
    expect(columnsThatFit(1_000, 13, 26)).toBe(13)
    expect(columnsThatFit(160, 13, 26)).toBe(6)
    expect(columnsThatFit(10, 13, 26)).toBe(1)
  })
})

describe('whose accounts', () => {
  const nameOf = (userId: string) => (userId === 'u1' ? 'Priya Nair' : undefined)

  it('are said in words', () => {
    const said = [
      { group: '', csm: '' },
      { group: 'premium', csm: '' },
      { group: '', csm: 'u1' },
      { group: 'saas', csm: 'none' },
      { group: '', csm: 'none' },
      { group: '', csm: 'gone' },
    ].map((scope) => scopeInWords(scope, nameOf))
    expect(said).toEqual(['All accounts', 'Premium accounts', 'Accounts of Priya Nair', 'SaaS accounts without an owner', 'Accounts without an owner', 'Accounts of one owner'])
  })
})

describe('the history of an account', () => {
  const at = (day: number) => `2026-11-${String(day).padStart(2, '0')}T00:00:00.000Z`
  const history = (...steps: [level: string | null, from: number, to: number][]) => ({ segments: steps.map(([level, from, to]) => ({ level, from: at(from), to: at(to) })) })
  const say = (...steps: [level: string | null, from: number, to: number][]) => historyInWords(history(...steps), (instant) => instant.slice(8, 10))

  it('is one sentence: what, since when, before, and the gaps', () => {
    expect(say(['happy', 1, 20])).toBe('Happy since 01 or earlier.')
    expect(say([null, 1, 3], ['happy', 3, 20])).toBe('Happy since 03.')
    expect(say(['very_happy', 1, 3], ['happy', 3, 20])).toBe('Happy since 03, down from Very Happy.')
    expect(say(['steady', 1, 3], [null, 3, 5], ['thriving', 5, 20])).toBe('Thriving since 05, up from Steady. Once without a reading.')
    expect(say(['happy', 1, 3], [null, 3, 20])).toBe('No reading since 03; before that Happy.')
    expect(say([null, 1, 20])).toBe('No reading since 01 or earlier.')
    expect(say()).toBe('No reading.')
  })

  it('is a step line that breaks where there was no reading', () => {
    const stretches = stretchesOf(history(['happy', 1, 6], ['neutral', 6, 11], [null, 11, 16], ['very_happy', 16, 21]))
    expect(stretches.map(({ step }) => step)).toEqual([3, 2, 0, 4])
    expect(pathOf(stretches, 100, (step) => step)).toBe('M0 3H25V2H50M75 4H100')
  })

  it('leaves the line to the time since the first reading', () => {
    expect(shownSegments(history([null, 1, 11], ['happy', 11, 14]))).toEqual(history([null, 10, 11], ['happy', 11, 14]).segments)
    const untouched = [history(['happy', 1, 5], [null, 5, 20]), history([null, 1, 2], ['happy', 2, 20]), history([null, 1, 20]), history()]
    for (const one of untouched) expect(shownSegments(one)).toEqual(one.segments)
  })

  it('of no length is no line', () => {
    expect(stretchesOf({ segments: [] })).toEqual([])
    expect(stretchesOf(history(['happy', 1, 1]))).toEqual([])
  })
})

describe('the line in a row', () => {
  it('is a step per month, broken where nobody\'s answer counted, and ends at the last level', () => {
    expect(sparkOf(['very_happy', 'happy', null, 'neutral', 'neutral', 'not_happy'])).toEqual({ line: 'M0.5 3H13.1V9H25.7M38.3 15H50.8V15H63.4V21H72', gaps: [{ x: 25.7, width: 12.6 }], last: 1 })
    expect(sparkOf([null, null, null, null, null, null])).toEqual({ line: '', gaps: [{ x: 0.5, width: 71.5 }], last: 0 })
    expect(sparkOf([null, null, 'happy', null, null, 'happy']).gaps).toEqual([{ x: 0.5, width: 25.2 }, { x: 38.3, width: 25.1 }])
    expect(sparkOf([])).toEqual({ line: '', gaps: [], last: 0 })
  })
  it('says the same in one sentence', () => {
    const words = { none: 'none', always: (level: string) => `always ${level}`, then: (levels: string[]) => levels.join(', then '), noReading: 'no reading' }
    const says = (...levels: Parameters<typeof sparkInWords>[0][number][]) => sparkInWords(levels, words)
    expect([says(), says(null, null), says('happy', 'happy'), says('happy', null, null, 'neutral', 'happy')]).toEqual(['none', 'none', 'always Happy', 'Happy, then no reading, then Neutral, then Happy'])
  })
})
