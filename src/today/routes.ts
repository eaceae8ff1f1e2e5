import { today, todayQuery } from '../http/contract/today.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Today } from './service.ts'

/** The page that agency people begin their day with. */
export function todayRoutes(service: Today): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/today',
      access: 'agency',
      summary: 'What needs somebody today: accounts to act on, statuses going stale, good news; each with its reason and one thing to do.',
      query: todayQuery,
      responses: { 200: { description: 'Three lists, the most urgent first.', schema: today } },
      async handler(request) {
        const session = sessionOf(request)
        const { csm, limit } = request.query
        return { status: 200, json: await service.look(session, { csm: csm === 'all' ? null : csm === 'me' ? session.userId : csm, limit }) }
      },
    }),
  ]
}
