import type { filterEcho } from '../../../src/http/contract/reports.ts'
import { copy } from './copy.ts'

/** Which accounts a report says it has counted. */
export type Echo = (typeof filterEcho)['_zod']['output']

/** Which accounts a report counts, as texts of the hash; empty is all of them. */
export interface Scope {
  group: string
  csm: string
}

/** Name of a CSM, if it is known. */
export type NameOf = (userId: string) => string | undefined

export const isNarrowed = (scope: Scope): boolean => scope.group !== '' || scope.csm !== ''

/** The scope that a report says it has counted. */
export function scopeOf({ group, csm }: Echo): Scope {
  return { group: group ?? '', csm: csm ?? '' }
}

/** `All accounts`, `Premium accounts of Priya Nair`, `Accounts without an owner`. */
export function scopeInWords({ group, csm }: Scope, nameOf: NameOf): string {
  const accounts = group === '' ? (csm === '' ? copy.scope.all : copy.scope.accounts) : copy.scope.groupAccounts(copy.scope.groups[group] ?? group)
  if (csm === '') return accounts
  return csm === 'none' ? copy.scope.withoutOwner(accounts) : copy.scope.ofOwner(accounts, nameOf(csm) ?? copy.scope.somebody)
}
