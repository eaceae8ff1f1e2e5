import { createHash, randomBytes, randomUUID } from 'node:crypto'

/** A new opaque identifier for one of our own records (URL-safe, 24 hex characters, sorted roughly by creation time). */
export function newId(nowMs: number = Date.now()): string {
  const seconds = Math.floor(nowMs / 1_000).toString(16).padStart(8, '0')
  return seconds + randomBytes(8).toString('hex')
}

/** A random UUID, for tokens of leases and requests. */
export function newToken(): string {
  return randomUUID()
}

/** SHA-256 of the parts, each separated by NUL so that `('ab','c')` and `('a','bc')` differ; hex. */
export function hashOf(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex')
}
