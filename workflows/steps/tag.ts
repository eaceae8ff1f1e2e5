import { z } from 'zod'
import { aboutChange } from '../engine/values.ts'
import { stepId } from '../shapes.ts'
import { contactStep } from './contact-step.ts'
import type { StepHandler } from './handler.ts'

const tagName = z.string().trim().min(1).max(80).regex(/^[^,\n]+$/, 'must be one tag without commas')

/** Gives tags to the user's contact and takes others away; all further tags stay as they are. */
const tagStep = z
  .strictObject({ ...stepId, kind: z.literal('tag'), add: z.array(tagName).max(20), remove: z.array(tagName).max(20) })
  .superRefine(({ add, remove }, context) => {
    if (add.length + remove.length === 0) context.addIssue({ code: 'custom', path: ['add'], message: 'name at least one tag to add or to remove' })
    const added = new Set(add.map((tag) => tag.toLowerCase()))
    const both = remove.findIndex((tag) => added.has(tag.toLowerCase()))
    if (both >= 0) context.addIssue({ code: 'custom', path: ['remove', both], message: `"${remove[both] ?? ''}" is added by the same step` })
  })
export type TagStep = z.output<typeof tagStep>

export const tag: StepHandler<TagStep> = {
  kind: 'tag',
  reaches: 'crm',
  schema: tagStep,
  templates: () => [],
  replaceable: ['add', 'remove'],
  names: (step) => [...step.add.map((name, index) => ({ kind: 'tag' as const, member: `add.${index}`, tag: name })), ...step.remove.map((name, index) => ({ kind: 'tag' as const, member: `remove.${index}`, tag: name }))],
  act: (context, step) =>
    contactStep(context, async (contact) => {
      const { key, run, ports, now } = context
      const { add, remove } = step
      await ports.send({ key, companyId: run.companyId, contact, dueAt: now(), ...aboutChange(run), content: { kind: 'tags', add, remove } })
      return { add, remove }
    }),
}
