import type { LevelHistory } from '../http/contract/reports.ts'
import { happinessLevels, healthLevels } from '../kernel/levels.ts'
import { dayOf, endOf } from './calendar.ts'
import type { CountedLevel, LevelChangeRecord, Reading } from './model.ts'

/** A change as a day keeps it: account, before, after, milliseconds since the epoch. */
export type Move = [locationId: string, before: CountedLevel, after: CountedLevel, atMs: number]

export type Counts = Record<string, number>

/** Not a customer, so in no count. */
export const gone: CountedLevel = 'gone'
export const noReading: CountedLevel = 'none'

/** The levels that a distribution counts, best first, and `none`. */
export function countedLevels(reading: Reading): readonly CountedLevel[] {
  return [...(reading === 'health' ? [...healthLevels] : [...happinessLevels]).reverse(), noReading]
}

export function moveOf({ locationId, before, after, at }: Pick<LevelChangeRecord, 'locationId' | 'before' | 'after' | 'at'>): Move {
  return [locationId, before, after, at.getTime()]
}

/** Takes moves into counts; the sum over an account telescopes, so their order does not matter. */
export function counted(counts: Counts, moves: Iterable<Move>): Counts {
  const after = { ...counts }
  for (const [, from, to] of moves) {
    if (from !== gone) after[from] = (after[from] ?? 0) - 1
    if (to !== gone) after[to] = (after[to] ?? 0) + 1
  }
  return after
}

/** Counts as the report gives them: every level, also with nobody, and their sum. */
export function shownCounts(reading: Reading, counts: Counts): { counts: Record<string, number>; total: number } {
  const shown = Object.fromEntries(countedLevels(reading).map((level) => [level, Math.max(0, counts[level] ?? 0)]))
  return { counts: shown, total: Object.values(shown).reduce((sum, count) => sum + count, 0) }
}

/**
 * Each account's level just before some instants, computed backwards: what its first change from then on began with, or what it is now.
 * @param now level of each account as it is now
 * @param moves at least all since the first instant, in any order
 */
export function levelsBackwards(now: ReadonlyMap<string, CountedLevel>, moves: readonly Move[], instants: readonly Date[]): Map<string, CountedLevel[]> {
  const ofAccount = new Map<string, Move[]>()
  for (const move of [...moves].sort((a, b) => a[3] - b[3])) ofAccount.set(move[0], [...(ofAccount.get(move[0]) ?? []), move])
  return new Map([...now].map(([locationId, level]) => [locationId, instants.map((at) => ofAccount.get(locationId)?.find(([, , , atMs]) => atMs >= at.getTime())?.[1] ?? level)]))
}

/**
 * Counts of some accounts at the end of days, computed backwards: an account's level at an instant is what its first later change began with,
 * or what it is now.
 * @param now level of each account as it is now
 * @param moves at least all since the first of the days, in any order
 * @param days ascending
 */
export function countsBackwards(now: ReadonlyMap<string, CountedLevel>, moves: readonly Move[], days: readonly string[]): Counts[] {
  const state = new Map(now)
  const counts: Counts = {}
  const add = (level: CountedLevel, by: number): void => {
    if (level !== gone) counts[level] = (counts[level] ?? 0) + by
  }
  for (const level of state.values()) add(level, 1)
  const mine = moves.filter(([locationId]) => state.has(locationId)).sort((a, b) => b[3] - a[3])
  const result: Counts[] = []
  let next = 0
  for (const day of [...days].reverse()) {
    const endMs = endOf(day).getTime()
    for (let move = mine[next]; move !== undefined && move[3] >= endMs; move = mine[next]) {
      const [locationId, before] = move
      add(state.get(locationId) ?? gone, -1)
      add(before, 1)
      state.set(locationId, before)
      next += 1
    }
    result.unshift({ ...counts })
  }
  return result
}

/**
 * One account's levels as back-to-back segments; a time without a reading, before the first and while it was no customer is a segment with `level: null`.
 * @param changes all of the account's, oldest first
 */
export function segmentsOf(changes: readonly Pick<LevelChangeRecord, 'at' | 'after'>[], fromAt: Date, toAt: Date): LevelHistory['segments'] {
  const shown = (level: CountedLevel): string | null => (level === gone || level === noReading ? null : level)
  const segments: { level: string | null; from: Date; to: Date }[] = []
  let level: string | null = null
  let sinceAt = fromAt
  const close = (at: Date): void => {
    const last = segments.at(-1)
    if (at.getTime() <= sinceAt.getTime()) return
    if (last !== undefined && last.level === level) last.to = at
    else segments.push({ level, from: sinceAt, to: at })
    sinceAt = at
  }
  for (const change of changes) {
    if (change.at.getTime() >= toAt.getTime()) break
    if (change.at.getTime() > fromAt.getTime()) close(change.at)
    level = shown(change.after)
  }
  close(toAt)
  return segments.map((segment) => ({ level: segment.level, from: segment.from.toISOString(), to: segment.to.toISOString() }))
}

/** Moves by the UTC day in which they were, in the order given. */
export function byDay(moves: Iterable<Move>): Map<string, Move[]> {
  const days = new Map<string, Move[]>()
  for (const move of moves) {
    const day = dayOf(new Date(move[3]))
    const list = days.get(day)
    if (list === undefined) days.set(day, [move])
    else list.push(move)
  }
  return days
}
