import { z } from 'zod'
import { aboutChange } from '../engine/values.ts'
import { stepId, template } from '../shapes.ts'
import { renderTemplate } from '../templates.ts'
import type { StepHandler } from './handler.ts'

/** One text message to the customer's user, through the success location. */
const smsStep = z.strictObject({ ...stepId, kind: z.literal('sms'), text: template(1_000) })
export type SmsStep = z.output<typeof smsStep>

export const sms: StepHandler<SmsStep> = {
  kind: 'sms',
  reaches: 'customer',
  needs: 'phone',
  schema: smsStep,
  templates: (step) => [['text', step.text]],
  replaceable: ['text'],
  async act({ run, contact, key, ports, values, now }, step) {
    if (contact === null) return { outcome: 'stopped', reason: 'user_removed', ends: true }
    const text = renderTemplate('text', step.text, values)
    await ports.send({ key, companyId: run.companyId, contact, dueAt: now(), ...aboutChange(run), content: { kind: 'sms', text } })
    return { outcome: 'handed_over', reason: null, ends: false, outboxKey: key, input: { to: contact.phone, text } }
  },
}
