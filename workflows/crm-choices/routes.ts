import { z } from 'zod'
import { defineRoute, sessionOf, type Route } from '../../src/kernel/route.ts'
import type { CrmChoiceReader } from './choices.ts'
import type { StepFinding } from './findings.ts'

const choicesView = z.object({
  workflows: z.array(z.object({ id: z.string(), name: z.string(), draft: z.boolean() })),
  fields: z.array(z.object({ id: z.string(), name: z.string(), dataType: z.string(), options: z.array(z.string()) })),
  pipelines: z.array(z.object({ id: z.string(), name: z.string(), stages: z.array(z.object({ id: z.string(), name: z.string() })) })),
  tags: z.array(z.string()),
  readAt: z.string(),
})
const findingView = z.object({ path: z.string(), severity: z.enum(['fault', 'warning']), message: z.string() })

interface CrmChoiceRoutesDeps {
  choices: CrmChoiceReader
  /** @throws RequestError 404 */
  findingsOf(companyId: string, key: string): Promise<StepFinding[]>
}

/** What steps can name in the success location, and whether what they name is there. Mounted before the routes of single workflows. */
export function crmChoiceRoutes({ choices, findingsOf }: CrmChoiceRoutesDeps): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/workflows/choices',
      access: 'agency',
      summary: 'What steps can pick: the CRM\'s workflows (drafts flagged), custom fields, pipelines with stages, and tags; read at most once a minute',
      query: z.object({ fresh: z.enum(['true', 'false']).optional() }),
      responses: { 200: { description: 'Choices', schema: choicesView }, 409: { description: 'No success location is chosen yet' } },
      ratePerMinute: 60,
      async handler(request) {
        const { workflows, fields, pipelines, tags, readAt } = await choices.read(sessionOf(request).companyId, request.query.fresh === 'true')
        return { status: 200, json: { workflows, fields, pipelines, tags, readAt: readAt.toISOString() } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/workflows/:key/findings',
      access: 'agency',
      summary: 'What a workflow\'s steps name and is not there any more (faults stand in the way of publishing), or does nothing yet (warnings)',
      params: z.object({ key: z.string().min(1).max(60) }),
      responses: { 200: { description: 'Findings', schema: z.object({ findings: z.array(findingView) }) }, 404: { description: 'There is no such workflow' } },
      ratePerMinute: 60,
      async handler(request) {
        return { status: 200, json: { findings: await findingsOf(sessionOf(request).companyId, request.params.key) } }
      },
    }),
  ]
}
