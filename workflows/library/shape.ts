import { definitionSchemaVersion, type Guards, type MessageStep, type Step, type WorkflowDefinition } from '../definition.ts'

type Where = WorkflowDefinition['trigger']['where']

/** What a follow-up is about and when it fires. */
export interface About {
  key: string
  reading: WorkflowDefinition['reading']
  name: string
  /** Why it exists and when it fires, in one or two sentences. */
  reason: string
  events: WorkflowDefinition['trigger']['events']
  where?: Where
  conditions?: Where
}

/** A waiting time before the first message, in hours. */
export const pause = (hours: number): Step => ({ id: 'pause', kind: 'wait', delayMinutes: Math.round(hours * 60) })

/** A follow-up that belongs to no single level: it waits, and writes one message unless something ends it before. */
export function followUp(about: About, delayHours: number, message: MessageStep, guards: Partial<Guards> = {}): WorkflowDefinition {
  const { events, where = [], conditions = [], ...rest } = about
  return {
    schemaVersion: definitionSchemaVersion,
    kind: 'follow_up',
    level: null,
    ...rest,
    trigger: { events, where },
    conditions,
    steps: [pause(delayHours), message],
    guards: { dedupe: 'event', capDays: 'agency', exitOn: ['reply', 'opt_out', 'uninstall'], noOpenCase: false, reentry: 'after_end', ...guards },
  }
}

/** Not for customers who left. */
export const notChurned: Where = [{ field: 'account.group', is: 'none_of', values: ['churned'] }]
