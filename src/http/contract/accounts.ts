import { z } from 'zod'
import { happinessLevels, healthLevels } from '../../kernel/levels.ts'

const instant = z.iso.datetime()

/** Where an account stands in the agency's portfolio. Premium is a mark of its own, not a group of the record. */
export const accountGroups = ['saas', 'regular', 'churned'] as const
export type AccountGroup = (typeof accountGroups)[number]

/** The Happiness reading of an account as lists and cards show it. `level: null` is "no current reading". */
export const accountHappiness = z.object({
  level: z.enum(happinessLevels).nullable(),
  /** H, from −50 to 50 on the default scale; null without a reading. */
  score: z.number().nullable(),
  coverage: z.object({
    /** Users with a valid answer. */
    answered: z.number().int(),
    /** Users of the account today. */
    eligible: z.number().int(),
    newestAt: instant.nullable(),
  }),
  /** A user is Not Happy while the account is not. */
  dissent: z.boolean(),
})
export type AccountHappiness = z.output<typeof accountHappiness>

/** Where a status was set: Barometer's page, its API, the contact's field, the account's card, together with other accounts, or by taking a change back. */
export const healthSources = ['page', 'api', 'field', 'card', 'bulk', 'undo'] as const
export type HealthSource = (typeof healthSources)[number]

/** The Health Status of an account; every member is there, null while nobody has set one. */
export const accountHealth = z.object({
  level: z.enum(healthLevels).nullable(),
  setAt: instant.nullable(),
  setBy: z.object({ userId: z.string().nullable(), name: z.string().nullable() }).nullable(),
  source: z.enum(healthSources).nullable(),
  /** Why it is this level; after an undo the words that belong to the level which stands again, as the reasons do. */
  note: z.string().nullable(),
  reasonCodes: z.array(z.string()),
  /** After an undo: who had set the level that stands again, when and where. `setAt`, `setBy` and `source` tell of the undo itself. Null otherwise. */
  restored: z.object({ setAt: instant, setBy: z.object({ userId: z.string().nullable(), name: z.string().nullable() }).nullable(), source: z.enum(healthSources) }).nullable(),
  /** When somebody last said that it is still true; null if nobody did since it was set. */
  confirmedAt: instant.nullable(),
  /** When it turns stale: so many days after it was set or confirmed. */
  staleAt: instant.nullable(),
  stale: z.boolean(),
  /** The change that made it so; for undo and for the note. */
  changeId: z.string().nullable(),
  /** It was changed in the CRM and its note is still missing. */
  noteWanted: z.boolean(),
})
export type AccountHealth = z.output<typeof accountHealth>

/**
 * Why the two readings of an account do not fit together: two or more levels apart, or happiness fell
 * after the status was last set or confirmed.
 */
export const disagreements = ['levels_apart', 'happiness_fell'] as const
export type Disagreement = (typeof disagreements)[number]

/** One customer sub-account. */
export const account = z.object({
  locationId: z.string(),
  name: z.string(),
  group: z.enum(accountGroups),
  premium: z.boolean(),
  /** The Customer Success Manager who owns the account. */
  csm: z.object({ userId: z.string(), name: z.string(), email: z.string().nullable() }).nullable(),
  feedbackEnabled: z.boolean(),
  health: accountHealth,
  happiness: accountHappiness,
  disagreement: z.enum(disagreements).nullable(),
  /** Users of the account today. */
  users: z.number().int(),
  /** IANA zone, for example Europe/Berlin. */
  timezone: z.string().nullable(),
  /** The agency's own sub-account where its CSMs work; not a customer. */
  isSuccessLocation: z.boolean(),
  createdAt: instant,
  removedAt: instant.nullable(),
})
export type Account = z.output<typeof account>

/** A user of a customer's sub-account. */
export const accountUser = z.object({
  userId: z.string(),
  locationId: z.string(),
  name: z.string(),
  firstName: z.string().nullable(),
  lastName: z.string().nullable(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  role: z.enum(['admin', 'user']),
  /** When the user joined; null for people who were already there when the account was first mirrored. */
  joinedAt: instant.nullable(),
  removedAt: instant.nullable(),
})
export type AccountUser = z.output<typeof accountUser>

const sortFields = ['name', 'happiness', 'health', 'health_set', 'answered', 'users', 'created'] as const
const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** What narrows a list or a bulk action. */
export const accountFilter = z.strictObject({
  group: z.enum([...accountGroups, 'premium']).optional(),
  health: z.enum([...healthLevels, 'none']).optional(),
  happiness: z.enum([...happinessLevels, 'none']).optional(),
  /** User id of the CSM, or `none`. */
  csm: z.string().min(1).max(64).optional(),
  /** Part of the name. */
  q: z.string().trim().max(100).optional(),
  feedback: z.boolean().optional(),
  /** The status needs a look: nobody set or confirmed it for long. */
  stale: z.boolean().optional(),
  /** The status was changed in the CRM and its note is missing. */
  noteWanted: z.boolean().optional(),
  /** One kind of disagreement, or `any`. */
  disagreement: z.enum([...disagreements, 'any']).optional(),
  dissent: z.boolean().optional(),
})
export type AccountFilter = z.output<typeof accountFilter>

/** Query string of the list. `sort` is a field, with a leading minus for descending. */
export const accountQuery = accountFilter.extend({
  feedback: z.union([z.enum(['on', 'off']).transform((text) => text === 'on'), flag]).optional(),
  stale: flag.optional(),
  noteWanted: flag.optional(),
  dissent: flag.optional(),
  sort: z.enum([...sortFields, ...sortFields.map((field) => `-${field}` as const)]).default('name'),
  page: z.coerce.number().int().min(1).max(100_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
  /** Also list the agency's own success location. */
  includeSuccessLocation: flag.optional(),
})
export type AccountQuery = z.output<typeof accountQuery>

export const accountList = z.object({ items: z.array(account), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })
export type AccountList = z.output<typeof accountList>

export const accountUserList = z.object({ items: z.array(accountUser), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })

export const feedbackToggle = z.strictObject({ enabled: z.boolean() })

/** What can be done to many accounts at once. */
export const bulkActions = ['feedback_on', 'feedback_off', 'premium_on', 'premium_off', 'assign_csm', 'request_feedback', 'set_health', 'confirm_health'] as const
export type BulkAction = (typeof bulkActions)[number]

export const bulkRequest = z
  .strictObject({
    locationIds: z.array(z.string().min(1).max(64)).min(1).max(1_000).optional(),
    filter: accountFilter.optional(),
    action: z.enum(bulkActions),
    /** For `assign_csm`: the agency user, or null to take the owner away. */
    csmUserId: z.string().min(1).max(64).nullable().optional(),
    /** For `request_feedback`: only these users. */
    userIds: z.array(z.string().min(1).max(64)).max(200).optional(),
    /** For `request_feedback`: a sentence of one's own. For `set_health`: the note that all accounts share. */
    note: z.string().trim().max(1_000).optional(),
    /** For `set_health`. */
    level: z.enum(healthLevels).optional(),
    reasonCodes: z.array(z.string().min(1).max(40)).max(10).optional(),
    /** The same key is carried out once; a repeat gives the same answer. */
    idempotencyKey: z.string().min(8).max(100).optional(),
    /** For `assign_csm`: the rule that chose the owner, for the account's history. */
    rule: z.enum(['round_robin', 'least_loaded']).optional(),
    /** Most accounts to change in this request; the others are named in `left`. */
    limit: z.number().int().min(1).max(1_000).optional(),
  })
  .refine((body) => (body.locationIds === undefined) !== (body.filter === undefined), { path: ['locationIds'], message: 'give either locationIds or filter' })
  .refine((body) => body.action !== 'assign_csm' || body.csmUserId !== undefined, { path: ['csmUserId'], message: 'is needed for assign_csm: a user id, or null to take the owner away' })
  .refine((body) => body.action !== 'set_health' || body.level !== undefined, { path: ['level'], message: 'is needed for set_health: thriving, healthy, steady or struggling' })
export type BulkRequest = z.output<typeof bulkRequest>

/** One account's outcome. */
export const bulkResult = z.object({
  locationId: z.string(),
  ok: z.boolean(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})
export type BulkResult = z.output<typeof bulkResult>

export const bulkResponse = z.object({
  action: z.enum(bulkActions),
  done: z.number().int(),
  failed: z.number().int(),
  results: z.array(bulkResult),
  /** Not reached within the request's limit, or its 10 seconds, and unchanged: send them again as `locationIds`, at most 1,000 at a time. */
  left: z.array(z.string()),
})
