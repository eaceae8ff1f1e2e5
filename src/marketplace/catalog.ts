import type { DomainEventType } from '../events/index.ts'
import { happinessLabels, happinessLevels, healthLabels, healthLevels } from '../kernel/levels.ts'

/** One choice of a list, as HighLevel's builder takes it. */
export interface Choice {
  label: string
  value: string
}

/** A filter that a person may set on a trigger. `field` is also the name of the value that it looks at. */
export interface TriggerFilter {
  field: string
  title: string
  type: 'string' | 'select' | 'multiselect'
  /** Absent: free text, or choices of the agency that are asked for while somebody sets the filter. */
  options?: readonly Choice[]
  /** Its choices are the agency's own; HighLevel allows one such filter per trigger. */
  dynamic?: true
  required: false
}

/** A value that workflows may use as `{{ trigger.<key> }}`. */
export interface TriggerVariable {
  key: string
  title: string
  sample: string | number | null
  /** The agency's own business: only workflows of the success location get it. */
  team?: true
}

/** One marketplace trigger. Keys are immutable in the portal and so they are here. */
export interface Trigger {
  key: string
  name: string
  description: string
  events: readonly DomainEventType[]
  filters: readonly TriggerFilter[]
  variables: readonly TriggerVariable[]
}

/** A field that a person fills in when the action is put into a workflow. */
export interface ActionField {
  field: string
  title: string
  type: 'string' | 'textarea' | 'select' | 'multiselect'
  required: boolean
  options?: readonly Choice[]
  dynamic?: true
}

/** One marketplace action. */
export interface Action {
  key: string
  name: string
  description: string
  fields: readonly ActionField[]
  /** Fields of each branch; with them the answer names the branch to go on with. */
  branchFields: readonly ActionField[]
  /** Members of the answer that workflows may use. */
  response: readonly { key: string; title: string; sample: string | number | null }[]
}

/** Stands for "no current reading", and for "nobody set one" of the Health Status. */
export const noLevel = 'none'

const happinessChoices: readonly Choice[] = happinessLevels.map((value) => ({ label: happinessLabels[value], value })).reverse()
const healthChoices: readonly Choice[] = healthLevels.map((value) => ({ label: healthLabels[value], value })).reverse()
const none: Choice = { label: 'No reading', value: noLevel }
const yesNo: readonly Choice[] = [{ label: 'Yes', value: 'yes' }, { label: 'No', value: 'no' }]
const groups: readonly Choice[] = [{ label: 'SaaS', value: 'saas' }, { label: 'Regular', value: 'regular' }, { label: 'Churned', value: 'churned' }]
const directions: readonly Choice[] = [{ label: 'Rose', value: 'rose' }, { label: 'Fell', value: 'fell' }, { label: 'First reading', value: 'first' }, { label: 'No reading any more', value: 'ended' }]

function filter(field: string, title: string, options: readonly Choice[], type: 'select' | 'multiselect' = 'multiselect'): TriggerFilter {
  return { field, title, type, options, required: false }
}

const accountFilters: readonly TriggerFilter[] = [
  { field: 'accountName', title: 'Account', type: 'string', required: false },
  filter('accountGroup', 'Account group', groups),
  filter('premium', 'Premium account', yesNo, 'select'),
  { field: 'ownerId', title: 'Owner of the account', type: 'select', dynamic: true, required: false },
]

/** Every trigger has these, so that one can tell whom it is about and HighLevel finds the contact. */
const commonVariables: readonly TriggerVariable[] = [
  { key: 'eventId', title: 'Id of the event; the same one never comes twice', sample: 'f3c1a09b7d5e4c62' },
  { key: 'occurredAt', title: 'When it happened', sample: '2026-11-02T09:00:00.000Z' },
  { key: 'contactId', title: 'Contact', sample: 'sx6wyHhbFdRXh302LLNR' },
  { key: 'email', title: 'E-mail of the person', sample: 'felix.abbott@anchorpointlaw.example' },
  { key: 'phone', title: 'Phone of the person', sample: '+15550000004' },
  { key: 'firstName', title: 'First name of the person', sample: 'Felix' },
  { key: 'personName', title: 'Name of the person', sample: 'Felix Abbott' },
  { key: 'accountId', title: 'Id of the account', sample: 've9EPM428h8vShlRW1KT' },
  { key: 'accountName', title: 'Account', sample: 'Anchor Point Law' },
  { key: 'accountGroup', title: 'Account group', sample: 'saas', team: true },
  { key: 'premium', title: 'Premium account (yes or no)', sample: 'no', team: true },
  { key: 'ownerId', title: 'Id of the account\'s owner', sample: 'MKQJ7wOVVmNOMvrnKKKK', team: true },
  { key: 'ownerName', title: 'Owner of the account', sample: 'Theo Marsh' },
  { key: 'ownerEmail', title: 'E-mail of the account\'s owner', sample: 'theo.marsh@northwindgrowth.example', team: true },
]

export const triggers: readonly Trigger[] = [
  {
    key: 'feedback_received',
    name: 'Feedback received',
    description: 'A person of a customer\'s account answered how things are going.',
    events: ['feedback.received'],
    filters: [
      filter('level', 'Answer', happinessChoices),
      filter('hasComment', 'With a comment', yesNo, 'select'),
      filter('answeredVia', 'Answered by', [{ label: 'Prompt', value: 'widget' }, { label: 'Feedback button', value: 'button' }, { label: 'One-tap link', value: 'link' }]),
      { field: 'comment', title: 'Comment', type: 'string', required: false },
      ...accountFilters,
    ],
    variables: [
      ...commonVariables,
      { key: 'level', title: 'Answer (very_happy, happy, neutral, not_happy)', sample: 'very_happy' },
      { key: 'levelLabel', title: 'Answer', sample: 'Very Happy' },
      { key: 'comment', title: 'Comment', sample: 'The new reports are great.', team: true },
      { key: 'hasComment', title: 'With a comment (yes or no)', sample: 'yes' },
      { key: 'answeredVia', title: 'Answered by (widget, button, link)', sample: 'widget' },
      { key: 'accountLevelLabel', title: 'Happiness Level of the account', sample: 'Happy' },
      { key: 'healthStatusLabel', title: 'Health Status of the account', sample: 'Healthy', team: true },
    ],
  },
  {
    key: 'happiness_level_changed',
    name: 'Happiness Level changed',
    description: 'The Happiness Level of an account, or of one of its people, rose, fell, began or ended.',
    events: ['happiness.user_level_changed', 'happiness.account_level_changed'],
    filters: [
      filter('reading', 'Whose level', [{ label: 'The account\'s', value: 'account' }, { label: 'One person\'s', value: 'person' }], 'select'),
      filter('from', 'From', [...happinessChoices, none]),
      filter('to', 'To', [...happinessChoices, none]),
      filter('direction', 'Direction', directions),
      filter('dissent', 'Somebody is Not Happy while the account is not', yesNo, 'select'),
      ...accountFilters,
    ],
    variables: [
      ...commonVariables,
      { key: 'reading', title: 'Whose level (account or person)', sample: 'account' },
      { key: 'from', title: 'Level before', sample: 'happy' },
      { key: 'fromLabel', title: 'Level before, in words', sample: 'Happy' },
      { key: 'to', title: 'Level now', sample: 'very_happy' },
      { key: 'toLabel', title: 'Level now, in words', sample: 'Very Happy' },
      { key: 'direction', title: 'Direction (rose, fell, first, ended)', sample: 'rose' },
      { key: 'score', title: 'Score of the account, −50 to 50', sample: 42 },
      { key: 'answered', title: 'People with a valid answer', sample: 3 },
      { key: 'eligible', title: 'People of the account', sample: 5 },
      { key: 'dissent', title: 'Somebody is Not Happy while the account is not (yes or no)', sample: 'no' },
      { key: 'healthStatusLabel', title: 'Health Status of the account', sample: 'Healthy', team: true },
    ],
  },
  {
    key: 'health_status_changed',
    name: 'Health Status changed',
    description: 'Somebody changed how a customer\'s business is doing.',
    events: ['health.changed'],
    filters: [
      filter('from', 'From', [...healthChoices, none]),
      filter('to', 'To', healthChoices),
      filter('direction', 'Direction', directions.slice(0, 3)),
      filter('changedIn', 'Changed in', [
        { label: 'Our page', value: 'page' }, { label: 'Field of the contact', value: 'field' }, { label: 'Card of the account', value: 'card' }, { label: 'Several accounts together', value: 'bulk' },
        { label: 'Undo', value: 'undo' }, { label: 'API', value: 'api' }, { label: 'A workflow', value: 'workflow' },
      ]),
      { field: 'reasons', title: 'Reasons', type: 'string', required: false },
      ...accountFilters,
    ],
    variables: [
      ...commonVariables,
      { key: 'from', title: 'Status before', sample: 'steady' },
      { key: 'fromLabel', title: 'Status before, in words', sample: 'Steady' },
      { key: 'to', title: 'Status now', sample: 'struggling' },
      { key: 'toLabel', title: 'Status now, in words', sample: 'Struggling' },
      { key: 'direction', title: 'Direction (rose, fell, first)', sample: 'fell' },
      { key: 'changedIn', title: 'Changed in (page, field, card, bulk, undo, api, workflow)', sample: 'page', team: true },
      { key: 'changedBy', title: 'Who changed it', sample: 'Theo Marsh', team: true },
      { key: 'note', title: 'Note', sample: 'Two of their customers left.', team: true },
      { key: 'reasons', title: 'Reasons', sample: 'Budget constraints', team: true },
      { key: 'happinessLevelLabel', title: 'Happiness Level of the account', sample: 'Happy' },
    ],
  },
]

const readings: readonly Choice[] = [
  { label: 'Happiness Level of the account', value: 'account_happiness' }, { label: 'Happiness Level of the person', value: 'person_happiness' }, { label: 'Health Status of the account', value: 'health_status' },
]

export const actions: readonly Action[] = [
  {
    key: 'ask_for_feedback',
    name: 'Ask for feedback now',
    description: 'The person sees the prompt the next time they are in the app, whatever their own clock says; the answer holds a one-tap link for the workflow\'s e-mail.',
    fields: [{ field: 'note', title: 'Why, for the timeline', type: 'string', required: false }],
    branchFields: [],
    response: [
      { key: 'asked', title: 'Asked (yes or no)', sample: 'yes' },
      { key: 'reason', title: 'Why not, if not', sample: '' },
      { key: 'feedbackLink', title: 'One-tap link', sample: 'https://app.example.com/a/eyJ' },
      { key: 'accountName', title: 'Account', sample: 'Anchor Point Law' },
      { key: 'personName', title: 'Name of the person', sample: 'Felix Abbott' },
    ],
  },
  {
    key: 'set_health_status',
    name: 'Set Health Status',
    description: 'Sets how the contact\'s account is doing, with a note, as a person would on our page.',
    fields: [
      { field: 'level', title: 'Health Status', type: 'select', required: true, options: healthChoices },
      { field: 'note', title: 'Note', type: 'textarea', required: true },
      { field: 'reasonCodes', title: 'Reasons', type: 'multiselect', required: false, dynamic: true },
    ],
    branchFields: [],
    response: [
      { key: 'level', title: 'Health Status', sample: 'struggling' },
      { key: 'levelLabel', title: 'Health Status, in words', sample: 'Struggling' },
      { key: 'changed', title: 'It was another one before (yes or no)', sample: 'yes' },
      { key: 'before', title: 'Health Status before, in words', sample: 'Steady' },
      { key: 'accountName', title: 'Account', sample: 'Anchor Point Law' },
    ],
  },
  {
    key: 'branch_by_level',
    name: 'Branch by level',
    description: 'Goes on with the branch of the current level, also of "no reading".',
    fields: [{ field: 'reading', title: 'Which level', type: 'select', required: true, options: readings }],
    branchFields: [{ field: 'level', title: 'Level', type: 'select', required: true, options: [...happinessChoices, ...healthChoices, none] }],
    response: [
      { key: 'branchId', title: 'Branch to go on with', sample: 'a8d14b13-d7cc-4241-bd2c-53180f0ec278' },
      { key: 'level', title: 'Level', sample: 'happy' },
      { key: 'levelLabel', title: 'Level, in words', sample: 'Happy' },
      { key: 'accountName', title: 'Account', sample: 'Anchor Point Law' },
    ],
  },
]

export function triggerOf(key: string): Trigger | undefined {
  return triggers.find((trigger) => trigger.key === key)
}

/** The trigger's registered payload: what a firing looks like. */
export function samplePayloadOf(trigger: Trigger): Record<string, string | number | null> {
  return Object.fromEntries(trigger.variables.map(({ key, sample }) => [key, sample]))
}
