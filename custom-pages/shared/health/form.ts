import type { AccountHealth } from '../../../src/http/contract/accounts.ts'
import type { AgencySettings } from '../../../src/http/contract/settings.ts'
import type { HealthLevel } from '../../../src/kernel/levels.ts'
import { copy } from './copy.ts'

/** What the agency's settings ask of a status. */
export type HealthRules = AgencySettings['health']

/** Longest note that the server takes, in characters. */
export const maxNoteLength = 1_000

export interface HealthDraft {
  level: HealthLevel | null
  note: string
  reasonCodes: string[]
}

/** An empty form; the reasons of the present status stay chosen as far as the agency still has them. */
export function draftFrom(health: AccountHealth | null, rules: HealthRules): HealthDraft {
  const known = new Set(rules.reasonCodes.map((reason) => reason.code))
  return { level: null, note: '', reasonCodes: (health?.reasonCodes ?? []).filter((code) => known.has(code)).slice(0, rules.maxReasonCodes) }
}

/** What is wrong with a note, in words that name the fix; null if nothing is. */
export function noteFault(note: string, minLength: number): string | null {
  const { length } = note.trim()
  if (length > maxNoteLength) return copy.noteLong(length - maxNoteLength)
  if (length === 0 && minLength > 0) return copy.noteMissing
  return length < minLength ? copy.noteShort(minLength) : null
}

/** Chooses or takes off a reason; one more than fits changes nothing. */
export function toggledReason(codes: readonly string[], code: string, max: number): string[] {
  if (codes.includes(code)) return codes.filter((one) => one !== code)
  return codes.length < max ? [...codes, code] : [...codes]
}

/** The word for a reason; a reason that the agency has taken out of its list since shows as its code in words. */
export function reasonLabel(code: string, rules: Pick<HealthRules, 'reasonCodes'> | null): string {
  const label = rules?.reasonCodes.find((reason) => reason.code === code)?.label
  if (label !== undefined) return label
  const words = code.replaceAll('_', ' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** When somebody last stood by the status: set or confirmed it. */
export function lookedAt(health: Pick<AccountHealth, 'setAt' | 'confirmedAt'>): string | null {
  const { setAt, confirmedAt } = health
  if (setAt === null || confirmedAt === null) return setAt ?? confirmedAt
  return Date.parse(confirmedAt) > Date.parse(setAt) ? confirmedAt : setAt
}
