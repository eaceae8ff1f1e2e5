import { skewMs, type Known } from './observation.ts'

/**
 * Values that people set in HighLevel themselves (Health Status): what a look at one means for what we know, and what must be told of it.
 * Nothing is judged here: whoever is told finds out by the times of all facts whose doing it was. So every look is told, whatever came before it,
 * but those that are certain to say nothing: the same value as known, later; of them the newest time is kept.
 * Pure; times are the look's own.
 */
export interface PersonalLook<V> {
  value: V
  /** HighLevel's time of the news; of a read, when it was asked for. */
  at: Date
  /** Read just now by whoever holds the lease: this is what HighLevel holds. */
  read: boolean
  /** A read: when HighLevel says it was changed last. */
  changedAt?: Date | null
}

export interface ToldLook<V> {
  value: V
  at: Date
  first: boolean
}

export interface PersonalReading<V> {
  /** What is known from now on; null if that stays as it is. */
  known: Known<V> | null
  tell: ToldLook<V>[]
  /** Another value than before, and the newest: what we wanted must not be written over it before it is judged. */
  changed: boolean
  /** A person's doing, as far as we can tell. */
  edited: boolean
  /** It may have crossed a write of ours: only reading tells which came last. */
  unclear: boolean
}

export interface PersonalSituation<V> {
  known: Known<V> | null
  wanted: V | null
  /** Values that we wanted before and may have written. */
  own: readonly V[]
  /** A write of ours is to come or under way. */
  writing: boolean
}

/** What is known once we wrote a value: news since then is newer, and until its end it may have crossed the write. */
export function knownByWrite<V>(value: V, fromAt: Date, untilAt: Date, before: V | null): Known<V> {
  return { value, at: fromAt, own: true, before, untilAt }
}

export function readPersonal<V extends string | number>(look: PersonalLook<V>, { known, wanted, own, writing }: PersonalSituation<V>): PersonalReading<V> {
  const { value, at, read } = look
  const told: ToldLook<V> = { value, at: look.changedAt ?? at, first: known === null }
  const upTo = look.changedAt !== undefined && look.changedAt !== null && look.changedAt > at ? look.changedAt : at
  const taken = { value, at: upTo, own: false, before: known?.value ?? null }
  const base: PersonalReading<V> = { known: null, tell: [told], changed: false, edited: false, unclear: false }
  if (known === null) return { ...base, known: taken }
  const same = value === known.value
  const mayBeOurs = own.includes(value)
  if (!read && at <= known.at) {
    if (same) return base
    // Whoever is told of the older value must know that the newer one still held when we last looked.
    const again = known.own ? [] : [{ value: known.value, at: known.at, first: false }]
    // What we wrote over is no news: one change comes as two events.
    const unclear = known.own && !mayBeOurs && value !== known.before && at.getTime() >= known.at.getTime() - skewMs
    return { ...base, tell: [told, ...again], edited: !mayBeOurs && value !== wanted, unclear }
  }
  if (same) {
    const { untilAt: _untilAt, ...kept } = known
    return { ...base, known: { ...kept, at: upTo, own: false }, tell: known.own || read ? [told] : [] }
  }
  const untilMs = (known.untilAt ?? known.at).getTime()
  return {
    known: taken,
    tell: [told],
    changed: true,
    edited: value !== wanted && !(writing && mayBeOurs),
    unclear: !read && known.own && at.getTime() <= untilMs + skewMs,
  }
}
