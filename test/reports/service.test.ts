import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { DomainEvent } from '../../src/events/index.ts'
import { createAnswerBook } from '../../src/feedback/index.ts'
import type { BookReport, GridReport, LevelHistory, SparklineReport } from '../../src/http/contract/reports.ts'
import { dayMs } from '../../src/kernel/clock.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { happinessLevels, healthLevels, type HappinessLevel, type HealthLevel } from '../../src/kernel/levels.ts'
import type { Route, RouteResponse, Session } from '../../src/kernel/route.ts'
import { createReports, reportRoutes, type Reports } from '../../src/reports/index.ts'
import { accountRoutes } from '../../src/accounts/index.ts'
import { openTenants, type Tenants } from '../support/tenants.ts'

let t: Tenants
let reports: Reports
let routes: Route[]
const boss: Session = { companyId: 'c1', userId: 'boss', role: 'agency_admin', locationId: null, userName: 'Boss' }
const foreigner: Session = { ...boss, companyId: 'c2' }
let keys = 0
const last = (items: unknown[]): unknown => items.at(-1)

/** What the server does with a route: parse, then hand over. */
async function get(path: string, query: Record<string, string> = {}, session = boss): Promise<any> {
  const route = routes.find((candidate) => new RegExp(`^${candidate.path.replaceAll(/:\w+/g, '[^/]+')}$`).test(path) && candidate.method === 'GET')
  if (route === undefined) throw new Error(`There is no route ${path}`)
  const names = route.path.split('/')
  const params = Object.fromEntries(path.split('/').flatMap((part, at) => (names[at]?.startsWith(':') === true ? [[names[at].slice(1), part]] : [])))
  const request = { params, query: route.query?.parse(query), body: undefined, session, ip: '', headers: {} }
  const answer: RouteResponse = await route.handler(request as never)
  if (!('json' in answer)) return 'text' in answer ? answer.text : null
  const schema = route.responses[200]?.schema
  schema?.parse(answer.json)
  return answer.json
}

function event(type: DomainEvent['type'], locationId: string, more: Partial<DomainEvent> = {}): DomainEvent {
  keys += 1
  return { key: `${type}:${keys}`, companyId: 'c1', locationId, userId: null, type, at: t.clock.now(), actor: { kind: 'system', id: null, name: null }, source: 'schedule', summary: `${type} of ${locationId}`, data: {}, ...more }
}

const levels: Record<string, { health: HealthLevel | null; happiness: HappinessLevel | null }> = {}
async function happiness(locationId: string, level: HappinessLevel | null, score: number | null, answered = 1): Promise<void> {
  const before = levels[locationId]?.happiness ?? null
  levels[locationId] = { health: levels[locationId]?.health ?? null, happiness: level }
  await t.accounts.setHappiness('c1', locationId, { level, score, answered, newestAt: t.clock.now(), dissent: false })
  const told = event('happiness.account_level_changed', locationId, { before, after: level, data: { accountName: `=Name ${locationId}` } })
  await reports.observe(told)
  await reports.observe(told)
}
async function health(locationId: string, level: HealthLevel): Promise<void> {
  const before = levels[locationId]?.health ?? null
  levels[locationId] = { health: level, happiness: levels[locationId]?.happiness ?? null }
  const at = t.clock.now()
  await t.accounts.setHealth('c1', locationId, { level, setAt: at, setBy: null, source: 'page', note: 'because', reasonCodes: [], confirmedAt: null, staleAt: new Date(at.getTime() + 30 * dayMs), changeId: 'x', noteWanted: false })
  await reports.observe(event('health.changed', locationId, { before, after: level }))
}

beforeAll(async () => {
  t = await openTenants()
  t.fake.addPlace('c1', 'l1', '=HYPERLINK("http://evil")')
  for (const id of ['l2', 'l3', 'l4']) t.fake.addPlace('c1', id, `Account ${id}`)
  t.fake.addPlace('c2', 'm1', 'Foreign')
  t.fake.addUser('c1', { id: 'boss', type: 'agency', role: 'admin' })
  t.fake.addUser('c1', { id: 'u1', locationIds: ['l1'] })
  t.fake.addUser('c1', { id: 'u2', locationIds: ['l1'] })
  await t.install('c1')
  await t.install('c2')
  const { connection } = t.store
  reports = createReports({ connection, clock: t.clock, accounts: t.accounts, answers: createAnswerBook({ connection }), events: { append: async (one) => void t.events.set(one.key, one) }, settings: t.settings, logger: createLogger('silent') })
  await t.store.ensureIndexes()
  routes = [...reportRoutes(reports, t.clock), ...accountRoutes(t.accounts)]
  t.clock.set(new Date('2026-11-10T09:00:00Z'))
  await reports.distribution('c1', {}, { reading: 'health', step: 'week' })
  await t.accounts.assignCsm('c1', 'l1', 'boss')
  await health('l1', 'thriving')
  await health('l2', 'healthy')
  await happiness('l2', 'very_happy', 50, 3)
  t.clock.set(new Date('2026-11-15T09:00:00Z'))
  await happiness('l1', 'not_happy', -50)
  await happiness('l3', 'happy', 30, 10)
  t.clock.set(new Date('2026-11-17T09:00:00Z'))
  await happiness('l2', 'happy', 10, 3)
})
afterAll(() => t.store.close())

describe('the grid', () => {
  it('has all 25 cells, and its sum is the list\'s', async () => {
    const { cells, total } = await get('/api/reports/grid')
    expect(cells).toHaveLength(25)
    expect(total).toBe(4)
    expect((cells as { count: number }[]).filter((cell) => cell.count > 0)).toEqual([
      { health: 'thriving', happiness: 'not_happy', count: 1, apart: true },
      { health: 'healthy', happiness: 'happy', count: 1, apart: false },
      { health: null, happiness: 'happy', count: 1, apart: false },
      { health: null, happiness: null, count: 1, apart: false },
    ])
    expect(await get('/api/reports/grid', { csm: 'boss' })).toMatchObject({ total: 1, filter: { csm: 'boss', group: null } })
    expect(await get('/api/reports/grid', { csm: 'none', group: 'regular' })).toMatchObject({ total: 3 })
    expect(await get('/api/reports/grid', {}, foreigner)).toMatchObject({ total: 1 })
  })
})

describe('books', () => {
  it('add up to the grid, owner by owner, and narrow with it', async () => {
    const [all, grid] = await Promise.all([get('/api/reports/books'), get('/api/reports/grid')]) as [BookReport, GridReport]
    expect(all.items.map(({ csm, accounts }) => [csm?.userId ?? null, accounts])).toEqual([['boss', 1], [null, 3]])
    expect(all.items[0]).toMatchObject({ health: { thriving: 1, none: 0 }, happiness: { not_happy: 1 }, apart: 1 })
    const sum = (pick: (book: BookReport['items'][number]) => number) => all.items.reduce((total, book) => total + pick(book), 0)
    expect(sum(({ accounts }) => accounts)).toBe(grid.total)
    for (const level of [...healthLevels, null]) expect(sum(({ health }) => health[level ?? 'none'])).toBe(grid.cells.filter((cell) => cell.health === level).reduce((total, { count }) => total + count, 0))
    for (const level of [...happinessLevels, null]) expect(sum(({ happiness }) => happiness[level ?? 'none'])).toBe(grid.cells.filter((cell) => cell.happiness === level).reduce((total, { count }) => total + count, 0))
    expect(sum(({ apart }) => apart)).toBe(grid.cells.filter(({ apart }) => apart).reduce((total, { count }) => total + count, 0))
    expect(((await get('/api/reports/books', { csm: 'none' })) as BookReport).items.map(({ csm }) => csm)).toEqual([null])
    expect(((await get('/api/reports/books', {}, foreigner)) as BookReport).items).toMatchObject([{ csm: null, accounts: 1 }])
    expect(((await get('/api/reports/books', { group: 'churned' })) as BookReport).items).toEqual([])
  })
})

describe('disagreements', () => {
  it('come widest first, with since when and why', async () => {
    const { items, total } = await get('/api/reports/disagreements')
    expect(total).toBe(2)
    expect(items).toMatchObject([
      { kind: 'levels_apart', levelsApart: 3, since: '2026-11-15T09:00:00.000Z', reason: 'The status is Thriving, its users are Not Happy: 3 levels apart.' },
      { kind: 'happiness_fell', levelsApart: 0, since: '2026-11-17T09:00:00.000Z', reason: 'Happiness fell to Happy on 2026-11-17; the status stayed Healthy.' },
    ])
    expect(await get('/api/reports/disagreements', { kind: 'happiness_fell', csm: 'boss' })).toMatchObject({ total: 0 })
  })
})

describe('levels over time', () => {
  const of = (points: { on: string; counts: Record<string, number> | null }[]) => points.map(({ on, counts }) => [on, counts])
  const query = { reading: 'happiness', from: '2026-11-01', to: '2026-11-17', step: 'week' }

  it('shows gaps before the first fact, and counts that add up to the accounts of then', async () => {
    const { points } = await get('/api/reports/distribution', query)
    expect(of(points)).toEqual([
      ['2026-11-01', null],
      ['2026-11-08', { very_happy: 0, happy: 0, neutral: 0, not_happy: 0, none: 4 }],
      ['2026-11-15', { very_happy: 1, happy: 1, neutral: 0, not_happy: 1, none: 1 }],
      ['2026-11-17', { very_happy: 0, happy: 2, neutral: 0, not_happy: 1, none: 1 }],
    ])
  })

  it('narrowed to all accounts one by one, gives the same figures; narrowed to an owner, that owner\'s', async () => {
    const [all, saas, regular] = await Promise.all([{}, { group: 'saas' }, { group: 'regular' }].map((filter) => get('/api/reports/distribution', { ...query, ...filter })))
    expect(regular.points).toEqual(all.points)
    expect(regular.assignment).toMatch(/today/)
    expect((saas.points as { total: number | null }[]).map(({ total }) => total)).toEqual([null, 0, 0, 0])
    const mine = await get('/api/reports/distribution', { ...query, csm: 'boss' })
    expect(of(mine.points).at(-1)).toEqual(['2026-11-17', { very_happy: 0, happy: 0, neutral: 0, not_happy: 1, none: 0 }])
  })

  it('a change that is told late is counted on its day', async () => {
    const late = event('happiness.account_level_changed', 'l4', { at: new Date('2026-11-12T10:00:00Z'), before: null, after: 'neutral' })
    await reports.observe(late)
    const { points } = await get('/api/reports/distribution', query)
    expect(points[2].counts).toMatchObject({ neutral: 1, none: 0 })
    await reports.observe(event('happiness.account_level_changed', 'l4', { at: new Date('2026-11-13T10:00:00Z'), before: 'neutral', after: null }))
    expect((await get('/api/reports/distribution', query)).points[2].counts).toMatchObject({ neutral: 0, none: 1 })
  })

  it('an account that left is in no later count, whatever its level does after', async () => {
    await reports.observe(event('account.removed', 'l3', { at: new Date('2026-11-16T10:00:00Z') }))
    await reports.observe(event('happiness.account_level_changed', 'l3', { before: 'happy', after: null }))
    const { points } = await get('/api/reports/distribution', query)
    expect(points[2].total).toBe(4)
    expect(points[3]).toMatchObject({ total: 3, counts: { happy: 1, none: 1 } })
    await reports.observe(event('account.group_changed', 'l3', { before: 'churned', after: 'regular' }))
    expect((await get('/api/reports/distribution', query)).points[3].total).toBe(4)
  })

  it('of one account are segments without gaps; another agency\'s account is not there', async () => {
    const { segments } = await get('/api/accounts/l1/levels', { reading: 'happiness', from: '2026-11-14', to: '2026-11-17' })
    expect(segments).toEqual([
      { level: null, from: '2026-11-14T00:00:00.000Z', to: '2026-11-15T09:00:00.000Z' },
      { level: 'not_happy', from: '2026-11-15T09:00:00.000Z', to: '2026-11-17T09:00:00.000Z' },
    ])
    await expect(get('/api/accounts/l1/levels', { reading: 'happiness' }, foreigner)).rejects.toMatchObject({ code: 'not_found' })
    await expect(get('/api/accounts/l1/confidence', {}, foreigner)).rejects.toMatchObject({ code: 'not_found' })
    await expect(get('/api/reports/distribution', { ...query, from: '2026-12-01', to: '2026-11-01' })).rejects.toMatchObject({ status: 400 })
  })
})

describe('response', () => {
  it('counts users by the month in which they were due, and unasked answers apart', async () => {
    await t.accounts.setFeedbackEnabled('c1', 'l1', true, { kind: 'agency_user', id: 'boss', name: 'Boss' }, 'page')
    await reports.observe(event('feedback.enabled', 'l1'))
    expect(last((await get('/api/reports/response')).cycles)).toMatchObject({ from: '2026-11-01', to: '2026-11-30', eligible: 2, due: 2, shown: 0, answered: 0, participation: { value: null, of: 2 } })
    const reaction = { companyId: 'c1', locationId: 'l1', userId: 'u1', at: t.clock.now(), dueAt: t.clock.now() }
    for (const kind of ['shown', 'shown'] as const) await reports.promptReacted({ ...reaction, kind })
    t.clock.set(new Date('2026-12-02T09:00:00Z'))
    const answered = event('feedback.received', 'l1', { userId: 'u1', data: { answerId: 'a1', answerSource: 'widget', comment: 'well' } })
    const unasked = event('feedback.received', 'l1', { userId: 'u2', data: { answerId: 'a2', answerSource: 'button', comment: null } })
    for (const one of [answered, answered, unasked, unasked]) await reports.observe(one)
    const { cycles } = await get('/api/reports/response', { from: '2026-11-01', to: '2026-12-02' })
    expect(cycles).toMatchObject([
      { from: '2026-11-01', eligible: 2, due: 2, shown: 1, answered: 1, commented: 1, ignored: 0, selfInitiated: 0 },
      { from: '2026-12-01', eligible: 2, due: 0, shown: 0, answered: 0, selfInitiated: 1 },
    ])
    expect(last(((await get('/api/reports/response', { csm: 'none' })).cycles as unknown[]).slice(0, -1))).toMatchObject({ due: 0, eligible: 0 })
  })
})

describe('facts about one user', () => {
  it('that several processes take in at once leave one present cycle, and none is lost', async () => {
    const other = createReports({ connection: await t.store.another(), clock: t.clock, accounts: t.accounts, answers: createAnswerBook({ connection: t.store.connection }), events: { append: async () => undefined }, settings: t.settings, logger: createLogger('silent') })
    const at = t.clock.now()
    const user = { companyId: 'c1', locationId: 'l4', userId: 'busy' }
    const answered = [1, 2, 3].map((count) => event('feedback.received', 'l4', { userId: 'busy', data: { answerId: `busy-${count}`, answerSource: 'button', comment: null } }))
    await reports.observe(event('feedback.requested', 'l4', { data: { userIds: ['busy'] } }))
    await Promise.all(
      [reports, other].flatMap((process) => [
        process.promptReacted({ ...user, at, dueAt: at, kind: 'shown' }),
        process.promptReacted({ ...user, at, dueAt: at, kind: 'later' }),
        ...answered.map((one) => process.observe(one)),
      ]),
    )
    for (const one of answered) await other.observe(one)
    const cycles = await t.store.connection.collection('prompt_cycles').find(user).toArray()
    expect(cycles.filter(({ ended }) => ended === null)).toHaveLength(1)
    expect(cycles.filter(({ state }) => state === 'self').map(({ answerId }) => answerId as string).sort()).toEqual(['busy-1', 'busy-2', 'busy-3'])
    await t.store.connection.collection('prompt_cycles').deleteMany(user)
  })

  it('leave one present cycle also where one of them falls between the end of a cycle and the begin of the next', async () => {
    const connection = await t.store.another()
    const other = createReports({ connection, clock: t.clock, accounts: t.accounts, answers: createAnswerBook({ connection: t.store.connection }), events: { append: async () => undefined }, settings: t.settings, logger: createLogger('silent') })
    const at = t.clock.now()
    const user = { companyId: 'c1', locationId: 'l4', userId: 'between' }
    const presents = () => t.store.connection.collection('prompt_cycles').countDocuments({ ...user, ended: null })
    await reports.promptReacted({ ...user, at, dueAt: at, kind: 'shown' })
    const model = connection.models['PromptCycle']!
    const bulkWrite = model.bulkWrite.bind(model)
    let seen = -1
    model.bulkWrite = async (writes: never[], options: object) => {
      await bulkWrite(writes.slice(0, -1), options)
      seen = await presents()
      await reports.promptReacted({ ...user, at, dueAt: at, kind: 'later' })
      return bulkWrite(writes.slice(-1), options)
    }
    await other.observe(event('feedback.received', 'l4', { userId: 'between', data: { answerId: 'between-1', answerSource: 'button', comment: null } }))
    expect(seen).toBe(0)
    const left = await t.store.connection.collection('prompt_cycles').find({ ...user, ended: null }).toArray()
    expect(left).toMatchObject([{ state: 'waiting', dueAt: new Date(at.getTime() + 30 * dayMs) }])
    await t.store.connection.collection('prompt_cycles').deleteMany(user)
  })
})

describe('the ranking', () => {
  it('orders by shrunk score and leaves score and label alone', async () => {
    const { items, mean, total } = await get('/api/reports/ranking', { order: 'bottom' })
    expect(total).toBe(3)
    expect(mean).toBeCloseTo((-50 + 3 * 10 + 10 * 30) / 14, 1)
    expect((items as { account: { locationId: string } }[]).map((item) => item.account.locationId)).toEqual(['l1', 'l2', 'l3'])
    expect(items[0]).toMatchObject({ rank: 1, score: -50, users: 1, account: { happiness: { level: 'not_happy' } } })
    expect(items[0].shrunkScore).toBeGreaterThan(-10)
    expect(await get('/api/reports/ranking', { csm: 'boss', order: 'top' })).toMatchObject({ total: 1, mean })
  })
})

describe('alerts', () => {
  it('tell of falls, changes and silence, each once, and are over when things are well again', async () => {
    const fell = (before: string, after: string, steps: number) => event('happiness.user_level_changed', 'l1', { userId: 'u1', before, after, data: { steps, userName: '+User', accountName: 'A' } })
    await reports.observe(fell('very_happy', 'neutral', -2))
    expect(await get('/api/reports/alerts', { kind: 'user_fell' })).toMatchObject({ total: 1, items: [{ userId: 'u1', userName: '+User', link: '/accounts/l1' }] })
    expect(await get('/api/reports/alerts', { kind: 'user_fell', csm: 'none' })).toMatchObject({ total: 0 })
    t.clock.advanceMs(1_000)
    await reports.observe(fell('neutral', 'happy', 1))
    expect(await get('/api/reports/alerts', { kind: 'user_fell' })).toMatchObject({ total: 0 })
    expect(await get('/api/reports/alerts', { kind: 'account_changed' })).toMatchObject({ total: 1, items: [{ locationId: 'l2' }] })
    await happiness('l1', 'happy', 20, 2)
    for (let week = 0; week < 3; week += 1) {
      t.clock.advanceMs(7 * dayMs + 1)
      expect(await reports.sweep(5)).toBeGreaterThan(0)
    }
    await happiness('l1', null, null, 0)
    t.clock.advanceMs(7 * dayMs + 1)
    for (let round = 0; round < 2; round += 1) await reports.sweep(5)
    t.clock.advanceMs(7 * dayMs + 1)
    await reports.sweep(5)
    expect([...t.events.values()].filter(({ type }) => type === 'account.silent')).toHaveLength(1)
    expect(await get('/api/reports/alerts', { kind: 'silence' })).toMatchObject({ total: 1, items: [{ locationId: 'l1' }] })
  })
})

describe('the lines of a list', () => {
  it('agree with each account\'s own history, and hold no other agency\'s account', async () => {
    const { asOf, instants, items } = (await get('/api/reports/sparklines', { accounts: 'l1,l2,m1,nowhere,l1' })) as SparklineReport
    expect(items.map(({ locationId }) => locationId)).toEqual(['l1', 'l2'])
    const monthsAgo = (count: number) => new Date(Date.UTC(t.clock.now().getUTCFullYear(), t.clock.now().getUTCMonth() - count, 1)).toISOString()
    expect(instants).toEqual([...[4, 3, 2, 1, 0].map(monthsAgo), asOf])
    expect(items.flatMap((one) => one.levels.slice(0, 5)).filter((level) => level !== null)).not.toEqual([])
    for (const { locationId, levels: line } of items) {
      const { segments } = (await get(`/api/accounts/${locationId}/levels`, { reading: 'happiness' })) as LevelHistory
      const expected = instants.map((at) => segments.find(({ from, to }) => from < at && at <= to)?.level ?? null)
      expect(line).toEqual(expected)
    }
    expect((await get('/api/reports/sparklines', { accounts: 'l1,m1' }, foreigner)).items).toEqual([{ locationId: 'm1', levels: [null, null, null, null, null, null] }])
    await expect(get('/api/reports/sparklines', { accounts: Array.from({ length: 101 }, (_, at) => `l${at}`).join(',') })).rejects.toThrow()
  })
})

describe('exports', () => {
  it('hold filters and time, and no cell becomes a formula', async () => {
    for (const path of ['/api/reports/grid', '/api/reports/books', '/api/reports/disagreements', '/api/reports/ranking', '/api/reports/response', '/api/reports/alerts']) {
      const text: string = await get(path, { format: 'csv', csm: 'boss' })
      expect(text).toMatch(/Owner,boss\r\n/)
      expect(text).toMatch(/As of,20\d\d-/)
      expect(text).not.toMatch(/(^|,|\n)"?[=+@]/)
    }
    expect(await get('/api/reports/distribution', { format: 'csv', reading: 'health' })).toMatch(/On,Thriving,Healthy,Steady,Struggling,Not set,Accounts/)
    expect(await get('/api/accounts/l1/levels', { format: 'csv', reading: 'health' })).toMatch(/Thriving,2026/)
    expect(await get('/api/accounts/l1/confidence', { format: 'csv' })).toMatch(/No current reading/)
  })

  it('the accounts list is exported whole, whatever the page', async () => {
    const text: string = await get('/api/accounts', { format: 'csv', pageSize: '1', sort: '-name', group: 'regular' })
    expect(text.trim().split('\r\n')).toHaveLength(4 + 2 + 4)
    expect(text).toMatch(/Filters,group: regular/)
    expect(text).toContain("\"'=HYPERLINK(\"\"http://evil\"\")\"")
    expect(text).not.toContain('Foreign')
  })
})

it('every route is for the agency\'s people only', () => {
  expect(new Set(reportRoutes(reports, t.clock).map(({ access }) => access))).toEqual(new Set(['agency']))
})

it('nothing of an agency stays after it is purged, everything of another does', async () => {
  await reports.distribution('c2', {}, { reading: 'health', step: 'week' })
  await reports.purge('c1')
  for (const name of ['level_changes', 'level_days', 'report_snapshots', 'prompt_cycles', 'report_alerts', 'account_coverage', 'report_books'])
    expect(await t.store.connection.collection(name).countDocuments({ companyId: 'c1' })).toBe(0)
  expect(await t.store.connection.collection('level_changes').countDocuments({ companyId: 'c2' })).toBeGreaterThan(0)
})
