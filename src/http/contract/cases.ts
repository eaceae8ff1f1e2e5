import { z } from 'zod'
import { deedWords } from './deeds.ts'

const instant = z.iso.datetime()
const id = z.string().min(1).max(64)

/** How a person closed a case. `withdrawn`: the customer changed the answer within minutes. */
export const caseOutcomes = ['resolved', 'explained', 'compensated', 'unreachable', 'no_action', 'withdrawn'] as const
export type CaseOutcome = (typeof caseOutcomes)[number]
/** Outcomes that a person may choose. */
export const closingOutcomes = ['resolved', 'explained', 'compensated', 'unreachable', 'no_action'] as const

/** A Not Happy answer that somebody on the team must take care of. */
export const caseView = z.object({
  caseId: z.string(),
  locationId: z.string(),
  accountName: z.string(),
  userId: z.string(),
  userName: z.string(),
  state: z.enum(['open', 'closed']),
  owner: z.object({ userId: z.string(), name: z.string() }).nullable(),
  openedAt: instant,
  dueAt: instant,
  overdue: z.boolean(),
  /** How often the leads were told since it became overdue, and when they are next; null → not any more, or not yet. */
  escalations: z.number().int(),
  escalateAt: instant.nullable(),
  /** Who takes care of it, and until when nobody else is told. */
  acknowledged: z.object({ userId: z.string(), name: z.string(), at: instant, untilAt: instant }).nullable(),
  /** Newest comment among the case's answers. */
  comment: z.string().nullable(),
  /** Not Happy answers in this case, oldest first. */
  answers: z.array(z.object({ answerId: z.string(), at: instant, comment: z.string().nullable() })),
  outcome: z.enum(caseOutcomes).nullable(),
  note: z.string().nullable(),
  closedAt: instant.nullable(),
  closedBy: z.object({ userId: z.string().nullable(), name: z.string().nullable() }).nullable(),
})
export type CaseView = z.output<typeof caseView>

const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

export const caseQuery = z.object({
  state: z.enum(['open', 'closed']).optional(),
  /** User id of the owner, `me`, or `none`. */
  owner: id.optional(),
  overdue: flag.optional(),
  locationId: id.optional(),
  page: z.coerce.number().int().min(1).max(100_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
})
export type CaseQuery = z.output<typeof caseQuery>

export const caseList = z.object({ items: z.array(caseView), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })
export type CaseList = z.output<typeof caseList>

export const caseParams = z.object({ id })

export const caseClosing = z.strictObject({
  outcome: z.enum(closingOutcomes, { error: `must be one of ${closingOutcomes.join(', ')}` }),
  note: z.string().trim().min(1, 'say in a sentence what was done').max(2_000),
  /** What was done about it in words for the customer, who reads them only with `shown`. */
  did: deedWords.optional(),
})
export type CaseClosing = z.output<typeof caseClosing>

export const caseAssignment = z.strictObject({
  /** An agency user; null gives the case to everyone. */
  userId: id.nullable(),
})

/** For how many hours nobody else is told that the case is overdue. */
export const caseAcknowledgement = z.strictObject({ hours: z.number().int().min(1).max(168).default(24) })
