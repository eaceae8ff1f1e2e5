import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { UserKey } from './answer-book.ts'

/** Bytes of the signature: 128 bits, short enough for a text message. */
const signatureBytes = 16

const content = z.tuple([z.string().min(1), z.string().min(1), z.string().min(1), z.number().int(), z.string().min(8)])

/** What a one-tap token says once it is proven to be ours. */
export type LinkReading = { kind: 'valid'; user: UserKey; linkId: string } | { kind: 'expired'; user: UserKey } | { kind: 'forged' }

function sign(body: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest().subarray(0, signatureBytes)
}

/** Makes a token for one user that ends at `expiresAt` (to the second). Each token stands for one answer. */
export function issueLinkToken(user: UserKey, expiresAt: Date, keys: readonly Buffer[]): string {
  const [current] = keys
  if (current === undefined) throw new Error('There is no key to sign links with')
  const fields = [
    user.companyId,
    user.locationId,
    user.userId,
    Math.floor(expiresAt.getTime() / 1_000),
    randomBytes(9).toString('base64url'),
  ]
  const body = Buffer.from(JSON.stringify(fields)).toString('base64url')
  return `${body}.${sign(body, current).toString('base64url')}`
}

/** Reads a token; any key may have signed it, so links live through a rotation. The signature is judged before anything else. */
export function readLinkToken(token: string, now: Date, keys: readonly Buffer[]): LinkReading {
  const [body, signature, ...rest] = token.split('.')
  if (body === undefined || signature === undefined || rest.length > 0) return { kind: 'forged' }
  const given = Buffer.from(signature, 'base64url')
  // The text form is compared too: base64url has spare bits that would let one token be written in several ways.
  if (given.length !== signatureBytes || given.toString('base64url') !== signature) return { kind: 'forged' }
  if (!keys.some((key) => timingSafeEqual(sign(body, key), given))) return { kind: 'forged' }
  const parsed = content.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')))
  if (!parsed.success) return { kind: 'forged' }
  const [companyId, locationId, userId, expiresSeconds, linkId] = parsed.data
  const user = { companyId, locationId, userId }
  return now.getTime() >= expiresSeconds * 1_000 ? { kind: 'expired', user } : { kind: 'valid', user, linkId }
}
