import { z } from 'zod'

/** Ways and rhythms in which a person can be told. */
export const emailRhythms = ['off', 'at_once'] as const

export const notificationView = z.object({
  id: z.string(),
  /** What preferences go by, for example `case_opened`. */
  kind: z.string(),
  title: z.string(),
  body: z.string(),
  /** Path inside the workspace. */
  link: z.string().nullable(),
  locationId: z.string().nullable(),
  /** When the newest fact in it happened. */
  at: z.iso.datetime(),
  /** How many facts of the same kind and account it stands for; the words are the newest one's. */
  count: z.number().int(),
  readAt: z.iso.datetime().nullable(),
})
export type NotificationView = z.output<typeof notificationView>

export const notificationsQuery = z.object({
  page: z.coerce.number().int().min(1).max(10_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(100).default(25),
  unread: z.enum(['true', 'false']).optional(),
})

export const notificationList = z.object({
  items: z.array(notificationView),
  unread: z.number().int(),
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
})

/** Either some notifications or all there are. */
export const readRequest = z.union([z.strictObject({ ids: z.array(z.string().min(1).max(64)).min(1).max(200) }), z.strictObject({ all: z.literal(true) })], {
  error: 'must be {"ids": [...]} or {"all": true}',
})
export type ReadRequest = z.output<typeof readRequest>

export const readAnswer = z.object({ unread: z.number().int() })

export const preference = z.object({ kind: z.string(), label: z.string(), inApp: z.boolean(), email: z.enum(emailRhythms) })
export type Preference = z.output<typeof preference>
export const preferenceList = z.object({
  items: z.array(preference),
  /** False where the server has no way to send e-mail. */
  emailAvailable: z.boolean(),
})

export const preferenceChange = z.strictObject({
  items: z
    .array(z.strictObject({ kind: z.string().regex(/^[a-z][a-z0-9_]{1,59}$/, 'must be a kind from the list'), inApp: z.boolean().optional(), email: z.enum(emailRhythms).optional() }))
    .min(1)
    .max(50),
})
export type PreferenceChange = z.output<typeof preferenceChange>
