import { definitionSchemaVersion, type MessageStep, type WorkflowDefinition } from '../definition.ts'
import { email } from './copy.ts'

/** A follow-up to the account's primary contact after its status was set to a level. It never names the status: that word is the team's own. */
function onStatus(
  about: Pick<WorkflowDefinition, 'key' | 'name' | 'reason' | 'level'>,
  delayHours: number,
  message: MessageStep,
  favour: { noOpenCase: boolean } = { noOpenCase: false },
): WorkflowDefinition {
  return {
    schemaVersion: definitionSchemaVersion,
    kind: 'follow_up',
    reading: 'health',
    ...about,
    trigger: { events: ['health.changed'], where: [{ field: 'level.after', is: 'one_of', values: [about.level] }] },
    conditions: [{ field: 'account.group', is: 'none_of', values: ['churned'] }],
    steps: [{ id: 'pause', kind: 'wait', delayMinutes: delayHours * 60 }, message],
    guards: { dedupe: 'event', capDays: 'agency', exitOn: ['level_changed', 'reply', 'uninstall'], reentry: 'always', ...favour },
  }
}

/** Offers help within the service and no advice about the business. */
export const strugglingSupport = onStatus(
  {
    key: 'struggling_support',
    level: 'struggling',
    name: 'We are here to help',
    reason: 'The status became Struggling: offer a calm look at what they use and what they could do without. No business advice, no pressure.',
  },
  24,
  email('offer', 'A look at your plan, {{ user.first_name }}?', [
    'Hi {{ user.first_name }},',
    'We would like {{ account.name }} to get full value from what it pays for, in busy months and in quiet ones.',
    'If it helps, we go through your set-up together: what you use, what you do not, and what could be simpler or smaller. It takes about twenty minutes, and there is nothing to prepare.',
    'Reply with a time that suits you. {{ owner.first_name }} will be there.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
)

/** Shows one thing that saves time or money. */
export const steadyCheckIn = onStatus(
  {
    key: 'steady_check_in',
    level: 'steady',
    name: 'One thing that saves time',
    reason: 'The status became Steady: they hold their ground. Offer one concrete thing that saves them effort.',
  },
  48,
  email('offer', 'One thing that could save {{ account.name }} time', [
    'Hi {{ user.first_name }},',
    'Many of our customers get an hour a week back by letting us set up one thing properly: reminders, follow-ups to new enquiries, or review requests.',
    'Which of these takes most of your time today? Reply with one word and we set it up with you.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
)

/** Asks what is next, so that the service keeps up. */
export const healthyNextGoal = onStatus(
  {
    key: 'healthy_next_goal',
    level: 'healthy',
    name: 'What is next for you?',
    reason: 'The status became Healthy: ask for the next goal while there is room to plan for it.',
  },
  72,
  email('ask', 'What is next for {{ account.name }}?', [
    'Hi {{ user.first_name }},',
    'A short question while there is time to plan: what is the one thing that {{ account.name }} should be better at three months from now?',
    'Reply in a sentence. {{ owner.first_name }} tells you what we can do for it, and what we would leave as it is.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
)

/** Growth and a word to others; never while somebody in the account waits for help. */
export const thrivingGrowth = onStatus(
  {
    key: 'thriving_growth',
    level: 'thriving',
    name: 'Room to grow, and a word to others',
    reason: 'The status became Thriving: offer what helps to grow, and ask for an introduction. Held back while anybody in the account waits for help.',
  },
  72,
  email('offer', 'Ideas for what comes next, {{ user.first_name }}', [
    'Hi {{ user.first_name }},',
    'It is good to work with {{ account.name }}. If you plan to grow, we have two or three ideas that worked well for others in your place. A call of twenty minutes is enough to see which of them fits.',
    'Reply with a time, or with "not now".',
    'And if you know somebody who would like the same, an introduction would mean a lot to us. A line to them with {{ owner.first_name }} in copy is plenty.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { noOpenCase: true },
)
