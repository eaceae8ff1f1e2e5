import { z } from 'zod'
import { aboutChange } from '../engine/values.ts'
import { stepId, template } from '../shapes.ts'
import { renderTemplate } from '../templates.ts'
import type { StepHandler } from './handler.ts'

/** A note on the user's contact: the team reads it in the CRM, the customer never does. */
const noteStep = z.strictObject({ ...stepId, kind: z.literal('note'), body: template(5_000) })
export type NoteStep = z.output<typeof noteStep>

export const note: StepHandler<NoteStep> = {
  kind: 'note',
  reaches: 'crm',
  schema: noteStep,
  templates: (step) => [['body', step.body]],
  replaceable: ['body'],
  async act({ run, contact, key, ports, values, now }, step) {
    if (contact === null) return { outcome: 'skipped', reason: 'no_person', ends: false }
    if (!(await ports.isLive(run.companyId))) return { outcome: 'skipped', reason: 'uninstalled', ends: false }
    const body = renderTemplate('text', step.body, values)
    await ports.send({ key, companyId: run.companyId, contact, dueAt: now(), ...aboutChange(run), content: { kind: 'note', body } })
    return { outcome: 'handed_over', reason: null, ends: false, input: { body } }
  },
}
