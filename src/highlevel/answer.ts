/** HighLevel's answer to one HTTP call, before anybody judged it. Status 0 means that there was none. */
export interface Answer {
  status: number
  headers: Record<string, string>
  /** Parsed JSON; undefined if the body was empty or not JSON. */
  body: unknown
  bodyKind: 'json' | 'empty' | 'other'
  /** Node's or axios's error code when there was no answer, for example ECONNRESET or ETIMEDOUT. */
  failure: string | null
}

/** Reads a body that should be JSON but may be an HTML error page of a proxy, or nothing. */
export function readBody(text: unknown): Pick<Answer, 'body' | 'bodyKind'> {
  if (text === undefined || text === null || text === '') return { body: undefined, bodyKind: 'empty' }
  if (typeof text !== 'string') return { body: text, bodyKind: 'json' }
  try {
    return { body: JSON.parse(text) as unknown, bodyKind: 'json' }
  } catch (error) {
    if (error instanceof SyntaxError) return { body: undefined, bodyKind: 'other' }
    throw error
  }
}

/** @returns the failed call's code; calls cut off by our own deadline read as ETIMEDOUT */
export function failureCodeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  if (code === 'ERR_CANCELED' || code === 'ECONNABORTED') return 'ETIMEDOUT'
  return typeof code === 'string' ? code : 'UNKNOWN'
}
