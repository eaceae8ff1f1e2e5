import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { DateTime } from 'luxon'
import { digestAtOn, nextDigest, quietUntil, weekBefore } from '../../src/notifications/times.ts'

const at = (iso: string): Date => new Date(iso)
const night = { enabled: true, from: '20:00', to: '08:00' }
const zones = ['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Pacific/Apia', 'Africa/Cairo']
const anyTime = fc.date({ min: at('2025-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z'), noInvalidDate: true })
const anyZone = fc.constantFrom(...zones)
const clockTime = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 })).map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`)

describe('quiet hours', () => {
  it.each([
    ['in the evening', '2026-11-02T21:00:00Z', 'UTC', '2026-11-03T08:00:00Z'],
    ['after midnight', '2026-11-03T03:00:00Z', 'UTC', '2026-11-03T08:00:00Z'],
    ['at their first minute', '2026-11-02T20:00:00Z', 'UTC', '2026-11-03T08:00:00Z'],
    ['at their end', '2026-11-03T08:00:00Z', 'UTC', null],
    ['by day', '2026-11-02T12:00:00Z', 'UTC', null],
    ['of a person far away', '2026-11-02T12:00:00Z', 'Asia/Tokyo', '2026-11-02T23:00:00Z'],
    ['over the night that is an hour shorter', '2026-03-29T00:30:00Z', 'Europe/Berlin', '2026-03-29T06:00:00Z'],
    ['over the night that is an hour longer', '2026-10-24T22:30:00Z', 'Europe/Berlin', '2026-10-25T07:00:00Z'],
  ])('%s', (_when, now, zone, until) => {
    expect(quietUntil(night, at(now), zone)?.toISOString() ?? null).toBe(until === null ? null : at(until).toISOString())
  })

  it('within a day, off, or empty are told apart', () => {
    expect(quietUntil({ enabled: true, from: '12:00', to: '13:00' }, at('2026-11-02T12:30:00Z'), 'UTC')).toEqual(at('2026-11-02T13:00:00Z'))
    expect(quietUntil({ ...night, enabled: false }, at('2026-11-02T23:00:00Z'), 'UTC')).toBeNull()
    expect(quietUntil({ enabled: true, from: '08:00', to: '08:00' }, at('2026-11-02T23:00:00Z'), 'UTC')).toBeNull()
  })

  it('end within a day, later than now, and outside of themselves, whatever the zone and the season', () => {
    fc.assert(
      fc.property(anyTime, anyZone, clockTime, clockTime, (now, zone, from, to) => {
        const quiet = { enabled: true, from, to }
        const until = quietUntil(quiet, now, zone)
        if (until === null) return
        expect(until.getTime()).toBeGreaterThan(now.getTime())
        expect(until.getTime() - now.getTime()).toBeLessThanOrEqual(25.5 * 3_600_000)
        expect(quietUntil(quiet, until, zone)).toBeNull()
      }),
      { numRuns: 500, seed: 7 },
    )
  })
})

describe('the next digest', () => {
  it.each([
    ['later today', 'daily', '2026-11-02T06:00:00Z', 'UTC', '2026-11-02', '2026-11-02T08:00:00Z'],
    ['tomorrow, at its very minute', 'daily', '2026-11-02T08:00:00Z', 'UTC', '2026-11-03', '2026-11-03T08:00:00Z'],
    ['by the person’s clock', 'daily', '2026-11-02T06:00:00Z', 'America/New_York', '2026-11-02', '2026-11-02T13:00:00Z'],
    ['on the day after summer time ends', 'daily', '2026-10-24T12:00:00Z', 'Europe/Berlin', '2026-10-25', '2026-10-25T07:00:00Z'],
    ['on the day after summer time begins', 'daily', '2026-03-28T12:00:00Z', 'Europe/Berlin', '2026-03-29', '2026-03-29T06:00:00Z'],
    ['on Monday', 'weekly', '2026-11-04T12:00:00Z', 'UTC', '2026-11-09', '2026-11-09T08:00:00Z'],
    ['on Monday itself, before its time', 'weekly', '2026-11-02T07:59:00Z', 'UTC', '2026-11-02', '2026-11-02T08:00:00Z'],
    ['on the Monday of the person, not of UTC', 'weekly', '2026-11-01T22:00:00Z', 'Asia/Tokyo', '2026-11-02', '2026-11-01T23:00:00Z'],
  ] as const)('is %s', (_when, rhythm, now, zone, day, due) => {
    expect(nextDigest(rhythm, { zone, digestAt: '08:00' }, at(now))).toEqual({ day, at: at(due) })
  })

  it('at a time that summer time skips comes once on that day, an hour later', () => {
    expect(nextDigest('daily', { zone: 'Europe/Berlin', digestAt: '02:30' }, at('2026-03-28T12:00:00Z'))).toEqual({ day: '2026-03-29', at: at('2026-03-29T01:30:00Z') })
  })

  it('is one per local day for a year, in order, at the person’s hour, and reads back from its day', () => {
    for (const zone of zones) {
      const timing = { zone, digestAt: '07:15' }
      let now = at('2026-01-01T00:00:00Z')
      let last = ''
      for (let turn = 0; turn < 365; turn += 1) {
        const slot = nextDigest('daily', timing, now)
        expect(slot.at.getTime()).toBeGreaterThan(now.getTime())
        expect(slot.day > last).toBe(true)
        expect(DateTime.fromJSDate(slot.at, { zone }).toFormat('yyyy-MM-dd HH:mm')).toBe(`${slot.day} 07:15`)
        expect(digestAtOn(slot.day, timing)).toEqual(slot.at)
        last = slot.day
        now = slot.at
      }
    }
  })

  it('of a week is always a Monday and at most a week (and an hour) away', () => {
    fc.assert(
      fc.property(anyTime, anyZone, clockTime, (now, zone, digestAt) => {
        const slot = nextDigest('weekly', { zone, digestAt }, now)
        expect(DateTime.fromJSDate(slot.at, { zone }).weekday).toBe(1)
        expect(slot.at.getTime() - now.getTime()).toBeLessThanOrEqual(7 * 86_400_000 + 2 * 3_600_000)
      }),
      { numRuns: 300, seed: 7 },
    )
  })

  it('compares with the same wall-clock time a week earlier, also across a change of the clocks', () => {
    expect(weekBefore(at('2026-10-26T07:00:00Z'), 'Europe/Berlin')).toEqual(at('2026-10-19T06:00:00Z'))
  })
})
