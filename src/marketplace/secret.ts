import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Name of the static header that triggers and actions are set up with in the developer portal. */
export const headerName = 'X-Barometer-Secret'

/**
 * The header's value where none is configured. Derived, because a header stands in logs of proxies: whoever reads it there
 * can call these routes, but cannot make user contexts, which the shared secret itself would allow.
 */
export function derivedHeaderSecret(sharedSecret: string): string {
  return createHmac('sha256', sharedSecret).update('barometer/marketplace-header/v1').digest('hex')
}

/** All values that are accepted, the current one first. Configured ones take the place of derived ones. */
export function headerSecrets({ actionSecrets, sharedSecrets }: { actionSecrets: readonly string[]; sharedSecrets: readonly string[] }): string[] {
  return actionSecrets.length > 0 ? [...actionSecrets] : sharedSecrets.map(derivedHeaderSecret)
}

/** Takes the same time whatever is wrong about the value: neither its length nor its first wrong character shows. */
export function isHeaderSecret(given: string | undefined, accepted: readonly string[]): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const hash = digest(given ?? '')
  const fits = accepted.map((secret) => timingSafeEqual(digest(secret), hash))
  return given !== undefined && given !== '' && fits.includes(true)
}
