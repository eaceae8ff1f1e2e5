import { DateTime } from 'luxon'
import type { AgencySettings } from '../http/contract/settings.ts'

export type QuietHours = AgencySettings['notices']['quietHours']

/** When things reach one person. */
export interface Timing {
  /** IANA zone. */
  zone: string
  quietHours: QuietHours
  /** HH:MM in the zone. */
  digestAt: string
}

/** A digest's moment, and the local day that names it: there is one per person, channel and day. */
export interface DigestSlot {
  day: string
  at: Date
}

function localOf(at: Date, zone: string): DateTime {
  const zoned = DateTime.fromJSDate(at, { zone })
  return zoned.isValid ? zoned : DateTime.fromJSDate(at, { zone: 'utc' })
}

/** The wall clock's `time` on the local day of `local`. A time that the change to summer time skips is as much later; of a repeated one, one is meant. */
function atTime(local: DateTime, time: string): DateTime {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return local.set({ hour, minute, second: 0, millisecond: 0 })
}

/** End of the quiet hours that `at` lies in, by the zone's wall clock; null outside of them. */
export function quietUntil(quiet: QuietHours, at: Date, zone: string): Date | null {
  if (!quiet.enabled || quiet.from === quiet.to) return null
  const local = localOf(at, zone)
  const clockTime = local.toFormat('HH:mm')
  const inside = quiet.from > quiet.to ? clockTime >= quiet.from || clockTime < quiet.to : clockTime >= quiet.from && clockTime < quiet.to
  if (!inside) return null
  const end = atTime(local, quiet.to)
  return (end > local ? end : atTime(local.plus({ days: 1 }), quiet.to)).toJSDate()
}

/** The first digest after an instant: of the day, or of the Monday. */
export function nextDigest(rhythm: 'daily' | 'weekly', timing: Pick<Timing, 'zone' | 'digestAt'>, after: Date): DigestSlot {
  const local = localOf(after, timing.zone)
  const monday = 1
  for (let days = 0; ; days += 1) {
    const day = local.startOf('day').plus({ days })
    const at = atTime(day, timing.digestAt)
    if (at > local && (rhythm === 'daily' || day.weekday === monday)) return { day: day.toISODate() ?? '', at: at.toJSDate() }
  }
}

/** The moment of a digest that is named by its local day, after the person chose another hour or zone. */
export function digestAtOn(day: string, timing: Pick<Timing, 'zone' | 'digestAt'>): Date {
  const zoned = DateTime.fromISO(day, { zone: timing.zone })
  return atTime(zoned.isValid ? zoned : DateTime.fromISO(day, { zone: 'utc' }), timing.digestAt).toJSDate()
}

/** The same wall-clock time a week earlier. */
export function weekBefore(at: Date, zone: string): Date {
  return localOf(at, zone).minus({ weeks: 1 }).toJSDate()
}

/** For people: `Mon 2 Nov, 08:00`. */
export function shownTime(at: Date, zone: string): string {
  return localOf(at, zone).toFormat('ccc d LLL, HH:mm')
}
