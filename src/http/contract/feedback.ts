import { z } from 'zod'
import { happinessLevels } from '../../kernel/levels.ts'
import { myDeed } from './deeds.ts'

const instant = z.iso.datetime()
const level = z.enum(happinessLevels, { error: `must be one of ${happinessLevels.join(', ')}` })
/** Longest comment that is accepted at all; an agency may allow less. */
const comment = z.string().trim().max(5_000)
const id = z.string().min(1).max(64)

/** Why a user is asked now. */
export const dueReasons = ['first_time', 'cycle_over', 'asked_again', 'requested'] as const
/** Why a user is not asked now. */
export const waitReasons = [
  'feedback_off',
  'agency_staff',
  'user_removed',
  'new_user',
  'account_churned',
  'case_open',
  'answered_recently',
  'asked_later',
  'closed_recently',
  'shown_today',
  'cycle_skipped',
] as const
export const promptReason = z.enum([...dueReasons, ...waitReasons])
export type PromptReason = z.output<typeof promptReason>

export const gateKeys = [
  'feedback_on',
  'account_user',
  'user_present',
  'not_new',
  'not_churned',
  'no_open_case',
  'cycle_over',
  'not_snoozed',
  'not_ignored',
] as const

/** One condition of a prompt. */
export const promptGate = z.object({
  key: z.enum(gateKeys),
  passed: z.boolean(),
  /** The reason that holds while the gate is closed. */
  reason: promptReason,
  /** When it opens, or since when it is closed; null where no time is involved. */
  at: instant.nullable(),
})
export type PromptGate = z.output<typeof promptGate>

/** Every sentence and colour that the widget shows: the agency's own. */
export const widgetCopy = z.object({
  language: z.string(),
  direction: z.enum(['ltr', 'rtl']),
  brand: z.object({ name: z.string(), teamName: z.string(), accentColour: z.string(), logoUrl: z.string().nullable() }),
  position: z.enum(['bottom_right', 'bottom_left']),
  theme: z.enum(['auto', 'light', 'dark']),
  levels: z.record(z.enum(happinessLevels), z.string()),
  button: z.string(),
  question: z.string(),
  hint: z.string(),
  later: z.string(),
  close: z.string(),
  saved: z.string(),
  change: z.string(),
  send: z.string(),
  skip: z.string(),
  thanks: z.string(),
  thanksNext: z.string(),
  laterThanks: z.string(),
  answerNow: z.string(),
  commentLabels: z.record(z.enum(happinessLevels), z.string()),
  offline: z.string(),
  refused: z.string(),
  retry: z.string(),
  maxCommentLength: z.number().int(),
})
export type WidgetCopy = z.output<typeof widgetCopy>

/** Every sentence of a customer's own page, in their language. */
export const cardWords = z.object({
  title: z.string(),
  noneTitle: z.string(),
  noneText: z.string(),
  noneClosed: z.string(),
  youTold: z.string(),
  answerNow: z.string(),
  notNow: z.string(),
  done: z.string(),
  earlier: z.string(),
  onlyYours: z.string(),
  earlierNone: z.string(),
  older: z.string(),
  deeds: z.string(),
  youSaid: z.string(),
  weDid: z.string(),
  contactTitle: z.string(),
  contact: z.string(),
  person: z.string(),
  nextTitle: z.string(),
  nextNow: z.string(),
  nextScheduled: z.string(),
  nextTalking: z.string(),
  nextOff: z.string(),
  failed: z.string(),
})
export type CardWords = z.output<typeof cardWords>

/** An answer as its user sees it. */
export const answerView = z.object({
  answerId: z.string(),
  level,
  comment: z.string().nullable(),
  at: instant,
  /** Until when the user may change it. */
  editableUntil: instant,
})
export type AnswerView = z.output<typeof answerView>

/** An answer that was just given. `did`: what the team did lately that the person has not seen, as sentences; after the answer, never beside the question. */
export const givenAnswer = answerView.extend({ did: z.array(z.string()) })

/** Answer of `GET /api/prompt`. */
export const promptView = z.object({
  /** False: the agency's master switch is off, and the widget removes everything it shows. */
  enabled: z.boolean().optional(),
  due: z.boolean(),
  reason: promptReason,
  /** When the user is asked next; now if due; null if it waits for a person. */
  nextAt: instant.nullable(),
  /** Names this invitation in its outcome; null when not due. */
  promptId: z.string().nullable(),
  /** Whether the feedback button is shown at all. */
  button: z.boolean(),
  /** The user's newest answer while it can still be changed. */
  answer: answerView.nullable(),
  /** null when neither button nor prompt is shown. */
  copy: widgetCopy.nullable(),
})
export type PromptView = z.output<typeof promptView>

/** When a customer's user is asked next. `now`: at the next visit; `scheduled`: at a time; `talking`: not before the team has come back to them; `off`: not at all. */
export const nextAsks = ['now', 'scheduled', 'talking', 'off'] as const
export type NextAsk = (typeof nextAsks)[number]

export const myFeedbackQuery = z.strictObject({
  page: z.coerce.number().int().min(1).max(1_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(50).default(10),
})

/** What a customer's user may see about their own feedback: their words and who reads them, nothing that the team concludes. */
export const myFeedback = z.object({
  /** Their own answers, newest first. */
  answers: z.object({ items: z.array(answerView), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() }),
  /** What the team did about what was said, newest first. */
  deeds: z.array(myDeed),
  next: z.object({ at: instant.nullable(), reason: z.enum(nextAsks) }),
  team: z.object({ name: z.string(), contactName: z.string().nullable() }),
  /** Whether an answer would be taken now. */
  canAnswer: z.boolean(),
  copy: widgetCopy,
  /** What the page says beside the copy, in the same language. */
  words: cardWords,
})
export type MyFeedback = z.output<typeof myFeedback>

export const promptOutcome = z.strictObject({
  outcome: z.enum(['shown', 'later', 'closed']),
  /** The prompt as it was given; left out, it is the one that is shown or due now. */
  promptId: id.optional(),
})
export type PromptOutcome = z.output<typeof promptOutcome>
export const promptOutcomeView = z.object({ recorded: z.boolean(), nextAt: instant.nullable() })

/** How an answer came in. `widget`: asked by a prompt; `button`: unasked; `link`: one-tap link. */
export const answerSources = ['widget', 'button', 'link'] as const
export type AnswerSource = (typeof answerSources)[number]

export const newAnswer = z.strictObject({
  level,
  comment: comment.optional(),
  /** Chosen by the client; the same key is the same answer. */
  idempotencyKey: z.string().trim().min(8, 'must be 8 to 128 characters, unique per answer; a UUID will do').max(128),
  source: z.enum(['widget', 'button']).optional(),
})

export const answerChange = z
  .strictObject({ level: level.optional(), comment: comment.nullable().optional() })
  .refine((body) => body.level !== undefined || body.comment !== undefined, { path: ['level'], message: 'give a level, a comment or both' })
export type AnswerChange = z.output<typeof answerChange>

export const answerParams = z.object({ id })
export const accountParams = z.object({ locationId: id })
export const accountUserParams = z.object({ locationId: id, userId: id })

/** One line of what a user saw and said, newest first. */
export const promptHistoryEntry = z.object({
  at: instant,
  kind: z.enum(['answered', 'shown', 'later', 'closed']),
  level: level.nullable(),
  source: z.enum(answerSources).nullable(),
})

/** Why a user was, or was not, asked. */
export const promptInspection = z.object({
  user: z.object({ userId: z.string(), name: z.string() }),
  checkedAt: instant,
  timezone: z.string(),
  due: z.boolean(),
  reason: promptReason,
  nextAt: instant.nullable(),
  /** When the user's clock alone would ask, whatever else stands in the way. */
  clockDueAt: instant.nullable(),
  /** The open Not Happy case that holds prompts back. */
  openCaseId: z.string().nullable(),
  /** The question that this person reads, in the agency's language; null when they see neither button nor prompt. */
  question: z.string().nullable(),
  gates: z.array(promptGate.extend({ label: z.string() })),
  history: z.array(promptHistoryEntry),
})
export type PromptInspection = z.output<typeof promptInspection>

export const feedbackRequest = z.strictObject({
  /** Only these users; all of the account's users if left out. */
  userIds: z.array(id).min(1).max(200).optional(),
  /** Why, for the timeline. */
  note: z.string().trim().max(500).optional(),
})
export type FeedbackRequest = z.output<typeof feedbackRequest>

export const feedbackRequestResult = z.object({
  locationId: z.string(),
  requested: z.array(z.string()),
  skipped: z.array(z.object({ userId: z.string(), reason: promptReason })),
})
export type FeedbackRequestResult = z.output<typeof feedbackRequestResult>

export const linkParams = z.object({ token: z.string().min(1).max(600) })
export const linkQuery = z.object({ l: z.string().max(20).optional() })
export const linkAnswer = z.object({ level: z.string().max(20).optional(), comment: z.string().trim().max(5_000).optional() })

/** Points of an account: the ledger of answers. */
export const scoreEntry = z.object({
  id: z.string(),
  at: instant,
  userId: z.string().nullable(),
  kind: z.string(),
  points: z.number(),
  note: z.string(),
})
export const scoresQuery = z.object({
  userId: id.optional(),
  page: z.coerce.number().int().min(1).max(100_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
})
export const accountScores = z.object({
  total: z.number(),
  byUser: z.array(z.object({ userId: z.string().nullable(), total: z.number() })),
  entries: z.object({ items: z.array(scoreEntry), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() }),
})
export type AccountScores = z.output<typeof accountScores>
