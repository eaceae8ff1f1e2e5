import { z } from 'zod'
import { domainEventTypes } from '../src/events/index.ts'

/** Parts of definitions that steps and the rest of the schema share. */

export const slug = z.string().regex(/^[a-z][a-z0-9_]{1,59}$/, 'must be lower-case letters, digits and underscores')
export const words = (max: number) => z.string().trim().min(1).max(max)
/** Source of a message template; checked against the merge fields by `templates.ts`. */
export const template = (max: number) => z.string().min(1).max(max)
export const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as HH:MM, for example 08:00')
/** From 1, Monday, to 7, Sunday. */
export const weekday = z.number().int().min(1).max(7)

/** The members that every step has. */
export const stepId = { id: slug }
/** Where a jump leads: a later step, or the end of the run. */
export const jumpTarget = z.union([z.literal('end'), slug])

/** A comparison of one catalogued field with fixed values; see `conditions.ts` for the fields. */
export const condition = z
  .strictObject({
    field: z.string().max(120).regex(/^([a-z][a-z_]*(\.[a-z][a-z_]*)+|contact\.field\.\S.*)$/, 'must be a field such as answer.level, or contact.field.Plan for a custom field'),
    is: z.enum(['one_of', 'none_of', 'at_least', 'at_most']),
    values: z.array(z.union([z.string().max(80), z.number(), z.boolean(), z.null()])).min(1).max(20),
  })
  .superRefine(({ is, values }, context) => {
    if (is !== 'at_least' && is !== 'at_most') return
    if (values.length !== 1 || typeof values[0] !== 'number') context.addIssue({ code: 'custom', path: ['values'], message: `${is} compares with exactly one number` })
  })
export type Condition = z.output<typeof condition>

/** When a workflow starts by itself, in the agency's zone: one run per account that its conditions fit. */
export const schedule = z
  .strictObject({
    every: z.enum(['day', 'week', 'month']),
    at: clockTime,
    weekday: weekday.optional(),
    day: z.number().int().min(1).max(28).optional(),
  })
  .superRefine(({ every, weekday: onWeekday, day }, context) => {
    if ((every === 'week') !== (onWeekday !== undefined)) context.addIssue({ code: 'custom', path: ['weekday'], message: 'belongs to a weekly schedule: 1 is Monday, 7 is Sunday' })
    if ((every === 'month') !== (day !== undefined)) context.addIssue({ code: 'custom', path: ['day'], message: 'belongs to a monthly schedule: a day from 1 to 28' })
  })
export type Schedule = z.output<typeof schedule>

/** What starts the workflow: one of the event types, or a schedule; and every comparison holds then. */
export const trigger = z
  .strictObject({ events: z.array(z.enum(domainEventTypes)).max(10), where: z.array(condition).max(10), schedule: schedule.optional() })
  .superRefine(({ events, schedule: given }, context) => {
    if (given === undefined && events.length === 0) context.addIssue({ code: 'custom', path: ['events'], message: 'name at least one event, or a schedule' })
    if (given !== undefined && events.length > 0) context.addIssue({ code: 'custom', path: ['events'], message: 'must be empty: a workflow on a schedule waits for no events' })
  })

/** Facts that end a run before its next step. */
export const exitReasons = ['recovery', 'level_changed', 'reply', 'opt_out', 'case_opened', 'uninstall'] as const
export type ExitReason = (typeof exitReasons)[number]

export const guards = z.strictObject({
  /** What counts as the same occasion: the answer (edits of it included) or each event by itself. */
  dedupe: z.enum(['answer', 'event']),
  /** Days in which a person gets at most one message, all follow-ups together: the agency's setting, or at least so many; null for none (team only). */
  capDays: z.union([z.literal('agency'), z.number().int().min(1).max(90)]).nullable(),
  exitOn: z.array(z.enum(exitReasons)),
  /** Never asks a favour of an account that waits for help. */
  noOpenCase: z.boolean(),
  /** Whether a person who is in it, or was, may enter it again by another fact. */
  reentry: z.enum(['always', 'after_end', 'once']),
  /** Days after a person entered in which they do not enter again. */
  cooldownDays: z.number().int().min(1).max(730).optional(),
})
export type Guards = z.output<typeof guards>
