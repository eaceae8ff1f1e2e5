/**
 * The merge fields of messages: the only names a template may use. Each has words for the case that the value is
 * missing, so that no sentence comes out with a hole.
 */
export interface MergeField {
  /** As written in a template: `{{ user.first_name }}`. */
  key: string
  label: string
  /** Shown in previews. */
  sample: string
  /** Stands in for a missing or blank value. */
  fallback: string
}

export const mergeFields = [
  { key: 'user.first_name', label: 'First name', sample: 'Maya', fallback: 'there' },
  { key: 'user.name', label: 'Full name', sample: 'Maya Lopez', fallback: 'A user' },
  { key: 'account.name', label: 'Account name', sample: 'Bright Smile Dental', fallback: 'your business' },
  { key: 'account.title', label: 'Account name, for the team', sample: 'Bright Smile Dental', fallback: 'An account' },
  { key: 'agency.name', label: 'Agency name', sample: 'Northbeam', fallback: 'Your team' },
  { key: 'agency.team', label: 'Team name', sample: 'The Northbeam team', fallback: 'Our team' },
  { key: 'owner.name', label: 'Owner’s name', sample: 'Priya Nair', fallback: 'Your team' },
  { key: 'owner.first_name', label: 'Owner’s first name', sample: 'Priya', fallback: 'Our team' },
  { key: 'answer.level', label: 'Level of the answer', sample: 'Neutral', fallback: 'No reading' },
  { key: 'answer.comment', label: 'Comment of the answer', sample: 'The reports take too long to load.', fallback: '' },
  { key: 'feedback.link', label: 'One-tap answer link', sample: 'https://feedback.example.com/a/sample', fallback: '' },
  { key: 'level.before', label: 'Level before', sample: 'Happy', fallback: 'No reading' },
  { key: 'level.after', label: 'Level after', sample: 'Neutral', fallback: 'No reading' },
  { key: 'status.note', label: 'Note of the status change', sample: 'New office opens in March.', fallback: '' },
  { key: 'case.due', label: 'When the case is due', sample: '22 Nov, 13:40 UTC', fallback: 'within a day' },
  { key: 'event.summary', label: 'What happened', sample: 'Stage “Neutral” is missing.', fallback: '' },
  { key: 'tag.name', label: 'Tag that was added or removed', sample: 'vip', fallback: 'a tag' },
  { key: 'field.name', label: 'Field that was changed', sample: 'Plan', fallback: 'a field' },
  { key: 'field.before', label: 'Value of the field before', sample: 'Basic', fallback: 'nothing' },
  { key: 'field.after', label: 'Value of the field after', sample: 'Pro', fallback: 'nothing' },
  { key: 'card.pipeline', label: 'Pipeline of the card', sample: 'Onboarding', fallback: 'a pipeline' },
  { key: 'card.stage_before', label: 'Stage of the card before', sample: 'Kick-off', fallback: 'another stage' },
  { key: 'card.stage_after', label: 'Stage of the card after', sample: 'Live', fallback: 'another stage' },
  { key: 'user.inactive_days', label: 'Days without a sign of life', sample: '14', fallback: 'some' },
  { key: 'unanswered.cycles', label: 'Invitations in a row without an answer', sample: '3', fallback: 'some' },
  { key: 'score.milestone', label: 'Milestone of the score', sample: '500', fallback: 'a new number of' },
  { key: 'billing.days', label: 'Days until the renewal', sample: '30', fallback: 'a few' },
] as const satisfies readonly MergeField[]

export type MergeFieldKey = (typeof mergeFields)[number]['key']

/** Values by field; what is missing falls back. */
export type MergeValues = Partial<Record<MergeFieldKey, string | null>>

/** Nested names for the template language: every field is there, none is empty unless its fallback is. */
export function mergeScope(values: MergeValues): Record<string, Record<string, string>> {
  const scope: Record<string, Record<string, string>> = {}
  for (const field of mergeFields) {
    const [group, name] = field.key.split('.') as [string, string]
    const given = values[field.key]?.trim()
    ;(scope[group] ??= {})[name] = given === undefined || given === '' ? field.fallback : given
  }
  return scope
}

/** Values for previews. */
export const sampleValues: MergeValues = Object.fromEntries(mergeFields.map((field) => [field.key, field.sample]))
