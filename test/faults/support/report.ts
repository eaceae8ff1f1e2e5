import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Findings } from './verify.ts'

/** One line of the closing table. */
export interface ReportRow {
  scenario: string
  injected: Record<string, number>
  acknowledged: number
  lost: number
  doubled: number
}

/** Adds a line to the closing table. */
export function report(scenario: string, injected: Record<string, number>, found: Findings): void {
  const row: ReportRow = { scenario, injected, acknowledged: found.acknowledged, lost: found.lost.length, doubled: found.doubled.length }
  const file = process.env['FAULT_REPORT']
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`)
}

/** The table, as text. */
export function tableOf(file: string): string {
  if (!existsSync(file)) return ''
  const rows = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as ReportRow)
  const lines = [
    ['scenario', 'acknowledged', 'lost', 'doubled', 'injected'],
    ...rows.map((row) => [row.scenario, String(row.acknowledged), String(row.lost), String(row.doubled), Object.entries(row.injected).map(([what, count]) => `${count} × ${what}`).join(', ')]),
  ]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  return lines.map((line) => line.map((cell, column) => (column === 4 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')).join('\n')
}

/** How many rounds of chance a scenario plays; more with `FAULT_ROUNDS`. */
export function rounds(usual: number): number {
  const wanted = Number(process.env['FAULT_ROUNDS'] ?? '')
  return wanted > 0 ? wanted : usual
}
