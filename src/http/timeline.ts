import { z } from 'zod'
import { dayMs, type Clock } from '../kernel/clock.ts'
import { csvAnswer, csvOf, type CsvColumn } from '../kernel/csv.ts'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import { domainEventTypes, type DomainEvent, type DomainEventType, type EventCause, type Events, type TimelineQuery } from '../events/index.ts'
import { timelineList, timelineQuery, type TimelineEntry, type TimelineGroup } from './contract/timeline.ts'

/** Most entries in one export. */
const maxExported = 10_000

/** What a group of the timeline holds: every type of which the name begins like this. */
const groupPrefixes: Record<TimelineGroup, readonly string[]> = {
  answers: ['feedback.', 'deed.'],
  health: ['health.'],
  happiness: ['happiness.', 'account.silent', 'account.unanswered', 'score.'],
  messages: ['message.'],
  tasks: ['task.'],
  cases: ['case.'],
  people: ['user.', 'person.', 'csm.', 'hours.', 'note.', 'account.'],
  billing: ['billing.'],
  crm: ['contact.', 'card.'],
  setup: ['setup.', 'installation.'],
}

/** The account timeline: everything that happened, with its source and its cause. */
export function timelineRoutes(deps: { events: Pick<Events, 'timeline'>; accountName(companyId: string, locationId: string): Promise<string | null>; clock: Clock }): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId/timeline',
      access: 'agency',
      summary: 'What happened on an account, newest first; narrowed, paged, or as a CSV file.',
      params: z.object({ locationId: z.string().min(1).max(100) }),
      query: timelineQuery,
      responses: { 200: { description: 'One page of entries; with `format=csv` all that fit, at most 10,000.', schema: timelineList } },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const { locationId } = request.params
        const { types, groups, userId, actorId, source, from, to, format, page, pageSize } = request.query
        const name = await deps.accountName(companyId, locationId)
        if (name === null) throw notFound('account')
        const chosen = chosenTypes(types, groups)
        const query: Omit<TimelineQuery, 'page' | 'pageSize'> = {
          companyId,
          locationId,
          ...(chosen === undefined ? {} : { types: chosen }),
          ...(userId === undefined ? {} : { userId }),
          ...(actorId === undefined ? {} : { actorId }),
          ...(source === undefined ? {} : { source }),
          ...(from === undefined ? {} : { fromAt: new Date(from) }),
          // The last day counts in full.
          ...(to === undefined ? {} : { toAt: new Date(Date.parse(to) + dayMs) }),
        }
        if (format === 'csv') {
          const { items } = await deps.events.timeline({ ...query, page: 1, pageSize: maxExported })
          const about: [string, string | null][] = [
            ['Timeline', name], ['As of', deps.clock.now().toISOString()], ['Types', types ?? null], ['Groups', groups ?? null], ['User', userId ?? null],
            ['Done by', actorId ?? null], ['From where', source ?? null], ['From', from ?? null], ['To', to ?? null],
          ]
          return csvAnswer('timeline', csvOf(about, columns, items))
        }
        const { items, total } = await deps.events.timeline({ ...query, page, pageSize })
        return { status: 200, json: { items: items.map(entryOf), page, pageSize, total } }
      },
    }),
  ]
}

const text = (value: unknown): string | null => (value === undefined || value === null ? null : typeof value === 'string' ? value : JSON.stringify(value))

const columns: CsvColumn<DomainEvent>[] = [
  { name: 'At (UTC)', value: (event) => event.at },
  { name: 'Type', value: (event) => event.type },
  { name: 'What happened', value: (event) => event.summary },
  { name: 'Done by', value: (event) => event.actor.name ?? event.actor.kind },
  { name: 'From where', value: (event) => event.source },
  { name: 'About user', value: (event) => event.userId },
  { name: 'Before', value: (event) => text(event.before) },
  { name: 'After', value: (event) => text(event.after) },
  { name: 'Cause', value: (event) => causeOf(event)?.kind },
  { name: 'Cause id', value: (event) => causeOf(event)?.id },
]

/** Types that were asked for, one by one or by group; undefined for all. Unknown names fit nothing. */
function chosenTypes(types: string | undefined, groups: string | undefined): DomainEventType[] | undefined {
  if (types === undefined && groups === undefined) return undefined
  const named = new Set(types?.split(','))
  const prefixes = (groups?.split(',') ?? []).filter(isGroup).flatMap((group) => groupPrefixes[group])
  return domainEventTypes.filter((type) => named.has(type) || prefixes.some((prefix) => type.startsWith(prefix)))
}

function isGroup(text: string): text is TimelineGroup {
  return text in groupPrefixes
}

const ids = z.object({
  caseId: z.string().min(1).nullish().catch(null),
  changeId: z.string().min(1).nullish().catch(null),
  answerId: z.string().min(1).nullish().catch(null),
  messageKey: z.string().startsWith('run:').nullish().catch(null),
})

/** What an event came from: as it says itself, else as the ids it carries tell. */
export function causeOf(event: DomainEvent): EventCause | undefined {
  if (event.cause !== undefined) return event.cause
  const { caseId, changeId, answerId, messageKey } = ids.parse(event.data)
  const runId = messageKey?.split(':')[1]
  if (runId !== undefined) return { kind: 'run', id: runId }
  if (caseId) return { kind: 'case', id: caseId }
  if (changeId) return { kind: 'change', id: changeId }
  return answerId ? { kind: 'answer', id: answerId } : undefined
}

/** Path inside the workspace that shows the cause. */
function linkOf(cause: EventCause, { locationId, userId }: DomainEvent): string | undefined {
  const account = locationId === null ? undefined : `/accounts/${locationId}`
  switch (cause.kind) {
    case 'run':
      return `/runs/${cause.id}`
    case 'case':
      return `/cases/${cause.id}`
    case 'delivery':
      return `/deliveries/${cause.id}`
    case 'change':
      return account === undefined ? undefined : `${account}/changes/${cause.id}`
    case 'answer':
      return account === undefined || userId === null ? account : `${account}/people/${userId}`
    case 'event':
      return account
  }
}

function entryOf(event: DomainEvent): TimelineEntry {
  const cause = causeOf(event)
  const link = cause === undefined ? undefined : linkOf(cause, event)
  return {
    id: event.key,
    at: event.at,
    type: event.type,
    actor: event.actor,
    source: event.source,
    summary: event.summary,
    ...(event.before === undefined ? {} : { before: event.before }),
    ...(event.after === undefined ? {} : { after: event.after }),
    ...(link === undefined ? {} : { link }),
    ...(cause === undefined ? {} : { cause }),
  }
}
