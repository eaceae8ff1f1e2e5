import type { AgencySettings } from '../http/contract/settings.ts'
import { dayMs } from '../kernel/clock.ts'
import { happinessLevels, type HappinessLevel } from '../kernel/levels.ts'

/** The numbers of the Happiness Level: points, half-life, validity, cuts, hysteresis. */
export type HappinessSettings = AgencySettings['happiness']

/** One answer as given, by its own time; corrections replace its level as if it had been given so. */
export interface AnswerFact {
  kind: 'answer'
  answerId: string
  userId: string
  at: Date
  level: HappinessLevel
  /** In any order; `revision` counts from 1 and the highest one counts. */
  edits?: { revision: number; at: Date; level: HappinessLevel }[]
}

/** A user left the account: every opinion given until then no longer counts. A later answer counts again. */
export interface RemovalFact {
  kind: 'removal'
  userId: string
  at: Date
}

export type HappinessFact = AnswerFact | RemovalFact

/**
 * The level that held at an instant, from which a fold may go on. Hysteresis depends on what came before, so without a
 * checkpoint a fold needs every fact ever; with one it needs only the facts younger than `at − validDays`.
 */
export interface Checkpoint {
  at: Date
  level: HappinessLevel | null
}

/** One user's opinion that counts. */
export interface Opinion {
  userId: string
  answerId: string
  at: Date
  level: HappinessLevel
}

/** An account's level at an instant. `null` level: no valid answer, hence no current reading. */
export interface AccountFold {
  level: HappinessLevel | null
  /** H, the weighted mean of points, at the asked instant; null without a valid answer. Rounded to 1e-6 points. */
  score: number | null
  coverage: { answered: number; eligible: number; newestAt: Date | null }
  /** Somebody is Not Happy while the account is not. */
  dissent: boolean
  /** The answers that count, one per user, ordered by user id. */
  opinions: Opinion[]
  /** When the next of them expires. */
  nextExpiryAt: Date | null
  /** When the level last became what it is; null if it has been so since the checkpoint, or ever. */
  levelSinceAt: Date | null
}

type Step =
  | { atMs: number; rank: 0; key: string; kind: 'answer'; opinion: Opinion }
  | { atMs: number; rank: 1; key: string; kind: 'removal'; userId: string }
  | { atMs: number; rank: 2; key: string; kind: 'expiry'; userId: string; answerId: string }

/** Guards the cuts against the last bits of floating point: 37.499999999 is 37.5. */
const grainsPerPoint = 1e6

/** The level that H has by the plain cuts: the first level of an account. */
export function plainLevel(score: number, settings: HappinessSettings): HappinessLevel {
  const { cuts } = settings
  if (score >= cuts.very_happy) return 'very_happy'
  if (score >= cuts.happy) return 'happy'
  if (score >= cuts.neutral) return 'neutral'
  return 'not_happy'
}

/**
 * The next level, given the one before. A cut is crossed only when H is at least `hysteresisPoints` past it;
 * several cuts may be crossed at once, each by that much.
 */
export function nextLevel(before: HappinessLevel | null, score: number, settings: HappinessSettings): HappinessLevel {
  if (before === null) return plainLevel(score, settings)
  const { cuts, hysteresisPoints } = settings
  // The cut below each level but the worst, worst first: crossing lowerCuts[i] upwards leads to happinessLevels[i + 1].
  const lowerCuts = [cuts.neutral, cuts.happy, cuts.very_happy]
  let index = happinessLevels.indexOf(before)
  for (let cut = lowerCuts[index]; cut !== undefined && score >= cut + hysteresisPoints; cut = lowerCuts[index]) index += 1
  for (let cut = lowerCuts[index - 1]; cut !== undefined && score <= cut - hysteresisPoints; cut = lowerCuts[index - 1]) index -= 1
  return happinessLevels[index] ?? before
}

/** `2^(−age / half-life)`: 1 for a fresh answer. An answer from the future (clock skew) weighs 1. */
export function weightOf(at: Date, nowMs: number, settings: HappinessSettings): number {
  return 2 ** (-Math.max(0, nowMs - at.getTime()) / (settings.halfLifeDays * dayMs))
}

/** H = Σ w·points / Σ w over the opinions, in points; null if there is none. Summed in the order of user ids, so equal facts give equal sums. */
export function scoreOf(opinions: Iterable<Opinion>, nowMs: number, settings: HappinessSettings): number | null {
  let weighted = 0
  let weights = 0
  for (const opinion of [...opinions].sort(byUser)) {
    const weight = weightOf(opinion.at, nowMs, settings)
    weighted += weight * settings.points[opinion.level]
    weights += weight
  }
  // Dividing before rounding; `+ 0` turns −0 into 0.
  return weights === 0 ? null : Math.round((weighted / weights) * grainsPerPoint) / grainsPerPoint + 0
}

/** The level of an answer once the corrections known at `at` are taken in. */
export function effectiveLevel(answer: AnswerFact, at: Date): HappinessLevel {
  let level = answer.level
  let revision = 0
  for (const edit of answer.edits ?? []) {
    if (edit.revision > revision && edit.at.getTime() <= at.getTime()) {
      level = edit.level
      revision = edit.revision
    }
  }
  return level
}

/**
 * Replays an account's facts in the order of their own times and reads the level at `at`. The order in which facts
 * arrive does not matter, facts after `at` are not known yet, and the level is judged anew only at an answer, a removal
 * or an expiry: weights that shrink in between change H, never the level.
 *
 * @param eligibleUserIds users who could answer now, for coverage; users with a valid answer always count as eligible
 * @param from a checkpoint taken earlier from the same facts; then facts older than `from.at − validDays` may be left out
 */
export function foldAccount(
  facts: Iterable<HappinessFact>,
  at: Date,
  settings: HappinessSettings,
  eligibleUserIds: Iterable<string> = [],
  from: Checkpoint | null = null,
): AccountFold {
  const opinions = new Map<string, Opinion>()
  let level = from?.level ?? null
  let levelSinceAt: Date | null = null
  let reached = from === null
  const fromMs = from?.at.getTime() ?? 0

  for (const step of stepsOf(facts, at, settings)) {
    if (!reached && step.atMs > fromMs) reached = true
    if (!apply(step, opinions) || !reached) continue
    const score = scoreOf(opinions.values(), step.atMs, settings)
    const after = score === null ? null : nextLevel(level, score, settings)
    if (after !== level) levelSinceAt = new Date(step.atMs)
    level = after
  }

  const counted = [...opinions.values()].sort(byUser)
  const eligible = new Set(eligibleUserIds)
  for (const opinion of counted) eligible.add(opinion.userId)
  const times = counted.map((opinion) => opinion.at.getTime())
  return {
    level,
    score: scoreOf(counted, at.getTime(), settings),
    coverage: { answered: counted.length, eligible: eligible.size, newestAt: times.length === 0 ? null : new Date(Math.max(...times)) },
    dissent: level !== null && level !== 'not_happy' && counted.some((opinion) => opinion.level === 'not_happy'),
    opinions: counted,
    nextExpiryAt: times.length === 0 ? null : new Date(Math.min(...times) + settings.validDays * dayMs),
    levelSinceAt,
  }
}

/** Everything that can change the set of opinions until `at`, in one total order that depends on the facts alone. */
function stepsOf(facts: Iterable<HappinessFact>, at: Date, settings: HappinessSettings): Step[] {
  const untilMs = at.getTime()
  const steps: Step[] = []
  for (const fact of facts) {
    const atMs = fact.at.getTime()
    if (atMs > untilMs) continue
    if (fact.kind === 'removal') {
      steps.push({ atMs, rank: 1, key: fact.userId, kind: 'removal', userId: fact.userId })
      continue
    }
    const { userId, answerId } = fact
    steps.push({
      atMs,
      rank: 0,
      key: answerId,
      kind: 'answer',
      opinion: { userId, answerId, at: fact.at, level: effectiveLevel(fact, at) },
    })
    const expiresMs = atMs + settings.validDays * dayMs
    if (expiresMs <= untilMs) steps.push({ atMs: expiresMs, rank: 2, key: answerId, kind: 'expiry', userId, answerId })
  }
  return steps.sort((a, b) => a.atMs - b.atMs || a.rank - b.rank || compare(a.key, b.key))
}

/** @returns whether the set of opinions changed, hence whether the step is an event */
function apply(step: Step, opinions: Map<string, Opinion>): boolean {
  switch (step.kind) {
    case 'answer':
      opinions.set(step.opinion.userId, step.opinion)
      return true
    case 'removal':
      return opinions.delete(step.userId)
    case 'expiry':
      return opinions.get(step.userId)?.answerId === step.answerId && opinions.delete(step.userId)
  }
}

function byUser(a: Opinion, b: Opinion): number {
  return compare(a.userId, b.userId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
