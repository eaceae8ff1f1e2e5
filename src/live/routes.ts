import { liveHint, liveQuery } from '../http/contract/live.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Live } from './service.ts'

export function liveRoutes(live: Live): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/stream',
      access: 'session',
      summary: 'Server-sent events that say that something changed, never what; open until the session ends. With `Last-Event-ID` (a header, or `lastEventId`) what happened since comes first.',
      query: liveQuery,
      responses: {
        200: { description: 'One message per change, with an id. The event `ready` follows what was missed.', schema: liveHint, contentType: 'text/event-stream' },
        429: { description: 'Too many streams of this person, or of this process: look every half minute instead.' },
      },
      ratePerMinute: 60,
      async handler(request) {
        const { lastEventId = headerId(request.headers['last-event-id']) } = request.query
        return { stream: live.stream(sessionOf(request), lastEventId ?? null), contentType: 'text/event-stream' }
      },
    }),
  ]
}

/** An id that is none is the same as none: the reader begins anew. */
function headerId(given: string | undefined): string | undefined {
  return given !== undefined && /^\d{1,16}$/.test(given) ? given : undefined
}
