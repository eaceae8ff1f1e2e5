import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { blockSpanMs, dayOf, decide, liveBlocks, windowLimit, type BudgetState } from '../../src/highlevel/budget-rules.ts'
import { productionLimits, sandboxAgencyLimits, type Priority } from '../../src/highlevel/index.ts'
import { maxInWindow } from './support/fake-highlevel.ts'

const startMs = Date.parse('2026-11-02T09:00:00Z')

function emptyState(overrides: Partial<BudgetState> = {}): BudgetState {
  return { blocks: [], pausedUntilMs: 0, learnedMax: null, learnedWindowMs: null, day: dayOf(startMs), usedToday: 0, dailyLimit: null, dailyRemaining: null, dailySeenAtMs: 0, ...overrides }
}

const block = (permits: number, ageMs = 0) => ({ id: `b${permits}-${ageMs}`, atMs: startMs - ageMs, permits })

describe('budget rules', () => {
  it('no sliding window ever holds more than the limit, however permits are leased and used', () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 2_000 }),
      priority: fc.constantFrom<Priority>('interactive', 'webhook', 'bulk'),
      wanted: fc.integer({ min: 1, max: 60 }),
      useShares: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 25, maxLength: 25 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let nowMs = startMs
        const state = emptyState()
        const uses: number[] = []
        for (const { waitMs, priority, wanted, useShares } of steps) {
          nowMs += waitMs
          state.blocks = liveBlocks(productionLimits, state, nowMs)
          const decision = decide(productionLimits, state, nowMs, priority, wanted)
          if (decision.kind === 'wait') {
            expect(decision.untilMs).toBeGreaterThan(nowMs)
            continue
          }
          expect(decision.permits).toBeGreaterThanOrEqual(1)
          state.blocks.push({ id: String(uses.length), atMs: nowMs, permits: decision.permits })
          for (let permit = 0; permit < decision.permits; permit++) uses.push(nowMs + (useShares[permit] ?? 0) * productionLimits.permitLifeMs)
        }
        expect(maxInWindow(uses, productionLimits.windowMs)).toBeLessThanOrEqual(productionLimits.maxPerWindow)
      }),
      { numRuns: 200 },
    )
  })

  it('waiting until the named time always helps', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ permits: fc.integer({ min: 1, max: 30 }), ageMs: fc.integer({ min: 0, max: 11_000 }) }), { maxLength: 12 }), (blocks) => {
        const state = emptyState({ blocks: blocks.map(({ permits, ageMs }) => block(permits, ageMs)) })
        const first = decide(productionLimits, state, startMs, 'webhook', 1)
        if (first.kind === 'granted') return
        expect(decide(productionLimits, state, first.untilMs, 'webhook', 1).kind).toBe('granted')
        expect(first.untilMs - startMs).toBeLessThanOrEqual(blockSpanMs(productionLimits, state))
      }),
    )
  })

  it('bulk leaves room for webhooks, webhooks leave room for people', () => {
    const at = (permits: number, priority: Priority) => decide(productionLimits, emptyState({ blocks: [block(permits)] }), startMs, priority, 1).kind
    expect([at(59, 'bulk'), at(60, 'bulk'), at(60, 'webhook'), at(80, 'webhook'), at(80, 'interactive'), at(100, 'interactive')]).toEqual(['granted', 'wait', 'granted', 'wait', 'granted', 'wait'])
  })

  it('keeps to a quarter of it for a sandbox agency', () => {
    const at = (permits: number, priority: Priority) => decide(sandboxAgencyLimits, emptyState({ blocks: [block(permits)] }), startMs, priority, 1).kind
    expect([at(19, 'webhook'), at(20, 'webhook'), at(24, 'interactive'), at(25, 'interactive')]).toEqual(['granted', 'wait', 'granted', 'wait'])
  })

  it('learns a lower limit from the headers, never a higher one', () => {
    expect(windowLimit(productionLimits, { learnedMax: 25 })).toBe(25)
    expect(windowLimit(productionLimits, { learnedMax: 500 })).toBe(100)
  })

  it('below five per cent of the day only interactive work goes on', () => {
    const low = emptyState({ dailyLimit: 200_000, dailyRemaining: 9_000, dailySeenAtMs: startMs })
    expect(decide(productionLimits, low, startMs, 'webhook', 1)).toMatchObject({ kind: 'wait', reason: 'day' })
    expect(decide(productionLimits, low, startMs, 'interactive', 1).kind).toBe('granted')
    expect(decide(productionLimits, emptyState({ usedToday: 195_000 }), startMs, 'bulk', 1)).toMatchObject({ kind: 'wait', reason: 'day' })
    expect(decide(productionLimits, emptyState({ usedToday: 195_000 }), startMs + 86_400_000, 'bulk', 1).kind).toBe('granted')
  })

  it('an old reading of the day’s rest is tried anew', () => {
    const low = emptyState({ dailyLimit: 200_000, dailyRemaining: 0, dailySeenAtMs: startMs })
    const first = decide(productionLimits, low, startMs, 'bulk', 1)
    expect(first.kind === 'wait' && decide(productionLimits, low, first.untilMs, 'bulk', 1).kind).toBe('granted')
  })
})
