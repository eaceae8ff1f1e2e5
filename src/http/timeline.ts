import { z } from 'zod'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import { domainEventTypes, type DomainEvent, type DomainEventType, type Events } from '../events/index.ts'
import { timelineList, timelineQuery, type TimelineEntry } from './contract/timeline.ts'

/** The account timeline: everything that happened, with its source. */
export function timelineRoutes(deps: { events: Pick<Events, 'timeline'>; accountExists(companyId: string, locationId: string): Promise<boolean> }): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId/timeline',
      access: 'agency',
      summary: 'What happened on an account, newest first.',
      params: z.object({ locationId: z.string().min(1).max(100) }),
      query: timelineQuery,
      responses: { 200: { description: 'One page of entries', schema: timelineList } },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const { locationId } = request.params
        const { types, userId, page, pageSize } = request.query
        if (!(await deps.accountExists(companyId, locationId))) throw notFound('account')
        const { items, total } = await deps.events.timeline({
          companyId,
          locationId,
          ...(types === undefined ? {} : { types: types.split(',').filter(isEventType) }),
          ...(userId === undefined ? {} : { userId }),
          page,
          pageSize,
        })
        return { status: 200, json: { items: items.map(entryOf), page, pageSize, total } }
      },
    }),
  ]
}

function isEventType(text: string): text is DomainEventType {
  return (domainEventTypes as readonly string[]).includes(text)
}

function entryOf(event: DomainEvent): TimelineEntry {
  return {
    id: event.key,
    at: event.at,
    type: event.type,
    actor: event.actor,
    source: event.source,
    summary: event.summary,
    ...(event.before === undefined ? {} : { before: event.before }),
    ...(event.after === undefined ? {} : { after: event.after }),
  }
}
