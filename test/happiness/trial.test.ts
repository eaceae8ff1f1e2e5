import { describe, expect, it } from '@jest/globals'
import { defaultAgencySettings } from '../../src/http/contract/settings.ts'
import { foldAccount } from '../../src/happiness/rules.ts'
import { tryLevel } from '../../src/happiness/trial.ts'
import { dayMs } from '../../src/kernel/clock.ts'

const rules = defaultAgencySettings.happiness
const now = new Date('2026-06-01T12:00:00Z')

describe('a trial of the Happiness Level', () => {
  it('gives the level and the figure that the same answers give an account', () => {
    const answers = [{ level: 'very_happy' as const, daysAgo: 3 }, { level: 'not_happy' as const, daysAgo: 45 }, { level: 'happy' as const, daysAgo: 20 }]
    const facts = answers.map(({ level, daysAgo }, index) => ({ kind: 'answer' as const, answerId: String(index), userId: String(index), at: new Date(now.getTime() - daysAgo * dayMs), level }))
    const { score } = foldAccount(facts, now, rules)
    expect(tryLevel({ answers, before: null, rules }, now)).toMatchObject({ score, level: 'happy', plain: 'happy' })
  })

  it('leaves out who gave none and what is too old, and has no reading without the rest', () => {
    const answers = [{ level: null, daysAgo: 0 }, { level: 'happy' as const, daysAgo: rules.validDays }]
    expect(tryLevel({ answers, before: 'happy', rules }, now)).toEqual({ level: null, score: null, plain: null, weights: [0, 0] })
  })

  it('keeps the level before until the figure is far enough past the limit', () => {
    const just = { ...rules, points: { ...rules.points, very_happy: 40 } }
    const answers = [{ level: 'very_happy' as const, daysAgo: 0 }]
    expect(tryLevel({ answers, before: 'happy', rules: just }, now)).toMatchObject({ level: 'happy', plain: 'very_happy' })
    expect(tryLevel({ answers, before: null, rules: just }, now)).toMatchObject({ level: 'very_happy' })
  })
})
