import { z } from 'zod'
import { happinessLevels } from '../../kernel/levels.ts'
import { happinessRules } from './settings.ts'

const level = z.enum(happinessLevels)

/** Some people's newest answers, to see which level they would make. */
export const levelTrial = z.strictObject({
  /** `null`: this person gave none. */
  answers: z.array(z.strictObject({ level: level.nullable(), daysAgo: z.number().min(0).max(3_650) })).min(1).max(10),
  /** The level that held before; null → none. */
  before: level.nullable(),
  /** The rules to try; they need not be saved. */
  rules: happinessRules,
})
export type LevelTrial = z.output<typeof levelTrial>

export const levelTrialResult = z.object({
  level: level.nullable(),
  score: z.number().nullable(),
  /** By the cuts alone, whatever held before. */
  plain: level.nullable(),
  /** How much each answer counts, in the order given: 1 for a fresh one, 0 for none or one that is too old. */
  weights: z.array(z.number()),
})
export type LevelTrialResult = z.output<typeof levelTrialResult>
