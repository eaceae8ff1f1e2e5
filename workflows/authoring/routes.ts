import {
  dryRunRequest, dryRunView, exportQuery, importQuery, importResult, movedRuns, previewRequest, previewView, sendingChange, sendingView, testRequest, testSent, versionDetail, versionList,
  versionsQuery, workflowCopy, workflowDetail, workflowFile, workflowParams, workflowVersionParams,
} from '../../src/http/contract/workflows.ts'
import { defineRoute, sessionOf, type Route } from '../../src/kernel/route.ts'
import type { Workflows } from '../service.ts'
import { fileSchema } from './exchange.ts'

const missing = { 404: { description: 'There is no such workflow in this agency' } } as const
const wrongWords = { 422: { description: 'The words are wrong; details name the exact place' } } as const

/** Paths that are words and not keys; mounted before `/api/workflows/:key`. */
export function agencyWorkflowRoutes(workflows: Workflows): Route[] {
  let schema: unknown
  return [
    defineRoute({
      method: 'GET',
      path: '/api/workflows/schema.json',
      access: 'public',
      summary: 'JSON schema of the file that an export gives and an import takes, with the definition of a workflow in it',
      responses: { 200: { description: 'JSON schema, draft 2020-12' } },
      handler: () => Promise.resolve({ status: 200, json: (schema ??= fileSchema()) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/workflows/export',
      access: 'agency',
      summary: 'All workflows of the agency as one file, or those with the keys given',
      query: exportQuery,
      responses: { 200: { description: 'The file', schema: workflowFile }, 404: { description: 'There is no workflow with one of the keys' } },
      async handler(request) {
        const file = await workflows.authoring.exchange.exportAll(sessionOf(request).companyId, request.query.keys?.split(',').filter((key) => key !== ''))
        return { status: 200, json: file, headers: { 'Content-Disposition': 'attachment; filename="workflows.json"' } }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/workflows/import',
      access: 'agency',
      needs: 'workflows',
      summary: 'Takes a file of workflows: looks at all of it first, then stores everything as drafts, or nothing',
      query: importQuery,
      body: workflowFile,
      responses: { 200: { description: 'What changed, or with checkOnly=true what would', schema: importResult }, 422: { description: 'Something is wrong; details name the exact place of every fault, and nothing was changed' } },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await workflows.authoring.exchange.importAll(session.companyId, request.body, session.userId, request.query.checkOnly) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/workflows/sending',
      access: 'agency',
      summary: 'Whether messages to customers leave at all',
      responses: { 200: { description: 'The agency’s switch', schema: sendingView } },
      handler: async (request) => ({ status: 200, json: await workflows.sending(sessionOf(request).companyId) }),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/workflows/sending',
      access: 'agency',
      needs: 'workflows',
      summary: 'Stops every message to every customer at once, or lets them leave again; what has not left is taken back',
      body: sendingChange,
      responses: { 200: { description: 'The agency’s switch', schema: sendingView } },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await workflows.setSending(session.companyId, request.body.paused, session.userId) }
      },
    }),
  ]
}

/** What people do with one workflow. */
export function authoringRoutes(workflows: Workflows): Route[] {
  const { authoring } = workflows
  return [
    defineRoute({
      method: 'POST',
      path: '/api/workflows/:key/preview',
      access: 'agency',
      needs: 'read',
      summary: 'The words with the data of a chosen person; also words that are not saved yet',
      params: workflowParams,
      body: previewRequest,
      responses: { 200: { description: 'Every step that says something', schema: previewView }, ...wrongWords, 404: { description: 'There is no such workflow or person in this agency' } },
      handler: async (request) => ({ status: 200, json: await authoring.speaking.preview(sessionOf(request).companyId, request.params.key, request.body) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/workflows/:key/test',
      access: 'agency',
      needs: 'part',
      summary: 'Sends the words to the person who is signed in, marked as a test; never to a customer, and no cap is touched',
      params: workflowParams,
      body: testRequest,
      responses: { 200: { description: 'Where it went', schema: testSent }, ...wrongWords, 404: { description: 'There is no such workflow or person in this agency' }, 409: { description: 'There is no way to send it to you' } },
      ratePerMinute: 20,
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await authoring.speaking.test(session.companyId, request.params.key, session.userId, request.body) }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/workflows/:key/dry-run',
      access: 'agency',
      needs: 'read',
      summary: 'Who would have received what in the last days, when, and why others not; nothing is sent or stored',
      params: workflowParams,
      body: dryRunRequest,
      responses: { 200: { description: 'What would have happened, newest first', schema: dryRunView }, ...wrongWords, ...missing },
      ratePerMinute: 60,
      handler: async (request) => ({ status: 200, json: await authoring.dryRun.look(sessionOf(request).companyId, request.params.key, request.body) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/workflows/:key/versions',
      access: 'agency',
      summary: 'Versions of a workflow, newest first; 0 is the one it came with',
      params: workflowParams,
      query: versionsQuery,
      responses: { 200: { description: 'Versions', schema: versionList }, ...missing },
      handler: async (request) => ({ status: 200, json: await authoring.versions.list(sessionOf(request).companyId, request.params.key, request.query.page, request.query.pageSize) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/workflows/:key/versions/:version',
      access: 'agency',
      summary: 'One version with its definition',
      params: workflowVersionParams,
      responses: { 200: { description: 'Version', schema: versionDetail }, 404: { description: 'There is no such version' } },
      handler: async (request) => ({ status: 200, json: await authoring.versions.look(sessionOf(request).companyId, request.params.key, request.params.version) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/workflows/:key/versions/:version/restore',
      access: 'agency',
      needs: 'workflows',
      summary: 'Takes the words of a version as a draft; nothing is sent with them until they are published',
      params: workflowVersionParams,
      responses: { 200: { description: 'The workflow with the draft', schema: workflowDetail }, 404: { description: 'There is no such version' }, 409: { description: 'Somebody else changed it a moment ago' } },
      async handler(request) {
        const session = sessionOf(request)
        await authoring.versions.restore(session.companyId, request.params.key, request.params.version, session.userId)
        return { status: 200, json: await workflows.detail(session.companyId, request.params.key) }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/workflows/:key/move-runs',
      access: 'agency',
      needs: 'workflows',
      summary: 'Lets runs under way go on with the newest version, where its steps are the same; times that are appointed stay',
      params: workflowParams,
      responses: { 200: { description: 'How many were moved, and how many stay on theirs', schema: movedRuns }, ...missing },
      handler: async (request) => ({ status: 200, json: await authoring.versions.moveRuns(sessionOf(request).companyId, request.params.key) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/workflows/:key/copy',
      access: 'agency',
      needs: 'workflows',
      summary: 'A copy of its own, as a draft',
      params: workflowParams,
      body: workflowCopy,
      responses: { 201: { description: 'The copy', schema: workflowDetail }, 409: { description: 'There is a workflow with that key' }, ...missing },
      async handler(request) {
        const session = sessionOf(request)
        const { shipped } = await authoring.copy(session.companyId, request.params.key, request.body, session.userId)
        return { status: 201, json: await workflows.detail(session.companyId, shipped.key) }
      },
    }),
    ...(['archive', 'unarchive', 'discardDraft'] as const).map((act) =>
      defineRoute({
        method: act === 'discardDraft' ? 'DELETE' : 'POST',
        path: `/api/workflows/:key/${act === 'discardDraft' ? 'draft' : act}`,
        access: 'agency',
        needs: 'workflows',
        summary: {
          archive: 'Puts a workflow away: nothing starts, messages that have not left are taken back',
          unarchive: 'Takes a workflow out of the archive, as a draft',
          discardDraft: 'Forgets changes that wait to be published',
        }[act],
        params: workflowParams,
        responses: { 200: { description: 'The workflow', schema: workflowDetail }, 409: { description: 'It is not in a state for that' }, ...missing },
        async handler(request) {
          const session = sessionOf(request)
          return { status: 200, json: await workflows[act](session.companyId, request.params.key, session.userId) }
        },
      }),
    ),
  ]
}
