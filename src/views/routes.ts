import { z } from 'zod'
import { savedView, savedViews, viewParams, viewRequest } from '../http/contract/views.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Views } from './service.ts'

const refused = { 403: { description: 'Views of the team are for agency admins.' }, 404: { description: 'There is no such view, or it is somebody else\'s.' } }

export function viewRoutes(views: Views): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/views',
      access: 'agency',
      summary: 'Saved views of the list of accounts: the team\'s and one\'s own.',
      responses: { 200: { description: 'All of them.', schema: savedViews } },
      handler: async (request) => ({ status: 200, json: { items: await views.list(sessionOf(request)) } }),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/views/:viewId',
      access: 'agency',
      needs: 'own',
      summary: 'Save a view under an id of the caller\'s choice; the same id again changes it.',
      params: viewParams,
      body: viewRequest,
      responses: { 200: { description: 'The view.', schema: savedView }, ...refused, 409: { description: 'There are too many.' } },
      handler: async (request) => ({ status: 200, json: await views.save(sessionOf(request), request.params.viewId, request.body) }),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/views/:viewId',
      access: 'agency',
      needs: 'own',
      summary: 'Delete a view.',
      params: viewParams,
      responses: { 200: { description: 'It is gone.', schema: z.object({ viewId: z.string() }) }, ...refused },
      async handler(request) {
        await views.remove(sessionOf(request), request.params.viewId)
        return { status: 200, json: { viewId: request.params.viewId } }
      },
    }),
  ]
}
