import { z } from 'zod'
import { account } from '../http/contract/accounts.ts'
import {
  accountPeople, assignRequest, assignResponse, brief, csmList, csmRequest, hoursEntry, hoursList, hoursQuery, hoursReport, hoursReportQuery, hoursRequest, keyUserRequest,
  premiumRequest, primaryRequest, type AccountPerson, type HoursEntry,
} from '../http/contract/people.ts'
import type { Accounts } from '../accounts/index.ts'
import { csvAnswer, csvOf, type CsvColumn } from '../kernel/csv.ts'
import type { Clock } from '../kernel/clock.ts'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import { briefText } from './brief.ts'
import type { HoursRow } from './hours.ts'
import type { People } from './service.ts'

const id = z.string().min(1).max(64)
const params = z.strictObject({ locationId: id })
const userParams = z.strictObject({ locationId: id, userId: id })
const entryParams = z.strictObject({ locationId: id, entryId: id })
const briefQuery = z.strictObject({ format: z.enum(['json', 'text']).default('json') })
/** Most rows of one export. */
const maxExported = 50_000

const unknownAccount = { 404: { description: 'There is no such account in this agency.' } }
const changedAccount = { 200: { description: 'The account after the change.', schema: account }, ...unknownAccount }
const peopleAnswer = { 200: { description: 'The account\'s users with their parts, the primary contact first.', schema: accountPeople }, ...unknownAccount, 422: { description: 'That person is not a user of the account.' } }

const entryColumns: CsvColumn<HoursEntry>[] = [
  { name: 'Day', value: (entry) => entry.on },
  { name: 'CSM', value: (entry) => entry.csm.name },
  { name: 'Minutes', value: (entry) => entry.minutes },
  { name: 'Note', value: (entry) => entry.note },
  { name: 'Logged at (UTC)', value: (entry) => entry.loggedAt },
]
const reportColumns = (by: 'csm' | 'account'): CsvColumn<HoursRow>[] => [
  { name: by === 'csm' ? 'CSM' : 'Account', value: (row) => row.name },
  { name: 'Minutes', value: (row) => row.minutes },
  { name: 'Entries', value: (row) => row.entries },
  ...(by === 'csm' ? [{ name: 'Accounts', value: (row: HoursRow) => row.accounts }] : []),
  { name: 'Id', value: (row) => row.id },
]

function contactRoutes(people: People, lastSeen: LastSeen): Route[] {
  const withLastSeen = async (companyId: string, locationId: string, found: AccountPerson[]) => {
    const seen = await lastSeen(companyId, locationId)
    return { items: found.map((person) => ({ ...person, lastSeenAt: seen.get(person.userId)?.toISOString() ?? null })) }
  }
  return [
    defineRoute({
      method: 'GET', path: '/api/accounts/:locationId/people', access: 'agency', summary: 'The users of an account with their parts: primary contact and key users.',
      params, responses: peopleAnswer,
      handler: async (request) => ({ status: 200, json: await withLastSeen(sessionOf(request).companyId, request.params.locationId, await people.people(sessionOf(request).companyId, request.params.locationId)) }),
    }),
    defineRoute({
      method: 'PUT', path: '/api/accounts/:locationId/primary-contact', access: 'agency', needs: 'own_book', summary: 'Choose whom the agency talks to first; null goes back to the longest-standing admin.',
      params, body: primaryRequest, responses: peopleAnswer,
      handler: async (request) => ({ status: 200, json: await withLastSeen(sessionOf(request).companyId, request.params.locationId, await people.choosePrimary(sessionOf(request), request.params.locationId, request.body.userId)) }),
    }),
    defineRoute({
      method: 'PUT', path: '/api/accounts/:locationId/users/:userId/key', access: 'agency', needs: 'own_book', summary: 'Mark a user of an account as a key user, or take the mark away.',
      params: userParams, body: keyUserRequest, responses: peopleAnswer,
      handler: async (request) => ({ status: 200, json: await withLastSeen(sessionOf(request).companyId, request.params.locationId, await people.markKey(sessionOf(request), request.params.locationId, request.params.userId, request.body.key)) }),
    }),
  ]
}

function ownershipRoutes(people: People): Route[] {
  return [
    defineRoute({
      method: 'PUT', path: '/api/accounts/:locationId/premium', access: 'agency', needs: 'own_book', summary: 'Mark an account as premium, or take the mark away.',
      params, body: premiumRequest, responses: changedAccount,
      handler: async (request) => ({ status: 200, json: await people.setPremium(sessionOf(request), request.params.locationId, request.body.premium) }),
    }),
    defineRoute({
      method: 'PUT', path: '/api/accounts/:locationId/csm', access: 'agency', needs: 'own_book', summary: 'Give an account to somebody of the staff, or with null to nobody, with a note for whoever takes over.',
      params, body: csmRequest, responses: { ...changedAccount, 422: { description: 'That person is not on the agency\'s staff.' } },
      handler: async (request) => ({ status: 200, json: await people.assignCsm(sessionOf(request), request.params.locationId, request.body.csmUserId, request.body.note) }),
    }),
    defineRoute({
      method: 'POST', path: '/api/accounts/assign', access: 'agency', needs: 'own_accounts', summary: 'Give many accounts to several people by a rule; with dryRun only say who would get what.',
      body: assignRequest,
      responses: { 200: { description: 'Who got which account.', schema: assignResponse }, 422: { description: 'Somebody is not on the agency\'s staff.' } },
      handler: async (request) => ({ status: 200, json: await people.assignByRule(sessionOf(request), request.body, request.refusals) }),
    }),
    defineRoute({
      method: 'GET', path: '/api/csms', access: 'agency', summary: 'The agency\'s staff with how many accounts each looks after and the minutes of the last 30 days.',
      responses: { 200: { description: 'Everybody, by name.', schema: csmList } },
      handler: async (request) => ({ status: 200, json: { items: await people.csms(sessionOf(request).companyId) } }),
    }),
    defineRoute({
      method: 'GET', path: '/api/accounts/:locationId/brief', access: 'agency', summary: 'What the next owner of an account needs to know, from stored facts; as text for printing on request.',
      params, query: briefQuery, responses: { 200: { description: 'The brief.', schema: brief }, ...unknownAccount },
      async handler(request) {
        const found = await people.brief(sessionOf(request), request.params.locationId)
        return request.query.format === 'text' ? { status: 200, text: briefText(found), contentType: 'text/plain; charset=utf-8' } : { status: 200, json: found }
      },
    }),
  ]
}

function hoursRoutes(people: People, accounts: Pick<Accounts, 'get'>, clock: Clock): Route[] {
  return [
    defineRoute({
      method: 'POST', path: '/api/accounts/:locationId/hours', access: 'agency', needs: 'own_book', summary: 'Log time that you spent on an account.',
      params, body: hoursRequest,
      responses: { 201: { description: 'The entry.', schema: hoursEntry }, ...unknownAccount, 409: { description: 'The key belongs to an entry that was taken back.' }, 422: { description: 'The day does not fit.' } },
      handler: async (request) => ({ status: 201, json: await people.logHours(sessionOf(request), request.params.locationId, request.body) }),
    }),
    defineRoute({
      method: 'GET', path: '/api/accounts/:locationId/hours', access: 'agency', summary: 'Time spent on an account, newest day first; as CSV all that fits the filters.',
      params, query: hoursQuery, responses: { 200: { description: 'One page of entries, with the minutes of all that fit.', schema: hoursList }, ...unknownAccount },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const { locationId } = request.params
        const { format, page, pageSize, ...filters } = request.query
        if (format === 'json') return { status: 200, json: { ...(await people.hoursOf(companyId, locationId, { ...filters, page, pageSize })), page, pageSize } }
        const found = await accounts.get(companyId, locationId)
        if (found === null) throw notFound('account')
        const { items, minutes } = await people.hoursOf(companyId, locationId, { ...filters, page: 1, pageSize: maxExported })
        const about: [string, string | null][] = [
          ['Time spent on', found.name], ['From', filters.from ?? null], ['To', filters.to ?? null], ['CSM', filters.csm ?? null], ['Minutes', String(minutes)], ['As of', clock.now().toISOString()],
        ]
        return csvAnswer('hours', csvOf(about, entryColumns, items))
      },
    }),
    defineRoute({
      method: 'DELETE', path: '/api/accounts/:locationId/hours/:entryId', access: 'agency', needs: 'part', summary: 'Take back an entry of your own.',
      params: entryParams,
      responses: { 200: { description: 'The entry that was taken back.', schema: hoursEntry }, 403: { description: 'Somebody else logged it.' }, 404: { description: 'No such entry.' } },
      handler: async (request) => ({ status: 200, json: await people.removeHours(sessionOf(request), request.params.locationId, request.params.entryId) }),
    }),
    defineRoute({
      method: 'GET', path: '/api/hours/report', access: 'agency', summary: 'Time spent per CSM or per account, most first; the last 30 days unless a period is given.',
      query: hoursReportQuery, responses: { 200: { description: 'The sums.', schema: hoursReport } },
      async handler(request) {
        const { format, page, pageSize, ...query } = request.query
        const { companyId } = sessionOf(request)
        if (format === 'json') return { status: 200, json: { ...(await people.hoursReport(companyId, { ...query, page, pageSize })), page, pageSize } }
        const report = await people.hoursReport(companyId, { ...query, page: 1, pageSize: maxExported })
        const about: [string, string | null][] = [
          ['Time spent per', report.by === 'csm' ? 'CSM' : 'account'], ['From', report.from], ['To', report.to], ['Minutes', String(report.minutes)], ['As of', clock.now().toISOString()],
        ]
        return csvAnswer(`hours-per-${report.by}`, csvOf(about, reportColumns(report.by), report.rows))
      },
    }),
  ]
}

/** When the users of an account were last seen, by user id. */
type LastSeen = (companyId: string, locationId: string) => Promise<Map<string, Date>>

export function peopleRoutes(people: People, { accounts, clock, lastSeen = async () => new Map() }: { accounts: Pick<Accounts, 'get'>; clock: Clock; lastSeen?: LastSeen }): Route[] {
  return [...contactRoutes(people, lastSeen), ...ownershipRoutes(people), ...hoursRoutes(people, accounts, clock)]
}
