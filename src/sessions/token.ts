import jwt from 'jsonwebtoken'
import { z } from 'zod'
import { minuteMs, type Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import { newToken } from '../kernel/ids.ts'
import type { Session } from '../kernel/route.ts'

export const sessionSeconds = (30 * minuteMs) / 1_000
const issuer = 'barometer'
const audience = 'barometer-session'

const claims = z.object({
  sub: z.string().min(1),
  cid: z.string().min(1),
  loc: z.string().min(1).nullable(),
  rol: z.enum(['agency_admin', 'agency_user', 'account_user']),
  nam: z.string(),
  iat: z.number(),
  exp: z.number(),
})

/** Issues and checks our own session tokens. */
export interface SessionTokens {
  issue(session: Session): string
  /** @returns null for a token that is not ours, altered, expired, or made by any algorithm but ours */
  verify(token: string): Session | null
}

export function createSessionTokens(box: CryptoBox, clock: Clock): SessionTokens {
  const keys = box.signingKeys('session')
  const seconds = (): number => Math.floor(clock.nowMs() / 1_000)

  function opened(token: string, key: Buffer): unknown {
    try {
      // The algorithm is pinned: `none` and public-key confusion are refused before a signature is looked at.
      return jwt.verify(token, key, { algorithms: ['HS256'], issuer, audience, clockTimestamp: seconds(), maxAge: sessionSeconds })
    } catch (error) {
      if (error instanceof jwt.JsonWebTokenError || error instanceof SyntaxError || error instanceof TypeError) return null
      throw error
    }
  }

  return {
    issue(session) {
      const [current] = keys
      if (current === undefined) throw new Error('There is no signing key')
      const payload = { cid: session.companyId, loc: session.locationId, rol: session.role, nam: session.userName, iat: seconds(), exp: seconds() + sessionSeconds }
      return jwt.sign(payload, current, { algorithm: 'HS256', issuer, audience, subject: session.userId, jwtid: newToken() })
    },
    verify(token) {
      for (const key of keys) {
        const result = claims.safeParse(opened(token, key))
        if (!result.success) continue
        const { sub, cid, loc, rol, nam, iat, exp } = result.data
        // Never longer than we issue, whoever held the key.
        if (exp - iat > sessionSeconds || (rol === 'account_user' && loc === null)) return null
        return { companyId: cid, userId: sub, role: rol, locationId: loc, userName: nam }
      }
      return null
    },
  }
}
