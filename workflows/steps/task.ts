import { z } from 'zod'
import { hourMs } from '../../src/kernel/clock.ts'
import { aboutChange } from '../engine/values.ts'
import { stepId, template } from '../shapes.ts'
import { renderTemplate } from '../templates.ts'
import type { StepHandler } from './handler.ts'

/** A task on the user's contact, for the account's owner if there is one. */
const taskStep = z.strictObject({
  ...stepId,
  kind: z.literal('task'),
  title: template(300),
  body: template(2_000),
  dueHours: z.number().int().min(0).max(24 * 90),
})
export type TaskStep = z.output<typeof taskStep>

export const task: StepHandler<TaskStep> = {
  kind: 'task',
  reaches: 'crm',
  schema: taskStep,
  templates: (step) => [['title', step.title], ['body', step.body]],
  replaceable: ['title', 'body', 'dueHours'],
  async act({ run, scene, contact, key, ports, values, now }, step) {
    if (contact === null) return { outcome: 'skipped', reason: 'no_person', ends: false }
    if (!(await ports.isLive(run.companyId))) return { outcome: 'skipped', reason: 'uninstalled', ends: false }
    const title = renderTemplate('line', step.title, values)
    const dueAt = run.facts.dueAt ?? new Date(run.eventAt.getTime() + step.dueHours * hourMs)
    const assignedTo = run.facts.ownerId ?? scene.account?.ownerId ?? null
    await ports.send({
      key, companyId: run.companyId, contact, dueAt: now(), ...aboutChange(run),
      content: { kind: 'task', title, body: renderTemplate('text', step.body, values), dueAt, assignedTo },
    })
    return { outcome: 'handed_over', reason: null, ends: false, input: { title, assignedTo } }
  },
}
