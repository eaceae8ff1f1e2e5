import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { dayMs } from '../../src/kernel/clock.ts'
import { dayOf } from '../../src/reports/calendar.ts'
import { counted, countsBackwards, gone, levelsBackwards, segmentsOf, shownCounts, type Move } from '../../src/reports/level-rules.ts'

const levels = ['thriving', 'healthy', 'steady', 'struggling', 'none', gone]
const startMs = Date.UTC(2026, 0, 1)

describe('counts over time', () => {
  it('forwards over all accounts and backwards from today give the same figures', () => {
    const account = fc.array(fc.tuple(fc.constantFrom(...levels), fc.integer({ min: 0, max: 20 * dayMs - 1 })), { maxLength: 6 })
    fc.assert(fc.property(fc.array(account, { minLength: 1, maxLength: 6 }), (accounts) => {
      const now = new Map<string, string>()
      const moves = accounts.flatMap((steps, index): Move[] => {
        let before = gone
        const mine = [...steps].sort((a, b) => a[1] - b[1]).map(([after, offset], at): Move => {
          const move: Move = [`l${index}`, before, after, startMs + offset + at / 1_000]
          before = after
          return move
        })
        now.set(`l${index}`, before)
        return mine
      })
      const days = Array.from({ length: 20 }, (_, at) => dayOf(new Date(startMs + at * dayMs)))
      const backwards = countsBackwards(now, moves, days)
      // Account by account they are the same figures again.
      const each = [...levelsBackwards(now, moves, days.map((_, at) => new Date(startMs + (at + 1) * dayMs))).values()]
      days.forEach((_, at) => expect(shownCounts('health', counted({}, each.map((line): Move => ['', gone, line[at] ?? 'none', 0])))).toEqual(shownCounts('health', backwards[at] ?? {})))
      days.forEach((day, at) => {
        const until = startMs + (at + 1) * dayMs
        expect(shownCounts('health', backwards[at] ?? {})).toEqual(shownCounts('health', counted({}, moves.filter((move) => move[3] < until))))
        expect(day).toBe(days[at])
      })
    }))
  })
})

describe('an account\'s segments', () => {
  const at = (day: number): Date => new Date(startMs + day * dayMs)
  it('are back to back from end to end, with times without a reading between them', () => {
    const changes = [{ at: at(2), after: 'none' }, { at: at(3), after: 'happy' }, { at: at(3), after: 'happy' }, { at: at(5), after: 'none' }, { at: at(8), after: 'neutral' }, { at: at(20), after: 'happy' }]
    const segments = segmentsOf(changes, at(0), at(10))
    expect(segments.map(({ level }) => level)).toEqual([null, 'happy', null, 'neutral'])
    expect(segments[0]?.from).toBe(at(0).toISOString())
    expect(segments.at(-1)?.to).toBe(at(10).toISOString())
    segments.slice(1).forEach((segment, index) => expect(segment.from).toBe(segments[index]?.to))
  })
  it('begin with the level that held before', () => {
    expect(segmentsOf([{ at: at(-9), after: 'happy' }], at(0), at(1))).toEqual([{ level: 'happy', from: at(0).toISOString(), to: at(1).toISOString() }])
  })
})
