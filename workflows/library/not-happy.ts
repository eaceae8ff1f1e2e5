import { definitionSchemaVersion, type WorkflowDefinition } from '../definition.ts'
import { email } from './copy.ts'

/** Says that the answer was read and offers a call. */
export const notHappySupport: WorkflowDefinition = {
  schemaVersion: definitionSchemaVersion,
  key: 'not_happy_support',
  kind: 'follow_up',
  reading: 'happiness',
  level: 'not_happy',
  name: 'We read your feedback',
  reason: 'A user’s answer is Not Happy: say that it was read, ask what to fix first and offer a call. A case with an owner is opened beside it.',
  trigger: { events: ['feedback.received', 'feedback.changed'], where: [{ field: 'answer.level', is: 'one_of', values: ['not_happy'] }] },
  conditions: [],
  steps: [
    { id: 'pause', kind: 'wait', delayMinutes: 15 },
    email('offer_call', 'We read your feedback, {{ user.first_name }}', [
      'Hi {{ user.first_name }},',
      'Thank you for being open with us. Things are not working for {{ account.name }} the way they should, and that is ours to put right.',
      '{% if answer.comment != "" %}You wrote: “{{ answer.comment }}”{% else %}Could you reply with the one thing that we should fix first?{% endif %}',
      'If a call is easier, reply with a time that suits you and a number, and {{ owner.first_name }} will ring you then. Fifteen minutes are enough to start.',
      '{{ owner.name }}\n{{ agency.name }}',
    ]),
  ],
  guards: { dedupe: 'answer', capDays: 'agency', exitOn: ['recovery', 'level_changed', 'reply', 'uninstall'], noOpenCase: false, reentry: 'always' },
}
