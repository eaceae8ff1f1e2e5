import { z } from 'zod'
import { happinessLevels, healthLevels } from '../../kernel/levels.ts'
import { account, accountGroups, disagreements } from './accounts.ts'

const instant = z.iso.datetime()
const day = z.iso.date()
const paging = {
  page: z.coerce.number().int().min(1).max(100_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
}
const format = z.enum(['json', 'csv']).default('json')

/** What narrows a report; printed on every answer and export, so that two people who look at one figure know that it is the same. */
export const reportFilter = z.strictObject({
  group: z.enum([...accountGroups, 'premium']).optional(),
  /** User id of the CSM, or `none`. */
  csm: z.string().min(1).max(64).optional(),
})
export type ReportFilter = z.output<typeof reportFilter>
export const filterEcho = z.object({ group: z.string().nullable(), csm: z.string().nullable() })
/** For figures of the past that are narrowed: whose accounts they are made of. Null if they are not narrowed. */
const assignment = z.string().nullable()

/** A share with its 95 % range; null under five people, where counts say more. */
export const share = z.object({ count: z.number().int(), of: z.number().int(), value: z.number().nullable(), low: z.number().nullable(), high: z.number().nullable() })
export type Share = z.output<typeof share>

/** How many accounts have each pair of readings; `null` is no current reading. */
export const gridQuery = reportFilter.extend({ format })
export const gridReport = z.object({
  filter: filterEcho,
  asOf: instant,
  total: z.number().int(),
  /** All 25 cells, also empty ones: health from thriving to none, happiness from not_happy to none. */
  cells: z.array(
    z.object({
      health: z.enum(healthLevels).nullable(),
      happiness: z.enum(happinessLevels).nullable(),
      count: z.number().int(),
      /** Two or more levels apart. */
      apart: z.boolean(),
    }),
  ),
})
export type GridReport = z.output<typeof gridReport>

/** Accounts whose readings do not fit together, the widest apart and then the longest first. */
export const disagreementQuery = reportFilter.extend({ kind: z.enum(disagreements).optional(), ...paging, format })
export const disagreementReport = z.object({
  filter: filterEcho,
  asOf: instant,
  items: z.array(z.object({ account, kind: z.enum(disagreements), levelsApart: z.number().int(), since: instant.nullable(), reason: z.string() })),
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
})

/** Accounts per level at the end of each week or month; `counts: null` where nothing is known of that time: a gap, not a zero. */
export const distributionQuery = reportFilter.extend({
  reading: z.enum(['health', 'happiness']),
  from: day.optional(),
  to: day.optional(),
  step: z.enum(['day', 'week', 'month']).default('week'),
  format,
})
export const distributionReport = z.object({
  filter: filterEcho,
  asOf: instant,
  assignment,
  reading: z.enum(['health', 'happiness']),
  step: z.enum(['day', 'week', 'month']),
  points: z.array(z.object({ on: day, counts: z.record(z.string(), z.number().int()).nullable(), total: z.number().int().nullable() })),
})

/** One account's levels over time. */
export const levelHistoryQuery = z.strictObject({ reading: z.enum(['health', 'happiness']), from: day.optional(), to: day.optional(), format })
export const levelHistory = z.object({
  reading: z.enum(['health', 'happiness']),
  from: day,
  to: day,
  /** Back to back; `level: null` is a time without a reading. */
  segments: z.array(z.object({ level: z.string().nullable(), from: instant, to: instant })),
})
export type LevelHistory = z.output<typeof levelHistory>

const countsOf = <Level extends string>(levels: readonly [Level, ...Level[]]) => z.record(z.enum([...levels, 'none']), z.number().int())
/** The accounts of each owner, by both readings; churned ones only if the filter asks for them. */
export const bookQuery = reportFilter.extend({ format })
export const bookReport = z.object({
  filter: filterEcho,
  asOf: instant,
  /** The largest book first; accounts without an owner last. */
  items: z.array(
    z.object({
      /** Null: the accounts that nobody owns. */
      csm: z.object({ userId: z.string(), name: z.string() }).nullable(),
      accounts: z.number().int(),
      health: countsOf(healthLevels),
      happiness: countsOf(happinessLevels),
      /** Accounts whose readings are two or more levels apart. */
      apart: z.number().int(),
      /** Users with a valid answer, of those who can be asked. */
      answered: share,
    }),
  ),
})

export type BookReport = z.output<typeof bookReport>

/** Several accounts' Happiness Levels, as the line in their row shows them. Ids that are not the agency's are left out of the answer. */
export const sparklineQuery = z.strictObject({ accounts: z.string().max(6_500).transform((text) => text.split(',')).pipe(z.array(z.string().min(1).max(64)).min(1).max(100)) })
export const sparklineReport = z.object({
  asOf: instant,
  /** The instants of the levels, oldest first: the ends of the last five months (UTC), and now. */
  instants: z.array(instant),
  /** One level per instant; null where nobody's answer counted. */
  items: z.array(z.object({ locationId: z.string(), levels: z.array(z.enum(happinessLevels).nullable()) })),
})
export type SparklineReport = z.output<typeof sparklineReport>

/** What became of the prompts of each cycle, by the month in which they were due. Users are counted, not displays. */
export const responseQuery = reportFilter.extend({ from: day.optional(), to: day.optional(), format })
export const responseReport = z.object({
  filter: filterEcho,
  asOf: instant,
  assignment,
  cycles: z.array(
    z.object({
      /** First day of the cycle. */
      from: day,
      to: day,
      eligible: z.number().int(),
      due: z.number().int(),
      shown: z.number().int(),
      answered: z.number().int(),
      snoozed: z.number().int(),
      closed: z.number().int(),
      ignored: z.number().int(),
      commented: z.number().int(),
      /** Answers that nobody asked for: button and one-tap links; in neither share. */
      selfInitiated: z.number().int(),
      /** Answered of eligible users. */
      participation: share,
      /** Answered of users who were shown the prompt. */
      promptResponse: share,
    }),
  ),
})

/** Accounts in order of happiness, shrunk towards the agency's mean where few people answered. Their labels are never shrunk. */
export const rankingQuery = reportFilter.extend({ order: z.enum(['top', 'bottom']).default('bottom'), ...paging, format })
export const rankingReport = z.object({
  filter: filterEcho,
  asOf: instant,
  mean: z.number().nullable(),
  items: z.array(z.object({ rank: z.number().int(), account, score: z.number(), shrunkScore: z.number(), users: z.number().int() })),
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
})

/** How sure a reading is. */
export const confidenceWords = ['certain', 'high', 'medium', 'low'] as const
export const accountConfidence = z.object({
  /** Null without a reading. */
  word: z.enum(confidenceWords).nullable(),
  answered: z.number().int(),
  eligible: z.number().int(),
  medianAgeDays: z.number().nullable(),
  /** The whole account's mean lies between these, whatever those say who did not answer. */
  bounds: z.object({ low: z.number(), high: z.number(), lowLevel: z.enum(happinessLevels), highLevel: z.enum(happinessLevels) }).nullable(),
  /** One plain sentence. */
  says: z.string(),
})
export type AccountConfidence = z.output<typeof accountConfidence>

/** What needs somebody now. */
export const alertKinds = ['user_fell', 'account_changed', 'silence'] as const
export const alertQuery = reportFilter.extend({ kind: z.enum(alertKinds).optional(), ...paging, format })
export const alertReport = z.object({
  filter: filterEcho,
  asOf: instant,
  items: z.array(
    z.object({
      kind: z.enum(alertKinds),
      at: instant,
      locationId: z.string(),
      accountName: z.string(),
      userId: z.string().nullable(),
      userName: z.string().nullable(),
      /** One plain sentence. */
      reason: z.string(),
      link: z.string(),
    }),
  ),
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
})
