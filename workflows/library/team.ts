import { definitionSchemaVersion, type NotifyStep, type TaskStep, type WorkflowDefinition } from '../definition.ts'

/** A notification of the team: on by default, no customer ever sees it. */
function tells(
  about: Pick<WorkflowDefinition, 'key' | 'reading' | 'name' | 'reason'> & { events: WorkflowDefinition['trigger']['events']; where?: WorkflowDefinition['trigger']['where'] },
  says: Omit<NotifyStep, 'id' | 'kind' | 'topic'>,
  task?: Omit<TaskStep, 'id' | 'kind'>,
): WorkflowDefinition {
  const { events, where, ...rest } = about
  return {
    schemaVersion: definitionSchemaVersion,
    kind: 'notification',
    level: null,
    ...rest,
    trigger: { events, where: where ?? [] },
    conditions: [],
    steps: [{ id: 'tell', kind: 'notify', topic: about.key, ...says }, ...(task === undefined ? [] : [{ id: 'task', kind: 'task' as const, ...task }])],
    guards: { dedupe: 'event', capDays: null, exitOn: [], noOpenCase: false, reentry: 'always' },
  }
}

export const feedbackReceived = tells(
  { key: 'feedback_received', reading: 'happiness', name: 'Feedback received', reason: 'A user answered. The owner sees the level and the comment.', events: ['feedback.received'] },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }}: {{ user.name }} answered {{ answer.level }}.',
    body: '{% if answer.comment != "" %}“{{ answer.comment }}”{% else %}No comment.{% endif %}',
    link: 'account',
  },
)

export const happinessChanged = tells(
  {
    key: 'happiness_changed',
    reading: 'happiness',
    name: 'Happiness changed',
    reason: 'The Happiness Level of a whole account changed.',
    events: ['happiness.account_level_changed'],
  },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }}: happiness went from {{ level.before }} to {{ level.after }}.',
    body: 'Open the account to see whose answers changed it.',
    link: 'account',
  },
)

export const healthChanged = tells(
  { key: 'health_changed', reading: 'health', name: 'Health Status changed', reason: 'The status of an account was set to another level.', events: ['health.changed'] },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }}: Health Status went from {{ level.before }} to {{ level.after }}.',
    body: '{% if status.note != "" %}“{{ status.note }}”{% else %}No note was given. The account’s page says who changed it, and from where.{% endif %}',
    link: 'account',
  },
)

export const healthStruggling = {
  ...tells(
    {
      key: 'health_struggling',
      reading: 'health',
      name: 'An account is Struggling',
      reason: 'The status became Struggling: the owner gets a high-priority task and an e-mail.',
      events: ['health.changed'],
      where: [{ field: 'level.after', is: 'one_of', values: ['struggling'] }],
    },
    {
      audience: 'owner',
      channels: ['in_app', 'email'],
      title: '{{ account.title }} is Struggling now.',
      body: '{% if status.note != "" %}“{{ status.note }}” {% endif %}Speak with them within a day: what do they need from us, and what could they do without?',
      link: 'account',
    },
    {
      title: 'High priority: speak with {{ account.title }} (Struggling)',
      body: '{% if status.note != "" %}Why: {{ status.note }}\n\n{% endif %}Ask what they need from us now. Offer help with what they use; leave decisions about their business to them. Then say in the workspace whether the status is still true.',
      dueHours: 24,
    },
  ),
  level: 'struggling',
} satisfies WorkflowDefinition

export const healthNoteWanted = tells(
  {
    key: 'health_note_wanted',
    reading: 'health',
    name: 'A status change lacks its note',
    reason: 'Somebody changed the status in the CRM. The owner is asked for one sentence about why.',
    events: ['health.changed'],
    where: [{ field: 'status.note_wanted', is: 'one_of', values: [true] }],
  },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }}: why is it {{ level.after }} now?',
    body: 'The status was changed in the CRM. Add one sentence, so that the team knows why.',
    link: 'account',
  },
)

export const healthValueRefused = tells(
  {
    key: 'health_value_refused',
    reading: 'health',
    name: 'A status value was put back',
    reason: 'Somebody wrote a value in the CRM that is not one of the four levels. The last good one was put back.',
    events: ['health.value_refused'],
  },
  { audience: 'owner', channels: ['in_app'], title: '{{ account.title }}: the last status was put back.', body: '{% if event.summary != "" %}{{ event.summary }}{% else %}Only the four levels can be used.{% endif %}', link: 'account' },
)

export const healthStale = tells(
  { key: 'health_stale', reading: 'health', name: 'Health Status is stale', reason: 'Nobody set or confirmed the status of an account for long.', events: ['health.stale'] },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }}: is the status still true?',
    body: '{% if event.summary != "" %}{{ event.summary }} {% endif %}One click says that it is; otherwise set the level that fits.',
    link: 'account',
  },
)

export const accountSilent = tells(
  { key: 'account_silent', reading: 'account', name: 'Nobody answers', reason: 'Answers from an account dried up.', events: ['account.silent'] },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }} went silent.',
    body: '{% if event.summary != "" %}{{ event.summary }} {% endif %}A short call shows more than another question.',
    link: 'account',
  },
)

export const csmAssigned = tells(
  { key: 'csm_assigned', reading: 'account', name: 'An account has a new owner', reason: 'An account was handed over. The new owner finds a brief with all that is known.', events: ['csm.assigned'] },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }} has a new owner.',
    body: '{% if event.summary != "" %}{{ event.summary }} {% endif %}The hand-over brief is on the account’s page.',
    link: 'account',
  },
)

export const caseOpened = tells(
  { key: 'case_opened', reading: 'happiness', name: 'Not Happy case opened', reason: 'A user is Not Happy: somebody should take care of it within a day.', events: ['case.opened'] },
  {
    audience: 'owner',
    channels: ['in_app', 'email'],
    title: '{{ account.title }}: {{ user.name }} is Not Happy. Case due {{ case.due }}.',
    body: '{% if answer.comment != "" %}“{{ answer.comment }}”{% else %}No comment. Ask what should be fixed first.{% endif %}',
    link: 'case',
  },
  {
    title: 'Call {{ user.name }}, {{ account.title }}: Not Happy',
    body: '{% if answer.comment != "" %}They wrote: “{{ answer.comment }}”{% else %}They left no comment. Ask one open question: what should we fix first?{% endif %}\n\nClose the case in the workspace with what came of it.',
    dueHours: 24,
  },
)

export const caseOverdue = tells(
  { key: 'case_overdue', reading: 'happiness', name: 'Case overdue', reason: 'A Not Happy case passed its due time and is still open.', events: ['case.overdue'] },
  {
    audience: 'owner',
    channels: ['in_app', 'email'],
    title: '{{ account.title }}: the case of {{ user.name }} is overdue.',
    body: 'It was due {{ case.due }}. Take it over, or close it with what came of it.',
    link: 'case',
  },
)

export const caseEscalated = tells(
  {
    key: 'case_escalated', reading: 'happiness', name: 'Case overdue for long', events: ['case.escalated'],
    reason: 'A Not Happy case stayed open long after its due time. The leads are told, then once a day for some days.',
  },
  {
    audience: 'leads',
    channels: ['in_app', 'email'],
    title: '{{ account.title }}: nobody has closed the case of {{ user.name }}.',
    body: '{% if event.summary != "" %}{{ event.summary }} {% endif %}It was due {{ case.due }}. Take it over, say that you are on it, or close it with what came of it.',
    link: 'case',
  },
)

export const reconnectNeeded = tells(
  {
    key: 'reconnect_needed',
    reading: 'agency',
    name: 'Reconnect needed',
    reason: 'The connection to the CRM was revoked. Work waits until an agency admin connects again.',
    events: ['installation.needs_reconnect'],
  },
  {
    audience: 'everyone',
    channels: ['in_app', 'email'],
    title: 'The connection to your CRM needs to be renewed.',
    body: 'Fields, cards and messages wait and nothing is lost. An agency admin can connect again on the set-up page.',
    link: 'setup',
  },
)

export const setupDrift = tells(
  {
    key: 'setup_drift',
    reading: 'agency',
    name: 'Set-up changed',
    reason: 'A field, stage or pipeline that is written to was renamed or deleted in the CRM.',
    events: ['setup.drift_found'],
  },
  {
    audience: 'everyone',
    channels: ['in_app'],
    title: 'Something the set-up needs was changed in your CRM.',
    body: '{% if event.summary != "" %}{{ event.summary }} {% endif %}The work that needs it waits. Repair it on the set-up page.',
    link: 'setup',
  },
)

export const userInactive = tells(
  {
    key: 'user_inactive',
    reading: 'account',
    name: 'A user is away',
    reason: 'A user has not been in the system for more than 7 days.',
    events: ['user.inactive'],
    where: [{ field: 'user.inactive_days', is: 'one_of', values: [7, 14, 21, 30] }],
  },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }}: {{ user.name }} has not been there for a while.',
    body: '{% if event.summary != "" %}{{ event.summary }} {% endif %}A short word from somebody they know works better than a reminder.',
    link: 'account',
  },
)

export const paymentFailedTeam = tells(
  { key: 'payment_failed', reading: 'account', name: 'Payment failed', reason: 'A payment of an account failed. Nine out of ten times it is a card; the tenth time it is a decision.', events: ['billing.payment_failed'] },
  {
    audience: 'owner',
    channels: ['in_app', 'email'],
    title: '{{ account.title }}: a payment failed.',
    body: '{% if event.summary != "" %}{{ event.summary }} {% endif %}Look at their last answers before you write: is it the card, or is it us?',
    link: 'account',
  },
)

export const paymentRecovered = tells(
  { key: 'payment_recovered', reading: 'account', name: 'Payment went through', reason: 'A payment that had failed was made.', events: ['billing.payment_recovered'] },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }}: the payment went through.',
    body: '{% if event.summary != "" %}{{ event.summary }}{% else %}Nothing is left to do.{% endif %}',
    link: 'account',
  },
)

export const renewalAheadTeam = tells(
  { key: 'renewal_ahead', reading: 'account', name: 'Renewal ahead', reason: 'The plan of an account renews: told a month ahead, and again a week ahead.', events: ['billing.renewal_ahead'] },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }}: the plan renews soon.',
    body: '{% if event.summary != "" %}{{ event.summary }} {% endif %}Read the timeline, close what is open, and speak with them before the invoice does.',
    link: 'account',
  },
)

export const scoreMilestone = tells(
  { key: 'score_milestone', reading: 'account', name: 'Score milestone', reason: 'The score of an account reached another stage.', events: ['score.milestone'] },
  {
    audience: 'owner',
    channels: ['in_app'],
    title: '{{ account.title }} reached a new score stage.',
    body: '{% if event.summary != "" %}{{ event.summary }}{% else %}The account’s page shows what it is made of.{% endif %}',
    link: 'account',
  },
)

export const accountChurned = tells(
  { key: 'account_churned', reading: 'account', name: 'An account left', reason: 'An account churned. Nothing is sent to its people any more.', events: ['account.churned'] },
  {
    audience: 'everyone',
    channels: ['in_app', 'email'],
    title: '{{ account.title }} left.',
    body: '{% if event.summary != "" %}{{ event.summary }} {% endif %}Read its last months once more: what did we see, and when?',
    link: 'account',
  },
)
