import { z } from 'zod'
import { aboutChange } from '../engine/values.ts'
import { stepId, words } from '../shapes.ts'
import { contactStep } from './contact-step.ts'
import type { StepHandler } from './handler.ts'

const crmId = (what: string) => z.string().regex(/^[\w-]{1,64}$/, `must be the id of a ${what}`)

/** Moves the user's card in one of the agency's own pipelines; made, under the user's name, if there is none. */
const moveCardStep = z.strictObject({ ...stepId, kind: z.literal('move_card'), pipelineId: crmId('pipeline'), stageId: crmId('stage'), pipelineName: words(120), stageName: words(120) })
export type MoveCardStep = z.output<typeof moveCardStep>

export const moveCard: StepHandler<MoveCardStep> = {
  kind: 'move_card',
  reaches: 'crm',
  schema: moveCardStep,
  templates: () => [],
  replaceable: ['pipelineId', 'stageId', 'pipelineName', 'stageName'],
  names: ({ pipelineId, stageId, pipelineName, stageName }) => (['pipelineId', 'stageId'] as const).map((member) => ({ kind: 'stage', member, pipelineId, stageId, pipelineName, stageName })),
  act: (context, step) =>
    contactStep(context, async (contact) => {
      const { key, run, scene, ports, now } = context
      const { pipelineId, stageId, pipelineName, stageName } = step
      const name = scene.person?.name ?? scene.account?.name ?? contact.email ?? 'Customer'
      await ports.send({ key, companyId: run.companyId, contact, dueAt: now(), ...aboutChange(run), content: { kind: 'card', pipelineId, stageId, name, label: `${pipelineName}: ${stageName}` } })
      return { pipeline: pipelineName, stage: stageName }
    }),
}
