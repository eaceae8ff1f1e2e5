import { definitionSchemaVersion, type WorkflowDefinition } from '../definition.ts'
import { email } from './copy.ts'

/** Offers the next useful thing to somebody for whom it works already. */
export const happyNextStep: WorkflowDefinition = {
  schemaVersion: definitionSchemaVersion,
  key: 'happy_next_step',
  kind: 'follow_up',
  reading: 'happiness',
  level: 'happy',
  name: 'Useful next step',
  reason: 'A user’s answer is Happy: thank them and offer a resource that fits what they want to do next.',
  trigger: { events: ['feedback.received', 'feedback.changed'], where: [{ field: 'answer.level', is: 'one_of', values: ['happy'] }] },
  conditions: [],
  steps: [
    { id: 'pause', kind: 'wait', delayMinutes: 4 * 60 },
    email('offer', 'A useful next step for {{ account.name }}', [
      'Hi {{ user.first_name }},',
      'Thank you for letting us know that things are going well for {{ account.name }}.',
      'Here is how to get more from it: reply with the one thing you would like to do better or faster, for example follow up with leads, collect reviews or save time on bookings. We send you the short guide that fits, or set up the first step with you.',
      'There is nothing you have to do. {{ owner.first_name }} reads every reply.',
      '{{ owner.name }}\n{{ agency.name }}',
    ]),
  ],
  guards: { dedupe: 'answer', capDays: 'agency', exitOn: ['level_changed', 'reply', 'uninstall'], noOpenCase: false, reentry: 'always' },
}
