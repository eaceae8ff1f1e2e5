import type { HappinessLevel } from '../../../src/kernel/levels.ts'
import { happinessLabel, happinessStep } from '../lib/levels.ts'

/** Size of the drawing, in pixels; the dot ends where the last step does. */
export const sparkSize = { width: 76, height: 24, end: 72 } as const
const startX = 0.5

/** Best level at the top. */
export const yOfStep = (step: number): number => 27 - 6 * step

/** The drawing of one account's levels, oldest first; null is a time in which nobody's answer counted. */
export interface Spark {
  /** SVG path of the step line, broken where there is no reading. */
  line: string
  /** Times without a reading. */
  gaps: { x: number; width: number }[]
  /** Step of the last level; 0 for none. */
  last: number
}

export function sparkOf(levels: readonly (HappinessLevel | null)[]): Spark {
  const width = (sparkSize.width - startX) / Math.max(1, levels.length)
  const xOf = (at: number) => Math.round((at === levels.length ? sparkSize.end : startX + at * width) * 10) / 10
  const steps = levels.map((level) => (level === null ? 0 : happinessStep(level)))
  const line = steps.map((step, at) => (step === 0 ? '' : `${(steps[at - 1] ?? 0) === 0 ? `M${xOf(at)} ` : 'V'}${yOfStep(step)}H${xOf(at + 1)}`)).join('')
  const isGap = (at: number) => steps[at] === 0
  const gaps = steps.flatMap((_, at) => {
    if (!isGap(at) || isGap(at - 1)) return []
    const next = steps.findIndex((step, later) => later > at && step !== 0)
    return [{ x: xOf(at), width: Math.round((xOf(next < 0 ? steps.length : next) - xOf(at)) * 10) / 10 }]
  })
  return { line, gaps, last: steps.at(-1) ?? 0 }
}

/** The line in one sentence. */
export function sparkInWords(levels: readonly (HappinessLevel | null)[], words: { none: string; always: (level: string) => string; then: (levels: string[]) => string; noReading: string }): string {
  const turns = levels.filter((level, at) => at === 0 || level !== levels[at - 1])
  const [only] = turns
  if (turns.length <= 1) return only === undefined || only === null ? words.none : words.always(happinessLabel(only))
  return words.then(turns.map((level) => (level === null ? words.noReading : happinessLabel(level))))
}
