import type { Accounts } from '../accounts/index.ts'
import { erasure, erasureList, eraseRequest, exportQuery } from '../http/contract/privacy.ts'
import type { Clock } from '../kernel/clock.ts'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import { createExports, type ExportDeps } from './export.ts'
import type { Privacy } from './service.ts'

export function privacyRoutes(privacy: Privacy, deps: Omit<ExportDeps, 'erasures'> & { accounts: Pick<Accounts, 'get' | 'users' | 'locationIds' | 'agencyUsers'>; clock: Clock }): Route[] {
  const exports = createExports({ ...deps, erasures: (companyId) => privacy.erasures(companyId) })
  return [
    defineRoute({
      method: 'GET',
      path: '/api/privacy/export',
      access: 'agency_admin',
      summary: 'Everything that is kept of one account, or of the whole agency, as one file; as CSV the answers alone.',
      query: exportQuery,
      ratePerMinute: 10,
      responses: { 200: { description: 'The file.' }, 404: { description: 'No such account.' } },
      async handler(request) {
        const session = sessionOf(request)
        const { companyId } = session
        const { locationId, format } = request.query
        if (locationId !== undefined && (await deps.accounts.get(companyId, locationId)) === null) throw notFound('account')
        const locationIds = locationId === undefined ? await deps.accounts.locationIds(companyId, {}) : [locationId]
        const at = deps.clock.now()
        const day = at.toISOString().slice(0, 10)
        const name = `${format === 'csv' ? 'answers' : locationId === undefined ? 'agency' : 'account'}-${day}.${format}`
        const headers = { 'content-disposition': `attachment; filename="${name}"`, 'cache-control': 'no-store' }
        if (format === 'csv') return { status: 200, chunks: exports.answers(companyId, locationIds, at), contentType: 'text/csv; charset=utf-8', headers }
        return { status: 200, chunks: exports.everything(session, locationIds, locationId === undefined, at), contentType: 'application/json; charset=utf-8', headers }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/privacy/erase',
      access: 'agency_admin',
      needs: 'admin',
      summary: 'Forget one person of a customer, in every account of the agency that they are in. Nothing in the CRM changes. Again is the same.',
      body: eraseRequest,
      responses: {
        200: { description: 'How far it is.', schema: erasure },
        404: { description: 'No such account or person.' },
        409: { description: 'The person works for the agency (`agency_staff`).' },
      },
      handler: async (request) => ({ status: 200, json: await privacy.erase(sessionOf(request), request.body.locationId, request.body.userId) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/privacy/erasures',
      access: 'agency_admin',
      summary: 'Who asked when for somebody to be forgotten, and how far it is; not whom.',
      responses: { 200: { description: 'Newest first.', schema: erasureList } },
      handler: async (request) => ({ status: 200, json: { items: await privacy.erasures(sessionOf(request).companyId) } }),
    }),
  ]
}
