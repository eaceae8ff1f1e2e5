import { z } from 'zod'
import { slug, stepId, template } from '../shapes.ts'
import type { RunRecord } from '../engine/run.ts'
import { renderTemplate } from '../templates.ts'
import type { StepHandler } from './handler.ts'

/** Tells the agency's team. `link` is a path of the workspace. */
const notifyStep = z.strictObject({
  ...stepId,
  kind: z.literal('notify'),
  audience: z.enum(['owner', 'everyone']),
  /** What a person's preferences call it. */
  topic: slug,
  channels: z.array(z.enum(['in_app', 'email'])).min(1),
  title: template(300),
  body: template(2_000),
  link: z.enum(['account', 'case', 'setup', 'none']),
})
export type NotifyStep = z.output<typeof notifyStep>

export const notify: StepHandler<NotifyStep> = {
  kind: 'notify',
  reaches: 'team',
  schema: notifyStep,
  templates: (step) => [['title', step.title], ['body', step.body]],
  replaceable: ['title', 'body'],
  async act({ run, scene, key, ports, values }, step) {
    const title = renderTemplate('line', step.title, values)
    const body = renderTemplate('text', step.body, values)
    await ports.notify({
      key,
      companyId: run.companyId,
      locationId: run.locationId,
      audience: step.audience,
      ownerId: run.facts.ownerId,
      accountOwnerId: scene.account?.ownerId ?? null,
      kind: step.topic,
      title,
      body,
      link: linkOf(run, step.link),
      email: step.channels.includes('email'),
      at: run.eventAt,
    })
    return { outcome: 'done', reason: null, ends: false, input: { audience: step.audience, title } }
  },
}

function linkOf(run: RunRecord, link: NotifyStep['link']): string | null {
  switch (link) {
    case 'account':
      return run.locationId === null ? null : `/accounts/${run.locationId}`
    case 'case':
      return run.facts.caseId === null ? linkOf(run, 'account') : `/cases/${run.facts.caseId}`
    case 'setup':
      return '/setup'
    case 'none':
      return null
  }
}
