/** What a trigger's filters look at. */
export type FactValue = string | number | boolean | null | readonly string[]
export type FactValues = Readonly<Record<string, FactValue>>

/** A filter as HighLevel hands it to us with a subscription. */
export interface SubscribedFilter {
  field: string
  operator: string
  value: unknown
}

type Compare = (value: FactValue, wanted: readonly string[]) => boolean

/** Texts are compared without regard to case and to how words are joined: `Very Happy` is `very_happy`. */
export function plain(text: string): string {
  return text.trim().toLowerCase().replace(/[\s_-]+/g, ' ')
}

function textsOf(value: unknown): string[] {
  const parts: unknown[] = Array.isArray(value) ? value : [value]
  return parts.flatMap((part) => {
    if (typeof part === 'string' || typeof part === 'number' || typeof part === 'boolean') return plain(String(part)) === '' ? [] : [plain(String(part))]
    const inner = typeof part === 'object' && part !== null ? (part as { value?: unknown }).value : undefined
    return typeof inner === 'string' && plain(inner) !== '' ? [plain(inner)] : []
  })
}

const isOneOf: Compare = (value, wanted) => textsOf(value).some((text) => wanted.includes(text))
const contains: Compare = (value, wanted) => textsOf(value).some((text) => wanted.some((part) => text.includes(part)))
const startsWith: Compare = (value, wanted) => textsOf(value).some((text) => wanted.some((part) => text.startsWith(part)))
const not = (compare: Compare): Compare => (value, wanted) => !compare(value, wanted)

function numbers(fits: (value: number, wanted: number) => boolean): Compare {
  return (value, wanted) => {
    const [limit] = wanted
    const number = typeof value === 'number' ? value : Number.NaN
    return limit !== undefined && Number.isFinite(Number(limit)) && Number.isFinite(number) && fits(number, Number(limit))
  }
}

/**
 * Operators by their names, written without regard to case and separators. HighLevel documents `==` only; the others are
 * those of its workflow filters. A list of values is an alternative: one of them is enough.
 */
const operators = new Map<string, Compare>([
  ...['==', '=', '===', 'eq', 'equals', 'is', 'in', 'any of', 'is any of', 'multiselect', 'has any of'].map((name) => [name, isOneOf] as const),
  ...['!=', '<>', '!==', 'neq', 'ne', 'not equals', 'is not', 'not in', 'nin', 'none of', 'is none of'].map((name) => [name, not(isOneOf)] as const),
  ...['contains', 'includes', 'string contains', 'string contains any of', 'contains any of'].map((name) => [name, contains] as const),
  ...['does not contain', 'not contains', 'not includes', 'doesnt contain'].map((name) => [name, not(contains)] as const),
  ...['starts with', 'begins with'].map((name) => [name, startsWith] as const),
  ['>', numbers((value, wanted) => value > wanted)],
  ['>=', numbers((value, wanted) => value >= wanted)],
  ['<', numbers((value, wanted) => value < wanted)],
  ['<=', numbers((value, wanted) => value <= wanted)],
])

/** Operators that look at nothing but the value itself. */
const unary = new Map<string, (value: FactValue) => boolean>([
  ...['is empty', 'has no value', 'not exists'].map((name) => [name, (value: FactValue) => textsOf(value).length === 0] as const),
  ...['is not empty', 'has value', 'exists'].map((name) => [name, (value: FactValue) => textsOf(value).length > 0] as const),
])

/**
 * Why a filter can never match, in a sentence; null if it is one that we can judge.
 * @param fields names of the values that the trigger has
 */
export function problemOf({ field, operator, value }: SubscribedFilter, fields: readonly string[]): string | null {
  if (!fields.includes(field)) return `The filter "${field}" is none of this trigger's: it never matches. Remove it, or put the trigger into the workflow again.`
  const name = plain(operator)
  if (unary.has(name)) return null
  if (!operators.has(name)) return `The operator "${operator}" of the filter "${field}" is not known: it never matches. Use ==, !=, contains, or is empty.`
  return textsOf(value).length === 0 ? `The filter "${field}" has no value: it never matches. Choose one, or remove the filter.` : null
}

/** True if every filter fits. Whatever cannot be judged does not fit: better no run of a workflow than a wrong one. */
export function filtersFit(filters: readonly SubscribedFilter[], values: FactValues): boolean {
  return filters.every(({ field, operator, value }) => {
    if (!Object.hasOwn(values, field)) return false
    const found = values[field] ?? null
    const alone = unary.get(plain(operator))
    if (alone !== undefined) return alone(found)
    const wanted = textsOf(value)
    const compare = operators.get(plain(operator))
    return compare !== undefined && wanted.length > 0 && compare(found, wanted)
  })
}
