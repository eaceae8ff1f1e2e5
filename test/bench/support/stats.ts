/** The value below which a share of the sorted values lies; nearest rank. NaN for an empty list. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Slope of the least-squares line through the points. */
export function slope(points: readonly { x: number; y: number }[]): number {
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  return spread === 0 ? 0 : points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread
}

/** Three significant digits, without an exponent. */
export function short(value: number): string {
  if (Number.isNaN(value)) return '–'
  if (Math.abs(value) >= 100) return String(Math.round(value))
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** `median (min–max)` */
export function spread(values: readonly number[], unit = ''): string {
  const tail = unit === '' ? '' : ` ${unit}`
  if (values.length < 2) return `${short(median(values))}${tail}`
  return `${short(median(values))}${tail} (${short(Math.min(...values))}–${short(Math.max(...values))})`
}
