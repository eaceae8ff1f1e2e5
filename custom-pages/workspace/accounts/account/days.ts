const dayMs = 24 * 60 * 60_000

/** A day of the reader's own calendar as `2026-11-22`. */
export function dayOf(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

export const today = () => dayOf(new Date())
export const dayBefore = (days: number) => dayOf(new Date(Date.now() - days * dayMs))
