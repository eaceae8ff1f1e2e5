import type { LevelTrial, LevelTrialResult } from '../http/contract/happiness.ts'
import { dayMs } from '../kernel/clock.ts'
import { nextLevel, plainLevel, scoreOf, weightOf, type Opinion } from './rules.ts'

/** What some answers would make of an account, by rules that need not be saved. */
export function tryLevel({ answers, before, rules }: LevelTrial, now: Date): LevelTrialResult {
  const nowMs = now.getTime()
  const given = answers.map(({ level, daysAgo }, index): Opinion | null =>
    level === null || daysAgo >= rules.validDays ? null : { userId: String(index), answerId: String(index), at: new Date(nowMs - daysAgo * dayMs), level },
  )
  const score = scoreOf(given.filter((opinion) => opinion !== null), nowMs, rules)
  return {
    level: score === null ? null : nextLevel(before, score, rules),
    score,
    plain: score === null ? null : plainLevel(score, rules),
    weights: given.map((opinion) => (opinion === null ? 0 : weightOf(opinion.at, nowMs, rules))),
  }
}
