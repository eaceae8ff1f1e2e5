/**
 * Echo by value: what an observed value of HighLevel means, given what we know, want and wanted before.
 * Pure; times are the observation's own, so the order of arrival does not matter.
 */

/** The value that we believe HighLevel holds. */
export interface Known<V> {
  value: V
  /** When it was seen or written. */
  at: Date
  /** True if we wrote it. */
  own: boolean
  /** The value before, which late news may still carry. */
  before: V | null
  /** Of a computed value, written by us: `at` is when HighLevel had taken it, this is when the write began. News from in between may be newer than it. */
  fromAt?: Date
  /** Of a value that people set themselves, written by us: `at` is when the write began, this is when it had ended. */
  untilAt?: Date
}

export interface Situation<V> {
  known: Known<V> | null
  /** Wanted now; null if nothing is wanted here. */
  wanted: V | null
  /** Values that we wanted before and may have written: their echoes can be late. */
  own: readonly V[]
  /** True if a write of the wanted value is still to come or under way. */
  writing: boolean
  equal: (left: V, right: V) => boolean
}

/**
 * `same`: nothing new · `own`: an echo, or what we want anyway: now known · `stale`: older than what we know ·
 * `edit`: a person's · `unclear`: could be either; only reading the current value tells.
 */
export type Reading = 'same' | 'own' | 'stale' | 'edit' | 'unclear'

/** Clocks of HighLevel and ours may differ by this much before late news looks like fresh news. */
export const skewMs = 5_000

export function readObservation<V>(observed: V, at: Date, situation: Situation<V>): Reading {
  const { known, wanted, own, writing, equal } = situation
  if (known === null) return 'own'
  if (equal(observed, known.value)) return 'same'
  const older = at.getTime() <= known.at.getTime()
  // It crossed our write, and no other write follows: only reading tells which of the two came last.
  const crossed = older && (wanted === null || equal(known.value, wanted)) && isBetween(at, known)
  if (wanted !== null && equal(observed, wanted)) return older ? 'stale' : 'own'
  if (own.some((value) => equal(value, observed))) {
    if (older) return crossed ? 'unclear' : 'stale'
    // A newer write of ours is on its way and will overwrite whatever is there.
    return writing ? 'own' : 'unclear'
  }
  const isBefore = known.before !== null && equal(observed, known.before)
  if (older) return crossed ? 'unclear' : isBefore || !known.own ? 'stale' : 'unclear'
  if (isBefore && known.own && at.getTime() - known.at.getTime() < skewMs) return 'unclear'
  return 'edit'
}

/** True for an instant within our write of what is known. */
export function isBetween(at: Date, { own, at: untilAt, fromAt }: Pick<Known<unknown>, 'own' | 'at' | 'fromAt'>): boolean {
  return own && fromAt !== undefined && at > fromAt && at <= untilAt
}
