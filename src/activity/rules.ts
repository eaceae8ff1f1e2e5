import { dayMs } from '../kernel/clock.ts'

/** Days of absence that are told. */
export const absenceDays = [7, 14, 21, 30] as const

/** The longest absence reached; 0 for none. */
export function absenceReached(lastSeenAt: Date, now: Date): number {
  const days = (now.getTime() - lastSeenAt.getTime()) / dayMs
  return absenceDays.filter((each) => each <= days).at(-1) ?? 0
}

/** When the next absence after this one is reached; null after the last. */
export function nextAbsenceAt(lastSeenAt: Date, reachedDays: number): Date | null {
  const next = absenceDays.find((each) => each > reachedDays)
  return next === undefined ? null : new Date(lastSeenAt.getTime() + next * dayMs)
}
