import { z } from 'zod'
import { account, accountList, accountQuery, accountUserList, bulkRequest, bulkResponse, feedbackToggle } from '../http/contract/accounts.ts'
import { csvAnswer } from '../kernel/csv.ts'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import { accountsCsv } from './export.ts'
import type { Accounts } from './types.ts'

const params = z.strictObject({ locationId: z.string().min(1).max(64) })
const paging = z.strictObject({ page: z.coerce.number().int().min(1).default(1), pageSize: z.coerce.number().int().min(1).max(200).default(50) })
const accountUsersQuery = paging.extend({
  /** Also those who left. */
  removed: z.enum(['true', 'false']).transform((text) => text === 'true').optional(),
})
/** Rows of an export. */
const maxExported = 10_000
const unknownAccount = { 404: { description: 'There is no such account in this agency.' } }

export function accountRoutes(accounts: Accounts): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/accounts',
      access: 'agency',
      summary: 'The agency\'s accounts, filtered, sorted and paged.',
      query: accountQuery.extend({ format: z.enum(['json', 'csv']).default('json') }),
      responses: { 200: { description: `One page of accounts; with \`format=csv\` all that the filters fit, at most ${maxExported}, as a file.`, schema: accountList } },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const { format, ...query } = request.query
        if (format === 'json') return { status: 200, json: await accounts.list(companyId, query) }
        const { page: _page, pageSize: _pageSize, ...all } = query
        const { pages, ...about } = await accounts.figures.export(companyId, all, maxExported)
        return csvAnswer('accounts', await accountsCsv(pages, { ...about, query: all, limit: maxExported }))
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/accounts/bulk',
      access: 'agency',
      needs: 'own_accounts',
      summary: 'Do one thing to many accounts; each account has its own outcome. No request works for longer than about 10 seconds: what it did not reach is in `left`.',
      body: bulkRequest,
      responses: { 200: { description: 'One outcome per account.', schema: bulkResponse } },
      async handler(request) {
        const { results, left } = await accounts.bulk(sessionOf(request), request.body, request.refusals)
        const done = results.filter((result) => result.ok).length
        return { status: 200, json: { action: request.body.action, done, failed: results.length - done, results, left } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId',
      access: 'agency',
      summary: 'One account.',
      params,
      responses: { 200: { description: 'The account.', schema: account }, ...unknownAccount },
      async handler(request) {
        const found = await accounts.get(sessionOf(request).companyId, request.params.locationId)
        if (found === null) throw notFound('account')
        return { status: 200, json: found }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId/users',
      access: 'agency',
      summary: 'The users of one account of today; with `removed` those who left, too.',
      params,
      query: accountUsersQuery,
      responses: { 200: { description: 'One page of users, by name.', schema: accountUserList }, ...unknownAccount },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const { locationId } = request.params
        if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
        const { page, pageSize, removed } = request.query
        const all = await accounts.users(companyId, locationId, { includeRemoved: removed === true, known: true })
        return { status: 200, json: { items: all.slice((page - 1) * pageSize, page * pageSize), page, pageSize, total: all.length } }
      },
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/accounts/:locationId/feedback',
      access: 'agency',
      needs: 'own_book',
      summary: 'Switch Request feedback on or off for one account.',
      params,
      body: feedbackToggle,
      responses: { 200: { description: 'The account after the change.', schema: account }, ...unknownAccount },
      async handler(request) {
        const { companyId, userId, userName } = sessionOf(request)
        const actor = { kind: 'agency_user' as const, id: userId, name: userName }
        return { status: 200, json: await accounts.setFeedbackEnabled(companyId, request.params.locationId, request.body.enabled, actor, 'page') }
      },
    }),
  ]
}
