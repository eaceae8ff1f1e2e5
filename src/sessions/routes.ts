import { sessionRequest, sessionResponse } from '../http/contract/session.ts'
import { defineRoute, type Route } from '../kernel/route.ts'
import type { Sessions } from './types.ts'

export function sessionRoutes(sessions: Sessions): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/session',
      access: 'public',
      needs: 'proof',
      summary: 'Exchange the user context of the surrounding app for a short session.',
      body: sessionRequest,
      responses: {
        200: { description: 'A bearer token of at most 30 minutes.', schema: sessionResponse },
        401: { description: 'The user context was not accepted. The answer never says why.' },
        503: { description: 'The person could not be confirmed just now; try again.' },
      },
      // An office full of people behind one address opens its pages in the same minute; each exchange may cost a call to HighLevel.
      ratePerMinute: 120,
      handler: async (request) => ({ status: 200, json: await sessions.exchange(request.body.encryptedData), headers: { 'cache-control': 'no-store' } }),
    }),
  ]
}
