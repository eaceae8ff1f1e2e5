import { z } from 'zod'

/** One requirement: whether it holds, what was found, and what to do if it does not. */
export const setupCheckItem = z.object({
  key: z.string(),
  ok: z.boolean(),
  detail: z.string(),
  /** What a person can do; null when nothing is needed. */
  fix: z.string().nullable(),
})
export type SetupCheckItem = z.output<typeof setupCheckItem>

export const setupProgress = z.object({
  accountsMirrored: z.number().int(),
  usersMirrored: z.number().int(),
  /** Reading from the CRM, or setting up the success location, right now. */
  running: z.boolean(),
})
export type SetupProgress = z.output<typeof setupProgress>

export const setupView = z.object({
  /** Everything that feedback needs is there. */
  ready: z.boolean(),
  /** The chosen success location. */
  locationId: z.string().nullable(),
  checks: z.array(setupCheckItem),
  progress: setupProgress,
})
export type SetupView = z.output<typeof setupView>

/** `fresh=true` looks into the CRM now; without it a look of the last few seconds will do. */
export const setupQuery = z.object({ fresh: z.enum(['true', 'false']).optional() })

export const chooseSuccessLocation = z.strictObject({ locationId: z.string().min(1).max(64) })
