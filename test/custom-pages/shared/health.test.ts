import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { copy } from '../../../custom-pages/shared/health/copy.ts'
import { draftFrom, lookedAt, maxNoteLength, noteFault, reasonLabel, toggledReason } from '../../../custom-pages/shared/health/form.ts'
import { hoursInWords } from '../../../custom-pages/shared/lib/format.ts'
import type { AccountHealth } from '../../../src/http/contract/accounts.ts'
import { defaultAgencySettings } from '../../../src/http/contract/settings.ts'

const rules = defaultAgencySettings.health
const health: AccountHealth = {
  level: 'steady', setAt: '2026-11-01T10:00:00.000Z', setBy: null, source: 'page', note: 'x', reasonCodes: ['cost_cutting', 'gone_since'],
  restored: null, confirmedAt: null, staleAt: null, stale: false, changeId: 'c1', noteWanted: false,
}

describe('the form for a status', () => {
  it('begins with the reasons of the present status that the agency still has, and with no words and no level', () => {
    expect(draftFrom(health, rules)).toEqual({ level: null, note: '', reasonCodes: ['cost_cutting'] })
    expect(draftFrom(null, rules)).toEqual({ level: null, note: '', reasonCodes: [] })
    expect(draftFrom(health, { ...rules, maxReasonCodes: 0 }).reasonCodes).toEqual([])
  })

  it('names the fix for a note that is missing, too short or too long, and only then', () => {
    expect(noteFault('  ', 3)).toBe('Write one sentence about what you learned.')
    expect(noteFault(' ab ', 3)).toBe('Write at least 3 characters about what you learned.')
    expect(noteFault('a'.repeat(maxNoteLength + 1), 3)).toBe('Take out 1 character.')
    expect(noteFault('', 0)).toBeNull()
    fc.assert(fc.property(fc.string({ minLength: 20, maxLength: 900 }).filter((text) => text.trim().length >= 20), (text) => noteFault(text, 20) === null))
  })

  it('never holds more reasons than fit, and takes off what it put on', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e')), fc.nat(4), (presses, max) => {
        const codes = presses.reduce<string[]>((chosen, code) => toggledReason(chosen, code, max), [])
        expect(codes.length).toBeLessThanOrEqual(max)
        expect(new Set(codes).size).toBe(codes.length)
        for (const code of codes) expect(toggledReason(toggledReason(codes, code, max), code, max).sort()).toEqual([...codes].sort())
      }),
    )
  })

  it('has a word for every reason, also for one that was taken out of the list since', () => {
    expect(reasonLabel('cost_cutting', rules)).toBe('Cost cutting')
    expect(reasonLabel('gone_since', rules)).toBe('Gone since')
  })
})

describe('words about a status', () => {
  it('say how far it moved and from where', () => {
    expect(copy.move(null, 'steady')).toBe('the first status')
    expect(copy.move('healthy', 'steady')).toBe('down 1 level from Healthy')
    expect(copy.move('struggling', 'thriving')).toBe('up 3 levels from Struggling')
  })

  it('count its age from when somebody last stood by it', () => {
    expect(lookedAt(health)).toBe(health.setAt)
    expect(lookedAt({ ...health, confirmedAt: '2026-11-20T10:00:00.000Z' })).toBe('2026-11-20T10:00:00.000Z')
    expect(lookedAt({ setAt: null, confirmedAt: null })).toBeNull()
  })

  it('say time in hours and minutes', () => {
    expect([0, 45, 60, 205].map(hoursInWords)).toEqual(['0 min', '45 min', '1 h', '3 h 25 min'])
  })
})
