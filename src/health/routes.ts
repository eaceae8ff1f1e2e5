import { z } from 'zod'
import {
  healthAnswer, healthConfirmRequest, healthHistory, healthHistoryQuery, healthNoteRequest, healthRequest, healthUndoRequest, openHealthItems, openHealthItemsQuery, type HealthChange,
} from '../http/contract/health.ts'
import { csvAnswer, csvOf, type CsvColumn } from '../kernel/csv.ts'
import { healthLabels } from '../kernel/levels.ts'
import { defineRoute, sessionOf, type Route, type Session } from '../kernel/route.ts'
import type { By, Health } from './service.ts'

const params = z.strictObject({ locationId: z.string().min(1).max(64) })
const changeParams = z.strictObject({ locationId: z.string().min(1).max(64), changeId: z.string().min(1).max(100) })
const status = { 200: { description: 'The status after it.', schema: healthAnswer }, 404: { description: 'There is no such account in this agency.' } }
const note = { 422: { description: 'The note is too short, or a reason is unknown or one too many.' } }
const exportedRows = 5_000
const exportPage = 200

/** A session is a person in one of our pages. */
const byOf = (session: Session): By => ({ actor: { kind: 'agency_user', id: session.userId, name: session.userName }, source: 'page' })

const sources: Record<HealthChange['source'], string> = { page: 'Barometer', api: 'API', field: 'Field in the CRM', card: 'Card in the CRM', bulk: 'Several accounts together', undo: 'Taken back' }

const columns: CsvColumn<HealthChange>[] = [
  { name: 'When', value: (change) => change.at },
  { name: 'Before', value: (change) => (change.before === null ? null : healthLabels[change.before]) },
  { name: 'After', value: (change) => healthLabels[change.level] },
  { name: 'Where', value: (change) => sources[change.source] },
  { name: 'Who', value: (change) => change.actor.name ?? (change.actor.kind === 'crm' ? 'Somebody in the CRM' : null) },
  { name: 'Note', value: (change) => change.note },
  { name: 'Reasons', value: (change) => change.reasonCodes.join(', ') },
  { name: 'Note missing', value: (change) => change.noteWanted },
  { name: 'Confirmed', value: (change) => change.confirmations.map((confirmation) => confirmation.at).join(', ') },
  { name: 'Taken back', value: (change) => change.undoneBy !== null },
  { name: 'Overtaken', value: (change) => change.overtaken },
  { name: 'What Barometer did', value: (change) => change.acts.map((act) => act.summary).join(' ') },
]

export function healthRoutes(health: Health): Route[] {
  async function historyFile(companyId: string, locationId: string): Promise<string> {
    const rows: HealthChange[] = []
    for (let page = 1; rows.length < exportedRows; page += 1) {
      const { items, total } = await health.history(companyId, locationId, { page, pageSize: exportPage })
      rows.push(...items)
      if (items.length < exportPage || rows.length >= total) break
    }
    return csvOf([['Health Status history of account', locationId], ['Changes', String(rows.length)]], columns, rows)
  }

  return [
    defineRoute({
      method: 'PUT',
      path: '/api/accounts/:locationId/health',
      access: 'agency',
      needs: 'own_book',
      summary: 'Set the Health Status of an account, with a note and up to a few reasons. The level that it is already is a confirmation.',
      params,
      body: healthRequest,
      responses: { ...status, ...note, 409: { description: 'Somebody changed the status in the meantime, or the idempotency key belongs to another change.' } },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await health.set(session.companyId, request.params.locationId, request.body, byOf(session)) }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/accounts/:locationId/health/confirm',
      access: 'agency',
      needs: 'own_book',
      summary: 'Say that the Health Status is still true: it is fresh again.',
      params,
      body: healthConfirmRequest,
      responses: { ...status, 409: { description: 'Somebody changed the status in the meantime, or nobody has set one.' } },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await health.confirm(session.companyId, request.params.locationId, request.body, byOf(session)) }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/accounts/:locationId/health/undo',
      access: 'agency',
      needs: 'own_book',
      summary: 'Take the newest change of the Health Status back by a change to the level before.',
      params,
      body: healthUndoRequest,
      responses: { ...status, 409: { description: 'It is not the newest change, or the first one: there is nothing to go back to.' } },
      async handler(request) {
        const session = sessionOf(request)
        return { status: 200, json: await health.undo(session.companyId, request.params.locationId, request.body, byOf(session)) }
      },
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/accounts/:locationId/health/changes/:changeId/note',
      access: 'agency',
      needs: 'own_book',
      summary: 'Give the note that a change made in the CRM lacks.',
      params: changeParams,
      body: healthNoteRequest,
      responses: { ...status, ...note, 409: { description: 'The change has a note already, or needs none.' } },
      async handler(request) {
        const session = sessionOf(request)
        const { locationId, changeId } = request.params
        return { status: 200, json: await health.addNote(session.companyId, locationId, changeId, request.body, byOf(session)) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId/health/history',
      access: 'agency',
      summary: 'Every change of an account\'s Health Status, newest first, with what Barometer did about it; also as CSV.',
      params,
      query: healthHistoryQuery,
      responses: { 200: { description: 'One page of changes, or the file.', schema: healthHistory }, 404: status[404] },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const { locationId } = request.params
        const { format, ...page } = request.query
        if (format === 'csv') return csvAnswer('health-history', await historyFile(companyId, locationId))
        return { status: 200, json: await health.history(companyId, locationId, page) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/health/open-items',
      access: 'agency',
      summary: 'Changes of the Health Status made in the CRM whose note is missing.',
      query: openHealthItemsQuery,
      responses: { 200: { description: 'One page of changes, newest first.', schema: openHealthItems } },
      async handler(request) {
        const { companyId, userId } = sessionOf(request)
        const { csm, ...page } = request.query
        return { status: 200, json: await health.openItems(companyId, { ...page, csm: csm === 'me' ? userId : csm }) }
      },
    }),
  ]
}
