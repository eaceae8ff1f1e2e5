/** Arithmetic of stacked columns; no DOM. */

/** Without the times before anything is known: a short history is not a row of empty columns. Later gaps stay. */
export function sinceKnown<Point>(points: readonly Point[], isKnown: (point: Point) => boolean): readonly Point[] {
  const first = points.findIndex(isKnown)
  return first < 0 ? [] : points.slice(first)
}

/** One part of a column, in the unit of the values: from below to above. */
export interface Slice {
  key: string
  from: number
  to: number
}

/** Parts of one column, the first key at the bottom; parts of nothing are left out. */
export function stackOf(counts: Readonly<Record<string, number>>, keys: readonly string[]): Slice[] {
  const slices: Slice[] = []
  let top = 0
  for (const key of keys) {
    const count = counts[key] ?? 0
    if (count <= 0) continue
    slices.push({ key, from: top, to: top + count })
    top += count
  }
  return slices
}

const mostTicks = 5

/** Whole, even steps from 0 to at least `most`: at most six of them, never fewer than two. */
export function ticksFor(most: number): number[] {
  const wanted = Math.max(1, Math.ceil(most))
  let step = 1
  for (let power = 1; ; power *= 10) {
    const fitting = [1, 2, 5].find((factor) => wanted / (factor * power) <= mostTicks)
    if (fitting !== undefined) {
      step = fitting * power
      break
    }
  }
  return Array.from({ length: Math.ceil(wanted / step) + 1 }, (_, at) => at * step)
}

/**
 * Places for labels near where they belong, in the given order from top to bottom, at least `gap` apart and between `low` and `high`.
 * Expects ascending places, and room for all of them.
 */
export function spread(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const places: number[] = []
  for (const place of wanted) places.push(Math.max(place, (places.at(-1) ?? low - gap) + gap))
  let ceiling = high
  return places
    .reverse()
    .map((place) => {
      const kept = Math.min(place, ceiling)
      ceiling = kept - gap
      return kept
    })
    .reverse()
}

/** How many columns fit, the newest ones; never none while there are some. */
export function columnsThatFit(width: number, columns: number, least: number): number {
  return Math.max(1, Math.min(columns, Math.floor(width / least)))
}
