import { type HappinessLevel, type HealthLevel, happinessLabels, happinessLevels, healthLabels, healthLevels } from '../../../src/kernel/levels.ts'

/** Step of a level on the common scale: 4 best … 1 worst, 0 no reading. Colours and glyphs go by it. */
export function happinessStep(level: HappinessLevel | null): number {
  return level === null ? 0 : happinessLevels.indexOf(level) + 1
}

export function healthStep(level: HealthLevel | null): number {
  return level === null ? 0 : healthLevels.indexOf(level) + 1
}

export function happinessLabel(level: HappinessLevel | null): string {
  return level === null ? 'No reading' : happinessLabels[level]
}

export function healthLabel(level: HealthLevel | null): string {
  return level === null ? 'No reading' : healthLabels[level]
}

/** Best first, as lists and filters show them. */
export const happinessBestFirst = [...happinessLevels].reverse()
export const healthBestFirst = [...healthLevels].reverse()
