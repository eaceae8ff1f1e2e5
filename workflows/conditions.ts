import type { Condition } from './definition.ts'
import type { EventFacts } from './engine/facts.ts'
import type { WorkflowAccount } from './ports.ts'

/** What a condition may look at. */
export interface ConditionContext {
  facts: EventFacts
  account: WorkflowAccount | null
}

interface ConditionField {
  label: string
  /** True if the account must be read first. */
  needsAccount: boolean
  read(context: ConditionContext): string | boolean | null
}

/** Fields that triggers and conditions compare. A new one is one line here. */
export const conditionFields: ReadonlyMap<string, ConditionField> = new Map<string, ConditionField>([
  ['answer.level', { label: 'Level of the answer', needsAccount: false, read: ({ facts }) => facts.level }],
  ['answer.has_comment', { label: 'The answer has a comment', needsAccount: false, read: ({ facts }) => facts.comment !== null }],
  ['level.before', { label: 'Level before', needsAccount: false, read: ({ facts }) => facts.before }],
  ['level.after', { label: 'Level after', needsAccount: false, read: ({ facts }) => facts.after }],
  ['status.note_wanted', { label: 'The status change lacks its note', needsAccount: false, read: ({ facts }) => facts.noteWanted }],
  ['event.source', { label: 'Where it came from', needsAccount: false, read: ({ facts }) => facts.source }],
  ['account.group', { label: 'Group of the account', needsAccount: true, read: ({ account }) => account?.group ?? null }],
  ['account.premium', { label: 'Premium account', needsAccount: true, read: ({ account }) => account?.premium ?? false }],
])

/** True if every comparison holds. @throws Error for a field that is not in the catalogue (definitions are checked before they are stored) */
export function conditionsHold(conditions: readonly Condition[], context: ConditionContext): boolean {
  return conditions.every((condition) => {
    const field = conditionFields.get(condition.field)
    if (field === undefined) throw new Error(`Unknown condition field ${condition.field}`)
    return condition.values.includes(field.read(context)) === (condition.is === 'one_of')
  })
}

/** True if any of them reads the account. */
export function needsAccount(conditions: readonly Condition[]): boolean {
  return conditions.some((condition) => conditionFields.get(condition.field)?.needsAccount === true)
}
