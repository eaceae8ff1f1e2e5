import type { Accounts } from '../accounts/index.ts'
import { accountParams, accountScores, scoresQuery } from '../http/contract/feedback.ts'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Scores } from './service.ts'

export function scoreRoutes(scores: Scores, accounts: Pick<Accounts, 'get'>): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId/scores',
      access: 'agency',
      summary: 'The points of an account: sum, sum per user, and the ledger, newest first.',
      params: accountParams,
      query: scoresQuery,
      responses: { 200: { description: 'The statement.', schema: accountScores }, 404: { description: 'No such account.' } },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const { locationId } = request.params
        if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
        const { userId, page, pageSize } = request.query
        return {
          status: 200,
          json: await scores.statement(companyId, locationId, { page, pageSize, ...(userId === undefined ? {} : { userId }) }),
        }
      },
    }),
  ]
}
