/** The value as an object with unknown members; anything else is an empty one. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Non-empty text, else null. */
export function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Milliseconds of an ISO instant, else null. */
export function instantMs(value: unknown): number | null {
  return (typeof value === 'string' && Date.parse(value)) || null
}
