import { z } from 'zod'
import { aboutChange } from '../engine/values.ts'
import { stepId, words } from '../shapes.ts'
import { contactStep } from './contact-step.ts'
import type { StepHandler } from './handler.ts'

/** Adds the user's contact to one of the CRM's own workflows, or removes it. Whether it may enter again is that workflow's own setting. */
const crmWorkflowStep = z.strictObject({ ...stepId, kind: z.literal('crm_workflow'), action: z.enum(['add', 'remove']), workflowId: z.string().regex(/^[\w-]{1,64}$/, 'must be the id of a workflow'), workflowName: words(200) })
export type CrmWorkflowStep = z.output<typeof crmWorkflowStep>

export const crmWorkflow: StepHandler<CrmWorkflowStep> = {
  kind: 'crm_workflow',
  reaches: 'crm',
  schema: crmWorkflowStep,
  templates: () => [],
  replaceable: ['workflowId', 'workflowName'],
  names: (step) => [{ kind: 'workflow', member: 'workflowId', id: step.workflowId, name: step.workflowName }],
  act: (context, step) =>
    contactStep(context, async (contact) => {
      const { key, run, ports, now } = context
      const { action, workflowId, workflowName } = step
      await ports.send({ key, companyId: run.companyId, contact, dueAt: now(), ...aboutChange(run), content: { kind: 'crm_workflow', action, workflowId, label: workflowName } })
      return { action, workflow: workflowName }
    }),
}
