import { z } from 'zod'

/** Path of one workflow. */
export const workflowParams = z.object({ key: z.string().regex(/^[a-z][a-z0-9_]{1,59}$/, 'must be a workflow key') })

/** Own values for one step; members that the step's kind does not have are refused. */
export const stepChange = z.strictObject({
  delayMinutes: z.number().int().min(0).max(366 * 24 * 60).optional(),
  dueHours: z.number().int().min(0).max(24 * 90).optional(),
  subject: z.string().trim().min(1).max(300).optional(),
  text: z.string().trim().min(1).max(10_000).optional(),
  html: z.string().trim().min(1).max(20_000).optional(),
  title: z.string().trim().min(1).max(300).optional(),
  body: z.string().trim().min(1).max(2_000).optional(),
})
export type StepChange = z.output<typeof stepChange>

/** Words and delays of an agency's own. `copy` and `delayMinutes` mean the first message and the first wait; null puts a step back. */
export const workflowPatch = z
  .strictObject({
    copy: z.strictObject({ subject: stepChange.shape.subject, text: stepChange.shape.text, html: stepChange.shape.html }).optional(),
    delayMinutes: stepChange.shape.delayMinutes,
    steps: z.record(z.string().max(60), stepChange.nullable()).optional(),
  })
  .refine((patch) => Object.values(patch).some((member) => member !== undefined), 'must change something: copy, delayMinutes or steps')
export type WorkflowPatch = z.output<typeof workflowPatch>

export const runsQuery = z.object({
  page: z.coerce.number().int().min(1).max(10_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(100).default(25),
  state: z.enum(['active', 'done', 'stopped', 'failed']).optional(),
})

/** Words of the first step that has any, as they are used now. */
const copyView = z.object({ subject: z.string().nullable(), text: z.string(), html: z.string().nullable() })

/** A step as the published schema of definitions describes it. */
const stepView = z.looseObject({ id: z.string(), kind: z.string() })

export const workflowSummary = z.object({
  key: z.string(),
  kind: z.enum(['follow_up', 'notification']),
  reading: z.string(),
  level: z.string().nullable(),
  name: z.string(),
  reason: z.string(),
  state: z.enum(['draft', 'published', 'paused']),
  /** One sentence for a banner, for example that a draft reaches nobody. */
  stateText: z.string(),
  version: z.number().int(),
  publishedAt: z.iso.datetime().nullable(),
  /** True if words or delays differ from the shipped ones. */
  customised: z.boolean(),
  changedBy: z.string().nullable(),
  changedAt: z.iso.datetime().nullable(),
  /** Minutes until the first step that acts; null if there is no wait. */
  delayMinutes: z.number().int().nullable(),
  copy: copyView,
  /** Runs that began in the last 30 days. */
  last30Days: z.object({ started: z.number().int(), sent: z.number().int(), waiting: z.number().int(), stopped: z.number().int(), failed: z.number().int() }),
})
export type WorkflowSummary = z.output<typeof workflowSummary>

export const workflowList = z.object({ items: z.array(workflowSummary), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })

export const workflowDetail = workflowSummary.extend({
  steps: z.array(stepView),
  shippedSteps: z.array(stepView),
  guards: z.looseObject({}),
  /** Fields that words may use, each with what stands in for a missing value. */
  fields: z.array(z.object({ key: z.string(), label: z.string(), sample: z.string(), fallback: z.string() })),
  /** The words with sample values. */
  preview: z.object({ subject: z.string().nullable(), text: z.string(), html: z.string().nullable() }),
})
export type WorkflowDetail = z.output<typeof workflowDetail>

export const runView = z.object({
  id: z.string(),
  workflowKey: z.string(),
  version: z.number().int(),
  state: z.enum(['active', 'done', 'stopped', 'failed']),
  /** Why it stopped, failed or waits; null where there is nothing to explain. */
  reason: z.string().nullable(),
  locationId: z.string().nullable(),
  userId: z.string().nullable(),
  eventKey: z.string(),
  startedAt: z.iso.datetime(),
  nextAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
  steps: z.array(z.object({ stepId: z.string(), kind: z.string(), at: z.iso.datetime(), outcome: z.string(), reason: z.string().nullable() })),
})
export type RunView = z.output<typeof runView>

export const runList = z.object({ items: z.array(runView), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })
