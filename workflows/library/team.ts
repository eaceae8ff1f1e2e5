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
    guards: { dedupe: 'event', capDays: null, exitOn: [], noOpenCase: false },
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
