import type { Exchange, Sandbox } from '../../sandbox/index.ts'

/** Exchanges of a run, copied at the moment they happened. */
export interface Recording {
  exchanges: Exchange[]
  listen(sandbox: Sandbox): void
}

export function createRecording(): Recording {
  const exchanges: Exchange[] = []
  return {
    exchanges,
    listen(sandbox) {
      sandbox.exchanges((exchange) => exchanges.push(JSON.parse(JSON.stringify(exchange)) as Exchange))
    },
  }
}

/** Types of a value's members, for telling exchanges of the same form. */
function formOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(formOf(item))))].sort()
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, formOf(member)]))
  return value === null ? 'null' : typeof value
}

/** One exchange of each form. */
export function distinctForms(exchanges: readonly Exchange[]): Exchange[] {
  const seen = new Map<string, Exchange>()
  for (const exchange of exchanges) {
    const { method, template, status, query, requestBody, responseBody, headers } = exchange
    const form = JSON.stringify([method, template, status, headers['version'], headers['content-type'], Object.keys(query).sort(), formOf(requestBody), formOf(responseBody)])
    if (!seen.has(form)) seen.set(form, exchange)
  }
  return [...seen.values()]
}
