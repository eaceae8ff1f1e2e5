import type { Account, AccountFilter, BulkAction, BulkRequest, BulkResult } from '../../../src/http/contract/accounts.ts'
import type { DeedChange, DeedList, DeedView, newDeed } from '../../../src/http/contract/deeds.ts'
import type { AccountPerson, Brief, HoursEntry, assignRequest, assignResponse, csmList, hoursRequest } from '../../../src/http/contract/people.ts'
import type { TimelineEntry } from '../../../src/http/contract/timeline.ts'
import type { PageOf } from '../../shared/health/api.ts'
import { client, type Wire } from '../../shared/lib/services.ts'

type Output<Schema extends { _zod: { output: unknown } }> = Schema['_zod']['output']
type Input<Schema extends { _zod: { input: unknown } }> = Schema['_zod']['input']

export type Csm = Output<typeof csmList>['items'][number]
export type Assignment = Output<typeof assignResponse>
export type AssignmentWish = Input<typeof assignRequest>
export type HoursPage = PageOf<HoursEntry> & { minutes: number }
export type TimelinePage = PageOf<Wire<TimelineEntry>>

/** What a bulk action is done to: chosen accounts, or everything that matches. */
export type Target = { locationIds: string[] } | { filter: AccountFilter }
export interface BulkOutcome {
  action: BulkAction
  done: number
  failed: number
  results: BulkResult[]
}

/** What a bulk action is to do. */
export type BulkWish = Omit<BulkRequest, 'locationIds' | 'filter' | 'limit'>

/** Accounts that the reader is told about though somebody else looks after them. */
export interface Watches {
  locationIds: string[]
}

const of = (locationId: string) => `/api/accounts/${encodeURIComponent(locationId)}`

/** Calls of the accounts pages. Every one throws ApiError if it does not succeed. */
export const api = {
  watches: () => client.get<Watches>('/api/notifications/watches'),
  watch: (locationId: string, watching: boolean) => client.send<Watches>('PUT', `/api/notifications/watches/${encodeURIComponent(locationId)}`, { watching }),
  account: (locationId: string) => client.get<Account>(of(locationId)),
  /** One step of a bulk action; see `bulk/steps.ts`. */
  bulkStep: (target: Target, request: BulkWish & { limit: number }) => client.send<BulkOutcome & { left: string[] }>('POST', '/api/accounts/bulk', { ...target, ...request }),
  assign: (wish: AssignmentWish) => client.send<Assignment>('POST', '/api/accounts/assign', wish),
  csms: () => client.get<{ items: Csm[] }>('/api/csms'),
  setOwner: (locationId: string, csmUserId: string | null, note: string) => client.send<Account>('PUT', `${of(locationId)}/csm`, { csmUserId, ...(note === '' ? {} : { note }) }),
  setPremium: (locationId: string, premium: boolean) => client.send<Account>('PUT', `${of(locationId)}/premium`, { premium }),
  people: (locationId: string) => client.get<{ items: AccountPerson[] }>(`${of(locationId)}/people`),
  setPrimary: (locationId: string, userId: string | null) => client.send('PUT', `${of(locationId)}/primary-contact`, { userId }),
  setKeyUser: (locationId: string, userId: string, key: boolean) => client.send('PUT', `${of(locationId)}/users/${encodeURIComponent(userId)}/key`, { key }),
  hours: (locationId: string, query: { from?: string; to?: string; page?: number; pageSize?: number }) => client.get<HoursPage>(`${of(locationId)}/hours`, query),
  logHours: (locationId: string, request: Input<typeof hoursRequest>) => client.send<HoursEntry>('POST', `${of(locationId)}/hours`, request),
  removeHours: (locationId: string, entryId: string) => client.send<HoursEntry>('DELETE', `${of(locationId)}/hours/${encodeURIComponent(entryId)}`),
  deeds: (locationId: string, query: { page?: number; pageSize?: number }) => client.get<DeedList>(`${of(locationId)}/deeds`, query),
  addDeed: (locationId: string, request: Input<typeof newDeed>) => client.send<DeedView>('POST', `${of(locationId)}/deeds`, request),
  changeDeed: (locationId: string, deedId: string, change: DeedChange) => client.send<DeedView>('PATCH', `${of(locationId)}/deeds/${encodeURIComponent(deedId)}`, change),
  withdrawDeed: (locationId: string, deedId: string) => client.send('DELETE', `${of(locationId)}/deeds/${encodeURIComponent(deedId)}`),
  brief: (locationId: string) => client.get<Brief>(`${of(locationId)}/brief`),
  timelinePath: (locationId: string) => `${of(locationId)}/timeline`,
  hoursPath: (locationId: string) => `${of(locationId)}/hours`,
  historyPath: (locationId: string) => `${of(locationId)}/health/history`,
}
