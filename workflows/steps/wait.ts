import { z } from 'zod'
import { clockTime, stepId, weekday } from '../shapes.ts'
import type { StepHandler } from './handler.ts'

/** Longest wait: a year, in minutes. */
export const maxDelayMinutes = 366 * 24 * 60

/** Waits; counted from the moment the step before it ended. Times of day are the recipient's. */
const waitStep = z.strictObject({
  ...stepId,
  kind: z.literal('wait'),
  delayMinutes: z.number().int().min(0).max(maxDelayMinutes),
  /** After the delay, on to the next such time; on one of these days of the week, if any are named. */
  until: z.strictObject({ time: clockTime, weekdays: z.array(weekday).min(1).max(7).optional() }).optional(),
  /** After that, on to the agency's business hours. */
  businessHours: z.boolean().optional(),
})
export type WaitStep = z.output<typeof waitStep>

/** Where a run waits is worked out by the runner when it places the next step: the wait itself is no work. */
export const wait: StepHandler<WaitStep> = {
  kind: 'wait',
  reaches: 'nobody',
  schema: waitStep,
  templates: () => [],
  replaceable: ['delayMinutes', 'until', 'businessHours'],
  act: () => Promise.resolve({ outcome: 'done', reason: null, ends: false }),
}
