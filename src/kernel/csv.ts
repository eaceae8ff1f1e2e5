/** A column of an export. */
export interface CsvColumn<Row> {
  /** Heading, in plain words. */
  name: string
  value: (row: Row) => string | number | boolean | Date | null | undefined
}

/** A cell that starts like this would be read as a formula by a spreadsheet. */
const formulaStart = /^[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/

function cell(value: string | number | boolean | Date | null | undefined): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = value instanceof Date ? value.toISOString() : value
  // A leading apostrophe makes it text and is not shown.
  const safe = formulaStart.test(text) ? `'${text}` : text
  return /[",\r\n;']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/**
 * A table as CSV (RFC 4180, UTF-8 with byte order mark so that spreadsheets read it right, ISO dates in UTC): lines that say what it is and which
 * filters made it, an empty line, the headings, the rows. Cells cannot become formulas.
 * @param about lines of name and value above the table, for example the filters and the time
 */
export function csvOf<Row>(about: readonly (readonly [name: string, value: string | null])[], columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  const lines = [
    ...about.map(([name, value]) => [name, value ?? 'all']),
    [],
    columns.map((column) => column.name),
    ...rows.map((row) => columns.map((column) => column.value(row))),
  ]
  return `\uFEFF${lines.map((line) => line.map(cell).join(',')).join('\r\n')}\r\n`
}

/** The answer of a route that gives a CSV file. @param name without ending, for example `accounts` */
export function csvAnswer(name: string, text: string): { status: number; text: string; contentType: string; headers: Record<string, string> } {
  return { status: 200, text, contentType: 'text/csv; charset=utf-8', headers: { 'content-disposition': `attachment; filename="${name}.csv"` } }
}
