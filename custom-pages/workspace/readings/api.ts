import type {
  BookReport,
  GridReport,
  Share,
  alertKinds,
  alertReport,
  disagreementReport,
  distributionReport,
  rankingReport,
  responseReport,
} from '../../../src/http/contract/reports.ts'
import type { hoursReport } from '../../../src/http/contract/people.ts'
import { type Loaded, useLoad } from '../../shared/lib/load.ts'
import { client } from '../../shared/lib/services.ts'
import type { Echo, Scope } from './scope.ts'

type Output<Schema extends { _zod: { output: unknown } }> = Schema['_zod']['output']

export type { BookReport, GridReport, Share }
export type Book = BookReport['items'][number]
export type DisagreementReport = Output<typeof disagreementReport>
export type DistributionReport = Output<typeof distributionReport>
export type Point = DistributionReport['points'][number]
export type ResponseReport = Output<typeof responseReport>
export type Cycle = ResponseReport['cycles'][number]
export type RankingReport = Output<typeof rankingReport>
export type AlertReport = Output<typeof alertReport>
export type AlertKind = (typeof alertKinds)[number]
export type HoursReport = Output<typeof hoursReport>

/** What every report says of itself: whose accounts it counts, and when it was counted. */
export interface Told {
  filter: Echo
  asOf: string
}

export const paths = {
  grid: '/api/reports/grid',
  books: '/api/reports/books',
  disagreements: '/api/reports/disagreements',
  distribution: '/api/reports/distribution',
  response: '/api/reports/response',
  ranking: '/api/reports/ranking',
  alerts: '/api/reports/alerts',
  hours: '/api/hours/report',
} as const

/** How many rows each kind has, for the chips; null until it is known. */
export function useCounts<Kind extends string>(path: string, kinds: readonly Kind[], scope: () => Scope): Loaded<Record<Kind, number>> {
  const count = async (kind: Kind) => [kind, (await client.get<{ total: number }>(path, { ...scope(), kind, pageSize: 1 })).total] as const
  return useLoad(async () => Object.fromEntries(await Promise.all(kinds.map(count))) as Record<Kind, number>, scope)
}
