import { z } from 'zod'

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** An IANA zone that this server knows. */
export const zoneName = z.string().min(1).max(64).refine(isZone, 'must be a time zone such as Europe/Berlin')
