import { z } from 'zod'
import { account } from './accounts.ts'

const instant = z.iso.datetime()

/** Why an account is on Today. */
export const actKinds = ['set_up', 'case', 'payment_failed', 'apart', 'fell', 'user_fell', 'step_failed', 'note_missing'] as const
export const staleKinds = ['stale', 'soon_stale', 'silent', 'absent', 'no_status'] as const
export const goodKinds = ['thriving', 'recovered', 'rose', 'health_rose', 'case_closed', 'first_answer'] as const
export type ActKind = (typeof actKinds)[number]
export type StaleKind = (typeof staleKinds)[number]
export type GoodKind = (typeof goodKinds)[number]

/** The one thing to do about a row. `ask_testimonial` is only offered where nothing speaks against it. */
export const todayActions = ['open_set_up', 'open_case', 'open_account', 'review_status', 'set_status', 'add_note', 'open_run', 'still_true', 'ask_testimonial'] as const
export type TodayAction = (typeof todayActions)[number]

export const todayRow = z.object({
  kind: z.enum([...actKinds, ...staleKinds, ...goodKinds]),
  /** Null for a row about the agency's set-up. */
  account: account.nullable(),
  /** One plain sentence. */
  reason: z.string(),
  since: instant.nullable(),
  /** When it is, or was, due; only for cases. */
  dueAt: instant.nullable(),
  action: z.enum(todayActions),
  /** Of the case, or of the run; null for all other actions. */
  targetId: z.string().nullable(),
  /** Further reasons for the same account. */
  more: z.number().int(),
})
export type TodayRow = z.output<typeof todayRow>

export const todayList = z.object({
  /** The most urgent first. */
  rows: z.array(todayRow),
  /** Accounts that belong here, one each however many reasons there are. */
  total: z.number().int(),
  /** There are more than were counted. */
  atLeast: z.boolean(),
})
export type TodayList = z.output<typeof todayList>

/** `csm`: `me`, `all`, or a user id. */
export const todayQuery = z.strictObject({
  csm: z.string().min(1).max(64).default('all'),
  /** Rows per list. */
  limit: z.coerce.number().int().min(1).max(50).default(25),
})

export const today = z.object({
  /** Whose accounts: a user id, or null for everybody's. */
  csm: z.string().nullable(),
  asOf: instant,
  /** The success location was chosen. */
  setUp: z.boolean(),
  /** Accounts of the person who asks, and of everybody. */
  accounts: z.object({ mine: z.number().int(), all: z.number().int() }),
  actNow: todayList,
  goingStale: todayList,
  goodNews: todayList,
})
export type Today = z.output<typeof today>
