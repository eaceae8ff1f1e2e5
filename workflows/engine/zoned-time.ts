import { DateTime } from 'luxon'
import { dayMs, minuteMs } from '../../src/kernel/clock.ts'

/** Times of day by the wall clock of a zone, right on the days on which clocks change. An unknown zone counts as UTC. */

/** A span of the day; over midnight if it ends before it begins. */
export interface DaySpan {
  from: string
  to: string
}

const local = (at: Date, zone: string): DateTime => {
  const zoned = DateTime.fromJSDate(at, { zone })
  return zoned.isValid ? zoned : DateTime.fromJSDate(at, { zone: 'utc' })
}

/** Minutes east of UTC at that instant. */
const offsetAt = (ms: number, zone: string): number => local(new Date(ms), zone).offset

/**
 * The instants of one calendar day at which its clock shows `time`: two on a day that has that hour twice; on a day that leaves it out,
 * the instant at which the clock jumps over it.
 */
function instantsOf(day: { year: number; month: number; day: number }, time: string, zone: string): number[] {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  const wallMs = Date.UTC(day.year, day.month - 1, day.day, hour, minute)
  const offsets = [...new Set([offsetAt(wallMs - dayMs, zone), offsetAt(wallMs + dayMs, zone)])]
  const shown = offsets.map((offset) => wallMs - offset * minuteMs).filter((ms, index) => offsetAt(ms, zone) === offsets[index])
  if (shown.length > 0) return shown
  // Left out: look for the jump between the two readings.
  let low = wallMs - Math.max(...offsets) * minuteMs
  let high = wallMs - Math.min(...offsets) * minuteMs
  const before = offsetAt(low, zone)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle, zone) === before) low = middle
    else high = middle
  }
  return [high]
}

/**
 * The first instant, not before `at`, at which the clock of the zone shows `time`, on one of these days of the week (1 Monday to 7 Sunday; any if left out).
 * @param strictly after `at`, if set
 */
export function nextTimeOfDay(at: Date, time: string, zone: string, options: { weekdays?: readonly number[]; strictly?: boolean } = {}): Date {
  const { weekdays, strictly = false } = options
  const today = local(at, zone).startOf('day')
  for (let days = -1; days <= 9; days += 1) {
    const day = today.plus({ days })
    if (weekdays !== undefined && !weekdays.includes(day.weekday)) continue
    const fitting = instantsOf(day, time, zone).filter((ms) => (strictly ? ms > at.getTime() : ms >= at.getTime()))
    if (fitting.length > 0) return new Date(Math.min(...fitting))
  }
  throw new Error(`No day of the week fits: ${weekdays?.join(', ') ?? 'any'}`)
}

/** True if the clock of the zone shows a time within the span: its first minute is, its last is not. A span without length never is. */
export function isWithin(span: DaySpan, at: Date, zone: string): boolean {
  const shown = local(at, zone).toFormat('HH:mm')
  return span.from > span.to ? shown >= span.from || shown < span.to : shown >= span.from && shown < span.to
}

/** When a span that `at` lies in is over; null outside of it. */
export function endOfSpan(span: DaySpan, at: Date, zone: string): Date | null {
  return isWithin(span, at, zone) ? nextTimeOfDay(at, span.to, zone, { strictly: true }) : null
}

/** `at`, or the next opening if business rests then. A day's hours do not go over midnight. */
export function nextBusinessTime(hours: DaySpan & { weekdays: readonly number[] }, at: Date, zone: string): Date {
  if (hours.weekdays.length === 0 || hours.from >= hours.to) return at
  const open = hours.weekdays.includes(local(at, zone).weekday) && isWithin(hours, at, zone)
  return open ? at : nextTimeOfDay(at, hours.from, zone, { weekdays: hours.weekdays })
}
