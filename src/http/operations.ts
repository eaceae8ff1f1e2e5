import { z } from 'zod'
import { notFound, RequestError } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import {
  deliveryView, operationsView, queueItemList, queueNames, queueQuery, replayRequest, replayResult, requestLogList, type DeliveryView, type QueueItemView, type QueueName, type unfinishedStates,
} from './contract/operations.ts'

/** The part of a queue that operators use. */
export interface OperatedQueue {
  list(query: { companyId: string; state?: UnfinishedState; page: number; pageSize: number }): Promise<{ items: QueueItemView[]; total: number }>
  counts(companyId?: string): Promise<Record<UnfinishedState, number>>
  replay(companyId: string, key: string): Promise<boolean>
}

export type UnfinishedState = (typeof unfinishedStates)[number]

export interface OperationsDeps {
  queues: Record<QueueName, OperatedQueue>
  installation(companyId: string): Promise<{ status: 'pending' | 'active' | 'needs_reconnect' | 'uninstalled'; companyName: string | null; installedAt: Date | null } | null>
  budgets(companyId: string): Promise<unknown[]>
  requestLog(query: { companyId: string; page: number; pageSize: number }): Promise<unknown>
  /** One received event, without what it holds. */
  delivery(companyId: string, key: string): Promise<DeliveryView | null>
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
            queues: queueNames.map((name, index) => ({ name, ...counts[index] })),
            budgets,
          },
        }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/operations/queues/:queue',
      access: 'agency_admin',
      summary: 'Unfinished items of one queue; `state=dead` are the dead letters.',
      params: z.object({ queue: z.enum(queueNames) }),
      query: queueQuery,
      responses: { 200: { description: 'One page of items', schema: queueItemList } },
      async handler(request) {
        const { page, pageSize, state } = request.query
        const { items, total } = await deps.queues[request.params.queue].list({ companyId: sessionOf(request).companyId, ...(state === undefined ? {} : { state }), page, pageSize })
        return { status: 200, json: { items, page, pageSize, total } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/deliveries/:key',
      access: 'agency',
      summary: 'One event that the CRM sent: what it was about and how it went; where an entry of the timeline leads.',
      params: z.object({ key: z.string().min(1).max(200) }),
      responses: { 200: { description: 'The delivery', schema: deliveryView }, 404: { description: 'There is no such delivery in this agency, or it is too long ago' } },
      async handler(request) {
        const delivery = await deps.delivery(sessionOf(request).companyId, request.params.key)
        if (delivery === null) throw notFound('delivery')
        return { status: 200, json: delivery }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/operations/replay',
      access: 'agency_admin',
      needs: 'admin',
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

interface LeasedItems {
  list(query: { companyId: string; states?: readonly StoredState[]; page: number; pageSize: number }): Promise<{
    items: { key: string; state: string; attempts: number; dueAt: Date; reason: string | null; error: { code: string; message: string } | null }[]
    total: number
  }>
  counts(companyId?: string): Promise<Record<StoredState, number>>
  replay(companyId: string, key: string): Promise<boolean>
}

type StoredState = 'pending' | 'leased' | 'held' | 'done' | 'ignored' | 'dead'
const storedStates: Record<UnfinishedState, readonly StoredState[]> = { waiting: ['pending', 'leased'], held: ['held'], dead: ['dead'] }

/** A leased queue as operators see it. */
export function operatedQueue(queue: LeasedItems): OperatedQueue {
  return {
    async list({ companyId, state, page, pageSize }) {
      const states = state === undefined ? Object.values(storedStates).flat() : storedStates[state]
      const { items, total } = await queue.list({ companyId, states, page, pageSize })
      return { total, items: items.map(({ key, state: stored, attempts, dueAt, reason, error }) => ({ key, kind: null, state: stored, attempts, dueAt, reason, error: error === null ? null : { code: error.code, message: error.message } })) }
    },
    async counts(companyId) {
      const counts = await queue.counts(companyId)
      return { waiting: counts.pending + counts.leased, held: counts.held, dead: counts.dead }
    },
    replay: (companyId, key) => queue.replay(companyId, key),
  }
}

interface UnfinishedEffects {
  status(query: { companyId: string; page: number; pageSize: number }): Promise<{
    items: { kind: string; key: string; state: string; reason: string | null; error: { code: string; message: string } | null; dueAt: Date }[]
    total: number
  }>
  counts(companyId?: string): Promise<Record<'contacts' | 'cards' | 'outbox', Record<string, number>>>
  replay(companyId: string, key: string): Promise<boolean>
}

/** Contacts, cards and messages together, as operators see them; the list shows all unfinished states. */
export function operatedEffects(effects: UnfinishedEffects): OperatedQueue {
  return {
    async list({ companyId, state, page, pageSize }) {
      const { items, total } = await effects.status({ companyId, page, pageSize })
      const shown = state === undefined ? items : items.filter((item) => (state === 'waiting' ? item.state !== 'held' && item.state !== 'dead' : item.state === state))
      return { total: state === undefined ? total : shown.length, items: shown.map((item) => ({ ...item, attempts: null })) }
    },
    async counts(companyId) {
      const parts = Object.values(await effects.counts(companyId))
      const sum = (...states: string[]) => parts.reduce((total, part) => total + states.reduce((inner, state) => inner + (part[state] ?? 0), 0), 0)
      return { waiting: sum('dirty', 'pending', 'leased'), held: sum('held'), dead: sum('dead') }
    },
    replay: (companyId, key) => effects.replay(companyId, key),
  }
}
