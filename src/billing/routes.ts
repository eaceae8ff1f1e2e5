import { z } from 'zod'
import { billingFact, billingView } from '../http/contract/billing.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Billing } from './service.ts'

const params = z.strictObject({ locationId: z.string().min(1).max(64) })

export function billingRoutes(billing: Billing): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/accounts/:locationId/billing',
      access: 'agency',
      needs: 'own_book',
      summary: 'Record a fact about an account\'s payments: one failed, it recovered, or when the contract renews. The same idempotency key is the same fact.',
      params,
      body: billingFact,
      responses: {
        201: { description: 'Recorded.', schema: billingView },
        200: { description: 'Recorded before, by the same key.', schema: billingView },
        404: { description: 'There is no such account in this agency.' },
        409: { description: 'The key was used for another fact (`key_used`).' },
        422: { description: '`at` is in the future (`at_in_future`).' },
      },
      async handler(request) {
        const { created, view } = await billing.record(sessionOf(request), request.params.locationId, request.body)
        return { status: created ? 201 : 200, json: view }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId/billing',
      access: 'agency',
      summary: 'What is known of an account\'s payments.',
      params,
      responses: { 200: { description: 'The state that follows from the recorded facts.', schema: billingView }, 404: { description: 'There is no such account in this agency.' } },
      handler: async (request) => ({ status: 200, json: await billing.view(sessionOf(request).companyId, request.params.locationId) }),
    }),
  ]
}
