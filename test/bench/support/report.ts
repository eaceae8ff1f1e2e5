/** `met` and `missed` against a bar; `note` where there is no bar; `broken`: a guarantee that does not depend on the machine does not hold. */
export type Verdict = 'met' | 'missed' | 'note' | 'broken'

/** One line of the closing table. */
export interface Row {
  figure: string
  /** Of DESIGN section 7; empty for a note. */
  bar: string
  measured: string
  verdict: Verdict
}

export interface Report {
  rows: Row[]
  /** A figure that depends on the machine: never fails the run. */
  measure(figure: string, bar: string, measured: string, met: boolean): void
  /** A count that is the same on every machine: fails the run when it is wrong. */
  guarantee(figure: string, bar: string, measured: string, holds: boolean): void
  note(figure: string, measured: string): void
  /** Progress, to standard error. */
  say(text: string): void
}

export function createReport(): Report {
  const rows: Row[] = []
  const startedMs = performance.now()
  return {
    rows,
    measure: (figure, bar, measured, met) => void rows.push({ figure, bar, measured, verdict: met ? 'met' : 'missed' }),
    guarantee: (figure, bar, measured, holds) => void rows.push({ figure, bar, measured, verdict: holds ? 'met' : 'broken' }),
    note: (figure, measured) => void rows.push({ figure, bar: '', measured, verdict: 'note' }),
    say: (text) => void process.stderr.write(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6)} s  ${text}\n`),
  }
}

/** The closing table as text. */
export function table(rows: readonly Row[]): string {
  const lines = [['figure', 'bar', 'measured: median (min–max)', 'verdict'], ...rows.map(({ figure, bar, measured, verdict }) => [figure, bar, measured, verdict])]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const text = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ').trimEnd())
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('-|-'))
  return `${text.join('\n')}\n`
}
