import { z } from 'zod'
import { domainEventTypes } from '../src/events/index.ts'

/** Grows by one whenever an older definition would be read wrongly; older ones are then converted on import. */
export const definitionSchemaVersion = 1

const slug = z.string().regex(/^[a-z][a-z0-9_]{1,59}$/, 'must be lower-case letters, digits and underscores')
const words = (max: number) => z.string().trim().min(1).max(max)
/** Source of a message template; checked against the merge fields by `templates.ts`. */
const template = (max: number) => z.string().min(1).max(max)

/** Longest wait: a year, in minutes. */
export const maxDelayMinutes = 366 * 24 * 60

/** A comparison of one catalogued field with fixed values; see `conditions.ts` for the fields. */
export const condition = z.strictObject({
  field: z.string().regex(/^[a-z][a-z_]*(\.[a-z][a-z_]*)+$/, 'must be a field such as answer.level'),
  is: z.enum(['one_of', 'none_of']),
  values: z.array(z.union([z.string().max(80), z.boolean(), z.null()])).min(1).max(20),
})
export type Condition = z.output<typeof condition>

/** What starts the workflow: one of the event types, if every comparison holds for that event. */
export const trigger = z.strictObject({
  events: z.array(z.enum(domainEventTypes)).min(1).max(10),
  where: z.array(condition).max(10),
})

const stepId = { id: slug }

/** Waits; counted from the moment the step before it ended. */
export const waitStep = z.strictObject({ ...stepId, kind: z.literal('wait'), delayMinutes: z.number().int().min(0).max(maxDelayMinutes) })

/** One message to the customer's user, through the success location. `html` is escaped output, `text` is plain. */
export const messageStep = z.strictObject({
  ...stepId,
  kind: z.literal('message'),
  channel: z.enum(['email']),
  subject: template(300),
  text: template(10_000),
  html: template(20_000),
})

export const audiences = ['owner', 'everyone'] as const
export const notifyChannels = ['in_app', 'email'] as const

/** Tells the agency's team. `link` is a path of the workspace. */
export const notifyStep = z.strictObject({
  ...stepId,
  kind: z.literal('notify'),
  audience: z.enum(audiences),
  /** What a person's preferences call it. */
  topic: slug,
  channels: z.array(z.enum(notifyChannels)).min(1),
  title: template(300),
  body: template(2_000),
  link: z.enum(['account', 'case', 'setup', 'none']),
})

/** A task on the user's contact, for the account's owner if there is one. */
export const taskStep = z.strictObject({
  ...stepId,
  kind: z.literal('task'),
  title: template(300),
  body: template(2_000),
  dueHours: z.number().int().min(0).max(24 * 90),
})

export const step = z.discriminatedUnion('kind', [waitStep, messageStep, notifyStep, taskStep])
export type Step = z.output<typeof step>
export type MessageStep = z.output<typeof messageStep>
export type NotifyStep = z.output<typeof notifyStep>
export type TaskStep = z.output<typeof taskStep>

/** Facts that end a run before its next step. */
export const exitReasons = ['recovery', 'level_changed', 'reply', 'uninstall'] as const

export const guards = z.strictObject({
  /** What counts as the same occasion: the answer (edits of it included) or each event by itself. */
  dedupe: z.enum(['answer', 'event']),
  /** Days in which a person gets at most one message, all follow-ups together: the agency's setting, or at least so many; null for none (team only). */
  capDays: z.union([z.literal('agency'), z.number().int().min(1).max(90)]).nullable(),
  exitOn: z.array(z.enum(exitReasons)),
  /** Never asks a favour of an account that waits for help. */
  noOpenCase: z.boolean(),
})

/**
 * One workflow as data. Follow-ups write to the customer and ship as drafts; notifications tell the team and are on.
 * The same shape is stored as a version, exported and imported.
 */
export const workflowDefinition = z
  .strictObject({
    schemaVersion: z.literal(definitionSchemaVersion),
    key: slug,
    kind: z.enum(['follow_up', 'notification']),
    reading: z.enum(['happiness', 'health', 'account', 'agency']),
    /** Level that the follow-up belongs to, for grouping on the page. */
    level: z.string().max(20).nullable(),
    name: words(80),
    /** Why it exists and when it fires, in one or two sentences. */
    reason: words(300),
    trigger,
    conditions: z.array(condition).max(20),
    steps: z.array(step).min(1).max(20),
    guards,
  })
  .superRefine((definition, context) => {
    const ids = definition.steps.map((each) => each.id)
    for (const [index, id] of ids.entries()) {
      if (ids.indexOf(id) !== index) context.addIssue({ code: 'custom', path: ['steps', index, 'id'], message: `"${id}" is used by an earlier step` })
    }
    const writes = definition.steps.findIndex((each) => each.kind === 'message')
    if (definition.kind === 'notification' && writes >= 0) {
      context.addIssue({ code: 'custom', path: ['steps', writes], message: 'a notification tells the team; only a follow-up may write to customers' })
    }
    if (definition.kind === 'follow_up' && definition.guards.capDays === null) {
      context.addIssue({ code: 'custom', path: ['guards', 'capDays'], message: 'a follow-up needs the cap of one message per person' })
    }
  })
export type WorkflowDefinition = z.output<typeof workflowDefinition>
