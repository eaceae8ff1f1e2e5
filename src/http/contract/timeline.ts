import { z } from 'zod'

/** One line of an account's timeline. */
export const timelineEntry = z.object({
  id: z.string(),
  at: z.coerce.date(),
  type: z.string(),
  actor: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }),
  source: z.string(),
  summary: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  /** Path inside the workspace to what it came from: the delivery, the run, the case, the person. */
  link: z.string().optional(),
  cause: z.object({ kind: z.string(), id: z.string() }).optional(),
})

export const timelineList = z.object({ items: z.array(timelineEntry), page: z.number(), pageSize: z.number(), total: z.number() })

/** Groups of types that people filter by. */
export const timelineGroups = ['answers', 'health', 'happiness', 'messages', 'tasks', 'cases', 'people', 'billing', 'crm', 'setup'] as const
export type TimelineGroup = (typeof timelineGroups)[number]

const groupNames: readonly string[] = timelineGroups

export const timelineQuery = z.object({
  /** Comma-separated event types, for example `feedback.received,case.opened`. */
  types: z.string().max(1_000).optional(),
  /** Groups of types, comma-separated; with `types`, what fits either. */
  groups: z
    .string()
    .max(200)
    .refine((value) => value.split(',').every((group) => groupNames.includes(group)), { message: `must be some of ${timelineGroups.join(', ')}` })
    .optional(),
  /** The account user it is about. */
  userId: z.string().max(100).optional(),
  /** Who did it. */
  actorId: z.string().max(100).optional(),
  source: z.string().max(40).optional(),
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  format: z.enum(['json', 'csv']).default('json'),
  page: z.coerce.number().int().min(1).max(10_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
})

export type TimelineEntry = z.infer<typeof timelineEntry>
