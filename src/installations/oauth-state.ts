import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { minuteMs, type Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import { newToken } from '../kernel/ids.ts'

/** The `state` of an authorization that began here: signed, expiring, bound to nothing else. */
export interface OauthState {
  issue(): string
  /** False for a state that is not ours, was altered, or has expired. */
  verify(state: string): boolean
}

const validMs = 60 * minuteMs
const content = z.strictObject({ nonce: z.string(), expiresAtMs: z.number() })

export function createOauthState(box: CryptoBox, clock: Clock): OauthState {
  const keys = box.signingKeys('oauth-state')
  const mac = (key: Buffer, body: string): Buffer => createHmac('sha256', key).update(body).digest()

  return {
    issue() {
      const [current] = keys
      if (current === undefined) throw new Error('There is no signing key')
      const body = Buffer.from(JSON.stringify({ nonce: newToken(), expiresAtMs: clock.nowMs() + validMs })).toString('base64url')
      return `${body}.${mac(current, body).toString('base64url')}`
    },
    verify(state) {
      const [body, signature, ...rest] = state.split('.')
      if (body === undefined || signature === undefined || rest.length > 0) return false
      const given = Buffer.from(signature, 'base64url')
      const ours = keys.some((key) => {
        const expected = mac(key, body)
        return given.length === expected.length && timingSafeEqual(given, expected)
      })
      if (!ours) return false
      const parsed = content.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')))
      return parsed.success && parsed.data.expiresAtMs > clock.nowMs()
    },
  }
}
