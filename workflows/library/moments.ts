import { email } from './copy.ts'
import { followUp, notChurned } from './shape.ts'

/** Follow-ups to moments in the life of an account. */

/** Nobody answers: asks one person whether the way of asking is wrong. */
export const noAnswer = followUp(
  {
    key: 'no_answer',
    reading: 'account',
    name: 'No answer: is this a good way to ask?',
    reason: 'Nobody in the account answered for several rounds. Write once to the primary contact, with a link that needs no login.',
    events: ['account.silent', 'account.unanswered'],
    conditions: notChurned,
  },
  24,
  email('ask', 'A short question, {{ user.first_name }}', [
    'Hi {{ user.first_name }},',
    'We ask now and then how things are going for {{ account.name }}, and have not heard from you for a while. Perhaps you are busy, or the question turns up at the wrong moment.',
    '{% if feedback.link != "" %}One tap is enough, and it needs no login:\n{{ feedback.link }}{% else %}A single word in reply is enough: good, so-so or bad.{% endif %}',
    'If you would rather tell somebody, reply with a time and {{ owner.first_name }} will call you.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { cooldownDays: 90 },
)

/** Tells the person that their case is done, and how to say that it is not. */
export const caseClosedLoop = followUp(
  {
    key: 'case_closed_loop',
    reading: 'happiness',
    name: 'Closing the loop after a case',
    reason: 'A Not Happy case was closed with a result. Tell the person that it is done, and ask whether it really is.',
    events: ['case.closed'],
    where: [{ field: 'case.outcome', is: 'one_of', values: ['resolved', 'explained', 'compensated'] }],
    conditions: notChurned,
  },
  24,
  email('tell', 'Is it fixed for you, {{ user.first_name }}?', [
    'Hi {{ user.first_name }},',
    'A few days ago you told us that things were not right for {{ account.name }}. We have worked on it, and on our side it is done.',
    'Is it done on yours, too? A plain "yes" or "no" in reply is enough. If it is "no", {{ owner.first_name }} picks it up again the same day.',
    'Thank you for telling us. It is how we get better.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { noOpenCase: true },
)

/** May we quote you? Only of people who wrote something themselves. */
export const testimonialAsk = followUp(
  {
    key: 'testimonial_ask',
    reading: 'happiness',
    name: 'May we quote you?',
    reason: 'A user answered Very Happy in words of their own. Ask whether you may show them. Held back while anybody in the account waits for help, and asked at most twice a year.',
    events: ['feedback.received'],
    where: [
      { field: 'answer.level', is: 'one_of', values: ['very_happy'] },
      { field: 'answer.has_comment', is: 'one_of', values: [true] },
    ],
    conditions: notChurned,
  },
  48,
  email('ask', 'May we quote you, {{ user.first_name }}?', [
    'Hi {{ user.first_name }},',
    '{% if answer.comment != "" %}You wrote to us: “{{ answer.comment }}”{% else %}Your last answer was a very kind one.{% endif %}',
    'May we show these words to others, with your first name and {{ account.name }} under them? Reply with "yes", with "yes, without the name", or change the words as you like. Without a reply we show nothing.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { dedupe: 'answer', exitOn: ['level_changed', 'reply', 'opt_out', 'case_opened', 'uninstall'], noOpenCase: true, cooldownDays: 180 },
)

/** Who else could use this? Asked where everybody is very happy. */
export const referralAsk = followUp(
  {
    key: 'referral_ask',
    reading: 'account',
    name: 'Who else could use this?',
    reason: 'The whole account became Very Happy. Ask the primary contact for an introduction. Held back while anybody in the account waits for help, and asked at most twice a year.',
    events: ['happiness.account_level_changed'],
    where: [{ field: 'level.after', is: 'one_of', values: ['very_happy'] }],
    conditions: notChurned,
  },
  96,
  email('ask', 'Who else could use this, {{ user.first_name }}?', [
    'Hi {{ user.first_name }},',
    'You and your colleagues tell us that things are going very well for {{ account.name }}. Most of the people we work with came to us because somebody like you mentioned our name.',
    'Does anybody come to mind who could use the same help? Reply with their name, or write them a line with us in copy. We are careful with introductions: one call, no pressure.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { exitOn: ['reply', 'opt_out', 'case_opened', 'uninstall'], noOpenCase: true, cooldownDays: 180 },
)

/** A person has not been there for so many days. */
function absent(days: 7 | 14 | 30, about: { name: string; reason: string }, subject: string, paragraphs: string[]) {
  return followUp(
    {
      key: `inactive_${days}_days`,
      reading: 'account',
      ...about,
      events: ['user.inactive'],
      where: [{ field: 'user.inactive_days', is: 'one_of', values: [days] }],
      conditions: notChurned,
    },
    1,
    email('write', subject, ['Hi {{ user.first_name }},', ...paragraphs, '{{ owner.name }}\n{{ agency.name }}']),
    { exitOn: ['recovery', 'reply', 'opt_out', 'uninstall'] },
  )
}

export const inactive7Days = absent(
  7,
  { name: 'Away for a week', reason: 'A user has not been in the system for 7 days. A light word, with one thing that is quick to do.' },
  'Anything in your way, {{ user.first_name }}?',
  [
    'We noticed that it has been a quiet week for you in your account with {{ account.name }}. That is fine if you were busy elsewhere.',
    'If something was in the way, reply with what it was. Most things take us a few minutes to sort out.',
  ],
)

export const inactive14Days = absent(
  14,
  { name: 'Away for two weeks', reason: 'A user has not been in the system for 14 days. Offer to go through the first step together.' },
  'Shall we do it together, {{ user.first_name }}?',
  [
    'It has been two weeks since you were last in your account. Often that means that something takes too long or is not set up the way you need it.',
    'Shall we look at it together? Fifteen minutes on the phone are enough, and you choose what we start with. Reply with a time that suits you.',
  ],
)

export const inactive30Days = absent(
  30,
  { name: 'Away for a month', reason: 'A user has not been in the system for 30 days. Ask openly whether it is still useful, and for whom.' },
  'Is this still useful for you, {{ user.first_name }}?',
  [
    'You have not been in your account for a month, so here is an open question: is it still useful for {{ account.name }}?',
    'If your work has changed, tell us who should have it instead of you. If it is not useful, tell us why. Either answer helps, and {{ owner.first_name }} reads it.',
  ],
)

/** The payment did not go through: plain, without alarm. */
export const paymentFailed = followUp(
  {
    key: 'payment_failed_customer',
    reading: 'account',
    name: 'Payment did not go through',
    reason: 'A payment failed. Most of the time it is an expired card: tell the primary contact without alarm, and stop as soon as it is paid.',
    events: ['billing.payment_failed'],
    conditions: notChurned,
  },
  4,
  email('tell', 'Your last payment did not go through', [
    'Hi {{ user.first_name }},',
    'The last payment for {{ account.name }} did not go through. Most of the time a card has expired or the bank asks for a confirmation, so this is only a short note to let you know.',
    'Please check your payment details when you have a minute. Nothing is switched off today. If you need another date or another way to pay, reply and we sort it out.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { exitOn: ['recovery', 'reply', 'opt_out', 'uninstall'] },
)

/** The plan renews soon: no surprise. */
export const renewalAhead = followUp(
  {
    key: 'renewal_ahead_customer',
    reading: 'account',
    name: 'Your plan renews soon',
    reason: 'A renewal is a week away. Tell the primary contact early, and offer to look at whether the plan still fits. Held back while anybody in the account waits for help.',
    events: ['billing.renewal_ahead'],
    where: [{ field: 'billing.days', is: 'at_most', values: [7] }],
    conditions: notChurned,
  },
  2,
  email('tell', 'Your plan renews soon, {{ user.first_name }}', [
    'Hi {{ user.first_name }},',
    'Your plan for {{ account.name }} renews in about a week. There is nothing you have to do.',
    'If you would like to look at it before, we can go through what you use and what you do not, and change the plan so that it fits. Reply with a time that suits you.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { exitOn: ['reply', 'opt_out', 'case_opened', 'uninstall'], noOpenCase: true },
)

/** A new person in a customer's account. */
export const welcome = followUp(
  {
    key: 'welcome',
    reading: 'account',
    name: 'Welcome',
    reason: 'A new user joined an account. Say who you are, how to reach you, and that you ask now and then how things are going.',
    events: ['user.added'],
    conditions: notChurned,
  },
  24,
  email('greet', 'Welcome, {{ user.first_name }}', [
    'Hi {{ user.first_name }},',
    'Welcome. {{ agency.name }} looks after {{ account.name }}, and {{ owner.first_name }} is there for you when something does not work or could work better. Replying to this email is enough.',
    'Now and then we ask how things are going. It takes one tap, and every answer is read.',
    'What would you like to get done first? Tell us, and we show you the shortest way.',
    '{{ owner.name }}\n{{ agency.name }}',
  ]),
  { reentry: 'once' },
)
