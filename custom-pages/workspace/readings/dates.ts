/** Days of the reports are whole UTC days; they are named without turning them into an instant of the reader's zone. */
const noon = (day: string): Date => new Date(`${day}T12:00:00Z`)
const dayAndMonth = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })
const monthShort = new Intl.DateTimeFormat(undefined, { month: 'short', timeZone: 'UTC' })
const monthAndYear = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' })
const wholeDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })

/** `22 Nov`. */
export const dayName = (day: string): string => dayAndMonth.format(noon(day))
/** `Nov`. */
export const monthName = (day: string): string => monthShort.format(noon(day))
/** `November 2026`. */
export const cycleName = (day: string): string => monthAndYear.format(noon(day))
/** `22 Nov 2026`. */
export const fullDay = (day: string): string => wholeDay.format(noon(day))
