import { z } from 'zod'

/** An id that HighLevel made; never an operator, a path or a document. */
const id = z.string({ error: 'must be the id that the workflow service gives' }).regex(/^[\w.:-]{1,100}$/, 'must be an id of letters, digits, - and _')
const scalar = z.union([z.string().max(500), z.number(), z.boolean()])
/** Choices may come with their label. */
const filterValue = z.union([scalar, z.null(), z.object({ value: z.string().max(500) }), z.array(z.union([scalar, z.object({ value: z.string().max(500) })])).max(100)], { error: 'must be a text, a number, yes or no, or a list of those' })

const filter = z.object({
  field: z.string().min(1).max(100),
  operator: z.string().max(60).default('=='),
  title: z.string().max(200).nullish(),
  value: filterValue.optional(),
})

/** A trigger was put into a workflow, changed there, or taken out. Members that are not named here are let pass: HighLevel may add some. */
export const subscriptionBody = z.object({
  triggerData: z.object({
    id,
    key: z.string().min(1).max(100),
    filters: z.array(filter).max(50).default([]),
    eventType: z.enum(['CREATED', 'UPDATED', 'DELETED'], { error: 'must be CREATED, UPDATED or DELETED' }),
    targetUrl: z.string().max(2_000).optional(),
  }),
  meta: z.object({ key: z.string().max(100).optional(), version: z.string().max(40).nullish(), appId: id.nullish() }).optional(),
  extras: z.object({ locationId: id, workflowId: id, companyId: id.nullish(), appId: id.nullish() }),
  appId: id.nullish(),
  /** Not documented; where it is there it tells which of two events is newer. */
  timestamp: z.unknown().optional(),
})

/** An event about one trigger of a workflow. */
export interface SubscriptionEvent {
  kind: 'CREATED' | 'UPDATED' | 'DELETED'
  triggerId: string
  workflowId: string
  locationId: string
  companyId: string | null
  appId: string | null
  key: string
  filters: { field: string; operator: string; title: string | null; value: unknown }[]
  targetUrl: string | null
  version: string | null
  at: Date | null
}

export function subscriptionEventOf(body: z.output<typeof subscriptionBody>): SubscriptionEvent {
  const { triggerData, meta, extras, timestamp } = body
  return {
    kind: triggerData.eventType, triggerId: triggerData.id, key: triggerData.key, targetUrl: triggerData.targetUrl ?? null,
    filters: triggerData.filters.map(({ field, operator, title, value }) => ({ field, operator, title: title ?? null, value: value ?? null })),
    workflowId: extras.workflowId, locationId: extras.locationId, companyId: extras.companyId ?? null,
    appId: body.appId ?? meta?.appId ?? extras.appId ?? null,
    version: meta?.version ?? null,
    at: instantOf(timestamp),
  }
}

/** An instant in either of the ways that HighLevel writes them; null for anything else. */
function instantOf(value: unknown): Date | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const at = new Date(value)
  return Number.isNaN(at.getTime()) ? null : at
}

const branch = z.object({ id, name: z.string().max(200).default(''), fields: z.record(z.string(), z.unknown()).default({}) })

/** One run of an action for one contact. */
export const actionBody = z.object({
  data: z.looseObject({ branches: z.array(branch).max(100).optional() }).default({}),
  extras: z.object({ locationId: id, contactId: id, workflowId: id, companyId: id.nullish(), appId: id.nullish() }),
  meta: z.object({ key: z.string().max(100).optional(), version: z.string().max(40).nullish(), appId: id.nullish() }).optional(),
})
export type ActionCall = z.output<typeof actionBody>
export type Branch = z.output<typeof branch>

/** Asked while somebody sets up a step: no contact is known. */
export const dynamicBody = z.object({
  data: z.looseObject({}).default({}),
  extras: z.object({ locationId: id, companyId: id.nullish(), appId: id.nullish() }),
})

export const keyParams = z.strictObject({ key: z.string().min(1).max(60) })

const option = z.object({ label: z.string(), value: z.string() })
const dynamicField = z.object({ field: z.string(), title: z.string(), fieldType: z.string(), required: z.boolean(), options: z.array(option) })
export const filtersAnswer = z.object({ filters: z.array(dynamicField) })
export const inputsAnswer = z.object({ inputs: z.array(z.object({ section: z.string(), fields: z.array(dynamicField) })) })
export const subscriptionAnswer = z.object({ outcome: z.enum(['created', 'updated', 'deleted', 'unchanged', 'overtaken']), problems: z.array(z.string()) })
/** Members as the action declares them. */
export const actionAnswer = z.record(z.string(), z.unknown())
