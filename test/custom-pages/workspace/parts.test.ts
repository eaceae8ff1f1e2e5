import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { changedSteps, unitOf } from '../../../custom-pages/workspace/follow-ups/steps.ts'
import { age, initials, minutesInWords, plural, span } from '../../../custom-pages/shared/lib/format.ts'
import { hashOf, hashOfLink, parseHash } from '../../../custom-pages/workspace/lib/hash.ts'

describe('links in the hash', () => {
  it('come back as they were, whatever a person searched for', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(), (q, page) => {
        expect(parseHash(hashOf('accounts', { q, page, empty: '', missing: undefined }))).toEqual({ page: 'accounts', part: '', params: { q, page: String(page) } })
      }),
    )
  })

  it('a notification leads to its account, its case or to Set-up', () => {
    expect(hashOfLink('/accounts/loc1')).toBe('#/accounts?open=loc1')
    expect(hashOfLink('/cases/c1')).toBe('#/cases?case=c1')
    expect(hashOfLink('/setup')).toBe('#/set-up')
    expect(hashOfLink('/elsewhere')).toBeNull()
  })

  it('an entry leads to the change, the person, the brief, the run or the event that it came from', () => {
    expect(hashOfLink('/accounts/loc1/changes/c1')).toBe('#/accounts?account=loc1&change=c1')
    expect(hashOfLink('/accounts/loc1/people/p1')).toBe('#/accounts?account=loc1&person=p1')
    expect(hashOfLink('/accounts/loc1/brief')).toBe('#/accounts?account=loc1&show=brief')
    expect(hashOfLink('/runs/r1')).toBe('#/follow-ups?run=r1')
    expect(hashOfLink('/deliveries/d1')).toBe('#/operations?queue=deliveries&delivery=d1')
  })

  it('an empty hash is no page', () => {
    expect(parseHash('')).toEqual({ page: '', part: '', params: {} })
  })
})

describe('an edited follow-up', () => {
  const saved = [
    { id: 'pause', kind: 'wait' as const, delayMinutes: 240 },
    { id: 'offer', kind: 'message' as const, subject: 'Hello', text: 'Hi {{ user.first_name }}' },
  ]

  it('sends only what differs', () => {
    expect(changedSteps(saved, saved.map((step) => ({ ...step })))).toEqual({})
    expect(changedSteps(saved, [{ id: 'pause', kind: 'wait', delayMinutes: 60 }, { id: 'offer', kind: 'message', subject: 'Hello', text: 'New' }])).toEqual({
      pause: { delayMinutes: 60 },
      offer: { text: 'New' },
    })
  })

  it('shows a delay in the largest unit that says it exactly', () => {
    expect([0, 30, 60, 90, 240, 1_440, 4_320].map(unitOf)).toEqual([1, 1, 60, 1, 60, 1_440, 1_440])
    expect(minutesInWords(4_320)).toBe('3 days')
    expect(minutesInWords(0)).toBe('at once')
  })
})

describe('words for figures', () => {
  it('say how long ago in one unit', () => {
    const nowMs = Date.parse('2026-11-22T12:00:00Z')
    expect(age('2026-11-22T11:59:40Z', nowMs)).toBe('now')
    expect(age('2026-11-22T11:15:00Z', nowMs)).toBe('45 min')
    expect(age('2026-11-21T00:00:00Z', nowMs)).toBe('36 h')
    expect(age('2026-11-16T00:00:00Z', nowMs)).toBe('6 d')
    expect(span(-3 * 3_600_000)).toBe('3 h')
  })

  it('agree in number, and shorten names', () => {
    expect(plural(1, 'account', 'accounts')).toBe('1 account')
    expect(plural(2, 'account', 'accounts')).toBe('2 accounts')
    expect(initials('Priya Maria Nair')).toBe('PN')
    expect(initials('Cher')).toBe('C')
  })
})
