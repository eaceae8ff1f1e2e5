/** Words for times and numbers, in the reader's zone and language. */

/** The browser's own choice: what `navigator.language` says is not always a valid language tag. */
const language = undefined
const count = new Intl.NumberFormat(language)
const clockTime = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' })
const shortDate = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' })
const dayInWords = new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' })
const fullDate = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

export function number(value: number): string {
  return count.format(value)
}

/** `1 account`, `2 accounts`. */
export function plural(value: number, one: string, many: string): string {
  return `${number(value)} ${value === 1 ? one : many}`
}

/** A span without direction: `now`, `12 min`, `20 h`, `6 d`. */
export function span(ms: number): string {
  const length = Math.abs(ms)
  if (length < minuteMs) return 'now'
  if (length < hourMs) return `${Math.floor(length / minuteMs)} min`
  if (length < 2 * dayMs) return `${Math.floor(length / hourMs)} h`
  return `${number(Math.floor(length / dayMs))} d`
}

/** How long ago. */
export function age(at: string, nowMs = Date.now()): string {
  return span(nowMs - Date.parse(at))
}

/** Day and time, the year only where it matters. */
export function when(at: string, nowMs = Date.now()): string {
  const date = new Date(at)
  const today = new Date(nowMs)
  if (date.toDateString() === today.toDateString()) return clockTime.format(date)
  if (date.getFullYear() === today.getFullYear()) return `${shortDate.format(date)}, ${clockTime.format(date)}`
  return fullDate.format(date)
}

/** The day alone: `3 Feb`. */
export function shortDay(at: string): string {
  return shortDate.format(new Date(at))
}

/** Today, or another day: `Friday 20 November`. */
export function longDay(date = new Date()): string {
  return dayInWords.format(date)
}

/** `45 min`, `3 h`, `3 h 25 min`. */
export function hoursInWords(minutes: number): string {
  const hours = Math.floor(minutes / 60)
  const rest = minutes % 60
  if (hours === 0) return `${rest} min`
  return rest === 0 ? `${number(hours)} h` : `${number(hours)} h ${rest} min`
}

export function fullTime(at: string): string {
  return fullDate.format(new Date(at))
}

/** `2 hours`, `3 days`, `at once`. */
export function minutesInWords(minutes: number): string {
  if (minutes === 0) return 'at once'
  if (minutes % 1_440 === 0) return plural(minutes / 1_440, 'day', 'days')
  if (minutes % 60 === 0) return plural(minutes / 60, 'hour', 'hours')
  return plural(minutes, 'minute', 'minutes')
}

/** Up to two initials. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/)
  return ((words[0]?.[0] ?? '') + (words.length > 1 ? (words.at(-1)?.[0] ?? '') : '')).toUpperCase()
}
