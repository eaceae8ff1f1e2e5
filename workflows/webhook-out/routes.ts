import { z } from 'zod'
import { defineRoute, sessionOf, type Route } from '../../src/kernel/route.ts'
import type { WebhookOut } from './service.ts'

const instant = z.string().nullable()
const status = z.object({
  secret: z.object({ madeAt: instant, shown: z.boolean(), previousUntil: instant }),
  stopped: z.array(z.object({ url: z.string(), stoppedAt: z.string() })),
})
const shownSecret = z.object({ secret: z.string(), previousUntil: instant })

/** The agency's view of its outgoing webhooks: signing and stopped receivers. The secret itself is shown once, when it is made. */
export function webhookRoutes(webhooks: WebhookOut): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/webhooks',
      access: 'agency_admin',
      summary: 'How outgoing webhooks are signed, and receivers that said they are gone',
      responses: { 200: { description: 'State; never the secret', schema: status } },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const [secret, stopped] = await Promise.all([webhooks.secrets.status(companyId), webhooks.stopped(companyId)])
        return {
          status: 200,
          json: {
            secret: { madeAt: secret.madeAt?.toISOString() ?? null, shown: secret.shown, previousUntil: secret.previousUntil?.toISOString() ?? null },
            stopped: stopped.map(({ url, stoppedAt }) => ({ url, stoppedAt: stoppedAt.toISOString() })),
          },
        }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/webhooks/secret',
      access: 'agency_admin',
      needs: 'admin',
      summary: 'A new signing secret (Standard Webhooks), shown this once; the one before it signs as well for a day',
      responses: { 201: { description: 'The secret', schema: shownSecret } },
      async handler(request) {
        const { secret, previousUntil } = await webhooks.secrets.rotate(sessionOf(request).companyId)
        return { status: 201, json: { secret, previousUntil: previousUntil?.toISOString() ?? null }, headers: { 'cache-control': 'no-store' } }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/webhooks/resume',
      access: 'agency_admin',
      needs: 'admin',
      summary: 'Sends to a receiver again that had answered 410 Gone',
      body: z.strictObject({ url: z.string().min(1).max(2_000) }),
      responses: { 200: { description: 'Taken up again', schema: z.object({ resumed: z.literal(true) }) }, 404: { description: 'There is no such stopped receiver' } },
      async handler(request) {
        await webhooks.resume(sessionOf(request).companyId, request.body.url)
        return { status: 200, json: { resumed: true } }
      },
    }),
  ]
}
