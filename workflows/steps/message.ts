import { z } from 'zod'
import { aboutChange } from '../engine/values.ts'
import { stepId, template } from '../shapes.ts'
import { renderTemplate } from '../templates.ts'
import type { StepHandler } from './handler.ts'

/** One e-mail to the customer's user, through the success location. `html` is escaped output, `text` is plain. */
const messageStep = z.strictObject({
  ...stepId,
  kind: z.literal('message'),
  channel: z.enum(['email']),
  subject: template(300),
  text: template(10_000),
  html: template(20_000),
})
export type MessageStep = z.output<typeof messageStep>

export const message: StepHandler<MessageStep> = {
  kind: 'message',
  reaches: 'customer',
  needs: 'email',
  schema: messageStep,
  templates: (step) => [['subject', step.subject], ['text', step.text], ['html', step.html]],
  replaceable: ['subject', 'text', 'html'],
  async act({ run, contact, key, ports, values, now }, step) {
    if (contact === null) return { outcome: 'stopped', reason: 'user_removed', ends: true }
    const subject = renderTemplate('line', step.subject, values)
    const text = renderTemplate('text', step.text, values)
    const html = renderTemplate('html', step.html, values)
    await ports.send({ key, companyId: run.companyId, contact, dueAt: now(), ...aboutChange(run), content: { kind: step.channel, subject, html, text } })
    return { outcome: 'handed_over', reason: null, ends: false, outboxKey: key, input: { to: contact.email, subject, text } }
  },
}
