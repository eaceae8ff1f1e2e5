import { z } from 'zod'
import { jumpTarget, stepId } from '../shapes.ts'
import type { StepHandler } from './handler.ts'

/** Goes on with a later step: the end of one branch of an if. */
const jumpStep = z.strictObject({ ...stepId, kind: z.literal('jump'), to: jumpTarget })
export type JumpStep = z.output<typeof jumpStep>

export const jump: StepHandler<JumpStep> = {
  kind: 'jump',
  reaches: 'nobody',
  schema: jumpStep,
  templates: () => [],
  replaceable: [],
  targets: (step) => [['to', step.to]],
  act: (_context, step) => Promise.resolve({ goTo: step.to }),
}
