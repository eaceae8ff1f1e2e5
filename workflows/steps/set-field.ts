import { z } from 'zod'
import { aboutChange } from '../engine/values.ts'
import { stepId, template, words } from '../shapes.ts'
import { renderTemplate } from '../templates.ts'
import { contactStep } from './contact-step.ts'
import type { StepHandler } from './handler.ts'

/** Writes a custom field of the user's contact. `value` may hold merge fields; the field's id is what counts, its name is for people. */
const setFieldStep = z.strictObject({ ...stepId, kind: z.literal('set_field'), fieldId: z.string().regex(/^[\w-]{1,64}$/, 'must be the id of a custom field'), fieldName: words(120), value: template(2_000) })
export type SetFieldStep = z.output<typeof setFieldStep>

export const setField: StepHandler<SetFieldStep> = {
  kind: 'set_field',
  reaches: 'crm',
  schema: setFieldStep,
  templates: (step) => [['value', step.value]],
  replaceable: ['fieldId', 'fieldName', 'value'],
  names: (step) => [{ kind: 'field', member: 'fieldId', id: step.fieldId, name: step.fieldName }],
  act: (context, step) =>
    contactStep(context, async (contact) => {
      const { key, run, ports, values, now } = context
      const { fieldId, fieldName } = step
      const text = renderTemplate('text', step.value, values)
      const value = (await ports.fieldIsNumber(run.companyId, fieldId)) ? numberOf(text) : text
      if (value === null) return 'not_a_number'
      await ports.send({ key, companyId: run.companyId, contact, dueAt: now(), ...aboutChange(run), content: { kind: 'field', fieldId, value, label: fieldName } })
      return { field: fieldName, value }
    }),
}

/** Also with separators of thousands and a currency before or behind it. */
function numberOf(text: string): number | null {
  const plain = text.replace(/[\s\u00a0_]|(?<=\d),(?=\d{3}(\D|$))/g, '').replace(/^[^\d.+-]{1,3}|[^\d.]{1,3}$/g, '')
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null
}
