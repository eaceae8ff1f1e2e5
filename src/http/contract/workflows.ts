import { z } from 'zod'

/** Path of one workflow. */
export const workflowParams = z.object({ key: z.string().regex(/^[a-z][a-z0-9_]{1,59}$/, 'must be a workflow key') })
export const workflowVersionParams = workflowParams.extend({ version: z.coerce.number().int().min(0).max(1_000_000) })
export const runParams = z.object({ runId: z.string().min(1).max(64) })

const page = z.coerce.number().int().min(1).max(10_000).default(1)
const pageSize = z.coerce.number().int().min(1).max(100).default(25)
const id = z.string().min(1).max(64)

const named = z.string().trim().min(1).max(200)
const tagList = z.array(z.string().trim().min(1).max(80)).max(20)

/** Own values for one step; members that the step's kind does not have are refused. */
export const stepChange = z.strictObject({
  delayMinutes: z.number().int().min(0).max(366 * 24 * 60).optional(),
  dueHours: z.number().int().min(0).max(24 * 90).optional(),
  subject: z.string().trim().min(1).max(300).optional(),
  text: z.string().trim().min(1).max(10_000).optional(),
  html: z.string().trim().min(1).max(20_000).optional(),
  title: z.string().trim().min(1).max(300).optional(),
  body: z.string().trim().min(1).max(2_000).optional(),
  add: tagList.optional(),
  remove: tagList.optional(),
  fieldId: id.optional(),
  fieldName: named.optional(),
  value: z.string().min(1).max(2_000).optional(),
  pipelineId: id.optional(),
  pipelineName: named.optional(),
  stageId: id.optional(),
  stageName: named.optional(),
  workflowId: id.optional(),
  workflowName: named.optional(),
  url: z.string().trim().min(1).max(2_000).optional(),
  until: z.strictObject({ time: z.string().max(5), weekdays: z.array(z.number().int()).max(7).optional() }).optional(),
  businessHours: z.boolean().optional(),
})
export type StepChange = z.output<typeof stepChange>

/** Changes by step id; null puts a step back to the default. */
export const stepChanges = z.record(z.string().max(60), stepChange.nullable())

/** Words and delays of an agency's own. `copy` and `delayMinutes` mean the first message and the first wait; null puts a step back. */
export const workflowPatch = z
  .strictObject({
    copy: z.strictObject({ subject: stepChange.shape.subject, text: stepChange.shape.text, html: stepChange.shape.html }).optional(),
    delayMinutes: stepChange.shape.delayMinutes,
    steps: stepChanges.optional(),
    /** A published workflow goes on as it is; the changes wait until they are published. Of no meaning for one that is not published. */
    asDraft: z.boolean().optional(),
  })
  .refine(({ asDraft: _asDraft, ...patch }) => Object.values(patch).some((member) => member !== undefined), 'must change something: copy, delayMinutes or steps')
export type WorkflowPatch = z.output<typeof workflowPatch>

export const runsQuery = z.object({ page, pageSize, state: z.enum(['active', 'done', 'stopped', 'failed']).optional() })
/** Runs over all workflows. */
export const allRunsQuery = runsQuery.extend({ workflowKey: workflowParams.shape.key.optional(), locationId: id.optional(), userId: id.optional() })

/** Words of the first step that has any, as they are used now. */
const copyView = z.object({ subject: z.string().nullable(), text: z.string(), html: z.string().nullable() })

/** A step as the definition has it; see `GET /api/workflows/schema.json` for the members of every kind. */
const stepView = z.looseObject({ id: z.string(), kind: z.string() })

export const workflowStates = ['draft', 'published', 'paused', 'archived'] as const

export const workflowSummary = z.object({
  key: z.string(),
  /** Shipped with the product, or the agency's own: copied or imported. */
  origin: z.enum(['shipped', 'own']),
  /** Key of the workflow that an own one was copied from. */
  copyOf: z.string().nullable(),
  kind: z.enum(['follow_up', 'notification']),
  reading: z.string(),
  level: z.string().nullable(),
  name: z.string(),
  reason: z.string(),
  state: z.enum(workflowStates),
  /** One sentence for a banner, for example that a draft reaches nobody. */
  stateText: z.string(),
  version: z.number().int(),
  publishedAt: z.iso.datetime().nullable(),
  /** True if words or delays differ from the default: the shipped words, or those that an own workflow came with. */
  customised: z.boolean(),
  /** True if changes to a published workflow wait to be published. */
  hasDraft: z.boolean(),
  changedBy: z.string().nullable(),
  changedAt: z.iso.datetime().nullable(),
  /** Minutes until the first step that acts; null if there is no wait. */
  delayMinutes: z.number().int().nullable(),
  copy: copyView,
  /** Runs that began in the last 30 days. */
  last30Days: z.object({ started: z.number().int(), sent: z.number().int(), waiting: z.number().int(), stopped: z.number().int(), failed: z.number().int() }),
})
export type WorkflowSummary = z.output<typeof workflowSummary>

/** The agency's kill switch: paused means that no message leaves for any customer. */
export const sendingView = z.object({ paused: z.boolean() })
export const sendingChange = z.strictObject({ paused: z.boolean() })
export type SendingView = z.output<typeof sendingView>

export const workflowList = z.object({ items: z.array(workflowSummary), sending: sendingView, page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })
export type WorkflowList = z.output<typeof workflowList>

const memberValue = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.unknown()), z.looseObject({})])

export const workflowDetail = workflowSummary.extend({
  /** What runs if it is published. */
  steps: z.array(stepView),
  /** Changes that wait to be published; null if there are none. */
  draftSteps: z.array(stepView).nullable(),
  shippedSteps: z.array(stepView),
  /** What the agency changed, step by step and member by member; null where a side does not have it. Looks at the draft if there is one. */
  differences: z.array(z.object({ stepId: z.string(), member: z.string(), shipped: memberValue, own: memberValue })),
  /** Members that may be replaced, by step id. */
  replaceable: z.record(z.string(), z.array(z.string())),
  guards: z.looseObject({}),
  /** Runs under way on an older version, which they finish unless they are moved. */
  runningOnOlder: z.number().int(),
  /** Fields that words may use, each with what stands in for a missing value. */
  fields: z.array(z.object({ key: z.string(), label: z.string(), sample: z.string(), fallback: z.string() })),
  /** The words with sample values. */
  preview: z.object({ subject: z.string().nullable(), text: z.string(), html: z.string().nullable() }),
})
export type WorkflowDetail = z.output<typeof workflowDetail>

export const workflowCopy = z.strictObject({
  /** Left out: made from the name. */
  key: workflowParams.shape.key.optional(),
  name: z.string().trim().min(1).max(80),
})
export type WorkflowCopy = z.output<typeof workflowCopy>

export const movedRuns = z.object({
  /** Runs that go on with the newest version now. */
  moved: z.number().int(),
  /** Runs that stay on theirs: its steps are other ones. */
  kept: z.number().int(),
})
export type MovedRuns = z.output<typeof movedRuns>

export const versionsQuery = z.object({ page, pageSize })
export const versionSummary = z.object({
  /** 0 is the one it came with. */
  version: z.number().int(),
  createdAt: z.iso.datetime().nullable(),
  createdBy: z.string().nullable(),
  /** New runs use this one. */
  isCurrent: z.boolean(),
  /** Steps in which it differs from the one before. */
  changedSteps: z.array(z.string()),
})
export const versionList = z.object({ items: z.array(versionSummary), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })
export type VersionList = z.output<typeof versionList>
export const versionDetail = versionSummary.extend({ definition: z.looseObject({ key: z.string(), name: z.string(), steps: z.array(stepView) }) })
export type VersionDetail = z.output<typeof versionDetail>

/** Whose data to fill in, and words that are not saved yet. */
export const previewRequest = z.strictObject({ locationId: id, userId: id, steps: stepChanges.optional() })
export type PreviewRequest = z.output<typeof previewRequest>

const renderedStep = z.object({ stepId: z.string(), kind: z.string(), subject: z.string().nullable(), text: z.string(), html: z.string().nullable() })
export const previewView = z.object({
  person: z.object({ userId: z.string(), name: z.string().nullable(), email: z.string().nullable() }),
  accountName: z.string().nullable(),
  /** The fact that the words speak of: one that happened to this person, or a made-up one. */
  basis: z.enum(['event', 'sample']),
  steps: z.array(renderedStep),
  /** Fields for which this person has no value: what stands in for it is shown. */
  missing: z.array(z.string()),
})
export type PreviewView = z.output<typeof previewView>

/** A test goes to the person who is signed in, and to nobody else. Sample data if nobody is chosen. */
export const testRequest = z
  .strictObject({ stepId: z.string().max(60).optional(), locationId: id.optional(), userId: id.optional(), steps: stepChanges.optional() })
  .refine(({ locationId, userId }) => (locationId === undefined) === (userId === undefined), 'needs both locationId and userId, or neither')
export type TestRequest = z.output<typeof testRequest>
export const testSent = z.object({ to: z.string(), via: z.enum(['smtp', 'crm']), subject: z.string(), stepId: z.string() })
export type TestSent = z.output<typeof testSent>

export const dryRunRequest = z.strictObject({
  days: z.number().int().min(1).max(30).default(30),
  page: z.number().int().min(1).max(10_000).default(1),
  pageSize: z.number().int().min(1).max(100).default(25),
  outcome: z.enum(['would_receive', 'would_not', 'still_waiting']).optional(),
  steps: stepChanges.optional(),
})
export type DryRunRequest = z.output<typeof dryRunRequest>

export const dryRunEntry = z.object({
  /** The fact that would have started it. */
  eventKey: z.string(),
  eventAt: z.iso.datetime(),
  locationId: z.string().nullable(),
  accountName: z.string().nullable(),
  userId: z.string().nullable(),
  userName: z.string().nullable(),
  stepId: z.string().nullable(),
  kind: z.string().nullable(),
  /** `still_waiting`: due after now. */
  outcome: z.enum(['would_receive', 'would_not', 'still_waiting']),
  /** When it would have left, or when it was decided that it does not. */
  at: z.iso.datetime(),
  /** Why not, in a stable word; null where there is nothing to explain. */
  reason: z.string().nullable(),
  /** More about the reason: the condition's field, or the message that had the person's turn. */
  detail: z.string().nullable(),
  /** Subject or title as that person would have read it. */
  subject: z.string().nullable(),
})
export type DryRunEntry = z.output<typeof dryRunEntry>

export const dryRunView = z.object({
  fromAt: z.iso.datetime(),
  toAt: z.iso.datetime(),
  /** Events of the kinds that start it; those that its trigger does not mean are counted here and listed nowhere. */
  eventsSeen: z.number().int(),
  people: z.number().int(),
  wouldReceive: z.number().int(),
  wouldNot: z.number().int(),
  stillWaiting: z.number().int(),
  reasons: z.array(z.object({ reason: z.string(), count: z.number().int() })),
  /** True if there was more than one look may read; the newest part is left out. */
  truncated: z.boolean(),
  items: z.array(dryRunEntry),
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
})
export type DryRunView = z.output<typeof dryRunView>

export const runView = z.object({
  id: z.string(),
  workflowKey: z.string(),
  workflowName: z.string().nullable(),
  version: z.number().int(),
  state: z.enum(['active', 'done', 'stopped', 'failed']),
  /** Why it stopped, failed or waits; null where there is nothing to explain. */
  reason: z.string().nullable(),
  locationId: z.string().nullable(),
  accountName: z.string().nullable(),
  userId: z.string().nullable(),
  userName: z.string().nullable(),
  eventKey: z.string(),
  startedAt: z.iso.datetime(),
  nextAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
  steps: z.array(z.looseObject({ stepId: z.string(), kind: z.string(), at: z.iso.datetime(), outcome: z.string(), reason: z.string().nullable() })),
})
export type RunView = z.output<typeof runView>

export const runList = z.object({ items: z.array(runView), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })
export type RunList = z.output<typeof runList>

export const exportQuery = z.object({ keys: z.string().max(6_000).regex(/^[a-z0-9_,]+$/, 'must be workflow keys with commas between them').optional() })

/** The agency's workflows as one file. What a definition holds is checked against its own schema, see `GET /api/workflows/schema.json`. */
export const workflowFile = z.strictObject({
  format: z.literal('workflows'),
  formatVersion: z.literal(1),
  exportedAt: z.iso.datetime().optional(),
  workflows: z.array(z.strictObject({ definition: z.looseObject({}), state: z.enum(workflowStates).optional(), copyOf: z.string().max(60).nullable().optional() })).min(1).max(200),
})
export type WorkflowFile = z.output<typeof workflowFile>

export const importQuery = z.object({ checkOnly: z.enum(['true', 'false']).default('false').transform((value) => value === 'true') })
export const importResult = z.object({
  /** False if it was only looked at. */
  stored: z.boolean(),
  items: z.array(z.object({ key: z.string(), name: z.string(), change: z.enum(['new', 'changed', 'unchanged']) })),
})
export type ImportResult = z.output<typeof importResult>
