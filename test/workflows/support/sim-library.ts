import { definitionSchemaVersion, type WorkflowDefinition } from '../../../workflows/definition.ts'
import { email } from '../../../workflows/library/copy.ts'

type Guards = WorkflowDefinition['guards']

function followUp(key: string, level: string, steps: WorkflowDefinition['steps'], guards: Partial<Guards>): WorkflowDefinition {
  return {
    schemaVersion: definitionSchemaVersion,
    key,
    kind: 'follow_up',
    reading: 'happiness',
    level,
    name: key,
    reason: 'A workflow of the simulation.',
    trigger: { events: ['feedback.received', 'feedback.changed'], where: [{ field: 'answer.level', is: 'one_of', values: [level] }] },
    conditions: [],
    steps,
    guards: { dedupe: 'answer', capDays: 'agency', exitOn: ['level_changed', 'reply', 'opt_out', 'uninstall'], noOpenCase: false, reentry: 'always', ...guards },
  }
}

/** Follow-ups that use every part of the engine. */
export const simulationLibrary: readonly WorkflowDefinition[] = [
  followUp(
    'sim_not_happy', 'not_happy',
    [
      { id: 'pause', kind: 'wait', delayMinutes: 15 },
      email('first', 'We read it', ['Sorry, {{ user.first_name }}.']),
      { id: 'days', kind: 'wait', delayMinutes: 8 * 24 * 60 },
      { id: 'still', kind: 'if', when: [{ field: 'user.level', is: 'one_of', values: ['not_happy'] }], otherwise: 'end' },
      email('second', 'How is it now?', ['Hello again, {{ user.first_name }}.']),
    ],
    { exitOn: ['recovery', 'level_changed', 'reply', 'opt_out', 'uninstall'] },
  ),
  followUp('sim_neutral', 'neutral', [{ id: 'pause', kind: 'wait', delayMinutes: 120 }, email('ask', 'What would help?', ['Hi {{ user.first_name }}.'])], {}),
  followUp(
    'sim_happy', 'happy',
    [{ id: 'morning', kind: 'wait', delayMinutes: 60, until: { time: '10:00', weekdays: [1, 2, 3, 4, 5] }, businessHours: true }, email('offer', 'An idea', ['Hi {{ user.first_name }}.'])],
    { exitOn: ['level_changed', 'reply', 'opt_out', 'case_opened', 'uninstall'], noOpenCase: true, reentry: 'after_end', cooldownDays: 20 },
  ),
  followUp('sim_very_happy', 'very_happy', [{ id: 'pause', kind: 'wait', delayMinutes: 24 * 60 }, email('ask', 'A favour?', ['Hi {{ user.first_name }}.'])], { reentry: 'once' }),
  {
    ...followUp('sim_monthly', 'happy', [email('hello', 'Once a month', ['Hi {{ user.first_name }}.'])], { dedupe: 'event', exitOn: ['reply', 'opt_out', 'uninstall'] }),
    level: null,
    reading: 'account',
    trigger: { events: [], where: [], schedule: { every: 'month', at: '11:00', day: 5 } },
    conditions: [{ field: 'account.premium', is: 'one_of', values: [true] }],
  },
]
