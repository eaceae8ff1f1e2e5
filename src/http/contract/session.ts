import { z } from 'zod'

/** What a page or the widget sends: the user context exactly as its parent window handed it over. */
export const sessionRequest = z.strictObject({ encryptedData: z.string().min(1).max(8_192) })

/** What the person may do. `accounts`: whose accounts and cases they may change; everybody on the team may read all. */
export const rights = z.object({
  role: z.enum(['agency_admin', 'lead', 'csm', 'read_only', 'account_user']),
  accounts: z.enum(['all', 'own', 'none']),
  /** May change, publish and stop follow-ups. */
  workflows: z.boolean(),
  /** May change the agency's settings and its set-up. */
  settings: z.boolean(),
})
export type Rights = z.output<typeof rights>

export const sessionResponse = z.object({
  /** Bearer token for every other call. */
  token: z.string(),
  expiresInSeconds: z.number().int(),
  user: z.object({ userId: z.string(), name: z.string(), email: z.string().nullable(), role: z.enum(['agency_admin', 'agency_user', 'account_user']), rights }),
  /** The sub-account the person is in; null for agency staff outside one. */
  location: z.object({ locationId: z.string(), name: z.string().nullable(), timezone: z.string().nullable() }).nullable(),
})
export type SessionResponse = z.output<typeof sessionResponse>
