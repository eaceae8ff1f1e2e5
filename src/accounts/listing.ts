import type { QueryFilter, SortOrder } from 'mongoose'
import { disagreements, type AccountFilter, type AccountQuery } from '../http/contract/accounts.ts'
import type { AccountRecord } from './model.ts'
import { happinessRank, healthRank } from './rules.ts'

/** Text taken literally inside a regular expression. */
function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** What a list of one agency's accounts is narrowed to, in members that an index holds where there is one. Values come from a parsed query, so no operator can hide in them. */
export function accountFilterOf(companyId: string, filter: AccountFilter & { includeSuccessLocation?: boolean | undefined }, now: Date): QueryFilter<AccountRecord> {
  return {
    companyId,
    ...(filter.includeSuccessLocation === true ? { state: { $in: ['active', 'removed'] } } : { listed: true }),
    ...(filter.group === undefined ? {} : filter.group === 'premium' ? { premium: true } : { group: filter.group }),
    ...(filter.health === undefined ? {} : { healthRank: healthRank(filter.health === 'none' ? null : filter.health) }),
    ...(filter.happiness === undefined ? {} : { happinessRank: happinessRank(filter.happiness === 'none' ? null : filter.happiness) }),
    ...(filter.csm === undefined ? {} : { 'csm.userId': filter.csm === 'none' ? null : filter.csm }),
    ...(filter.feedback === undefined ? {} : { feedbackEnabled: filter.feedback }),
    ...(filter.stale === undefined ? {} : { healthStaleAt: filter.stale ? { $lte: now } : { $gt: now } }),
    ...(filter.noteWanted === undefined ? {} : { healthNoteWanted: filter.noteWanted }),
    ...(filter.disagreement === undefined ? {} : { disagreement: filter.disagreement === 'any' ? { $in: [...disagreements] } : filter.disagreement }),
    ...(filter.dissent === undefined ? {} : { 'happiness.dissent': filter.dissent }),
    ...(filter.q === undefined || filter.q === '' ? {} : { nameKey: { $regex: escaped(filter.q.toLowerCase()) } }),
  }
}

const sortPaths = { name: 'nameKey', happiness: 'happinessRank', health: 'healthRank', health_set: 'healthKeptAt', answered: 'happiness.answered', users: 'users', created: 'createdAt' } as const

/** Sort order of a list; equal values by name, so that pages never overlap. */
export function accountSortOf(sort: AccountQuery['sort']): Record<string, SortOrder> {
  const descending = sort.startsWith('-')
  const field = (descending ? sort.slice(1) : sort) as keyof typeof sortPaths
  const direction: SortOrder = descending ? -1 : 1
  return field === 'name' ? { nameKey: direction, _id: direction } : { [sortPaths[field]]: direction, nameKey: direction, _id: direction }
}
