import type { Account, AccountQuery } from '../http/contract/accounts.ts'
import { csvOf, type CsvColumn } from '../kernel/csv.ts'
import { happinessLabels, healthLabels } from '../kernel/levels.ts'

/** The columns of accounts in an export. */
export const accountColumns: readonly CsvColumn<Account>[] = [
  { name: 'Account', value: (account) => account.name },
  { name: 'Account id', value: (account) => account.locationId },
  { name: 'Group', value: (account) => account.group },
  { name: 'Premium', value: (account) => account.premium },
  { name: 'Owner', value: (account) => account.csm?.name },
  { name: 'Health Status', value: ({ health }) => (health.level === null ? 'Not set' : healthLabels[health.level]) },
  { name: 'Set at', value: ({ health }) => health.setAt },
  { name: 'Set by', value: ({ health }) => health.setBy?.name },
  { name: 'Confirmed at', value: ({ health }) => health.confirmedAt },
  { name: 'Stale', value: ({ health }) => (health.level === null ? null : health.stale) },
  { name: 'Note', value: ({ health }) => health.note },
  { name: 'Reasons', value: ({ health }) => health.reasonCodes.join(', ') },
  { name: 'Happiness Level', value: ({ happiness }) => (happiness.level === null ? 'No current reading' : happinessLabels[happiness.level]) },
  { name: 'Happiness score', value: ({ happiness }) => happiness.score },
  { name: 'Users who answered', value: ({ happiness }) => happiness.coverage.answered },
  { name: 'Users', value: (account) => account.users },
  { name: 'Newest answer', value: ({ happiness }) => happiness.coverage.newestAt },
  { name: 'Somebody is Not Happy', value: ({ happiness }) => happiness.dissent },
  { name: 'Disagreement', value: ({ disagreement }) => (disagreement === null ? null : disagreement === 'levels_apart' ? 'Levels apart' : 'Happiness fell') },
  { name: 'Feedback requested', value: (account) => account.feedbackEnabled },
  { name: 'Time zone', value: (account) => account.timezone },
  { name: 'Created at', value: (account) => account.createdAt },
]

type Cell = ReturnType<CsvColumn<Account>['value']>

/** The accounts of a list as CSV, with the filters and the time that made it. Pages are turned into cells as they come. */
export async function accountsCsv(pages: AsyncIterable<Account[]>, { query, total, asOf, limit }: { query: Omit<AccountQuery, 'page' | 'pageSize'>; total: number; asOf: Date; limit: number }): Promise<string> {
  const rows: Cell[][] = []
  for await (const page of pages) for (const account of page) rows.push(accountColumns.map((column) => column.value(account)))
  const filters = Object.entries(query).flatMap(([name, value]): [string, string][] => (value === undefined || name === 'sort' ? [] : [[name, String(value)]]))
  const about: [string, string | null][] = [
    ['Accounts', total > limit ? `the first ${limit} of ${total}` : `${total}`],
    ['As of', asOf.toISOString()],
    ['Filters', filters.length === 0 ? null : filters.map(([name, value]) => `${name}: ${value}`).join('; ')],
    ['Sorted by', query.sort],
  ]
  return csvOf(about, accountColumns.map((column, at) => ({ name: column.name, value: (row: Cell[]) => row[at] })), rows)
}
