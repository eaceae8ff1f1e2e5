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
  ['account.premium', { label: 'Premium account', needsAccount: true, read: ({ account }) => account?.premium ?? false }],
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
