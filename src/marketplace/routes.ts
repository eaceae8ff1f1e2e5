import type { z } from 'zod'
import { marketplaceExecutions, marketplaceExecutionsQuery, marketplaceView } from '../http/contract/marketplace.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Claim } from './place.ts'
import type { Marketplace } from './service.ts'
import { actionAnswer, actionBody, dynamicBody, filtersAnswer, inputsAnswer, keyParams, subscriptionAnswer, subscriptionBody, subscriptionEventOf } from './wire.ts'

/** HighLevel calls from few addresses, for all agencies together. */
const ratePerMinute = 6_000
const refusals = { 401: { description: 'The secret header is missing or wrong.' }, 403: { description: 'Another app\'s or agency\'s call, or not the place for it.' }, 404: { description: 'Unknown key, installation or contact.' }, 422: { description: 'A field is wrong; the message names it and the fix.' } }

function claimOf({ extras }: z.output<typeof dynamicBody>): Claim {
  return { locationId: extras.locationId, companyId: extras.companyId, appId: extras.appId }
}

/** What the workflow builder calls, proven by a static header, and what the agency sees of it. */
export function marketplaceRoutes(marketplace: Marketplace): Route[] {
  const authorize: NonNullable<Route['authorize']> = (headers) => marketplace.authorize(headers)
  const called = { method: 'POST', access: 'public', needs: 'proof', ratePerMinute, authorize } as const
  return [
    defineRoute({
      ...called,
      path: '/webhooks/highlevel/triggers',
      summary: 'A workflow gained, changed or lost one of the app\'s triggers. Needs the secret header.',
      body: subscriptionBody,
      responses: { 200: { description: 'What became of it, and filters that never match.', schema: subscriptionAnswer }, ...refusals },
      handler: async (request) => ({ status: 200, json: await marketplace.takeSubscription(subscriptionEventOf(request.body)) }),
    }),
    defineRoute({
      ...called,
      path: '/webhooks/highlevel/triggers/:key/filters',
      summary: 'Choices of a trigger\'s dynamic filter: the agency\'s own. Needs the secret header.',
      params: keyParams,
      body: dynamicBody,
      responses: { 200: { description: 'Filters with their choices.', schema: filtersAnswer }, ...refusals },
      handler: async (request) => ({ status: 200, json: await marketplace.filtersOf(request.params.key, claimOf(request.body)) }),
    }),
    defineRoute({
      ...called,
      path: '/webhooks/highlevel/actions/:key',
      summary: 'Carries out one step of a workflow for one contact. Needs the secret header.',
      params: keyParams,
      body: actionBody,
      responses: { 200: { description: 'Members that the workflow may use; `branchId` picks a branch.', schema: actionAnswer }, ...refusals, 503: { description: 'Not now: try again after the time named.' } },
      handler: async (request) => ({ status: 200, json: await marketplace.runAction(request.params.key, request.body) }),
    }),
    defineRoute({
      ...called,
      path: '/webhooks/highlevel/actions/:key/fields',
      summary: 'Dynamic fields of an action: the agency\'s own choices. Needs the secret header.',
      params: keyParams,
      body: dynamicBody,
      responses: { 200: { description: 'Sections with their fields.', schema: inputsAnswer }, ...refusals },
      handler: async (request) => ({ status: 200, json: await marketplace.inputsOf(request.params.key, claimOf(request.body)) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/marketplace',
      access: 'agency',
      summary: 'The app\'s triggers and actions in the CRM\'s workflow builder: which workflows use them, filters that never match, refused calls.',
      responses: { 200: { description: 'The view', schema: marketplaceView } },
      handler: async (request) => ({ status: 200, json: await marketplace.view(sessionOf(request).companyId) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/marketplace/executions',
      access: 'agency',
      summary: 'Workflows that were started by a trigger, newest first.',
      query: marketplaceExecutionsQuery,
      responses: { 200: { description: 'One page of executions', schema: marketplaceExecutions } },
      async handler(request) {
        const found = await marketplace.executions(sessionOf(request).companyId, request.query)
        return { status: 200, json: { ...found, ...request.query } }
      },
    }),
  ]
}
