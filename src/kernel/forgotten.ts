/** A person whom an agency wants forgotten, and what they can be recognised by. */
export interface ForgottenPerson {
  companyId: string
  userId: string
  /** Every account that they were ever in. */
  locationIds: string[]
  /** Stands where they stood in figures that stay; leads back to nobody. */
  alias: string
  /** Their name, address and number as they were: for sentences that say in no other way whom they are about. */
  words: string[]
  /** Their contacts in the CRM as far as they were known. */
  contactIds: string[]
  /** When it was asked for. */
  at: Date
}

/** What stands for the name of somebody who was forgotten. */
export const somebody = 'Somebody'

function* textsIn(value: unknown): Iterable<string> {
  if (typeof value === 'string') yield value
  else if (Array.isArray(value)) for (const one of value) yield* textsIn(one)
  else if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    for (const [name, member] of Object.entries(value)) {
      yield name
      yield* textsIn(member)
    }
  }
}

/**
 * Tells whether any of these texts stands anywhere in a value, at any depth, as a key too. As a word of its own: Mark is not in Marketing.
 * Upper and lower case are the same.
 */
export function mentions(texts: readonly string[]): (value: unknown) => boolean {
  const needles = texts.filter((text) => text !== '').map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  if (needles.length === 0) return () => false
  // A line break that stands as \n in a text which is JSON itself ends a word, too.
  const pattern = new RegExp(`(?:(?<![\\p{L}\\p{N}])|(?<=\\\\[bfnrt]))(?:${needles.join('|')})(?![\\p{L}\\p{N}])`, 'iu')
  return (value) => {
    for (const text of textsIn(value)) if (pattern.test(text)) return true
    return false
  }
}
