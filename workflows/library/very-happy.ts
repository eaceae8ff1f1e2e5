import { definitionSchemaVersion, type WorkflowDefinition } from '../definition.ts'
import { email } from './copy.ts'

/** Asks for a short review or an introduction while the experience is fresh. */
export const veryHappyReview: WorkflowDefinition = {
  schemaVersion: definitionSchemaVersion,
  key: 'very_happy_review',
  kind: 'follow_up',
  reading: 'happiness',
  level: 'very_happy',
  name: 'Ask for a review',
  reason: 'A user’s answer is Very Happy: the best moment to ask for a few words or an introduction. Held back while anybody in the account waits for help.',
  trigger: { events: ['feedback.received', 'feedback.changed'], where: [{ field: 'answer.level', is: 'one_of', values: ['very_happy'] }] },
  conditions: [],
  steps: [
    { id: 'pause', kind: 'wait', delayMinutes: 24 * 60 },
    email('ask', 'A small favour, {{ user.first_name }}?', [
      'Hi {{ user.first_name }},',
      'Thank you for your answer this week. It is good to hear that things are working well for {{ account.name }}.',
      'Would you share that in two or three sentences? What you came for, what changed, and who you would recommend us to is plenty. Just reply to this email. We ask you again before we show your words to anyone.',
      'And if somebody you know is looking for the same kind of help, an introduction would mean a lot to us.',
      '{{ owner.name }}\n{{ agency.name }}',
    ]),
  ],
  guards: { dedupe: 'answer', capDays: 'agency', exitOn: ['level_changed', 'reply', 'uninstall'], noOpenCase: true, reentry: 'always' },
}
