import { z } from 'zod'
import { RequestError } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import { operationsView, queueItemList, queueNames, queueQuery, replayRequest, replayResult, requestLogList, type QueueName } from './contract/operations.ts'

/** The part of a queue that operators use. */
export interface OperatedQueue {
  list(query: { companyId: string; states?: readonly QueueItemState[]; page: number; pageSize: number }): Promise<{ items: unknown[]; total: number }>
  counts(companyId?: string): Promise<Record<QueueItemState, number>>
  replay(companyId: string, key: string): Promise<boolean>
}

type QueueItemState = NonNullable<z.infer<typeof queueQuery>['state']>

export interface OperationsDeps {
  queues: Record<QueueName, OperatedQueue>
  installation(companyId: string): Promise<{ status: 'pending' | 'active' | 'needs_reconnect' | 'uninstalled'; companyName: string | null; installedAt: Date | null } | null>
  budgets(companyId: string): Promise<unknown[]>
  requestLog(query: { companyId: string; page: number; pageSize: number }): Promise<unknown>
  /** Starts the pumps after a replay. */
  wakeAll(): void
}

/** What an agency admin sees of the machinery: deliveries, effects, dead letters with replay, quota, connection. */
export function operationsRoutes(deps: OperationsDeps): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/operations',
      access: 'agency_admin',
      summary: 'Connection, queues and quota use of the agency.',
      responses: { 200: { description: 'The state of the machinery', schema: operationsView } },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const [installation, budgets, ...counts] = await Promise.all([
          deps.installation(companyId),
          deps.budgets(companyId),
          ...queueNames.map((name) => deps.queues[name].counts(companyId)),
        ])
        return {
          status: 200,
          json: {
            connection: { status: installation?.status ?? null, companyName: installation?.companyName ?? null, installedAt: installation?.installedAt ?? null },
            queues: queueNames.map((name, index) => ({ name, counts: counts[index] })),
            budgets,
          },
        }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/operations/queues/:queue',
      access: 'agency_admin',
      summary: 'Items of one queue, newest first; `state=dead` are the dead letters.',
      params: z.object({ queue: z.enum(queueNames) }),
      query: queueQuery,
      responses: { 200: { description: 'One page of items', schema: queueItemList } },
      async handler(request) {
        const { page, pageSize, state } = request.query
        const { items, total } = await deps.queues[request.params.queue].list({ companyId: sessionOf(request).companyId, ...(state === undefined ? {} : { states: [state] }), page, pageSize })
        return { status: 200, json: { items, page, pageSize, total } }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/operations/replay',
      access: 'agency_admin',
      summary: 'Makes a dead or held item due again.',
      body: replayRequest,
      responses: { 200: { description: 'It is due now', schema: replayResult }, 404: { description: 'No dead or held item has this key' } },
      async handler(request) {
        const { queue, key } = request.body
        const replayed = await deps.queues[queue].replay(sessionOf(request).companyId, key)
        if (!replayed) throw new RequestError(404, 'not_found', 'No dead or waiting item has this key. It may have been replayed already.')
        deps.wakeAll()
        return { status: 200, json: { replayed } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/operations/requests',
      access: 'agency_admin',
      summary: 'Calls made to the CRM in the last seven days: ids and figures, never contents.',
      query: queueQuery.omit({ state: true }),
      responses: { 200: { description: 'One page of calls', schema: requestLogList } },
      async handler(request) {
        return { status: 200, json: await deps.requestLog({ companyId: sessionOf(request).companyId, ...request.query }) }
      },
    }),
  ]
}
