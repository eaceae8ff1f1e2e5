import { definitionSchemaVersion, type WorkflowDefinition } from '../definition.ts'
import { email } from './copy.ts'

/** Asks one open question. */
export const neutralCheckIn: WorkflowDefinition = {
  schemaVersion: definitionSchemaVersion,
  key: 'neutral_check_in',
  kind: 'follow_up',
  reading: 'happiness',
  level: 'neutral',
  name: 'What would make it better?',
  reason: 'A user’s answer is Neutral: usually something is in the way. Ask for the one thing to change first.',
  trigger: { events: ['feedback.received', 'feedback.changed'], where: [{ field: 'answer.level', is: 'one_of', values: ['neutral'] }] },
  conditions: [],
  steps: [
    { id: 'pause', kind: 'wait', delayMinutes: 2 * 60 },
    email('ask', 'What would make it better, {{ user.first_name }}?', [
      'Hi {{ user.first_name }},',
      'Thank you for telling us how things are going for {{ account.name }}. An answer in the middle usually means that something is in the way.',
      'If you have a minute, reply with the one thing you would change first. It does not have to be big.',
      '{{ owner.first_name }} reads every reply and tells you what we can do about it.',
      '{{ owner.name }}\n{{ agency.name }}',
    ]),
  ],
  guards: { dedupe: 'answer', capDays: 'agency', exitOn: ['recovery', 'level_changed', 'reply', 'uninstall'], noOpenCase: false, reentry: 'always' },
}
