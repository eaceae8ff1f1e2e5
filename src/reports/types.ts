import type { z } from 'zod'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import type { DomainEvent } from '../events/index.ts'
import type { AccountGroup } from '../http/contract/accounts.ts'
import type { AccountConfidence, bookReport, disagreementReport, GridReport, LevelHistory, rankingReport, ReportFilter, responseReport, sparklineReport } from '../http/contract/reports.ts'
import type { AlertKind } from './alert-rules.ts'
import type { PromptReaction } from './cycles.ts'
import type { LevelPoint } from './levels.ts'
import type { AlertRecord, Reading } from './model.ts'

export type Disagreements = Pick<z.output<typeof disagreementReport>, 'items' | 'total'>
export type Cycle = z.output<typeof responseReport>['cycles'][number]
export type Book = z.output<typeof bookReport>['items'][number]
export type RankedAccount = z.output<typeof rankingReport>['items'][number]
interface Paging { page: number; pageSize: number }
interface Period { from?: string | undefined; to?: string | undefined }

/** Figures about an agency's accounts; the same for everybody who may see them. Every method is scoped to one agency. */
export interface Reports {
  grid(companyId: string, filter: ReportFilter): Promise<Pick<GridReport, 'total' | 'cells'>>
  /** Each owner's accounts by both readings. */
  books(companyId: string, filter: ReportFilter): Promise<Book[]>
  disagreements(companyId: string, query: ReportFilter & Paging & { kind?: Disagreements['items'][number]['kind'] | undefined }): Promise<Disagreements>
  /** @throws RequestError 400 for a period that ends before it begins, or too many points */
  distribution(companyId: string, filter: ReportFilter, query: Period & { reading: Reading; step: 'day' | 'week' | 'month' }): Promise<LevelPoint[]>
  /** @throws RequestError 404 */
  levelHistory(companyId: string, locationId: string, query: Period & { reading: Reading }): Promise<LevelHistory>
  /** The Happiness Levels of a few accounts at the ends of the last five months and now; accounts that are not the agency's are left out. */
  sparklines(companyId: string, locationIds: readonly string[]): Promise<z.output<typeof sparklineReport>>
  /** One account's readings at two instants; null is no reading. */
  levelsAt(companyId: string, locationId: string, fromAt: Date, toAt: Date): Promise<Record<Reading, { before: string | null; after: string | null }>>
  response(companyId: string, filter: ReportFilter, period: Period): Promise<{ asOf: Date; cycles: Cycle[] }>
  ranking(companyId: string, filter: ReportFilter, query: Paging & { order: 'top' | 'bottom' }): Promise<Pick<z.output<typeof rankingReport>, 'mean' | 'items' | 'total'> & { asOf: Date }>
  /** @throws RequestError 404 */
  confidence(companyId: string, locationId: string): Promise<AccountConfidence>
  alerts(companyId: string, filter: ReportFilter, query: Paging & { kind?: AlertKind | undefined }): Promise<{ items: AlertRecord[]; total: number }>

  /** All listed accounts in the few members that figures are made of, by id. */
  portfolio(companyId: string): Promise<ReadonlyMap<string, { group: AccountGroup; csmUserId: string | null }>>
  /** The newest falls, or silences, of a few accounts or of all; what got better is none. */
  needing(companyId: string, kind: AlertKind, options: { among: readonly string[] | null; limit: number }): Promise<AlertRecord[]>
  /** Takes note of every event that a report is made of. Idempotent. */
  observe(event: DomainEvent): Promise<void>
  /** A reaction to a prompt, told before it is stored. Idempotent. */
  promptReacted(reaction: PromptReaction): Promise<void>
  /** The weekly look for silent accounts, for agencies in which it is due. @returns how many agencies */
  sweep(limit: number): Promise<number>
  /** Resolves once nothing is being renewed behind an answer. */
  settled(): Promise<void>
  /** Figures stay, and name nobody. Idempotent. @param isLast what follows from the person's leaving has been worked through */
  forget(person: ForgottenPerson, isLast: boolean): Promise<void>
  purge(companyId: string): Promise<void>
}
