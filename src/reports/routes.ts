import { z } from 'zod'
import {
  accountConfidence, alertQuery, alertReport, bookQuery, bookReport, disagreementQuery, disagreementReport, distributionQuery, distributionReport, gridQuery, gridReport, levelHistory, levelHistoryQuery,
  rankingQuery, rankingReport, responseQuery, responseReport, sparklineQuery, sparklineReport, type ReportFilter,
} from '../http/contract/reports.ts'
import type { Clock } from '../kernel/clock.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import { aboutOf, csv } from './csv.ts'
import type { AlertRecord } from './model.ts'
import type { Reports } from './types.ts'

const params = z.strictObject({ locationId: z.string().min(1).max(64) })
/** Rows of an export. */
const maxExported = 10_000
const everything = { page: 1, pageSize: maxExported }
const unknownAccount = { 404: { description: 'There is no such account in this agency.' } }
const assignment = 'The accounts that fit the filter today, with their own past.'

const echoOf = (filter: ReportFilter): { group: string | null; csm: string | null } => ({ group: filter.group ?? null, csm: filter.csm ?? null })
const filterOf = ({ group, csm }: ReportFilter): ReportFilter => ({ ...(group === undefined ? {} : { group }), ...(csm === undefined ? {} : { csm }) })
const assignmentOf = (filter: ReportFilter): string | null => (filter.group === undefined && filter.csm === undefined ? null : assignment)

function alertView({ kind, at, locationId, accountName, userId, userName, reason }: AlertRecord): object {
  return { kind, at: at.toISOString(), locationId, accountName, userId, userName, reason, link: `/accounts/${locationId}` }
}

/** Reports over all accounts, and what is computed about one. */
export function reportRoutes(reports: Reports, clock: Clock): Route[] {
  const nowText = (): string => clock.now().toISOString()
  return [
    defineRoute({
      method: 'GET',
      path: '/api/reports/grid',
      access: 'agency',
      summary: 'How many accounts have each pair of Health Status and Happiness Level.',
      query: gridQuery,
      responses: { 200: { description: 'All 25 cells.', schema: gridReport } },
      async handler(request) {
        const { format, ...filter } = request.query
        const asOf = nowText()
        const { total, cells } = await reports.grid(sessionOf(request).companyId, filterOf(filter))
        if (format === 'csv') return csv.grid(aboutOf(filter, asOf), cells)
        return { status: 200, json: { filter: echoOf(filter), asOf, total, cells } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/reports/books',
      access: 'agency',
      summary: 'Each owner\'s accounts by both readings, how many do not fit together, and how many people answered.',
      query: bookQuery,
      responses: { 200: { description: 'One row per owner.', schema: bookReport } },
      async handler(request) {
        const { format, ...filter } = request.query
        const asOf = nowText()
        const items = await reports.books(sessionOf(request).companyId, filterOf(filter))
        if (format === 'csv') return csv.books(aboutOf(filter, asOf), items)
        return { status: 200, json: { filter: echoOf(filter), asOf, items } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/reports/disagreements',
      access: 'agency',
      summary: 'Accounts whose two readings do not fit together, the widest apart and then the longest first.',
      query: disagreementQuery,
      responses: { 200: { description: 'One page of accounts.', schema: disagreementReport } },
      async handler(request) {
        const { format, page, pageSize, kind, ...filter } = request.query
        const asOf = nowText()
        const paging = format === 'csv' ? everything : { page, pageSize }
        const { items, total } = await reports.disagreements(sessionOf(request).companyId, { ...filterOf(filter), kind, ...paging })
        if (format === 'csv') return csv.disagreements(aboutOf(filter, asOf, [['Kind', kind ?? null]]), items)
        return { status: 200, json: { filter: echoOf(filter), asOf, items, page, pageSize, total } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/reports/distribution',
      access: 'agency',
      summary: 'Accounts per level over time; times of which nothing is known are gaps.',
      query: distributionQuery,
      responses: { 200: { description: 'One point per day, week or month, in UTC.', schema: distributionReport }, 400: { description: 'The period is empty, or has too many points.' } },
      async handler(request) {
        const { format, reading, from, to, step, ...filter } = request.query
        const asOf = nowText()
        const points = await reports.distribution(sessionOf(request).companyId, filterOf(filter), { reading, from, to, step })
        if (format === 'csv') return csv.distribution(aboutOf(filter, asOf, [['Reading', reading], ['Step', step], ['Whose', assignmentOf(filter) ?? 'All accounts.']]), reading, points)
        return { status: 200, json: { filter: echoOf(filter), asOf, assignment: assignmentOf(filter), reading, step, points } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/reports/sparklines',
      access: 'agency',
      summary: 'Happiness Levels of up to 100 accounts at the ends of the last five months and now, for the lines in a list.',
      query: sparklineQuery,
      responses: { 200: { description: 'One entry per account of the agency.', schema: sparklineReport } },
      handler: async (request) => ({ status: 200, json: await reports.sparklines(sessionOf(request).companyId, request.query.accounts) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId/levels',
      access: 'agency',
      summary: 'One account\'s levels over time, without gaps between the segments.',
      params,
      query: levelHistoryQuery,
      responses: { 200: { description: 'Segments, oldest first.', schema: levelHistory }, ...unknownAccount },
      async handler(request) {
        const { format, ...query } = request.query
        const { locationId } = request.params
        const history = await reports.levelHistory(sessionOf(request).companyId, locationId, query)
        if (format === 'csv') return csv.levels([['Account id', locationId], ['Reading', history.reading], ['From', history.from], ['To', history.to], ['As of', nowText()]], history)
        return { status: 200, json: history }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/reports/response',
      access: 'agency',
      summary: 'What became of prompts, by the month in which they were due; users are counted once, unasked answers apart.',
      query: responseQuery,
      responses: { 200: { description: 'One entry per month.', schema: responseReport }, 400: { description: 'The period is empty, or too long.' } },
      async handler(request) {
        const { format, from, to, ...filter } = request.query
        const { cycles, ...found } = await reports.response(sessionOf(request).companyId, filterOf(filter), { from, to })
        const asOf = found.asOf.toISOString()
        if (format === 'csv') return csv.response(aboutOf(filter, asOf, [['Whose', assignmentOf(filter) ?? 'All accounts.']]), cycles)
        return { status: 200, json: { filter: echoOf(filter), asOf, assignment: assignmentOf(filter), cycles } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/reports/ranking',
      access: 'agency',
      summary: 'Accounts by happiness, drawn towards the agency\'s mean where few people answered; labels are never changed.',
      query: rankingQuery,
      responses: { 200: { description: 'One page of accounts.', schema: rankingReport } },
      async handler(request) {
        const { format, order, page, pageSize, ...filter } = request.query
        const paging = format === 'csv' ? everything : { page, pageSize }
        const { asOf, mean, items, total } = await reports.ranking(sessionOf(request).companyId, filterOf(filter), { order, ...paging })
        const asOfText = asOf.toISOString()
        if (format === 'csv') return csv.ranking(aboutOf(filter, asOfText, [['Order', order], ['Mean of the agency', mean === null ? 'none' : `${mean}`]]), items)
        return { status: 200, json: { filter: echoOf(filter), asOf: asOfText, mean, items, page, pageSize, total } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId/confidence',
      access: 'agency',
      summary: 'How sure the account\'s Happiness Level is, with the bounds that those who did not answer leave open.',
      params,
      query: z.strictObject({ format: z.enum(['json', 'csv']).default('json') }),
      responses: { 200: { description: 'A word, bounds, and a sentence.', schema: accountConfidence }, ...unknownAccount },
      async handler(request) {
        const { locationId } = request.params
        const confidence = await reports.confidence(sessionOf(request).companyId, locationId)
        if (request.query.format === 'csv') return csv.confidence([['Account id', locationId], ['As of', nowText()]], confidence)
        return { status: 200, json: confidence }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/reports/alerts',
      access: 'agency',
      summary: 'What needs somebody now: users who fell, accounts whose level changed, accounts that fell silent.',
      query: alertQuery,
      responses: { 200: { description: 'One page, newest first.', schema: alertReport } },
      async handler(request) {
        const { format, kind, page, pageSize, ...filter } = request.query
        const asOf = nowText()
        const paging = format === 'csv' ? everything : { page, pageSize }
        const { items, total } = await reports.alerts(sessionOf(request).companyId, filterOf(filter), { kind, ...paging })
        if (format === 'csv') return csv.alerts(aboutOf(filter, asOf, [['Kind', kind ?? null]]), items)
        return { status: 200, json: { filter: echoOf(filter), asOf, items: items.map(alertView), page, pageSize, total } }
      },
    }),
  ]
}
