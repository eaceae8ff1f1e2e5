import { accountDeeds, deedChange, deedList, deedQuery, deedView, newDeed, oneDeed, seenDeed } from '../http/contract/deeds.ts'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Deeds } from './service.ts'

const path = '/api/accounts/:locationId/deeds'

export function deedRoutes(deeds: Deeds): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path,
      access: 'agency',
      summary: 'What the team did about what this account’s users said, newest first, and what they said last.',
      params: accountDeeds,
      query: deedQuery,
      responses: { 200: { description: 'One page.', schema: deedList }, 404: { description: 'No such account.' } },
      async handler(request) {
        return { status: 200, json: await deeds.list(sessionOf(request).companyId, request.params.locationId, request.query) }
      },
    }),
    defineRoute({
      method: 'POST',
      path,
      access: 'agency',
      needs: 'own_book',
      summary: 'Say in a sentence what was done. The customer reads it only with `shown`. The same idempotency key is the same entry.',
      params: accountDeeds,
      body: newDeed,
      responses: { 201: { description: 'Stored.', schema: deedView }, 404: { description: 'No such account.' }, 409: { description: 'The key was used for another entry.' }, 422: { description: 'The answer is not of this account.' } },
      handler: async (request) => ({ status: 201, json: await deeds.add(sessionOf(request), request.params.locationId, request.body) }),
    }),
    defineRoute({
      method: 'PATCH',
      path: `${path}/:id`,
      access: 'agency',
      needs: 'own_book',
      summary: 'Change the words, or whether the customer reads them.',
      params: oneDeed,
      body: deedChange,
      responses: { 200: { description: 'As it says now.', schema: deedView }, 404: { description: 'No such entry.' } },
      handler: async (request) => ({ status: 200, json: await deeds.change(sessionOf(request), request.params.locationId, request.params.id, request.body) }),
    }),
    defineRoute({
      method: 'DELETE',
      path: `${path}/:id`,
      access: 'agency',
      needs: 'own_book',
      summary: 'Withdraw an entry: nobody reads it any more; the timeline keeps that it was there.',
      params: oneDeed,
      responses: { 200: { description: 'Withdrawn.' }, 404: { description: 'No such entry.' } },
      async handler(request) {
        await deeds.withdraw(sessionOf(request), request.params.locationId, request.params.id)
        return { status: 200, json: { withdrawn: true } }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/me/deeds/seen',
      access: 'account_user',
      needs: 'own',
      summary: 'The person has seen what was done; the feedback card does not show it again.',
      body: seenDeed,
      responses: { 200: { description: 'Noted.' }, 404: { description: 'Nothing of this account.' } },
      async handler(request) {
        const { companyId, locationId, userId } = sessionOf(request)
        if (locationId === null) throw notFound('entry')
        await deeds.see({ companyId, locationId, userId }, request.body.deedId)
        return { status: 200, json: { seen: true } }
      },
    }),
  ]
}
