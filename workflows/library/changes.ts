import { email } from './copy.ts'
import { followUp, notChurned } from './shape.ts'

/** Follow-ups to a change of a reading, where the direction says more than the level. */

/** What changed for you? */
export const happinessFell = followUp(
  {
    key: 'happiness_fell',
    reading: 'happiness',
    name: 'Happiness fell: what changed?',
    reason: 'A user who was Happy or Very Happy is not any more. Something happened; ask what. Whoever gets the follow-up of the new level does not get this one, too.',
    events: ['happiness.user_level_changed'],
    where: [
      { field: 'level.before', is: 'one_of', values: ['very_happy', 'happy'] },
      { field: 'level.after', is: 'one_of', values: ['neutral', 'not_happy'] },
    ],
    conditions: notChurned,
  },
  3,
  email('ask', 'What changed for you, {{ user.first_name }}?', [
    'Hi {{ user.first_name }},',
    'You used to be happy with how things go for {{ account.name }}, and your last answer says that this is not so any more. Thank you for telling us.',
    'What changed? One sentence is enough, and it can be about anything: something that broke, something that takes too long, or something that you expected and did not get.',
    '{{ owner.first_name }} reads your reply and gets back to you with what we can do.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { exitOn: ['recovery', 'reply', 'opt_out', 'uninstall'] },
)

/** Says thank you and asks what made the difference. */
export const happinessRose = followUp(
  {
    key: 'happiness_rose',
    reading: 'happiness',
    name: 'Happiness rose: what helped?',
    reason: 'A user went from Neutral to Happy or Very Happy. Thank them, and learn what made the difference.',
    events: ['happiness.user_level_changed'],
    where: [
      { field: 'level.before', is: 'one_of', values: ['neutral'] },
      { field: 'level.after', is: 'one_of', values: ['happy', 'very_happy'] },
    ],
    conditions: notChurned,
  },
  24,
  email('ask', 'Good to hear, {{ user.first_name }}', [
    'Hi {{ user.first_name }},',
    'Your last answer was better than the one before. We are glad that things are going well for {{ account.name }}.',
    'What made the difference? If you tell us in a line, we make sure that it stays that way.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { exitOn: ['level_changed', 'reply', 'opt_out', 'uninstall'] },
)

/** After a hard time: thanks for staying, and one question whether it holds. */
export const happinessRecovered = followUp(
  {
    key: 'happiness_recovered',
    reading: 'happiness',
    name: 'Recovered: thank you for staying',
    reason: 'A user who was Not Happy is Happy again. Thank them for the patience and ask whether anything is left.',
    events: ['happiness.user_level_changed'],
    where: [
      { field: 'level.before', is: 'one_of', values: ['not_happy'] },
      { field: 'level.after', is: 'one_of', values: ['happy', 'very_happy'] },
    ],
    conditions: notChurned,
  },
  24,
  email('thank', 'Thank you for staying with us, {{ user.first_name }}', [
    'Hi {{ user.first_name }},',
    'A while ago things were not working for {{ account.name }}. Your last answer says that they are again. Thank you for telling us when they were not, and for giving us the time to put it right.',
    'Is there anything left that still bothers you? If so, reply with it. If not, there is nothing you have to do.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { exitOn: ['level_changed', 'reply', 'opt_out', 'uninstall'], noOpenCase: true },
)

/** Thanks a person for the first answer and says what happens with it. */
export const firstAnswer = followUp(
  {
    key: 'first_answer',
    reading: 'happiness',
    name: 'First answer: thank you',
    reason: 'A user answered for the first time. Say who reads it and what happens with it, so that they answer again.',
    events: ['feedback.received'],
    where: [{ field: 'answer.level', is: 'one_of', values: ['very_happy', 'happy', 'neutral'] }],
    conditions: notChurned,
  },
  6,
  email('thank', 'Thank you for your first answer, {{ user.first_name }}', [
    'Hi {{ user.first_name }},',
    'Thank you for taking a moment to tell us how things are going for {{ account.name }}.',
    'Here is what happens with it: {{ owner.first_name }} reads every answer, and when something needs fixing we come back to you. We ask again about once a month, one tap each time, and the feedback button is there in between.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { dedupe: 'answer', reentry: 'once' },
)

/** The status fell. Customers never read the word for it. */
export const healthFell = followUp(
  {
    key: 'health_fell',
    reading: 'health',
    name: 'Business slows down: how can we help?',
    reason: 'The status went from Thriving or Healthy to Steady or Struggling. Offer to look at what they need now, without naming the status.',
    events: ['health.changed'],
    where: [
      { field: 'level.before', is: 'one_of', values: ['thriving', 'healthy'] },
      { field: 'level.after', is: 'one_of', values: ['steady', 'struggling'] },
    ],
    conditions: notChurned,
  },
  24,
  email('offer', 'What does {{ account.name }} need most right now?', [
    'Hi {{ user.first_name }},',
    'Plans change during a year, and what we set up together some time ago may not be what helps {{ account.name }} most today.',
    'What would take the most work off you right now? Reply in a line, and {{ owner.first_name }} comes back with a suggestion that costs you little time.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { exitOn: ['recovery', 'reply', 'opt_out', 'uninstall'] },
)

/** The status rose. */
export const healthRose = followUp(
  {
    key: 'health_rose',
    reading: 'health',
    name: 'Business picks up: what comes next?',
    reason: 'The status went up to Healthy or Thriving. A good moment to plan the next step together.',
    events: ['health.changed'],
    where: [
      { field: 'level.before', is: 'one_of', values: ['steady', 'healthy'] },
      { field: 'level.after', is: 'one_of', values: ['healthy', 'thriving'] },
    ],
    conditions: notChurned,
  },
  48,
  email('ask', 'What would you like to do next, {{ user.first_name }}?', [
    'Hi {{ user.first_name }},',
    'It looks as if {{ account.name }} has had some good weeks. Well done to you and your colleagues.',
    'If there is something you have wanted to try and never had the time for, tell us what it is. {{ owner.first_name }} says what it takes and does the first step with you.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { exitOn: ['level_changed', 'reply', 'opt_out', 'uninstall'], noOpenCase: true },
)

/** Out of the worst. */
export const healthRecovered = followUp(
  {
    key: 'health_recovered',
    reading: 'health',
    name: 'Out of a hard time',
    reason: 'The status is not Struggling any more. Check that what was cut back in the meantime still fits.',
    events: ['health.changed'],
    where: [
      { field: 'level.before', is: 'one_of', values: ['struggling'] },
      { field: 'level.after', is: 'one_of', values: ['steady', 'healthy', 'thriving'] },
    ],
    conditions: notChurned,
  },
  72,
  email('ask', 'Does your set-up still fit, {{ user.first_name }}?', [
    'Hi {{ user.first_name }},',
    'We have been thinking about {{ account.name }} and would like to check one thing: does what you have with us still fit the way you work now?',
    'If something was switched off or put aside for a while, we can bring it back step by step. Reply with what you miss, or with "all fine".',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { exitOn: ['level_changed', 'reply', 'opt_out', 'uninstall'] },
)
