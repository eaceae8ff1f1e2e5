import type { Exchange } from '../sandbox/index.ts'
import type { ExchangeChecker } from './official/check-exchange.ts'
import type { Correction } from './official/corrections.ts'

/** Operations exercised, exchanges checked, and how many disagreements each correction settles. */
export function closingTable(exchanges: readonly Exchange[], checker: ExchangeChecker, uses: readonly { correction: Correction; uses: number }[]): string {
  const rows = new Map<string, { count: number; statuses: Set<number> }>()
  for (const exchange of exchanges) {
    const { operation } = checker.check(exchange)
    const name = operation === undefined ? `? ${exchange.method} ${exchange.path}` : `${operation.name}  ${operation.versions.join(',')}`
    const row = rows.get(name) ?? { count: 0, statuses: new Set() }
    row.count += 1
    row.statuses.add(exchange.status)
    rows.set(name, row)
  }
  const lines = [...rows].sort(([a], [b]) => a.localeCompare(b)).map(([name, { count, statuses }]) => `  ${String(count).padStart(5)}  ${[...statuses].sort().join(' ').padEnd(16)}  ${name}`)
  const corrections = uses.map((entry) => `  ${String(entry.uses).padStart(5)}  ${entry.correction.name}`)
  return ['', `${rows.size} operations exercised, ${exchanges.length} exchanges checked`, '  calls  statuses          operation', ...lines, `${uses.length} corrections of the files (disagreements that each settles)`, ...corrections, '', ''].join('\n')
}
