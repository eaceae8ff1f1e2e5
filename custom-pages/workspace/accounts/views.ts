import type { AccountColumn, SavedView, ViewLook, ViewRequest } from '../../../src/http/contract/views.ts'
import { client } from '../../shared/lib/services.ts'
import { filterNames } from './filters.ts'

export type { AccountColumn, SavedView }

/** Columns that one may leave out, in their order. */
export const accountColumnNames = ['owner', 'health', 'happiness', 'trend', 'users', 'feedback'] as const satisfies readonly AccountColumn[]

const isColumn = (text: string): text is AccountColumn => accountColumnNames.some((name) => name === text)

/** Columns that the address names; all without any. */
export function columnsFrom(text: string): AccountColumn[] {
  const named = text.split(',').filter(isColumn)
  return text === '' ? [...accountColumnNames] : accountColumnNames.filter((name) => named.includes(name))
}

/** The other way round; `-` leaves none but the name. */
export function columnsText(columns: readonly AccountColumn[]): string {
  return columns.length === accountColumnNames.length ? '' : columns.length === 0 ? '-' : columns.join(',')
}

/** What the address says about the list, as a view keeps it. */
export function lookOf(params: Readonly<Record<string, string>>): ViewLook {
  const filters = Object.fromEntries(filterNames.flatMap((name) => ((params[name] ?? '') === '' ? [] : [[name, params[name]]]))) as ViewLook['filters']
  const sort = params['sort'] as ViewLook['sort']
  const columns = params['columns'] ?? ''
  return { filters, ...(sort === undefined || sort === 'name' ? {} : { sort }), ...(columns === '' ? {} : { columns: columnsFrom(columns) }) }
}

/** Parameters of the address that show a view. */
export function paramsOf(view: SavedView): Record<string, string> {
  const { filters, sort, columns } = view.look
  const given = Object.entries(filters).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return { ...Object.fromEntries(given), ...(sort === undefined ? {} : { sort }), ...(columns === undefined ? {} : { columns: columnsText(columns) }), view: view.viewId }
}

/** The same list in the same order and columns, whatever the order of its members. */
export function sameLook(one: ViewLook, other: ViewLook): boolean {
  const text = ({ filters, sort, columns }: ViewLook) => JSON.stringify([filterNames.map((name) => filters[name] ?? ''), sort ?? 'name', columns === undefined ? '' : columnsText(columns)])
  return text(one) === text(other)
}

/** Calls about saved views. Every one throws ApiError if it does not succeed. */
export const viewsApi = {
  list: () => client.get<{ items: SavedView[] }>('/api/views'),
  save: (viewId: string, request: ViewRequest) => client.send<SavedView>('PUT', `/api/views/${encodeURIComponent(viewId)}`, request),
  remove: (viewId: string) => client.send<unknown>('DELETE', `/api/views/${encodeURIComponent(viewId)}`),
}
