import { agencySettingsPatch, settingsReset, settingsView } from '../http/contract/settings.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Settings } from './service.ts'

export function settingsRoutes(settings: Settings): Route[] {
  const answer = { 200: { description: 'The settings in force, the defaults, and which members differ.', schema: settingsView } }
  return [
    defineRoute({
      method: 'GET',
      path: '/api/settings',
      access: 'agency',
      summary: 'The agency\'s settings with their defaults.',
      responses: answer,
      handler: async (request) => ({ status: 200, json: await settings.view(sessionOf(request).companyId) }),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/settings',
      access: 'agency_admin',
      needs: 'admin',
      summary: 'Change some settings; members left out stay as they are, lists are replaced whole.',
      body: agencySettingsPatch,
      responses: { ...answer, 422: { description: 'Some members are not valid together; details.fields names them.' } },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await settings.update(session.companyId, request.body, session.userId) }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/settings/reset',
      access: 'agency_admin',
      needs: 'admin',
      summary: 'Put members, groups or whole sections back to the default.',
      body: settingsReset,
      responses: { ...answer, 422: { description: 'A path is not a setting.' } },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await settings.reset(session.companyId, request.body.paths, session.userId) }
      },
    }),
  ]
}
