import { z } from 'zod'
import { CodedError } from '../../src/kernel/errors.ts'
import { stepId } from '../shapes.ts'
import { targetOf } from '../webhook-out/index.ts'
import type { StepContext, StepHandler } from './handler.ts'

/** Tells a receiver of the agency's choice what happened, signed. */
const webhookStep = z
  .strictObject({ ...stepId, kind: z.literal('webhook'), url: z.string().trim().max(2_000) })
  .superRefine(({ url }, context) => {
    try {
      targetOf(url)
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      context.addIssue({ code: 'custom', path: ['url'], message: error.message })
    }
  })
export type WebhookStep = z.output<typeof webhookStep>

export const webhook: StepHandler<WebhookStep> = {
  kind: 'webhook',
  reaches: 'crm',
  schema: webhookStep,
  templates: () => [],
  replaceable: ['url'],
  names: (step) => [{ kind: 'url', member: 'url', url: step.url }],
  async act(context, step) {
    const { key, run, ports } = context
    if (!(await ports.isLive(run.companyId))) return { outcome: 'skipped', reason: 'uninstalled', ends: false }
    await ports.webhook({
      key, companyId: run.companyId, locationId: run.locationId, userId: run.userId, url: step.url, type: run.facts.type, at: run.eventAt, data: dataOf(context, step),
    })
    return { outcome: 'handed_over', reason: null, ends: false, input: { host: new URL(step.url).host } }
  },
}

/** What a receiver is told: whom and what it is about, in the names of the API. */
function dataOf({ run, definition, scene }: StepContext, step: WebhookStep): Record<string, unknown> {
  const { facts, locationId, userId } = run
  const { account, person } = scene
  return {
    workflow: { key: definition.key, name: definition.name, runId: run._id, stepId: step.id },
    summary: facts.summary,
    account: locationId === null ? null : { locationId, name: account?.name ?? null, group: account?.group ?? null, premium: account?.premium ?? null, healthLevel: account?.healthLevel ?? null },
    person: userId === null ? null : { userId, name: person?.name ?? null, email: person?.email ?? null },
    level: facts.level,
    before: facts.before,
    after: facts.after,
    comment: facts.comment,
    note: facts.note,
  }
}
