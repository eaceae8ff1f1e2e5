import { z } from 'zod'

/** The durable records between the rooms, as operators name them. */
export const queueNames = ['deliveries', 'answers', 'events', 'effects', 'workflow_steps', 'webhooks', 'marketplace'] as const
export type QueueName = (typeof queueNames)[number]

/** What an operator may look for; finished work is not listed. */
export const unfinishedStates = ['waiting', 'held', 'dead'] as const

/** One piece of unfinished work, without its data. */
export const queueItem = z.object({
  /** Give this to replay. */
  key: z.string(),
  /** For effects: contact, card or message. */
  kind: z.string().nullable(),
  /** As the queue names it. */
  state: z.string(),
  attempts: z.number().nullable(),
  dueAt: z.coerce.date(),
  /** Why it is held. */
  reason: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})
export type QueueItemView = z.infer<typeof queueItem>

export const queueItemList = z.object({ items: z.array(queueItem), page: z.number(), pageSize: z.number(), total: z.number() })

/** Unfinished items per state of one queue. */
export const queueSummary = z.object({ name: z.enum(queueNames), waiting: z.number(), held: z.number(), dead: z.number() })

/** One event that the CRM sent, without what it holds. */
export const deliveryView = z.object({
  key: z.string(),
  /** As the CRM names it. */
  type: z.string(),
  locationId: z.string().nullable(),
  /** By the CRM's clock. */
  occurredAt: z.coerce.date(),
  receivedAt: z.coerce.date(),
  state: z.enum(['pending', 'leased', 'held', 'done', 'ignored', 'dead']),
  attempts: z.number(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})
export type DeliveryView = z.infer<typeof deliveryView>

/** How the connection to the CRM is. */
export const connectionView = z.object({
  status: z.enum(['pending', 'active', 'needs_reconnect', 'uninstalled']).nullable(),
  companyName: z.string().nullable(),
  installedAt: z.coerce.date().nullable(),
})

export const budgetView = z.object({
  /** null: the agency itself. */
  locationId: z.string().nullable(),
  usedInWindow: z.number(),
  maxPerWindow: z.number(),
  usedToday: z.number(),
  dailyRemaining: z.number().nullable(),
  pausedUntil: z.coerce.date().nullable(),
})

export const operationsView = z.object({ connection: connectionView, queues: z.array(queueSummary), budgets: z.array(budgetView) })

export const requestLogList = z.object({
  items: z.array(
    z.object({
      at: z.coerce.date(),
      locationId: z.string().nullable(),
      method: z.string(),
      path: z.string(),
      status: z.number(),
      failure: z.string().nullable(),
      timeMs: z.number(),
      attempt: z.number(),
      priority: z.string(),
    }),
  ),
  page: z.number(),
  pageSize: z.number(),
  total: z.number(),
})

export const queueQuery = z.object({
  state: z.enum(unfinishedStates).optional(),
  page: z.coerce.number().int().min(1).max(100_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
})

export const replayRequest = z.strictObject({ queue: z.enum(queueNames), key: z.string().min(1).max(300) })
export const replayResult = z.object({ replayed: z.boolean() })

export type OperationsView = z.infer<typeof operationsView>
export type QueueItemList = z.infer<typeof queueItemList>
export type RequestLogList = z.infer<typeof requestLogList>
