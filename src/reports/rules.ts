import type { AccountConfidence, GridReport, Share } from '../http/contract/reports.ts'
import { happinessLabels, happinessLevels, healthLevels, type HappinessLevel, type HealthLevel } from '../kernel/levels.ts'

/** A point of the standard normal distribution that 95 % lie within, both sides. */
const z95 = 1.959964
/** Under so many people a share says less than its counts. Source: peers-and-statistics 4.6. */
const fewestForShare = 5
/** Answers that the agency's own mean is worth in a ranking. Source: peers-and-statistics 4.8 (a ≈ 1–2). */
const priorAnswers = 2
/** Ages beyond this make a reading less sure, in days. Source: peers-and-statistics 4.5. */
const freshMedianDays = 45

const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits + 0

/**
 * The 95 % range of a share, by Wilson: (p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n).
 * Source: peers-and-statistics 4.6 (Wilson 1927).
 * @param of above 0; `count` at most `of`
 */
export function wilsonRange(count: number, of: number): { low: number; high: number } {
  const p = count / of
  const square = z95 ** 2
  const middle = p + square / (2 * of)
  const reach = z95 * Math.sqrt((p * (1 - p)) / of + square / (4 * of ** 2))
  const whole = 1 + square / of
  return { low: Math.max(0, (middle - reach) / whole), high: Math.min(1, (middle + reach) / whole) }
}

/** A share with its range; no number under five people, where counts say more. Source: peers-and-statistics 4.6. */
export function shareOf(count: number, of: number): Share {
  if (of < fewestForShare) return { count, of, value: null, low: null, high: null }
  const { low, high } = wilsonRange(count, of)
  return { count, of, value: rounded(count / of, 4), low: rounded(low, 4), high: rounded(high, 4) }
}

/** The middle of a list; the mean of the two middle ones where there are two. Null for an empty list. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
  return low === undefined || high === undefined ? null : (low + high) / 2
}

/** Two or more levels apart; without one of the readings never. */
function areApart(health: HealthLevel | null, happiness: HappinessLevel | null): boolean {
  return health !== null && happiness !== null && Math.abs(healthLevels.indexOf(health) - happinessLevels.indexOf(happiness)) >= 2
}

/** What a book is made of. */
export interface BookAccount {
  csmUserId: string | null
  health: HealthLevel | null
  happiness: HappinessLevel | null
  answered: number
  /** Users who can be asked. */
  users: number
}

/** Counts of one owner's accounts. */
export interface BookCounts {
  csmUserId: string | null
  accounts: number
  health: Record<HealthLevel | 'none', number>
  happiness: Record<HappinessLevel | 'none', number>
  apart: number
  answered: number
  users: number
}

/** The accounts by owner, the largest book first; those without an owner last. */
export function booksOf(accounts: Iterable<BookAccount>): BookCounts[] {
  const books = new Map<string | null, BookCounts>()
  for (const { csmUserId, health, happiness, answered, users } of accounts) {
    const book = books.get(csmUserId) ?? {
      csmUserId, accounts: 0, apart: 0, answered: 0, users: 0,
      health: { struggling: 0, steady: 0, healthy: 0, thriving: 0, none: 0 }, happiness: { not_happy: 0, neutral: 0, happy: 0, very_happy: 0, none: 0 },
    }
    books.set(csmUserId, book)
    book.accounts += 1
    book.health[health ?? 'none'] += 1
    book.happiness[happiness ?? 'none'] += 1
    if (areApart(health, happiness)) book.apart += 1
    // An answer may be older than the switch that says who is asked.
    book.answered += Math.min(answered, users)
    book.users += users
  }
  const isNobodys = (book: BookCounts): number => (book.csmUserId === null ? 1 : 0)
  return [...books.values()].sort((a, b) => isNobodys(a) - isNobodys(b) || b.accounts - a.accounts || ((a.csmUserId ?? '') < (b.csmUserId ?? '') ? -1 : 1))
}

/** All 25 pairs of readings with how many accounts have them, also empty ones: health from thriving to none, happiness from not_happy to none. */
export function cellsOf(accounts: Iterable<{ health: HealthLevel | null; happiness: HappinessLevel | null }>): GridReport['cells'] {
  const counts = new Map<string, number>()
  for (const { health, happiness } of accounts) counts.set(`${health}:${happiness}`, (counts.get(`${health}:${happiness}`) ?? 0) + 1)
  return [...[...healthLevels].reverse(), null].flatMap((health) =>
    [...happinessLevels, null].map((happiness) => ({
      health, happiness,
      count: counts.get(`${health}:${happiness}`) ?? 0,
      apart: areApart(health, happiness),
    })))
}

/** What confidence is judged by. */
export interface ConfidenceInput {
  /** Points of each user's newest valid answer. */
  points: readonly number[]
  /** Age of each of them in days. */
  ageDays: readonly number[]
  /** Users who could answer; at least as many as answered. */
  eligible: number
  /** Points of the worst and the best answer. */
  worst: number
  best: number
  /** The level of a mean, by the agency's cuts. */
  levelOf: (score: number) => HappinessLevel
}

/**
 * Where the mean of the whole account lies, whatever those say who did not answer:
 * [(Σs + (N−n)·worst)/N, (Σs + (N−n)·best)/N]. Source: peers-and-statistics 4.5 (worst-case bounds, Manski, Horowitz).
 * @returns null without an answer
 */
export function boundsOf({ points, eligible, worst, best, levelOf }: ConfidenceInput): AccountConfidence['bounds'] {
  const count = Math.max(eligible, points.length)
  if (points.length === 0) return null
  const sum = points.reduce((total, value) => total + value, 0)
  const missing = count - points.length
  const low = rounded((sum + missing * worst) / count, 2)
  const high = rounded((sum + missing * best) / count, 2)
  return { low, high, lowLevel: levelOf(low), highLevel: levelOf(high) }
}

/**
 * How sure an account's level is. *Certain* where both bounds give one level; else *high* with n ≥ 3, C ≥ 0.6 and a median age of at most 45 days;
 * *medium* with n ≥ 2 and C ≥ 0.3; else *low*. Source: peers-and-statistics 4.5.
 */
export function confidenceOf(input: ConfidenceInput): AccountConfidence {
  const answered = input.points.length
  const eligible = Math.max(input.eligible, answered)
  const bounds = boundsOf(input)
  const median = medianOf(input.ageDays)
  const medianAgeDays = median === null ? null : rounded(median, 1)
  if (bounds === null) return { word: null, answered, eligible, medianAgeDays, bounds, says: `No current reading: none of ${usersOf(eligible)} gave an answer that is young enough.` }
  const coverage = answered / eligible
  const same = bounds.lowLevel === bounds.highLevel
  const word = same ? 'certain' : answered >= 3 && coverage >= 0.6 && (median ?? 0) <= freshMedianDays ? 'high' : answered >= 2 && coverage >= 0.3 ? 'medium' : 'low'
  return { word, answered, eligible, medianAgeDays, bounds, says: sentenceOf(word, { answered, eligible, medianAgeDays, bounds }) }
}

const usersOf = (count: number): string => `${count} ${count === 1 ? 'user' : 'users'}`

function sentenceOf(word: NonNullable<AccountConfidence['word']>, { answered, eligible, medianAgeDays, bounds }: Pick<AccountConfidence, 'answered' | 'eligible' | 'medianAgeDays' | 'bounds'>): string {
  const age = medianAgeDays === null ? '' : `, ${answered === 1 ? 'given' : 'half of them within'} ${Math.round(medianAgeDays)} ${Math.round(medianAgeDays) === 1 ? 'day' : 'days'}${answered === 1 ? ' ago' : ''}`
  const said = `${answered} of ${usersOf(eligible)} answered${age}`
  if (bounds === null) return `${said}.`
  if (answered === eligible) return `Certain: ${eligible === 1 ? `the only user answered${age}` : `all ${said.slice(said.indexOf(' of ') + 4)}`}; this is everybody, not a sample.`
  const low = happinessLabels[bounds.lowLevel]
  const high = happinessLabels[bounds.highLevel]
  if (word === 'certain') return `Certain: ${said}, and whatever the others say, the account is ${low}.`
  const reach = `With the others it could be anything from ${low} to ${high}`
  return `${word === 'high' ? 'High' : word === 'medium' ? 'Medium' : 'Low'}: ${said}. ${reach}.`
}

/** What a ranking needs to know of an account. */
export interface Scored {
  locationId: string
  /** H, the account's own score. */
  score: number
  /** Users with a valid answer. */
  answered: number
}

/** An account's place; `shrunkScore` orders, `score` and the level stay what they are. */
export interface Ranked extends Scored {
  shrunkScore: number
}

/** Mean score per answering user over all accounts; null without answers. */
export function agencyMean(rows: Iterable<Scored>): number | null {
  let sum = 0
  let answers = 0
  for (const { score, answered } of rows) {
    sum += score * answered
    answers += answered
  }
  return answers === 0 ? null : sum / answers
}

/**
 * A score drawn towards the agency's mean where few people answered: (a·μ + n·H) / (a + n) with a = 2. It is the mean of a Dirichlet posterior whose
 * prior is the agency's own distribution, worth `a` answers. Source: peers-and-statistics 4.8 (Dirichlet form). For orders only, never for labels (4.7).
 */
export function shrunkScore({ score, answered }: Pick<Scored, 'score' | 'answered'>, mean: number): number {
  return (priorAnswers * mean + answered * score) / (priorAnswers + answered)
}

/** Accounts by their shrunk score; equal ones by their own score, then more answers first, then by id, so that everybody sees one order. */
export function rankingOf(rows: readonly Scored[], mean: number, order: 'top' | 'bottom'): Ranked[] {
  const direction = order === 'top' ? -1 : 1
  return rows
    .map((row) => ({ ...row, shrunkScore: rounded(shrunkScore(row, mean), 2) }))
    .sort((a, b) => direction * (a.shrunkScore - b.shrunkScore) || direction * (a.score - b.score) || b.answered - a.answered || (a.locationId < b.locationId ? -1 : 1))
}

/** One week's coverage of an account. */
export interface CoverageSample {
  at: Date
  answered: number
  eligible: number
}

/** What silence is judged by. */
export interface SilenceInput {
  /** Of the last 90 days, the present one included. */
  samples: readonly CoverageSample[]
  /** The last two cycles in which somebody of the account was shown a prompt, newest first: how many answered. */
  cycles: readonly { shown: number; answered: number }[]
}

/** A mean of fewer weeks is no habit that somebody could fall silent from. */
const fewestSamples = 3

/**
 * Whether an account fell silent: its coverage is below half of its 90-day mean, or two cycles in a row were shown and unanswered.
 * Source: peers-and-statistics 4.9 (iii).
 * @returns the reason as a plain sentence, or null
 */
export function silenceOf({ samples, cycles }: SilenceInput): string | null {
  const [last, before] = cycles
  if (last !== undefined && before !== undefined && last.shown > 0 && before.shown > 0 && last.answered === 0 && before.answered === 0)
    return 'Nobody answered in the last two cycles.'
  const shares = samples.filter((sample) => sample.eligible > 0).map((sample) => ({ at: sample.at.getTime(), share: Math.min(1, sample.answered / sample.eligible) }))
  const newest = shares.reduce<{ at: number; share: number } | null>((best, sample) => (best === null || sample.at > best.at ? sample : best), null)
  if (newest === null || shares.length < fewestSamples) return null
  const mean = shares.reduce((sum, { share }) => sum + share, 0) / shares.length
  if (newest.share >= mean / 2) return null
  return `Answers cover ${percent(newest.share)} of the users; over the last 90 days it was ${percent(mean)}.`
}

/** Cycles in a row, newest first, in which people were asked and nobody answered. A cycle in which nobody was asked ends the row. */
export function unansweredRow(cycles: readonly { shown: number; answered: number }[]): number {
  const end = cycles.findIndex(({ shown, answered }) => shown === 0 || answered > 0)
  return end < 0 ? cycles.length : end
}

function percent(value: number): string {
  return `${Math.round(value * 100)} %`
}
