import type { AccountHealth } from '../../../src/http/contract/accounts.ts'
import type { HealthChange, HealthNoteRequest, HealthRequest } from '../../../src/http/contract/health.ts'
import type { SettingsView } from '../../../src/http/contract/settings.ts'
import { client } from '../lib/services.ts'
import type { HealthRules } from './form.ts'

export interface PageOf<T> {
  items: T[]
  page: number
  pageSize: number
  total: number
}

/** A change made in the CRM whose note is missing. */
export interface OpenHealthItem {
  locationId: string
  accountName: string
  csm: { userId: string; name: string } | null
  change: HealthChange
}

const pathOf = (locationId: string) => `/api/accounts/${encodeURIComponent(locationId)}/health`

/** Calls about the Health Status. Every one throws ApiError if it does not succeed. */
export const healthApi = {
  set: (locationId: string, request: HealthRequest) => client.send<AccountHealth>('PUT', pathOf(locationId), request),
  confirm: (locationId: string, request: { note?: string; ifChangeId: string | null }) => client.send<AccountHealth>('POST', `${pathOf(locationId)}/confirm`, request),
  undo: (locationId: string, changeId: string) => client.send<AccountHealth>('POST', `${pathOf(locationId)}/undo`, { changeId }),
  addNote: (locationId: string, changeId: string, request: HealthNoteRequest) =>
    client.send<unknown>('PUT', `${pathOf(locationId)}/changes/${encodeURIComponent(changeId)}/note`, request),
  history: (locationId: string, page: number, pageSize: number) => client.get<PageOf<HealthChange>>(`${pathOf(locationId)}/history`, { page, pageSize }),
  openItems: (query: { csm?: string; page?: number; pageSize?: number }) => client.get<PageOf<OpenHealthItem>>('/api/health/open-items', query),
}

let rules: Promise<HealthRules> | undefined

/** The agency's rules for notes and reasons, read once per page; a failed look is tried again by the next caller. */
export async function healthRules(): Promise<HealthRules> {
  rules ??= client.get<SettingsView>('/api/settings').then((view) => view.settings.health)
  try {
    return await rules
  } catch (failure) {
    rules = undefined
    throw failure
  }
}
