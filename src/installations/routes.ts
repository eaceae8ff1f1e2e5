import { z } from 'zod'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import { callbackPage } from './pages.ts'
import type { Installations } from './types.ts'

const callbackQuery = z.object({ code: z.string().max(2_048).optional().catch(undefined), state: z.string().max(2_048).optional().catch('unreadable') })

const installationView = z.object({
  companyId: z.string(),
  kind: z.enum(['agency', 'location']),
  status: z.enum(['pending', 'active', 'needs_reconnect', 'uninstalled']),
  companyName: z.string().nullable(),
  planId: z.string().nullable(),
})

export function installationRoutes(installations: Installations): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/oauth/install',
      access: 'public',
      summary: 'Start an installation: leads to the marketplace\'s permission page.',
      responses: { 302: { description: 'To the permission page.' } },
      handler: () => Promise.resolve({ status: 302, text: '', contentType: 'text/plain', headers: { location: installations.installUrl(), 'cache-control': 'no-store' } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/oauth/callback',
      access: 'public',
      summary: 'Finish an installation. May be called again with the same code.',
      query: callbackQuery,
      responses: {
        200: { description: 'Installed, now or before.' },
        400: { description: 'The code or the state was not accepted; the page says what to do.' },
        503: { description: 'The other side could not be reached; reloading helps.' },
      },
      ratePerMinute: 60,
      async handler(request) {
        const { status, html, headers } = callbackPage(await installations.handleCallback(request.query))
        return { status, text: html, contentType: 'text/html; charset=utf-8', headers }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/installation',
      access: 'agency',
      summary: 'How the app stands in this agency.',
      responses: { 200: { description: 'The installation.', schema: installationView } },
      async handler(request) {
        const found = await installations.get(sessionOf(request).companyId)
        if (found === null) throw notFound('installation')
        const { companyId, kind, status, companyName, planId } = found
        return { status: 200, json: { companyId, kind, status, companyName, planId } }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/installation/disconnect',
      access: 'agency_admin',
      needs: 'admin',
      summary: 'Remove the app from this agency. Data is kept until the retention period ends.',
      responses: { 200: { description: 'Disconnected.', schema: z.object({ status: z.literal('uninstalled'), purgeAfter: z.iso.datetime().nullable() }) } },
      async handler(request) {
        const { companyId, userId } = sessionOf(request)
        await installations.disconnect(companyId, userId)
        const after = await installations.get(companyId)
        return { status: 200, json: { status: 'uninstalled', purgeAfter: after?.purgeAfter?.toISOString() ?? null } }
      },
    }),
  ]
}
