import type { LevelHistory } from '../../../src/http/contract/reports.ts'
import { type HappinessLevel, type HealthLevel, happinessLevels, healthLevels } from '../../../src/kernel/levels.ts'
import { happinessLabel, happinessStep, healthLabel, healthStep } from '../lib/levels.ts'

/** A stretch of the line: where it lies from 0 to 1, and on which step; step 0 is a time without a reading. */
export interface Stretch {
  from: number
  to: number
  step: number
}

const isHappiness = (level: string): level is HappinessLevel => (happinessLevels as readonly string[]).includes(level)
const isHealth = (level: string): level is HealthLevel => (healthLevels as readonly string[]).includes(level)

/** Step of a level of either reading; 0 for none, and for a word that is no level. */
export function stepOf(level: string | null): number {
  if (level === null) return 0
  return isHappiness(level) ? happinessStep(level) : isHealth(level) ? healthStep(level) : 0
}

export function labelOf(level: string | null): string {
  if (level !== null && isHappiness(level)) return happinessLabel(level)
  return healthLabel(level !== null && isHealth(level) ? level : null)
}

/** At most this part of the line is the time before the first reading: it says little, and would leave no room for the rest. */
const leadPart = 1 / 3

/** What the line shows: all segments, the time before the first reading cut short. */
export function shownSegments({ segments }: Pick<LevelHistory, 'segments'>): LevelHistory['segments'] {
  const [first, ...rest] = segments
  const last = rest.at(-1)
  if (first === undefined || last === undefined || first.level !== null) return segments
  const firstReadingMs = Date.parse(first.to)
  const fromMs = Math.max(Date.parse(first.from), firstReadingMs - (Date.parse(last.to) - firstReadingMs) * leadPart)
  return [{ ...first, from: new Date(fromMs).toISOString() }, ...rest]
}

/** The segments along the whole period. */
export function stretchesOf({ segments }: Pick<LevelHistory, 'segments'>): Stretch[] {
  const startMs = Date.parse(segments[0]?.from ?? '')
  const lengthMs = Date.parse(segments.at(-1)?.to ?? '') - startMs
  if (!(lengthMs > 0)) return []
  return segments.map(({ level, from, to }) => ({ step: stepOf(level), from: (Date.parse(from) - startMs) / lengthMs, to: (Date.parse(to) - startMs) / lengthMs }))
}

/** The line as an SVG path in the given size: level by level, broken where there is no reading. */
export function pathOf(stretches: readonly Stretch[], width: number, yOf: (step: number) => number): string {
  return stretches
    .flatMap(({ from, to, step }, at) => {
      if (step === 0) return []
      const isJoined = (stretches[at - 1]?.step ?? 0) > 0
      return [`${isJoined ? `V${yOf(step)}` : `M${round(from * width)} ${yOf(step)}`}H${round(to * width)}`]
    })
    .join('')
}

const round = (value: number) => Math.round(value * 100) / 100

/**
 * The history in one sentence: what it is, since when, what it was before, and whether there were times without a reading.
 * @param dayOf names the day of an instant
 */
export function historyInWords({ segments }: Pick<LevelHistory, 'segments'>, dayOf: (at: string) => string): string {
  const last = segments.at(-1)
  const first = segments[0]
  if (first === undefined || last === undefined || segments.every(({ level }) => level === null)) return first === undefined ? 'No reading.' : `No reading since ${dayOf(first.from)} or earlier.`
  const earlier = segments.slice(0, -1).findLast(({ level }) => level !== null && level !== last.level)
  const gaps = segments.slice(segments.findIndex(({ level }) => level !== null), -1).filter(({ level }) => level === null).length
  const without = gaps === 0 ? '' : gaps === 1 ? ' Once without a reading.' : ` ${gaps} times without a reading.`
  if (last.level === null) return `No reading since ${dayOf(last.from)}; before that ${labelOf(earlier?.level ?? null)}.${without}`
  const since = segments.length === 1 ? `${labelOf(last.level)} since ${dayOf(last.from)} or earlier` : `${labelOf(last.level)} since ${dayOf(last.from)}`
  if (earlier === undefined) return `${since}.${without}`
  return `${since}, ${stepOf(earlier.level) > stepOf(last.level) ? 'down' : 'up'} from ${labelOf(earlier.level)}.${without}`
}
