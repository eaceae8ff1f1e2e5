import { z } from 'zod'
import { accountFilter } from './accounts.ts'

const instant = z.iso.datetime()
const day = z.iso.date()
const id = z.string().min(1).max(64)

/** A user of an account with their part in it. */
export const accountPerson = z.object({
  userId: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  role: z.enum(['admin', 'user']),
  /** The person whom the agency talks to first; the status card hangs on their contact. At most one per account. */
  primary: z.boolean(),
  /** Chosen by a person, or taken because nobody chose (the longest-standing admin). */
  primaryBy: z.enum(['person', 'default']).nullable(),
  /** Marked as a key user. */
  key: z.boolean(),
  joinedAt: instant.nullable(),
  /** Last sign of life in the account, to the hour; null: never seen. */
  lastSeenAt: instant.nullable(),
})
export const accountPeople = z.object({ items: z.array(accountPerson) })
export type AccountPerson = z.output<typeof accountPerson>

export const primaryRequest = z.strictObject({ userId: id.nullable() })
export const keyUserRequest = z.strictObject({ key: z.boolean() })
export const premiumRequest = z.strictObject({ premium: z.boolean() })
export const csmRequest = z.strictObject({ csmUserId: id.nullable(), note: z.string().trim().max(500).optional() })

/** `round_robin`: in turn, in the given order · `least_loaded`: always to who has the fewest accounts then. */
export const assignmentRules = ['round_robin', 'least_loaded'] as const
export const assignRequest = z
  .strictObject({
    locationIds: z.array(id).min(1).max(1_000).optional(),
    filter: accountFilter.optional(),
    rule: z.enum(assignmentRules),
    /** Among whom; users of the agency's staff. */
    csmUserIds: z.array(id).min(1).max(100),
    /** Only say who would get what. */
    dryRun: z.boolean().default(false),
  })
  .refine((body) => (body.locationIds === undefined) !== (body.filter === undefined), { path: ['locationIds'], message: 'give either locationIds or filter' })
export const assignResponse = z.object({
  dryRun: z.boolean(),
  assigned: z.array(z.object({ locationId: z.string(), csm: z.object({ userId: z.string(), name: z.string() }), before: z.object({ userId: z.string(), name: z.string() }).nullable() })),
  failed: z.array(z.object({ locationId: z.string(), error: z.object({ code: z.string(), message: z.string() }) })),
  /** Accounts per CSM afterwards. */
  load: z.array(z.object({ userId: z.string(), name: z.string(), accounts: z.number().int() })),
  /** Not reached in the request's 10 seconds, and unchanged: send them again as `locationIds`. */
  left: z.array(z.string()),
})

/** The agency's staff with how many accounts each looks after and the hours of the last 30 days. */
export const csmList = z.object({
  items: z.array(z.object({ userId: z.string(), name: z.string(), email: z.string().nullable(), role: z.enum(['admin', 'user']), accounts: z.number().int(), minutesLast30Days: z.number().int() })),
})

/** A hand-over brief: what the next owner needs to know, from stored facts only; every line names its source. */
export const brief = z.object({
  locationId: z.string(),
  accountName: z.string(),
  generatedAt: instant,
  csm: z.object({ userId: z.string(), name: z.string() }).nullable(),
  formerCsm: z.object({ userId: z.string(), name: z.string() }).nullable(),
  sections: z.array(
    z.object({
      key: z.enum(['status', 'happiness', 'people', 'open_items', 'recent', 'hours', 'notes']),
      title: z.string(),
      lines: z.array(z.object({ text: z.string(), at: instant.nullable(), link: z.string().nullable() })),
    }),
  ),
})
export type Brief = z.output<typeof brief>

/** Time that a CSM spent on an account. */
export const hoursEntry = z.object({
  entryId: z.string(),
  locationId: z.string(),
  csm: z.object({ userId: z.string(), name: z.string() }),
  /** The day it was spent on, in the CSM's own calendar. */
  on: day,
  minutes: z.number().int(),
  note: z.string().nullable(),
  loggedAt: instant,
})
export type HoursEntry = z.output<typeof hoursEntry>
export const hoursRequest = z.strictObject({
  minutes: z.number().int().min(1).max(24 * 60),
  /** Default: today in UTC. */
  on: day.optional(),
  note: z.string().trim().max(500).optional(),
  idempotencyKey: z.string().min(8).max(100).optional(),
})
export const hoursQuery = z.strictObject({
  from: day.optional(),
  to: day.optional(),
  csm: id.optional(),
  page: z.coerce.number().int().min(1).max(10_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
  format: z.enum(['json', 'csv']).default('json'),
})
export const hoursList = z.object({ items: z.array(hoursEntry), page: z.number().int(), pageSize: z.number().int(), total: z.number().int(), minutes: z.number().int() })
export const hoursReportQuery = z.strictObject({
  from: day.optional(), to: day.optional(), by: z.enum(['csm', 'account']).default('csm'),
  page: z.coerce.number().int().min(1).max(10_000).default(1), pageSize: z.coerce.number().int().min(1).max(200).default(100),
  format: z.enum(['json', 'csv']).default('json'),
})
/** Sums of a period, most first. */
export const hoursReport = z.object({
  from: day,
  to: day,
  by: z.enum(['csm', 'account']),
  /** Of all rows. */
  minutes: z.number().int(),
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
  rows: z.array(z.object({ id: z.string(), name: z.string(), minutes: z.number().int(), entries: z.number().int(), accounts: z.number().int() })),
})
