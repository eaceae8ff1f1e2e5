import type { EventFacts } from './engine/facts.ts'
import type { WorkflowAccount, WorkflowContact, WorkflowPorts } from './ports.ts'
import type { Condition } from './shapes.ts'

/** What a condition may look at; what must be read first is read when a condition asks for it. */
export interface ConditionContext {
  facts: EventFacts
  account: () => Promise<WorkflowAccount | null>
  /** The person in the agency's CRM; null → no contact is known, or the fact is about nobody. */
  contact: () => Promise<WorkflowContact | null>
  /** `admin` or `user` of the account; null → the fact is about nobody, or they left. */
  userRole: () => Promise<string | null>
  /** Level of the user's newest valid answer at this moment; left out where only the fact itself is known. */
  userLevel?: string | null
}

type Value = string | number | boolean | null

interface ConditionField {
  label: string
  /** The fact itself tells: nothing else is read. */
  inFact: boolean
  /** Several values: the condition is about any of them. */
  read(context: ConditionContext): Value | Promise<Value | string[]>
}

const fact = (label: string, read: (facts: EventFacts) => Value): ConditionField => ({ label, inFact: true, read: ({ facts }) => read(facts) })
const ofAccount = (label: string, read: (account: WorkflowAccount | null) => Value): ConditionField => ({ label, inFact: false, read: async ({ account }) => read(await account()) })

/** Fields that triggers and conditions compare. A new one is one line here. */
export const conditionFields: ReadonlyMap<string, ConditionField> = new Map<string, ConditionField>([
  ['answer.level', fact('Level of the answer', (facts) => facts.level)],
  ['answer.has_comment', fact('The answer has a comment', (facts) => facts.comment !== null)],
  ['level.before', fact('Level before', (facts) => facts.before)],
  ['level.after', fact('Level after', (facts) => facts.after)],
  ['status.note_wanted', fact('The status change lacks its note', (facts) => facts.noteWanted)],
  ['event.source', fact('Where it came from', (facts) => facts.source)],
  ['user.level', { label: 'Level of the user’s newest answer, now', inFact: true, read: ({ facts, userLevel }) => (userLevel === undefined ? facts.level : userLevel) }],
  ['user.role', { label: 'Role of the user in the account: admin or user', inFact: false, read: ({ userRole }) => userRole() }],
  ['account.health', ofAccount('Health Status of the account, now', (account) => account?.healthLevel ?? null)],
  ['account.happiness', ofAccount('Happiness Level of the account, now', (account) => account?.happinessLevel ?? null)],
  ['account.group', ofAccount('Group of the account', (account) => account?.group ?? null)],
  ['account.premium', ofAccount('Premium account', (account) => account?.premium ?? false)],
  ['account.csm', ofAccount('Owner of the account (user id)', (account) => account?.ownerId ?? null)],
  ['account.name', ofAccount('Name of the account', (account) => account?.name ?? null)],
  ['account.timezone', ofAccount('Time zone of the account', (account) => account?.timezone ?? null)],
  ['contact.tags', { label: 'Tags of the contact, now', inFact: false, read: async ({ contact }) => (await contact())?.tags ?? [] }],
  ['case.outcome', fact('What came of the case', (facts) => facts.outcome ?? null)],
  ['tag.name', fact('Tag that was added or removed', (facts) => facts.about?.tag ?? null)],
  ['field.name', fact('Field that was changed', (facts) => facts.about?.fieldName ?? null)],
  ['field.before', fact('Value of the field before', (facts) => facts.about?.fieldBefore ?? null)],
  ['field.after', fact('Value of the field after', (facts) => facts.about?.fieldAfter ?? null)],
  ['card.pipeline', fact('Pipeline of the card', (facts) => facts.about?.pipelineName ?? null)],
  ['card.stage_before', fact('Stage of the card before', (facts) => (facts.type === 'card.stage_changed' ? facts.before : null))],
  ['card.stage_after', fact('Stage of the card after', (facts) => (facts.type === 'card.stage_changed' ? facts.after : null))],
  ['user.inactive_days', fact('Days without a sign of life', (facts) => (facts.type.startsWith('user.') ? (facts.days ?? null) : null))],
  ['unanswered.cycles', fact('Invitations in a row without an answer', (facts) => facts.about?.cycles ?? null)],
  ['score.milestone', fact('Milestone of the score', (facts) => facts.about?.milestone ?? null)],
  ['billing.days', fact('Days until the renewal', (facts) => (facts.type.startsWith('billing.') ? (facts.days ?? null) : null))],
])

/** A custom field of the contact is compared by its name: `contact.field.Plan`. */
export const contactFieldPrefix = 'contact.field.'

/** @returns undefined if there is no such field */
export function conditionFieldOf(field: string): ConditionField | undefined {
  if (!field.startsWith(contactFieldPrefix)) return conditionFields.get(field)
  const name = field.slice(contactFieldPrefix.length).trim().toLowerCase()
  if (name === '') return undefined
  return { label: `Custom field “${name}” of the contact, now`, inFact: false, read: async ({ contact }) => (await contact())?.fields[name] ?? null }
}

/** True if the fact itself tells whether the comparison holds: nothing else is read for it. */
export const isInFact = ({ field }: Condition): boolean => conditionFieldOf(field)?.inFact === true

/** True if every comparison holds; looks no further than the first that does not. @throws Error for a field that is not in the catalogue (definitions are checked before they are stored) */
export async function conditionsHold(conditions: readonly Condition[], context: ConditionContext): Promise<boolean> {
  // What costs no reading is asked first.
  for (const condition of [...conditions.filter(isInFact), ...conditions.filter((one) => !isInFact(one))]) {
    const field = conditionFieldOf(condition.field)
    if (field === undefined) throw new Error(`Unknown condition field ${condition.field}`)
    if (!compares(condition, await field.read(context))) return false
  }
  return true
}

function compares({ field, is, values }: Condition, value: Value | string[]): boolean {
  // The CRM keeps tags and custom fields as texts that people write one way or the other.
  if (field.startsWith('contact.')) return comparesTexts({ is, values }, Array.isArray(value) ? value : value === null || value === '' ? [] : [String(value)])
  if (is === 'one_of' || is === 'none_of') return values.includes(value as Value) === (is === 'one_of')
  return comparesSize(is, values[0], value)
}

const textOf = (value: unknown): string => String(value).trim().toLowerCase()

/** @param texts none → the field is empty, which `null` stands for */
function comparesTexts({ is, values }: Pick<Condition, 'is' | 'values'>, texts: readonly string[]): boolean {
  if (is === 'one_of' || is === 'none_of') {
    const asked = new Set(values.map((value) => (value === null ? null : textOf(value))))
    const found = texts.length === 0 ? asked.has(null) : texts.some((text) => asked.has(textOf(text)))
    return found === (is === 'one_of')
  }
  const [text] = texts
  return comparesSize(is, values[0], text === undefined || text.trim() === '' ? null : Number(text))
}

function comparesSize(is: 'at_least' | 'at_most', bound: unknown, value: unknown): boolean {
  // What is not known is neither much nor little.
  if (typeof value !== 'number' || typeof bound !== 'number' || Number.isNaN(value)) return false
  return is === 'at_least' ? value >= bound : value <= bound
}

/** Who a fact is about. */
interface About {
  companyId: string
  locationId: string | null
  /** Null → the account as a whole: its primary contact stands for it. */
  userId: string | null
}

type Readers = Pick<WorkflowPorts, 'contact' | 'userRole' | 'primaryPerson'>

/** What conditions may look at for one fact; each thing is read once at most. */
export function conditionContext(ports: Readers, { companyId, locationId, userId }: About, context: Pick<ConditionContext, 'facts' | 'account' | 'userLevel'>): ConditionContext {
  const person = once(async () => userId ?? (locationId === null ? null : await ports.primaryPerson(companyId, locationId)))
  const about = <T>(read: (locationId: string, userId: string) => Promise<T | null>) => once(async () => {
    const id = await person()
    return locationId === null || id === null ? null : read(locationId, id)
  })
  return {
    ...context,
    account: once(context.account),
    contact: about((at, id) => ports.contact(companyId, at, id)),
    userRole: about((at, id) => ports.userRole(companyId, at, id)),
  }
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined
  return () => (reading ??= read())
}
