import { chooseSuccessLocation, setupQuery, setupView } from '../http/contract/setup.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Setup } from './types.ts'

export function setupRoutes(setup: Setup): Route[] {
  const answer = { 200: { description: 'Every requirement with its fix, and the progress.', schema: setupView } }
  return [
    defineRoute({
      method: 'GET',
      path: '/api/setup',
      access: 'agency',
      summary: 'Check every requirement and show the progress.',
      query: setupQuery,
      responses: answer,
      handler: async (request) => ({ status: 200, json: await setup.check(sessionOf(request).companyId, { fresh: request.query.fresh === 'true' }) }),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/setup/success-location',
      access: 'agency_admin',
      needs: 'admin',
      summary: 'Choose the account where CSMs work; creates or matches fields, tags and pipelines there.',
      body: chooseSuccessLocation,
      responses: { ...answer, 404: { description: 'There is no such account in this agency.' }, 409: { description: 'The installation is not finished.' } },
      async handler(request) {
        const { companyId, userId, userName } = sessionOf(request)
        return { status: 200, json: await setup.chooseSuccessLocation(companyId, request.body.locationId, { userId, name: userName }) }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/setup/repair',
      access: 'agency_admin',
      needs: 'admin',
      summary: 'Re-create or re-map what is missing, restore options.',
      responses: { ...answer, 409: { description: 'No success location was chosen.' } },
      async handler(request) {
        const { companyId, userId, userName } = sessionOf(request)
        return { status: 200, json: await setup.repair(companyId, { userId, name: userName }) }
      },
    }),
  ]
}
