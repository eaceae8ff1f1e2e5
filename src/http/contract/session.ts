import { z } from 'zod'

/** What a page or the widget sends: the user context exactly as its parent window handed it over. */
export const sessionRequest = z.strictObject({ encryptedData: z.string().min(1).max(8_192) })

export const sessionResponse = z.object({
  /** Bearer token for every other call. */
  token: z.string(),
  expiresInSeconds: z.number().int(),
  user: z.object({ userId: z.string(), name: z.string(), email: z.string().nullable(), role: z.enum(['agency_admin', 'agency_user', 'account_user']) }),
  /** The sub-account the person is in; null for agency staff outside one. */
  location: z.object({ locationId: z.string(), name: z.string().nullable(), timezone: z.string().nullable() }).nullable(),
})
export type SessionResponse = z.output<typeof sessionResponse>
