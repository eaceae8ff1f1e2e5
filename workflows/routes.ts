import { allRunsQuery, runList, runParams, runsQuery, runView, workflowDetail, workflowList, workflowParams, workflowPatch } from '../src/http/contract/workflows.ts'
import { defineRoute, sessionOf, type Route } from '../src/kernel/route.ts'
import { agencyWorkflowRoutes, authoringRoutes } from './authoring/routes.ts'
import type { Workflows } from './service.ts'

const missing = { 404: { description: 'There is no such workflow' } } as const

/** The agency's view of its workflows. Reading: every agency user; deciding: agency admins and the leads that they named. */
export function workflowRoutes(workflows: Workflows): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/workflows',
      access: 'agency',
      summary: 'All follow-ups and notifications with their state, words and figures of the last 30 days',
      responses: { 200: { description: 'Workflows', schema: workflowList } },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const [items, sending] = await Promise.all([workflows.list(companyId), workflows.sending(companyId)])
        return { status: 200, json: { items, sending, page: 1, pageSize: items.length, total: items.length } }
      },
    }),
    ...agencyWorkflowRoutes(workflows),
    defineRoute({
      method: 'GET',
      path: '/api/workflows/:key',
      access: 'agency',
      summary: 'One workflow with its steps, guards, merge fields and a preview',
      params: workflowParams,
      responses: { 200: { description: 'Workflow', schema: workflowDetail }, ...missing },
      handler: async (request) => ({ status: 200, json: await workflows.detail(sessionOf(request).companyId, request.params.key) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/workflows/:key/runs',
      access: 'agency',
      summary: 'Runs of a workflow, newest first, each with what its steps came to and why',
      params: workflowParams,
      query: runsQuery,
      responses: { 200: { description: 'Runs', schema: runList }, ...missing },
      async handler(request) {
        const { page, pageSize } = request.query
        const { items, total } = await workflows.runs({ ...request.query, companyId: sessionOf(request).companyId, key: request.params.key })
        return { status: 200, json: { items, page, pageSize, total } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/runs',
      access: 'agency',
      summary: 'Runs of all workflows, newest first; by workflow, account, person and state',
      query: allRunsQuery,
      responses: { 200: { description: 'Runs', schema: runList }, ...missing },
      async handler(request) {
        const { page, pageSize } = request.query
        const { items, total } = await workflows.runs({ ...request.query, companyId: sessionOf(request).companyId, key: request.query.workflowKey })
        return { status: 200, json: { items, page, pageSize, total } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/runs/:runId',
      access: 'agency',
      summary: 'One run of a workflow, by its id; where an entry of the timeline leads',
      params: runParams,
      responses: { 200: { description: 'Run', schema: runView }, 404: { description: 'There is no such run in this agency' } },
      handler: async (request) => ({ status: 200, json: await workflows.run(sessionOf(request).companyId, request.params.runId) }),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/workflows/:key',
      access: 'agency',
      needs: 'workflows',
      summary: 'Own words and delays; a published workflow changes for runs that start from now on',
      params: workflowParams,
      body: workflowPatch,
      responses: {
        200: { description: 'Changed workflow', schema: workflowDetail },
        409: { description: 'Somebody else changed it a moment ago' },
        422: { description: 'The words are wrong; details name the exact place' },
        ...missing,
      },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await workflows.edit(session.companyId, request.params.key, request.body, session.userId) }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/workflows/:key/publish',
      access: 'agency',
      needs: 'workflows',
      summary: 'Switches a workflow on; it starts with the next fact, never with past ones',
      params: workflowParams,
      responses: { 200: { description: 'Published workflow', schema: workflowDetail }, 422: { description: 'The words are wrong; details name the exact place' }, ...missing },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await workflows.publish(session.companyId, request.params.key, session.userId) }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/workflows/:key/pause',
      access: 'agency',
      needs: 'workflows',
      summary: 'Switches a workflow off; messages that have not left are taken back',
      params: workflowParams,
      responses: { 200: { description: 'Paused workflow', schema: workflowDetail }, 409: { description: 'It is a draft' }, ...missing },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await workflows.pause(session.companyId, request.params.key, session.userId) }
      },
    }),
    ...(['cancel', 'retry'] as const).map((act) =>
      defineRoute({
        method: 'POST',
        path: `/api/runs/:runId/${act}`,
        access: 'agency',
        needs: 'workflows',
        summary: { cancel: 'Ends a run before its next step, and takes back what has not left', retry: 'Has the step at which a run failed repeated' }[act],
        params: runParams,
        responses: { 200: { description: 'Run', schema: runView }, 404: { description: 'There is no such run in this agency' }, 409: { description: 'The run is not in a state for that' } },
        async handler(request) {
          const { companyId } = sessionOf(request)
          await workflows.operator[act](companyId, request.params.runId)
          return { status: 200, json: await workflows.run(companyId, request.params.runId) }
        },
      }),
    ),
    ...authoringRoutes(workflows),
  ]
}
