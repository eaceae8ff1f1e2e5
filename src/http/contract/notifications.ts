import { z } from 'zod'
import { channelChoice } from './notice-choice.ts'
import { noticeChannels, noticeRhythms } from './notice-kinds.ts'
import { zoneName } from './zone.ts'

const instant = z.iso.datetime()
const id = z.string().min(1).max(64)
const flag = z.enum(['true', 'false'])
const kindName = z.string().regex(/^[a-z][a-z0-9_]{1,59}$/, 'must be a kind from the list')
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as HH:MM, for example 08:00')
const page = z.coerce.number().int().min(1).max(10_000).default(1)

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
  at: instant,
  /** How many facts of the same kind and account it stands for; the words are the newest one's. */
  count: z.number().int(),
  readAt: instant.nullable(),
})
export type NotificationView = z.output<typeof notificationView>

export const notificationsQuery = z.object({
  page,
  pageSize: z.coerce.number().int().min(1).max(100).default(25),
  unread: flag.optional(),
  kind: kindName.optional(),
  locationId: id.optional(),
})

export const notificationList = z.object({
  items: z.array(notificationView),
  unread: z.number().int(),
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
})

/** One account's notifications together; `locationId: null` are those about the agency as a whole. */
export const notificationGroup = z.object({
  locationId: z.string().nullable(),
  accountName: z.string().nullable(),
  newestAt: instant,
  unread: z.number().int(),
  /** How many lines there are; `lines` has the newest of them. */
  total: z.number().int(),
  lines: z.array(notificationView),
})
export type NotificationGroup = z.output<typeof notificationGroup>
export const groupsQuery = notificationsQuery.omit({ locationId: true }).extend({ pageSize: z.coerce.number().int().min(1).max(50).default(15) })
export const notificationGroups = notificationList.omit({ items: true }).extend({ items: z.array(notificationGroup) })

/** Some notifications, all of one account (null: those of the agency as a whole), or all there are. */
export const readRequest = z.union(
  [z.strictObject({ ids: z.array(id).min(1).max(200) }), z.strictObject({ locationId: id.nullable() }), z.strictObject({ all: z.literal(true) })],
  { error: 'must be {"ids": [...]}, {"locationId": "..."} or {"all": true}' },
)
export type ReadRequest = z.output<typeof readRequest>

export const readAnswer = z.object({ unread: z.number().int() })

/** What became of one fact for one person on one channel, with its reason as a code and as a sentence. */
export const noticeDecision = z.object({
  channel: z.enum(noticeChannels),
  rhythm: z.enum(noticeRhythms),
  /** Whose choice the rhythm is: the person's, the agency's, the product's, or what the workflow suggests. */
  by: z.enum(['person', 'agency', 'default', 'workflow']),
  state: z.enum(['shown', 'waiting', 'sending', 'sent', 'uncertain', 'failed', 'not_sent', 'off']),
  reason: z.string().nullable(),
  /** When it was sent, or will be at the earliest. */
  at: instant.nullable(),
  says: z.string(),
})
export type NoticeDecisionView = z.output<typeof noticeDecision>

/** One fact, who was told, and how the person who asks was, or why not. */
export const noticeTrace = z.object({
  id: z.string(),
  kind: z.string(),
  title: z.string(),
  locationId: z.string().nullable(),
  at: instant,
  audience: z.string(),
  told: z.array(z.object({ userId: z.string(), name: z.string() })),
  you: z.object({ told: z.boolean(), says: z.string(), channels: z.array(noticeDecision) }),
})
export type NoticeTrace = z.output<typeof noticeTrace>
export const traceQuery = z.object({ page, pageSize: z.coerce.number().int().min(1).max(50).default(20), kind: kindName.optional(), locationId: id.optional() })
export const traceList = z.object({ items: z.array(noticeTrace), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })
export const notificationParams = z.object({ id })
export const whyAnswer = z.object({ items: z.array(noticeTrace) })

const quietHours = z.strictObject({ enabled: z.boolean(), from: clockTime, to: clockTime })

export const preference = z.object({
  kind: z.string(),
  label: z.string(),
  channels: channelChoice,
  /** Whose choice each channel's rhythm is. */
  by: z.record(z.enum(noticeChannels), z.enum(['person', 'agency', 'default'])),
  /** Comes through in quiet hours, too. */
  urgent: z.boolean(),
})
export type Preference = z.output<typeof preference>

/** When things reach the person; each member is their own choice, or the agency's as long as `own` does not name it. */
export const timing = z.object({
  zone: z.string(),
  quietHours,
  /** When daily and weekly digests come, in the zone. */
  digestAt: clockTime,
  own: z.array(z.enum(['zone', 'quietHours', 'digestAt'])),
  /** When the next digests would come. */
  nextDailyAt: instant,
  nextWeeklyAt: instant,
})

export const chatView = z.object({
  set: z.boolean(),
  /** Host of the address; the address itself is never given out. */
  host: z.string().nullable(),
  format: z.enum(['slack', 'teams', 'google', 'discord', 'plain']).nullable(),
  setAt: instant.nullable(),
  setBy: z.string().nullable(),
})
export type ChatView = z.output<typeof chatView>

export const preferenceList = z.object({
  items: z.array(preference),
  timing,
  /** False where the server has no way to send e-mail. */
  emailAvailable: z.boolean(),
  /** The person's own chat, and the agency's shared one. */
  chat: chatView,
  agencyChat: chatView,
})
export type PreferenceList = z.output<typeof preferenceList>

export const preferenceChange = z
  .strictObject({
    /** Channels left out stay as they are; null goes back to the agency's choice. */
    items: z
      .array(
        z.strictObject({
          kind: kindName,
          channels: z.strictObject({
            in_app: channelChoice.shape.in_app.nullable(), email: channelChoice.shape.email.nullable(), task: channelChoice.shape.task.nullable(), chat: channelChoice.shape.chat.nullable(),
          }).partial().optional(),
          urgent: z.boolean().optional(),
        }),
      )
      .max(50)
      .default([]),
    /** Null goes back to the agency's. */
    zone: zoneName.nullable().optional(),
    quietHours: quietHours.nullable().optional(),
    digestAt: clockTime.nullable().optional(),
  })
export type PreferenceChange = z.output<typeof preferenceChange>

export const chatRequest = z.strictObject({
  url: z.url({ protocol: /^https$/, error: 'must be an https address' }).max(1_000),
})
export const chatTestAnswer = z.object({ ok: z.boolean(), code: z.string().nullable(), says: z.string() })

export const watchRequest = z.strictObject({ watching: z.boolean() })
export const watchParams = z.object({ locationId: id })
export const watchList = z.object({ locationIds: z.array(z.string()) })
