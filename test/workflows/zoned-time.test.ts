import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { DateTime } from 'luxon'
import { endOfSpan, isWithin, nextBusinessTime, nextTimeOfDay } from '../../workflows/engine/zoned-time.ts'
import { nextOccasion } from '../../workflows/engine/schedules.ts'

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'America/Los_Angeles', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Apia', 'Africa/Casablanca']
const minuteMs = 60_000
const dayMs = 86_400_000
const shown = (at: Date, zone: string) => DateTime.fromJSDate(at, { zone }).toFormat('HH:mm')
const pad = (value: number) => String(value).padStart(2, '0')

/** Any minute of 2026, one in three of them near a change of the clocks of Berlin or New York. */
const instants = fc.oneof(
  fc.integer({ min: Date.UTC(2026, 0, 1) / minuteMs, max: Date.UTC(2026, 11, 31) / minuteMs }).map((minutes) => new Date(minutes * minuteMs)),
  fc.tuple(fc.constantFrom('2026-03-29T01:00Z', '2026-10-25T01:00Z', '2026-03-08T07:00Z', '2026-11-01T06:00Z', '2026-04-04T15:00Z', '2026-10-03T15:30Z'), fc.integer({ min: -2_880, max: 2_880 })).map(([change, minutes]) => new Date(Date.parse(change) + minutes * minuteMs)),
)
const times = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30, 45)).map(([hour, minute]) => `${pad(hour)}:${pad(minute)}`)

describe('the next time of day', () => {
  it('is the first minute, not before the instant, at which the zone’s clock shows it, or jumps over it', () => {
    fc.assert(
      fc.property(instants, times, fc.constantFrom(...zones), (at, time, zone) => {
        const next = nextTimeOfDay(at, time, zone)
        expect(next.getTime()).toBeGreaterThanOrEqual(at.getTime())
        expect(next.getTime() - at.getTime()).toBeLessThanOrEqual(dayMs + 60 * minuteMs)
        const jumped = shown(next, zone) !== time
        if (jumped) {
          expect(shown(new Date(next.getTime() - minuteMs), zone) < time).toBe(true)
          expect(shown(next, zone) > time).toBe(true)
        }
        for (let ms = at.getTime(); ms < next.getTime(); ms += 15 * minuteMs) {
          const rounded = new Date(Math.ceil(ms / (15 * minuteMs)) * 15 * minuteMs)
          if (rounded.getTime() >= at.getTime() && rounded < next) expect(shown(rounded, zone)).not.toBe(time)
        }
      }),
      { numRuns: 80 },
    )
  })

  it.each([
    ['an hour that the clocks leave out', '2026-03-28T23:00:00Z', '02:30', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['the first of two such hours', '2026-10-24T22:30:00Z', '02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['the second, once the first is over', '2026-10-25T00:31:00Z', '02:30', 'Europe/Berlin', '2026-10-25T01:30:00.000Z'],
  ])('on %s', (_what, at, time, zone, next) => {
    expect(nextTimeOfDay(new Date(at), time, zone).toISOString()).toBe(next)
  })

  it('keeps to the days of the week that were named', () => {
    expect(nextTimeOfDay(new Date('2026-11-06T12:00:00Z'), '09:00', 'America/New_York', { weekdays: [1, 2] }).toISOString()).toBe('2026-11-09T14:00:00.000Z')
  })
})

describe('a span of the day', () => {
  it('is over at the instant that it ends: outside then, inside all the way before', () => {
    fc.assert(
      fc.property(instants, times, times, fc.constantFrom(...zones), (at, from, to, zone) => {
        fc.pre(from !== to)
        const end = endOfSpan({ from, to }, at, zone)
        expect(end === null).toBe(!isWithin({ from, to }, at, zone))
        if (end === null) return
        expect(end.getTime()).toBeGreaterThan(at.getTime())
        for (let ms = at.getTime(); ms < end.getTime(); ms += 15 * minuteMs) if (shown(new Date(ms), zone) !== to) expect(isWithin({ from, to }, new Date(ms), zone) || shown(new Date(ms), zone) >= to).toBe(true)
        // Clocks that jump over the end may land anywhere behind it.
        if (shown(end, zone) === to) expect(isWithin({ from, to }, end, zone)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

describe('business hours', () => {
  const hours = { from: '09:00', to: '17:00', weekdays: [1, 2, 3, 4, 5] }
  it('let pass what falls into them, and move the rest to the next opening', () => {
    fc.assert(
      fc.property(instants, fc.constantFrom(...zones), (at, zone) => {
        const next = nextBusinessTime(hours, at, zone)
        const local = DateTime.fromJSDate(next, { zone })
        expect(hours.weekdays).toContain(local.weekday)
        expect(isWithin(hours, next, zone)).toBe(true)
        if (next.getTime() !== at.getTime()) expect(shown(next, zone)).toBe('09:00')
        expect(next.getTime() - at.getTime()).toBeLessThanOrEqual(3 * dayMs + 60 * minuteMs)
      }),
      { numRuns: 200 },
    )
  })
})

describe('occasions of a schedule', () => {
  it.each([
    ['each day', { every: 'day', at: '08:00' }, '2026-03-28T12:00:00Z', '2026-03-29T06:00:00.000Z'],
    ['each Monday', { every: 'week', at: '08:00', weekday: 1 }, '2026-10-24T12:00:00Z', '2026-10-26T07:00:00.000Z'],
    ['each month', { every: 'month', at: '08:00', day: 15 }, '2026-03-15T07:00:00Z', '2026-04-15T06:00:00.000Z'],
    ['the last month of a year', { every: 'month', at: '08:00', day: 1 }, '2026-12-01T12:00:00Z', '2027-01-01T07:00:00.000Z'],
  ] as const)('%s, by the clock of the zone', (_what, schedule, after, next) => {
    expect(nextOccasion(schedule, new Date(after), 'Europe/Berlin').toISOString()).toBe(next)
  })
})
