import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedStore } from '../../../src/store/index.ts'
import { freePort } from '../../faults/support/process.ts'
import { openLoop, send } from '../support/http.ts'
import type { Report } from '../support/report.ts'
import { addAccounts } from '../support/seed.ts'
import { median, quantile, short } from '../support/stats.ts'
import { startMain, startStage, type Agency, type Customer, type Stage } from '../support/stage.ts'

export interface GrowthOptions {
  /** Accounts at which the load is measured; the first is what the agency starts with. */
  sizes: readonly number[]
  /** Answers, and as many edits in the CRM, at each size. */
  events: number
  idleSeconds: number
}

interface Reading {
  size: number
  perAnswer: number
  perWebhook: number
  idlePerMinute: number
}

const firstUsers = 2
const pageBarMs = 100
const memoryBarMb = 250
const dbName = 'barometer'
const pages = [
  'sort=name', 'sort=-happiness', 'sort=health', 'sort=-users', 'sort=created', 'sort=-answered', 'sort=name&page=190', 'happiness=happy', 'happiness=none&sort=-created', 'group=regular', 'q=account%205', 'feedback=true&sort=happiness',
]

/** The same load at 10, 1,000 and 10,000 accounts: what does an event, an idle minute, a page and a process cost? */
export async function measureGrowth({ sizes, events, idleSeconds }: GrowthOptions, report: Report): Promise<void> {
  const given = process.env['MONGODB_URI'] ?? ''
  const dataDir = await mkdtemp(join(tmpdir(), 'barometer-growth-'))
  const store = given === '' ? await startEmbeddedStore({ dataDir }) : undefined
  const [first = 10, ...larger] = sizes
  const seed = { accounts: first, usersPerAccount: firstUsers, knownContacts: 0 }
  const stage = await startStage({ serverUri: store?.uri ?? given, sandbox: { seed }, liftLimits: true, ...(store === undefined ? {} : { dbName, keepDatabase: true }) })
  try {
    const agency = await stage.prepare(stage.sandbox.companyId)
    const load = await createLoad(stage, agency, events)
    const readings = [await load(first, idleSeconds, report)]
    let size = first
    for (const next of larger) {
      const beganMs = performance.now()
      const [model] = agency.customers as [Customer]
      const emails = agency.customers.filter(({ locationId }) => locationId === model.locationId).map(({ email }) => email)
      await addAccounts(stage.connection, { companyId: agency.companyId, locationId: model.locationId, emails }, next - size, size)
      report.say(`growth: ${next} accounts after ${short((performance.now() - beganMs) / 1_000)} s`)
      size = next
      readings.push(await load(next, idleSeconds, report))
    }
    const of = (member: keyof Reading): string => readings.map((reading) => short(reading[member])).join(' → ')
    const ratio = (member: keyof Reading): number => (readings.at(-1)?.[member] ?? 0) / Math.max(1, readings[0]?.[member] ?? 0)
    const span = sizes.map((one) => one.toLocaleString('en')).join(' → ')
    report.measure(`store operations per answer, ${span} accounts`, 'constant (≤ 1.1 ×)', of('perAnswer'), ratio('perAnswer') <= 1.1)
    report.measure(`store operations per edit in the CRM, ${span} accounts`, 'constant (≤ 1.1 ×)', of('perWebhook'), ratio('perWebhook') <= 1.1)
    report.measure(`store operations per idle minute, ${span} accounts`, 'constant (≤ 1.1 ×)', of('idlePerMinute'), ratio('idlePerMinute') <= 1.1)
    await measurePages(stage, agency, size, report)
  } finally {
    await stage.app.stop()
    await store?.stop()
  }
  if (store === undefined) report.note('resident memory', 'measured with the embedded store only')
  else await measureMemory(stage, dataDir, sizes.at(-1) ?? first, report)
  await stage.sandbox.stop()
  await stage.connection.close()
  await rm(dataDir, { recursive: true, force: true })
}

/**
 * Answers, then edits of contacts, at a pace that leaves every one alone; the commands that each takes in the end. What an answer costs depends on what it
 * changes. So at every size the same people go from Happy to the same levels, and all of it has happened once before: cases are open, caps are used up.
 */
async function createLoad(stage: Stage, agency: Agency, events: number) {
  const { sandbox } = stage
  const customers = agency.customers
  const rounds = Math.ceil(events / customers.length)
  const levels = ['not_happy', 'very_happy', 'neutral', 'happy'] as const
  const apartMs = 2_200
  const apart = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, apartMs))
  let edits = 0

  async function everybodyAnswers(levelOf: (index: number) => string): Promise<void> {
    await openLoop(10, customers.length, (index) => stage.answer(customers[index] as Customer, levelOf(index)))
    await stage.settled()
  }
  const alike = (): Promise<void> => everybodyAnswers(() => 'happy')
  const varied = (round: number): Promise<void> => everybodyAnswers((index) => levels[(round + 1 + index) % levels.length] ?? 'happy')

  await alike()
  for (let round = 0; round < rounds; round += 1) {
    await apart()
    await varied(round)
  }
  const contacts = new Map(sandbox.state.contacts.by('location', agency.headquartersId).map((contact) => [contact.email, contact.id]))

  async function counted(seconds: number, act: () => Promise<unknown>): Promise<number> {
    await stage.app.ask('commands')
    const beganMs = performance.now()
    await act()
    if (seconds > 0) await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
    const commands = await stage.app.ask<Record<string, number>>('commands')
    // The clock ticks in events' time, too; it belongs to idle time.
    const ticks = /agendaJobs|leases/
    const total = Object.entries(commands).reduce((sum, [name, count]) => sum + (seconds === 0 && ticks.test(name) ? 0 : count), 0)
    if (process.env['BENCH_COMMANDS'] === '1') process.stderr.write(`${JSON.stringify(Object.fromEntries(Object.entries(commands).sort((a, b) => b[1] - a[1])))}\n`)
    return seconds > 0 ? (total / (performance.now() - beganMs)) * 60_000 : total
  }

  return async function load(size: number, idleSeconds: number, report: Report): Promise<Reading> {
    const count = rounds * customers.length
    await apart()
    await alike()
    await apart()
    const idlePerMinute = await counted(idleSeconds, () => Promise.resolve())
    let answers = 0
    let webhooks = 0
    for (let round = 0; round < rounds; round += 1) {
      answers += await counted(0, () => varied(round))
      await apart()
      edits += 1
      webhooks += await counted(0, async () => {
        await openLoop(10, customers.length, async (index) => {
          sandbox.changeTags(contacts.get(customers[index]?.email ?? '') ?? '', { add: [`seen ${edits}`] })
        })
        await stage.settled()
      })
      await apart()
    }
    const reading = { size, perAnswer: answers / count, perWebhook: webhooks / count, idlePerMinute }
    report.say(`growth at ${size} accounts: ${short(reading.perAnswer)} operations per answer, ${short(reading.perWebhook)} per edit, ${short(idlePerMinute)} per idle minute`)
    return reading
  }
}

async function measurePages(stage: Stage, agency: Agency, size: number, report: Report): Promise<void> {
  const session = { companyId: agency.companyId, userId: agency.adminId, role: 'agency_admin' as const, locationId: null }
  const times = new Map<string, number[]>()
  for (let round = 0; round < 5; round += 1) {
    for (const query of pages) {
      const beganMs = performance.now()
      const reply = await stage.call(session, 'GET', `/api/accounts?pageSize=50&${query}`)
      if (reply.status !== 200) throw new Error(`GET /api/accounts?${query} answered ${reply.status}: ${reply.body}`)
      if (round > 0) times.set(query, [...(times.get(query) ?? []), performance.now() - beganMs])
    }
  }
  const slowest = [...times].sort((a, b) => median(b[1]) - median(a[1]))
  const all = [...times.values()].flat()
  const named = slowest.slice(0, 3).map(([query, list]) => `${query} ${short(median(list))}`).join(', ')
  report.measure(`portfolio page of 50 at ${size.toLocaleString('en')} accounts, ${pages.length} filters and sorts`, `< ${pageBarMs} ms`, `p50 ${short(quantile(all, 0.5))} ms; slowest: ${named}`, median(slowest[0]?.[1] ?? []) < pageBarMs)
}

/** The product as `npm start` runs it, embedded store included, on the data that is there. */
async function measureMemory(stage: Stage, dataDir: string, size: number, report: Report): Promise<void> {
  const { MONGODB_URI: _uri, ...env } = stage.env
  const main = await startMain({ ...env, DATA_DIR: dataDir }, await freePort())
  try {
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    for (let index = 0; index < 20; index += 1) await send('GET', `${main.url}/readyz`, {})
    const readings: { totalMb: number; fileMb: number }[] = []
    for (let index = 0; index < 5; index += 1) {
      readings.push(main.memory())
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
    const total = median(readings.map(({ totalMb }) => totalMb))
    const mapped = median(readings.map(({ fileMb }) => fileMb))
    report.measure(`resident memory when idle at ${size.toLocaleString('en')} accounts (web, worker, embedded store)`, `≤ ${memoryBarMb} MB`, `${short(total)} MB, of which ${short(mapped)} MB are mapped files`, total <= memoryBarMb)
  } finally {
    await main.stop()
  }
}
