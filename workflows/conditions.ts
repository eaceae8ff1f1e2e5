import type { EventFacts } from './engine/facts.ts'
import type { WorkflowAccount } from './ports.ts'
import type { Condition } from './shapes.ts'

/** What a condition may look at. */
export interface ConditionContext {
  facts: EventFacts
  account: WorkflowAccount | null
  /** Level of the user's newest valid answer at this moment; left out where only the fact itself is known. */
  userLevel?: string | null
}

interface ConditionField {
  label: string
  /** True if the account must be read first. */
  needsAccount: boolean
  read(context: ConditionContext): string | number | boolean | null
}

/** Fields that triggers and conditions compare. A new one is one line here. */
export const conditionFields: ReadonlyMap<string, ConditionField> = new Map<string, ConditionField>([
  ['answer.level', { label: 'Level of the answer', needsAccount: false, read: ({ facts }) => facts.level }],
  ['answer.has_comment', { label: 'The answer has a comment', needsAccount: false, read: ({ facts }) => facts.comment !== null }],
  ['level.before', { label: 'Level before', needsAccount: false, read: ({ facts }) => facts.before }],
  ['level.after', { label: 'Level after', needsAccount: false, read: ({ facts }) => facts.after }],
  ['status.note_wanted', { label: 'The status change lacks its note', needsAccount: false, read: ({ facts }) => facts.noteWanted }],
  ['event.source', { label: 'Where it came from', needsAccount: false, read: ({ facts }) => facts.source }],
  ['user.level', { label: 'Level of the user’s newest answer, now', needsAccount: false, read: ({ facts, userLevel }) => (userLevel === undefined ? facts.level : userLevel) }],
  ['account.health', { label: 'Health Status of the account, now', needsAccount: true, read: ({ account }) => account?.healthLevel ?? null }],
  ['account.group', { label: 'Group of the account', needsAccount: true, read: ({ account }) => account?.group ?? null }],
  ['case.outcome', { label: 'What came of the case', needsAccount: false, read: ({ facts }) => facts.outcome ?? null }],
  ['account.premium', { label: 'Premium account', needsAccount: true, read: ({ account }) => account?.premium ?? false }],
  ['account.csm', { label: 'Owner of the account (user id)', needsAccount: true, read: ({ account }) => account?.ownerId ?? null }],
  ['tag.name', { label: 'Tag that was added or removed', needsAccount: false, read: ({ facts }) => facts.about?.tag ?? null }],
  ['field.name', { label: 'Field that was changed', needsAccount: false, read: ({ facts }) => facts.about?.fieldName ?? null }],
  ['field.before', { label: 'Value of the field before', needsAccount: false, read: ({ facts }) => facts.about?.fieldBefore ?? null }],
  ['field.after', { label: 'Value of the field after', needsAccount: false, read: ({ facts }) => facts.about?.fieldAfter ?? null }],
  ['card.pipeline', { label: 'Pipeline of the card', needsAccount: false, read: ({ facts }) => facts.about?.pipelineName ?? null }],
  ['card.stage_before', { label: 'Stage of the card before', needsAccount: false, read: ({ facts }) => (facts.type === 'card.stage_changed' ? facts.before : null) }],
  ['card.stage_after', { label: 'Stage of the card after', needsAccount: false, read: ({ facts }) => (facts.type === 'card.stage_changed' ? facts.after : null) }],
  ['user.inactive_days', { label: 'Days without a sign of life', needsAccount: false, read: ({ facts }) => (facts.type.startsWith('user.') ? (facts.days ?? null) : null) }],
  ['unanswered.cycles', { label: 'Invitations in a row without an answer', needsAccount: false, read: ({ facts }) => facts.about?.cycles ?? null }],
  ['score.milestone', { label: 'Milestone of the score', needsAccount: false, read: ({ facts }) => facts.about?.milestone ?? null }],
  ['billing.days', { label: 'Days until the renewal', needsAccount: false, read: ({ facts }) => (facts.type.startsWith('billing.') ? (facts.days ?? null) : null) }],
])

/** True if every comparison holds. @throws Error for a field that is not in the catalogue (definitions are checked before they are stored) */
export function conditionsHold(conditions: readonly Condition[], context: ConditionContext): boolean {
  return conditions.every((condition) => {
    const field = conditionFields.get(condition.field)
    if (field === undefined) throw new Error(`Unknown condition field ${condition.field}`)
    return compares(condition, field.read(context))
  })
}

function compares({ is, values }: Condition, value: string | number | boolean | null): boolean {
  if (is === 'one_of' || is === 'none_of') return values.includes(value) === (is === 'one_of')
  const [bound] = values
  // What is not known is neither much nor little.
  if (typeof value !== 'number' || typeof bound !== 'number') return false
  return is === 'at_least' ? value >= bound : value <= bound
}

/** True if any of them reads the account. */
export function needsAccount(conditions: readonly Condition[]): boolean {
  return conditions.some((condition) => conditionFields.get(condition.field)?.needsAccount === true)
}
