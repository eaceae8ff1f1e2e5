import { caseAcknowledgement, caseAssignment, caseClosing, caseList, caseParams, caseQuery, caseView } from '../http/contract/cases.ts'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Cases } from './service.ts'

export function caseRoutes(cases: Cases): Route[] {
  const one = {
    200: { description: 'The case.', schema: caseView },
    404: { description: 'No such case.' },
    409: { description: 'It was closed already.' },
  }
  return [
    defineRoute({
      method: 'GET',
      path: '/api/cases',
      access: 'agency',
      summary: 'Not Happy cases: open ones by urgency, closed ones newest first.',
      query: caseQuery,
      responses: { 200: { description: 'One page of cases.', schema: caseList } },
      handler: async (request) => ({ status: 200, json: await cases.list(sessionOf(request), request.query) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/cases/:id',
      access: 'agency',
      summary: 'One case.',
      params: caseParams,
      responses: { 200: one[200], 404: one[404] },
      async handler(request) {
        const view = await cases.get(sessionOf(request).companyId, request.params.id)
        if (view === null) throw notFound('case')
        return { status: 200, json: view }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/cases/:id/close',
      access: 'agency',
      needs: 'own_case',
      summary: 'Close a case with its outcome and a note; the customer may be asked again.',
      params: caseParams,
      body: caseClosing,
      responses: one,
      handler: async (request) => ({ status: 200, json: await cases.close(sessionOf(request), request.params.id, request.body) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/cases/:id/assign',
      access: 'agency',
      needs: 'own_case',
      summary: 'Give a case to somebody on the team, or with null to everyone.',
      params: caseParams,
      body: caseAssignment,
      responses: { ...one, 422: { description: 'That person is not on the team.' } },
      handler: async (request) => ({ status: 200, json: await cases.assign(sessionOf(request), request.params.id, request.body.userId) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/cases/:id/acknowledge',
      access: 'agency',
      needs: 'own_case',
      summary: 'Say that one takes care of a case: for so many hours the leads are not told that it is overdue.',
      params: caseParams,
      body: caseAcknowledgement,
      responses: one,
      handler: async (request) => ({ status: 200, json: await cases.acknowledge(sessionOf(request), request.params.id, request.body.hours) }),
    }),
  ]
}
