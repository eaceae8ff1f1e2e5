import type { AnyBulkWriteOperation, Document } from 'mongodb'
import type { Connection } from 'mongoose'
import { happinessLevels, healthLevels } from '../../../src/kernel/levels.ts'
import { createHoursDays } from '../../../src/people/hours-days.ts'
import { peopleModels } from '../../../src/people/model.ts'
import type { Report } from '../support/report.ts'
import { addAccounts } from '../support/seed.ts'
import { startStage, type Agency, type Customer, type Stage } from '../support/stage.ts'
import { quantile, short } from '../support/stats.ts'

export interface PortfolioOptions {
  serverUri: string
  sizes: readonly number[]
  /** Requests per route and size; the first two are not counted. */
  rounds: number
}

type Records = Record<string, unknown> & { _id: string }

const dayMs = 86_400_000
const barMs = 100
const batchSize = 1_000
const bulkSize = 1_000
/** Accounts per request, as the page sends them. */
const bulkStep = 100
const pageQueries = [
  'sort=name', 'sort=-happiness', 'sort=health', 'sort=health_set', 'sort=-users', 'health=struggling&happiness=happy', 'csm=csm3&sort=name', 'csm=none', 'group=saas&sort=-happiness', 'group=premium', 'disagreement=any', 'stale=true', 'q=account%205',
]

/** Paths of one account stand for all of its kind. */
function routesOf(locationId: string): Record<string, string[]> {
  return {
    'portfolio page of 50': pageQueries.map((query) => `/api/accounts?pageSize=50&${query}`),
    grid: ['/api/reports/grid', '/api/reports/grid?csm=csm3', '/api/reports/grid?group=regular'],
    disagreements: ['/api/reports/disagreements', '/api/reports/disagreements?kind=levels_apart&csm=csm3', '/api/reports/disagreements?page=5'],
    distribution: ['reading=happiness', 'reading=health&step=month', 'reading=happiness&step=day', 'reading=health&csm=csm3', 'reading=happiness&group=regular'].map((query) => `/api/reports/distribution?${query}`),
    ranking: ['/api/reports/ranking', '/api/reports/ranking?order=top&csm=csm3', '/api/reports/ranking?page=20'],
    response: ['/api/reports/response', '/api/reports/response?csm=csm3', '/api/reports/response?group=regular'],
    alerts: ['/api/reports/alerts', '/api/reports/alerts?csm=csm3'],
    today: ['/api/today', '/api/today?csm=csm3', '/api/today?limit=50'],
    'account levels': [`/api/accounts/${locationId}/levels?reading=happiness`],
    confidence: [`/api/accounts/${locationId}/confidence`],
    'owners and their load': ['/api/csms'],
    'hours report': ['/api/hours/report?by=csm', '/api/hours/report?by=account'],
    'hand-over brief': [`/api/accounts/${locationId}/brief`],
    timeline: [`/api/accounts/${locationId}/timeline`, `/api/accounts/${locationId}/timeline?page=3`],
  }
}

/** Every portfolio and report route at growing sizes, by the clock of a client, and the index behind each query. */
export async function measurePortfolio({ serverUri, sizes, rounds }: PortfolioOptions, report: Report): Promise<void> {
  const [first = 10, ...larger] = sizes
  const stage = await startStage({ serverUri, sandbox: { seed: { accounts: first, usersPerAccount: 1, knownContacts: 0 } }, liftLimits: true })
  try {
    const agency = await stage.prepare(stage.sandbox.companyId)
    for (const customer of agency.customers) await stage.answer(customer, 'happy')
    await stage.settled()
    const [model] = agency.customers as [Customer]
    const emails = agency.customers.filter(({ locationId }) => locationId === model.locationId).map(({ email }) => email)
    await addStaff(stage.connection, agency)
    let size = first
    const furnished = new Set<string>()
    for (const next of [first, ...larger]) {
      if (next > size) await addAccounts(stage.connection, { companyId: agency.companyId, locationId: model.locationId, emails }, next - size, size)
      size = next
      await furnish(stage.connection, agency.companyId, furnished)
      report.say(`portfolio: ${size} accounts`)
      await measureRoutes(stage, agency, { size, rounds, locationId: model.locationId }, report)
    }
    await explainQueries(stage.connection, agency.companyId, model.locationId, report)
    await measureBulk(stage, agency, size, report)
  } finally {
    await stage.stop()
  }
}

/** The owners that accounts are given, as copies of somebody of the staff. */
async function addStaff(connection: Connection, { companyId, adminId }: Agency): Promise<void> {
  const users = connection.collection<Records>('users')
  const admin = await users.findOne({ companyId, userId: adminId })
  if (admin === null) throw new Error('The agency has no staff to copy')
  await users.insertMany(Array.from({ length: 10 }, (_, number) => ({ ...admin, _id: `${companyId}:csm${number}`, userId: `csm${number}`, name: `Owner ${number}` })))
}

/** Gives accounts levels, owners, groups and a past, in a fixed pattern. @param furnished accounts that have theirs */
async function furnish(connection: Connection, companyId: string, furnished: Set<string>): Promise<void> {
  const accounts = connection.collection<Records>('accounts')
  const from = furnished.size
  const found = (await accounts.find({ companyId, listed: true }, { projection: { locationId: 1 } }).toArray()).filter(({ _id }) => !furnished.has(_id))
  const nowMs = Date.now()
  const event = await connection.collection<Records>('events').findOne({ 'data.companyId': companyId, 'data.type': 'feedback.received', state: 'ignored' })
    ?? await connection.collection<Records>('events').findOne({ 'data.companyId': companyId, 'data.type': 'feedback.received' })
  for (let begin = 0; begin < found.length; begin += batchSize) {
    const updates: AnyBulkWriteOperation<Records>[] = []
    const changes: Records[] = []
    const cycles: Records[] = []
    const alerts: Records[] = []
    const cases: Records[] = []
    const news: Records[] = []
    const hours: Records[] = []
    const events: Records[] = []
    found.slice(begin, begin + batchSize).forEach((account, offset) => {
      const number = from + begin + offset
      furnished.add(account._id)
      const locationId = String(account['locationId'])
      const health = (number % 5) - 1
      const happiness = (Math.floor(number / 5) % 5) - 1
      const apart = health < 0 || happiness < 0 ? 0 : Math.abs(health - happiness)
      const keptAt = new Date(nowMs - (number % 80) * dayMs)
      const csm = number % 11 === 0 ? null : { userId: `csm${number % 10}`, name: `Owner ${number % 10}`, email: null }
      updates.push({
        updateOne: {
          filter: { _id: account._id },
          update: {
            $set: {
              // Nobody has written all accounts within the last seconds.
              touchedAt: new Date(nowMs - 3_600_000 - number),
              healthRank: health, healthLevel: healthLevels[health] ?? null, happinessRank: happiness, 'happiness.level': happinessLevels[happiness] ?? null,
              'happiness.score': happiness < 0 ? null : happiness * 30 - 45 + (number % 7), 'happiness.answered': happiness < 0 ? 0 : 1 + (number % 4), users: 1 + (number % 6),
              group: number % 10 === 0 ? 'saas' : 'regular', premium: number % 25 === 0, csm, disagreement: apart >= 2 ? 'levels_apart' : null, levelsApart: apart,
              disagreementSince: apart >= 2 ? keptAt : null, healthKeptAt: health < 0 ? null : keptAt, healthStaleAt: health < 0 ? null : new Date(keptAt.getTime() + 40 * dayMs),
              healthDetails: health < 0 ? null : { setAt: keptAt, setBy: { userId: 'csm1', name: 'Owner 1' }, source: 'page', note: 'Renewed for a year after the new campaign.', reasonCodes: ['revenue_growth'], confirmedAt: null, changeId: `c${number}`, noteWanted: false },
            },
          },
        },
      })
      for (const [reading, ranks, names] of [['health', health, healthLevels], ['happiness', happiness, happinessLevels]] as const) {
        const level = names[ranks] ?? 'none'
        const before = names[(ranks + 2) % 4] ?? 'none'
        const steps: [string, string, number][] = [['gone', 'none', 150], ['none', before, 120 - (number % 30)], [before, level, number % 85]]
        steps.forEach(([was, is, days], at) => changes.push({ _id: `bench:${locationId}:${reading}:${at}`, companyId, locationId, reading, at: new Date(nowMs - days * dayMs - (number % 1_000) * 1_000), before: was, after: is }))
      }
      for (let back = 0; back < 4; back += 1) {
        const dueAt = new Date(nowMs - (back * 30 + (number % 20)) * dayMs)
        const month = dueAt.toISOString().slice(0, 7)
        const state = (['answered', 'shown', 'waiting', 'later', 'closed'] as const)[(number + back) % 5]
        cycles.push({ _id: `bench:${locationId}:${back}`, companyId, locationId, userId: `bench${number}`, month, dueAt, state, shownAt: dueAt, commented: number % 3 === 0, answerId: null, opened: month, openedAt: dueAt, ended: back === 0 ? null : month, changedAt: dueAt })
      }
      const spentAt = new Date(nowMs - (number % 40) * dayMs)
      hours.push({ _id: `bench:${locationId}`, companyId, locationId, csmUserId: `csm${number % 10}`, csmName: `Owner ${number % 10}`, on: spentAt.toISOString().slice(0, 10), minutes: 15 + (number % 4) * 15, note: null, loggedAt: spentAt, counts: true, removedAt: null, removedBy: null, untoldSince: null })
      if (number % 20 === 0) alerts.push({ _id: `bench:${locationId}`, companyId, locationId, kind: 'user_fell', at: keptAt, accountName: locationId, userId: 'u', userName: 'A user', reason: 'A user went from Happy to Not Happy.', open: true })
      if (number % 15 === 0) alerts.push({ _id: `bench:silence:${locationId}`, companyId, locationId, kind: 'silence', at: keptAt, accountName: locationId, userId: null, userName: null, reason: 'Nobody answered in the last two cycles.', open: true })
      if (number % 30 === 0) {
        const id = `bench:${locationId}`
        cases.push({
          _id: id, companyId, locationId, userId: 'u', slot: `open:${id}`, state: 'open', accountName: locationId, userName: 'A user', owner: null, ownerId: '', openedAt: keptAt, dueAt: new Date(keptAt.getTime() + dayMs), overdueAt: keptAt,
          answers: [{ answerId: id, at: keptAt, comment: 'Nobody called back.' }], outcome: null, note: null, closedAt: null, closedBy: null, openings: 1, version: 1, outbox: [], outboxSince: null,
        })
      }
      if (number % 8 === 0) news.push({ _id: `bench:${locationId}:health`, companyId, locationId, at: new Date(nowMs - (number % 7) * dayMs), kind: 'thriving', reason: 'Became Thriving, from Healthy.', open: true })
      if (event === null) return
      for (let index = 0; index < (number === 0 ? 300 : 2); index += 1) {
        const data = { ...(event['data'] as Record<string, unknown>), key: `bench:${locationId}:${index}`, locationId, at: new Date(nowMs - index * 3_600_000) }
        events.push({ ...event, _id: `bench:${locationId}:${index}`, lane: `bench:${locationId}`, state: 'done', data })
      }
    })
    await accounts.bulkWrite(updates, { ordered: false })
    for (const [name, records] of Object.entries({ level_changes: changes, prompt_cycles: cycles, report_alerts: alerts, cases, today_news: news, csm_hours: hours, events }))
      for (let at = 0; at < records.length; at += batchSize) await connection.collection<Records>(name).insertMany(records.slice(at, at + batchSize), { ordered: false })
  }
  // What is derived from them is derived anew, as after a late fact.
  const models = peopleModels(connection)
  const days = createHoursDays(models)
  const spent = await models.hours.find({ companyId }, { csmUserId: 1, on: 1 }).lean()
  for (const [userId, on] of new Map(spent.map((entry) => [`${entry.csmUserId} ${entry.on}`, [entry.csmUserId, entry.on] as const])).values()) await days.sum(companyId, userId, on)
  await connection.collection('level_days').deleteMany({ companyId })
  await connection.collection('report_snapshots').deleteMany({ companyId })
}

async function measureRoutes(stage: Stage, agency: Agency, { size, rounds, locationId }: { size: number; rounds: number; locationId: string }, report: Report): Promise<void> {
  const session = { companyId: agency.companyId, userId: agency.adminId, role: 'agency_admin' as const, locationId: null }
  for (const [name, paths] of Object.entries(routesOf(locationId))) {
    const times: number[] = []
    const worst = { path: '', ms: 0 }
    for (const path of paths) {
      const own: number[] = []
      for (let round = 0; round < rounds; round += 1) {
        const beganMs = performance.now()
        const reply = await stage.call(session, 'GET', path)
        if (reply.status !== 200) throw new Error(`GET ${path} answered ${reply.status}: ${reply.body}`)
        if (round >= 2) own.push(performance.now() - beganMs)
      }
      if (quantile(own, 0.5) > worst.ms) Object.assign(worst, { path: path.replace(locationId, ':id'), ms: quantile(own, 0.5) })
      times.push(...own)
    }
    const figures = `p50 ${short(quantile(times, 0.5))} ms, p95 ${short(quantile(times, 0.95))} ms; slowest ${worst.path} ${short(worst.ms)}`
    report.measure(`${name} at ${size.toLocaleString('en')} accounts, ${paths.length} ${paths.length === 1 ? 'query' : 'queries'}`, `< ${barMs} ms`, figures, quantile(times, 0.95) < barMs)
  }
}

/** Bulk actions on a thousand accounts, in requests as the page sends them: how long all takes, and the longest request. */
async function measureBulk(stage: Stage, agency: Agency, size: number, report: Report): Promise<void> {
  const session = { companyId: agency.companyId, userId: agency.adminId, role: 'agency_admin' as const, locationId: null }
  const records = await stage.connection.collection('accounts').find({ companyId: agency.companyId, listed: true }, { projection: { locationId: 1 } }).sort({ nameKey: 1 }).limit(bulkSize).toArray()
  const actions = { 'bulk owner': { action: 'assign_csm', csmUserId: 'csm5' }, 'bulk health': { action: 'set_health', level: 'healthy', note: 'Renewed for a year.' } }
  for (const [name, request] of Object.entries(actions)) {
    const times: number[] = []
    let done = 0
    for (let left = records.map(({ locationId }) => String(locationId)); left.length > 0; ) {
      const beganMs = performance.now()
      const reply = await stage.call(session, 'POST', '/api/accounts/bulk', { ...request, locationIds: left.slice(0, bulkStep) })
      if (reply.status !== 200) throw new Error(`${name} answered ${reply.status}: ${reply.body}`)
      times.push(performance.now() - beganMs)
      const outcome = JSON.parse(reply.body) as { done: number; failed: number; left?: string[] }
      if (outcome.failed > 0) throw new Error(`${name}: ${outcome.failed} accounts failed`)
      done += outcome.done
      left = [...(outcome.left ?? []), ...left.slice(bulkStep)]
    }
    const figures = `${short(times.reduce((sum, ms) => sum + ms, 0) / 1_000)} s, ${times.length} requests, p50 ${short(quantile(times, 0.5))} ms, slowest ${short(Math.max(...times))} ms`
    report.measure(`${name}: ${done.toLocaleString('en')} of ${size.toLocaleString('en')} accounts`, '< 10 s per request', figures, Math.max(...times) < 10_000)
  }
}

/** The plan that the store chooses for each kind of query, as it explains it. */
async function explainQueries(connection: Connection, companyId: string, locationId: string, report: Report): Promise<void> {
  const listed = { companyId, listed: true }
  const month = new Date().toISOString().slice(0, 7)
  const queries: Record<string, [collection: string, filter: Document, sort?: Document, limit?: number]> = {
    'portfolio by happiness': ['accounts', listed, { happinessRank: -1, nameKey: -1, _id: -1 }, 50],
    'portfolio of an owner': ['accounts', { ...listed, 'csm.userId': 'csm3' }, { nameKey: 1, _id: 1 }, 50],
    'portfolio of a cell': ['accounts', { ...listed, healthRank: 0, happinessRank: 2 }, { nameKey: 1, _id: 1 }, 50],
    'written since the last look': ['accounts', { companyId, touchedAt: { $gt: new Date(Date.now() - 60_000) } }],
    'accounts of an owner': ['accounts', { ...listed, 'csm.userId': 'csm3' }],
    'hours of a month': ['csm_hours_days', { companyId, on: { $gte: new Date(Date.now() - 30 * dayMs).toISOString().slice(0, 10) } }],
    disagreements: ['accounts', { ...listed, disagreement: { $in: ['levels_apart', 'happiness_fell'] } }, { levelsApart: -1, disagreementSince: 1, _id: 1 }, 50],
    'days of a distribution': ['level_days', { companyId, reading: 'happiness', day: { $gte: '2026-01-01' } }, { day: 1 }],
    'levels of an account': ['level_changes', { companyId, locationId, reading: 'happiness' }, { at: 1, _id: 1 }],
    'cycles of a month': ['prompt_cycles', { companyId, month }, { changedAt: -1 }, 1],
    alerts: ['report_alerts', { companyId, open: true }, { at: -1, _id: 1 }, 50],
    timeline: ['events', { 'data.companyId': companyId, 'data.locationId': locationId }, { 'data.at': -1, _id: -1 }, 50],
  }
  for (const [name, [collection, filter, sort, limit]] of Object.entries(queries)) {
    const inner = sort === undefined ? { count: collection, query: filter } : { find: collection, filter, sort, ...(limit === undefined ? {} : { limit }) }
    const plan = (await connection.db?.command({ explain: inner, verbosity: 'executionStats' })) ?? {}
    const text = JSON.stringify((plan['queryPlanner'] as Document | undefined)?.['winningPlan'] ?? plan)
    const index = /"indexName":"([^"]+)"/.exec(text)?.[1] ?? 'none'
    const stats = plan['executionStats'] as Document | undefined
    report.note(`index behind: ${name}`, `${index}${text.includes('"SORT"') ? ' + sort' : ''}; ${String(stats?.['totalKeysExamined'])} keys, ${String(stats?.['nReturned'])} found`)
  }
}
