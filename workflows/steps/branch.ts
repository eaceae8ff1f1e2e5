import { z } from 'zod'
import { condition, jumpTarget, stepId } from '../shapes.ts'
import type { StepHandler } from './handler.ts'

/** Goes on with the next step if everything holds at that moment, else with a later one. */
const ifStep = z.strictObject({ ...stepId, kind: z.literal('if'), when: z.array(condition).min(1).max(10), otherwise: jumpTarget })
export type IfStep = z.output<typeof ifStep>

export const branch: StepHandler<IfStep> = {
  kind: 'if',
  reaches: 'nobody',
  schema: ifStep,
  templates: () => [],
  replaceable: [],
  targets: (step) => [['otherwise', step.otherwise]],
  async act(context, step) {
    const holds = await context.holds(step.when)
    if (holds) return { outcome: 'done', reason: null, ends: false, output: { holds } }
    return { goTo: step.otherwise, output: { holds, goesTo: step.otherwise } }
  },
}
