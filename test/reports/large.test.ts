import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createAnswerBook } from '../../src/feedback/index.ts'
import { dayMs, minuteMs } from '../../src/kernel/clock.ts'
import { happinessLevels, healthLevels } from '../../src/kernel/levels.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { createReports, type Reports } from '../../src/reports/index.ts'
import { openTenants, type TenantProcess, type Tenants } from '../support/tenants.ts'

/** Enough for figures over all accounts to be kept. */
const size = 320
let t: Tenants
let processes: (TenantProcess & { reports: Reports })[]

const idOf = (number: number): string => `l${number % size}`
const pick = <T>(values: readonly T[], number: number): T => values[number % values.length] as T

beforeAll(async () => {
  t = await openTenants()
  t.fake.addPlace('c1', idOf(0), 'Account 0')
  for (const id of ['boss', 'anna']) t.fake.addUser('c1', { id, type: 'agency', role: 'admin' })
  await t.install('c1')
  const records = t.store.connection.collection<Record<string, unknown> & { _id: string }>('accounts')
  const model = await records.findOne({ companyId: 'c1', locationId: idOf(0) })
  await records.insertMany(Array.from({ length: size - 1 }, (_, at) => ({ ...model, _id: `c1:${idOf(at + 1)}`, locationId: idOf(at + 1), name: `Account ${at + 1}`, nameKey: `account ${at + 1}` })))
  const connections = [t.store.connection, await t.store.another()]
  const all = [t, await t.another()]
  processes = all.map((process, at) => ({
    ...process,
    reports: createReports({
      connection: connections[at] ?? t.store.connection, clock: t.clock, accounts: process.accounts, answers: createAnswerBook({ connection: t.store.connection }),
      events: { append: () => Promise.resolve() }, settings: t.settings, logger: createLogger('silent'),
    }),
  }))
  await t.store.ensureIndexes()
})
afterAll(() => t.store.close())

async function change({ accounts }: TenantProcess, number: number): Promise<void> {
  const id = idOf(number * 7)
  const at = t.clock.now()
  switch (number % 5) {
    case 0: await accounts.assignCsm('c1', id, pick(['boss', 'anna', null], number)); break
    case 1: await accounts.setHappiness('c1', id, { level: pick([...happinessLevels, null], number), score: 1, answered: 1, newestAt: at, dissent: false }); break
    case 2: await accounts.setHealth('c1', id, { level: pick(healthLevels, number), setAt: at, setBy: null, source: 'page', note: 'n', reasonCodes: [], confirmedAt: null, staleAt: new Date(at.getTime() + dayMs), changeId: `${number}`, noteWanted: false }); break
    case 3: await accounts.setPremium('c1', id, number % 2 === 0); break
    default: await accounts.setSuccessLocation('c1', id)
  }
}

/** The grid as the stored accounts say. */
async function truth(filter: { csm?: string; group?: 'premium' }): Promise<number[]> {
  const listed = await t.store.connection.collection('accounts').find({ companyId: 'c1', listed: true }).toArray()
  const mine = listed.filter((one) => (filter.csm === undefined || one['csm']?.userId === filter.csm) && (filter.group === undefined || one['premium'] === true))
  return [...[...healthLevels].reverse(), null].flatMap((health) =>
    [...happinessLevels, null].map((happiness) => mine.filter((one) => one['healthLevel'] === health && one['happiness'].level === happiness).length))
}

it('the grid of many accounts is of now, in every process, whichever wrote', async () => {
  let number = 0
  for (let round = 0; round < 6; round += 1) {
    for (let count = 0; count < 15; count += 1) await change(pick(processes, number), (number += 1))
    for (const filter of [{}, { csm: 'boss' }, { group: 'premium' as const }]) {
      const wanted = await truth(filter)
      for (const { reports } of processes) {
        const { cells, total } = await reports.grid('c1', filter)
        expect(cells.map((cell) => cell.count)).toEqual(wanted)
        expect(total).toBe(wanted.reduce((sum, count) => sum + count, 0))
      }
    }
    // Some rounds look again within a minute, some after a while; the last after more than a day.
    t.clock.advanceMs(round % 2 === 0 ? 1_000 : round === 3 ? dayMs + 1 : 2 * minuteMs)
  }
})

it('who looks while others look sees what they have just written', async () => {
  const [one, two] = processes as [(typeof processes)[0], (typeof processes)[0]]
  for (let number = 0; number < 5; number += 1) {
    const looks = [1, 2, 3].map(() => one.reports.grid('c1', { csm: 'anna' }))
    const before = (await t.accounts.list('c1', { csm: 'anna', sort: 'name', page: 1, pageSize: 1 })).total
    await two.accounts.assignCsm('c1', idOf(100 + number), 'anna')
    expect((await one.reports.grid('c1', { csm: 'anna' })).total).toBe(before + 1)
    await Promise.all(looks)
  }
})

it('a set of figures that was removed from the store is not carried on by a process that read it', async () => {
  const [one] = processes as [(typeof processes)[0]]
  await one.reports.grid('c1', {})
  await t.store.connection.collection('accounts').deleteMany({ companyId: 'c1', locationId: { $in: [idOf(200), idOf(201)] } })
  await t.store.connection.collection('report_snapshots').deleteMany({ companyId: 'c1' })
  for (const { reports } of processes) expect((await reports.grid('c1', {})).total).toBe(await t.accounts.list('c1', { sort: 'name', page: 1, pageSize: 1 }).then(({ total }) => total))
})

it('response rates of many users are counted once and then the same for everybody, who reads of when they are', async () => {
  t.clock.set(new Date('2027-03-10T09:00:00Z'))
  const cycle = (number: number, month: string, more: object): object => ({
    _id: `${number}:${month}` as never, companyId: 'c1', locationId: idOf(number), userId: `u${number}`, month, dueAt: new Date(`${month}-02T00:00:00Z`), state: pick(['answered', 'shown', 'later'], number), shownAt: new Date(`${month}-02T00:00:00Z`),
    commented: false, answerId: null, opened: month, openedAt: new Date(`${month}-01T00:00:00Z`), ended: month, changedAt: new Date(`${month}-03T00:00:00Z`), ...more,
  })
  const numbers = Array.from({ length: size }, (_, number) => number)
  await t.store.connection.collection('prompt_cycles').insertMany([...numbers.map((number) => cycle(number, '2027-02', { ended: '2027-03' })), ...numbers.slice(20).map((number) => cycle(number, '2027-03', { ended: null }))])
  const asked = { from: '2027-02-01', to: '2027-03-10' }
  const [one, two] = processes as [(typeof processes)[0], (typeof processes)[0]]
  const first = await one.reports.response('c1', {}, asked)
  expect(first).toMatchObject({ asOf: t.clock.now(), cycles: [{ eligible: 320, due: 320, answered: 107 }, { eligible: 300, due: 300 }] })
  await t.store.connection.collection('prompt_cycles').updateOne({ _id: '100:2027-03' as never }, { $set: { state: 'answered', changedAt: new Date(t.clock.nowMs() + 1) } })
  t.clock.advanceMs(30_000)
  expect(await two.reports.response('c1', {}, asked)).toEqual(first)
  t.clock.advanceMs(16 * minuteMs)
  const later = await two.reports.response('c1', {}, asked)
  expect(later.asOf).toEqual(t.clock.now())
  expect(later.cycles[1]?.answered).toBe((first.cycles[1]?.answered ?? 0) + 1)
  expect(await one.reports.response('c1', {}, asked)).toEqual(later)
  // Of a part, by today's assignment.
  const csm = await one.reports.response('c1', { csm: 'anna' }, asked)
  expect(csm.cycles[1]?.due).toBeLessThan(300)
  await Promise.all(processes.map(({ reports }) => reports.settled()))
})

it('a bulk on everything is done in bounded requests: each says what it did not reach, and nothing is done twice or left out', async () => {
  const { accounts } = pick(processes, 0)
  const session = { companyId: 'c1', userId: 'boss', role: 'agency_admin' as const, locationId: null, userName: 'Boss' }
  let { results, left } = await accounts.bulk(session, { action: 'assign_csm', csmUserId: 'anna', filter: {}, limit: 120 })
  const seen = results.map(({ locationId }) => locationId)
  expect(seen).toHaveLength(120)
  while (left.length > 0) {
    ({ results, left } = await accounts.bulk(session, { action: 'assign_csm', csmUserId: 'anna', locationIds: left, limit: 120 }))
    seen.push(...results.map(({ locationId }) => locationId))
  }
  const { total } = await accounts.list('c1', { csm: 'anna', sort: 'name', page: 1, pageSize: 1 })
  expect(new Set(seen).size).toBe(seen.length)
  expect(total).toBe(seen.length)
  expect(total).toBe((await accounts.list('c1', { sort: 'name', page: 1, pageSize: 1 })).total)
  // A request whose time is over begins nothing more.
  const slow = { ...session, get userId() { t.clock.advanceMs(6_000); return 'boss' } }
  const late = await accounts.bulk(slow, { action: 'premium_on', filter: {} })
  expect(late.results).toHaveLength(100)
  expect(late.results.length + late.left.length).toBe(total)
})
