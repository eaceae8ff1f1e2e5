import { z } from 'zod'
import { branch } from './branch.ts'
import { crmWorkflow } from './crm-workflow.ts'
import type { StepHandler } from './handler.ts'
import { jump } from './jump.ts'
import { message } from './message.ts'
import { moveCard } from './move-card.ts'
import { note } from './note.ts'
import { notify } from './notify.ts'
import { setField } from './set-field.ts'
import { sms } from './sms.ts'
import { tag } from './tag.ts'
import { task } from './task.ts'
import { wait } from './wait.ts'
import { webhook } from './webhook.ts'

/** The step catalog. A new kind of step is its file and one line here. */
const handlers = [
  wait,
  branch,
  jump,
  message,
  sms,
  notify,
  task,
  note,
  tag,
  setField,
  moveCard,
  crmWorkflow,
  webhook,
] as const

/** Steps of every kind that the catalog has. */
export type Step = (typeof handlers)[number] extends infer H ? (H extends StepHandler<infer S> ? S : never) : never
/** One step of a definition, told apart by its `kind`. */
export const step = z.discriminatedUnion('kind', handlers.map(({ schema }) => schema) as never) as unknown as z.ZodType<Step>

const byKind: ReadonlyMap<string, StepHandler<Step>> = new Map(handlers.map((handler) => [handler.kind, handler as unknown as StepHandler<Step>]))

/** What knows how to do this step. @throws Error for a kind that is not in the catalog (definitions are checked before they are stored) */
export function handlerOf(given: { kind: string }): StepHandler<Step> {
  const handler = byKind.get(given.kind)
  if (handler === undefined) throw new Error(`Unknown kind of step: ${given.kind}`)
  return handler
}
