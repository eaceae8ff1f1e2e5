import { z } from 'zod'
import { condition, guards, slug, trigger, words } from './shapes.ts'
import { handlerOf, step } from './steps/index.ts'

export type { Condition, Guards, Schedule } from './shapes.ts'
export type { Step } from './steps/index.ts'
export type { MessageStep } from './steps/message.ts'
export type { NotifyStep } from './steps/notify.ts'
export type { TaskStep } from './steps/task.ts'

/** Grows by one whenever an older definition would be read wrongly; older ones are then converted when they are read (`readDefinition`). */
export const definitionSchemaVersion = 2

/**
 * One workflow as data. Follow-ups write to the customer and ship as drafts; notifications tell the team and are on.
 * The same shape is stored as a version, exported and imported.
 */
export const workflowDefinition = z
  .strictObject({
    schemaVersion: z.literal(definitionSchemaVersion),
    key: slug,
    kind: z.enum(['follow_up', 'notification']),
    reading: z.enum(['happiness', 'health', 'account', 'agency']),
    /** Level that the follow-up belongs to, for grouping on the page. */
    level: z.string().max(20).nullable(),
    name: words(80),
    /** Why it exists and when it fires, in one or two sentences. */
    reason: words(300),
    trigger,
    conditions: z.array(condition).max(20),
    /** Worked on in their order; an if or a jump may leave some out. */
    steps: z.array(step).min(1).max(40),
    guards,
  })
  .superRefine((definition, context) => {
    const ids = definition.steps.map((each) => each.id)
    for (const [index, each] of definition.steps.entries()) {
      if (each.id === 'end') context.addIssue({ code: 'custom', path: ['steps', index, 'id'], message: '"end" is where jumps to the end lead; call the step something else' })
      if (ids.indexOf(each.id) !== index) context.addIssue({ code: 'custom', path: ['steps', index, 'id'], message: `"${each.id}" is used by an earlier step` })
      for (const [member, target] of handlerOf(each).targets?.(each) ?? []) {
        if (target === 'end' || ids.indexOf(target) > index) continue
        const fault = ids.includes(target) ? `"${target}" is not a later step: jumps go forwards only` : `there is no step "${target}"`
        context.addIssue({ code: 'custom', path: ['steps', index, member], message: `${fault}; name a later step, or "end"` })
      }
    }
    const writes = definition.steps.findIndex((each) => handlerOf(each).reaches === 'customer')
    if (definition.kind === 'notification' && writes >= 0) {
      context.addIssue({ code: 'custom', path: ['steps', writes], message: 'a notification tells the team; only a follow-up may write to customers' })
    }
    if (definition.kind === 'follow_up' && definition.guards.capDays === null) {
      context.addIssue({ code: 'custom', path: ['guards', 'capDays'], message: 'a follow-up needs the cap of one message per person' })
    }
  })
export type WorkflowDefinition = z.output<typeof workflowDefinition>

const firstSchema = z.looseObject({ schemaVersion: z.literal(1), guards: z.looseObject({}) })

/** Reads a stored or imported definition of this or an older schema. @throws ZodError with the place of every fault */
export function readDefinition(stored: unknown): WorkflowDefinition {
  const first = firstSchema.safeParse(stored)
  // What the first schema did not say: people may enter as often as facts call for it.
  return workflowDefinition.parse(first.success ? { ...first.data, schemaVersion: definitionSchemaVersion, guards: { ...first.data.guards, reentry: 'always' } } : stored)
}
