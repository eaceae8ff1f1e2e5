import type { Accounts } from '../accounts/index.ts'
import type { Cases } from '../cases/index.ts'
import type { Deeds } from '../deeds/index.ts'
import type { Events } from '../events/index.ts'
import type { AnswerBook } from '../feedback/index.ts'
import type { Health } from '../health/index.ts'
import { csvOf, type CsvColumn } from '../kernel/csv.ts'
import { happinessLabels } from '../kernel/levels.ts'
import type { Session } from '../kernel/route.ts'
import type { People } from '../people/index.ts'
import type { Scores } from '../scores/index.ts'
import type { Settings } from '../settings/index.ts'
import type { Erasure } from '../http/contract/privacy.ts'

export interface ExportDeps {
  accounts: Pick<Accounts, 'get' | 'users' | 'locationIds' | 'agencyUsers'>
  book: Pick<AnswerBook, 'ofAccount'>
  cases: Pick<Cases, 'list'>
  deeds: Pick<Deeds, 'list'>
  health: Pick<Health, 'history'>
  people: Pick<People, 'people' | 'hoursOf'>
  scores: Pick<Scores, 'statement'>
  events: Pick<Events, 'timeline'>
  settings: Pick<Settings, 'view'>
  erasures: (companyId: string) => Promise<Erasure[]>
}

/** A copy of what is kept, in pieces, so that a large agency's never is in memory as a whole. */
export interface Exports {
  /** One JSON document. */
  everything(session: Session, locationIds: readonly string[], wholeAgency: boolean, at: Date): AsyncIterable<string>
  /** The answers as a table. */
  answers(companyId: string, locationIds: readonly string[], at: Date): AsyncIterable<string>
}

const pageSize = 200

/** All pages of a list. */
async function* paged<T>(read: (page: number) => Promise<{ items: T[]; total: number }>): AsyncIterable<T> {
  for (let page = 1; ; page += 1) {
    const { items, total } = await read(page)
    yield* items
    if (items.length === 0 || page * pageSize >= total) return
  }
}

/** A JSON list, element by element. */
async function* listOf(items: AsyncIterable<unknown>): AsyncIterable<string> {
  let isFirst = true
  yield '['
  for await (const item of items) {
    yield `${isFirst ? '' : ','}\n${JSON.stringify(item)}`
    isFirst = false
  }
  yield ']'
}

export function createExports({ accounts, book, cases, deeds, health, people, scores, events, settings, erasures }: ExportDeps): Exports {
  async function* answersOf(companyId: string, locationId: string): AsyncIterable<Record<string, unknown>> {
    for await (const { _id: answerId, userId, userName, source, at, level, comment, given, edits } of book.ofAccount(companyId, locationId)) yield { answerId, userId, userName, source, at, level, comment, given, edits }
  }

  async function* account(session: Session, locationId: string): AsyncIterable<string> {
    const { companyId } = session
    const [found, users, parts] = await Promise.all([accounts.get(companyId, locationId), accounts.users(companyId, locationId, { includeRemoved: true, known: true }), people.people(companyId, locationId)])
    yield `{"account":${JSON.stringify(found)},"users":${JSON.stringify(users)},"people":${JSON.stringify(parts)}`
    const lists: [string, AsyncIterable<unknown>][] = [
      ['answers', answersOf(companyId, locationId)],
      ['cases', paged((page) => cases.list(session, { locationId, page, pageSize }))],
      ['deeds', paged((page) => deeds.list(companyId, locationId, { page, pageSize }))],
      ['healthChanges', paged((page) => health.history(companyId, locationId, { page, pageSize }))],
      ['hours', paged((page) => people.hoursOf(companyId, locationId, { page, pageSize }))],
      ['points', paged(async (page) => (await scores.statement(companyId, locationId, { page, pageSize })).entries)],
      ['timeline', paged((page) => events.timeline({ companyId, locationId, page, pageSize }))],
    ]
    for (const [name, items] of lists) {
      yield `,"${name}":`
      yield* listOf(items)
    }
    yield '}'
  }

  return {
    async *everything(session, locationIds, wholeAgency, at) {
      const { companyId } = session
      yield `{"exportedAt":${JSON.stringify(at)},"companyId":${JSON.stringify(companyId)}`
      if (wholeAgency) {
        const [{ settings: values, customised }, team, forgotten] = await Promise.all([settings.view(companyId), accounts.agencyUsers(companyId), erasures(companyId)])
        yield `,"settings":${JSON.stringify({ values, customised })},"team":${JSON.stringify(team)},"forgotten":${JSON.stringify(forgotten)}`
      }
      yield ',"accounts":['
      for (const [index, locationId] of locationIds.entries()) {
        yield index === 0 ? '\n' : ',\n'
        yield* account(session, locationId)
      }
      yield ']}\n'
    },

    async *answers(companyId, locationIds, at) {
      interface Row { account: string; locationId: string; answerId: string; userName: string; userId: string; at: Date; level: keyof typeof happinessLabels; comment: string | null; source: string }
      const columns: CsvColumn<Row>[] = [
        { name: 'Answered', value: (row) => row.at }, { name: 'Account', value: (row) => row.account }, { name: 'Account id', value: (row) => row.locationId },
        { name: 'Person', value: (row) => row.userName }, { name: 'Person id', value: (row) => row.userId }, { name: 'Level', value: (row) => happinessLabels[row.level] },
        { name: 'Comment', value: (row) => row.comment }, { name: 'By way of', value: (row) => row.source }, { name: 'Answer id', value: (row) => row.answerId },
      ]
      yield csvOf([['Answers', locationIds.length === 1 ? (locationIds[0] ?? null) : null], ['As of', at.toISOString()]], columns, [])
      for (const locationId of locationIds) {
        const name = (await accounts.get(companyId, locationId))?.name ?? locationId
        const rows: Row[] = []
        for await (const { _id: answerId, userName, userId, at: answeredAt, level, comment, source } of book.ofAccount(companyId, locationId)) rows.push({ account: name, locationId, answerId, userName, userId, at: answeredAt, level, comment, source })
        if (rows.length > 0) yield csvRows(columns, rows)
      }
    },
  }
}

/** The lines alone: the table has its head already. */
function csvRows<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  const table = csvOf([], columns, rows)
  // Mark, empty line, headings; then the rows.
  return table.split('\r\n').slice(2).join('\r\n')
}
