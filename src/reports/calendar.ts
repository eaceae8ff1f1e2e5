import { dayMs } from '../kernel/clock.ts'

/** Days and months of reports are UTC's, so that a figure is the same for everybody who looks. */

export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10)
}

export function startOf(day: string): Date {
  return new Date(`${day}T00:00:00.000Z`)
}

/** The first instant after a day. */
export function endOf(day: string): Date {
  return new Date(startOf(day).getTime() + dayMs)
}

export function plusDays(day: string, days: number): string {
  return dayOf(new Date(startOf(day).getTime() + days * dayMs))
}

export function monthOf(at: Date): string {
  return at.toISOString().slice(0, 7)
}

export function plusMonths(month: string, months: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return monthOf(new Date(Date.UTC(year, number - 1 + months, 1)))
}

export function lastDayOf(month: string): string {
  return plusDays(`${plusMonths(month, 1)}-01`, -1)
}

/** All months from one to another, both included; empty if they are the wrong way round. */
export function monthsFrom(from: string, to: string): string[] {
  const months: string[] = []
  for (let month = from; month <= to; month = plusMonths(month, 1)) months.push(month)
  return months
}

/**
 * The days at whose end a trend is read: every day, every Sunday, or every last of a month between two days, and always the last day,
 * which may be a running one.
 */
export function pointsOf(from: string, to: string, step: 'day' | 'week' | 'month'): string[] {
  const points: string[] = []
  for (let day = from; day <= to; day = plusDays(day, 1)) {
    const ends = step === 'day' || (step === 'week' ? startOf(day).getUTCDay() === 0 : lastDayOf(day.slice(0, 7)) === day)
    if (ends || day === to) points.push(day)
  }
  return points
}
