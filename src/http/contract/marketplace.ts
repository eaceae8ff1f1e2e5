import { z } from 'zod'

const instant = z.iso.datetime()

/** One of the app's triggers in one workflow. */
export const marketplaceSubscription = z.object({
  id: z.string(),
  triggerKey: z.string(),
  locationId: z.string(),
  workflowId: z.string(),
  filters: z.array(z.object({ field: z.string(), operator: z.string(), title: z.string().nullable(), value: z.unknown() })),
  /** Filters that never match, each with the fix. */
  problems: z.array(z.string()),
  /** `gone`: the CRM knew nothing of it any more when it was fired. */
  state: z.enum(['active', 'gone']),
  fired: z.number().int(),
  lastFiredAt: instant.nullable(),
  createdAt: instant,
})
export type MarketplaceSubscription = z.output<typeof marketplaceSubscription>

/** A call of a workflow that was refused. */
export const marketplaceRefusal = z.object({
  at: instant, kind: z.enum(['trigger', 'action']), key: z.string().nullable(), code: z.string(), message: z.string(), locationId: z.string().nullable(), workflowId: z.string().nullable(),
})
export type MarketplaceRefusal = z.output<typeof marketplaceRefusal>

export const marketplaceView = z.object({
  /** Name of the static header; its value is the operator's. */
  headerName: z.string(),
  triggers: z.array(z.object({ key: z.string(), name: z.string(), description: z.string() })),
  actions: z.array(z.object({ key: z.string(), name: z.string(), description: z.string() })),
  subscriptions: z.array(marketplaceSubscription),
  /** Newest first, of the last 30 days, at most 50. */
  refusals: z.array(marketplaceRefusal),
})
export type MarketplaceView = z.output<typeof marketplaceView>

export const marketplaceExecution = z.object({
  subscriptionId: z.string(),
  triggerKey: z.string(),
  locationId: z.string(),
  workflowId: z.string(),
  accountId: z.string(),
  /** `uncertain`: whether the workflow started is not known. */
  state: z.enum(['begun', 'accepted', 'refused', 'uncertain']),
  begunAt: instant,
  answeredAt: instant.nullable(),
  code: z.string().nullable(),
})
export type MarketplaceExecution = z.output<typeof marketplaceExecution>

export const marketplaceExecutions = z.object({ items: z.array(marketplaceExecution), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })

export const marketplaceExecutionsQuery = z.strictObject({
  page: z.coerce.number().int().min(1).max(10_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
})
