import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { startTestServer } from '../support/server.ts'
import { measureCalls } from './figures/calls.ts'
import { measureGrowth } from './figures/growth.ts'
import { measureIngest } from './figures/ingest.ts'
import { measureLatency } from './figures/latency.ts'
import { measurePortfolio } from './figures/portfolio.ts'
import { measureQuota } from './figures/quota.ts'
import { measureRuns } from './figures/runs.ts'
import { measureSoak } from './figures/soak.ts'
import { closeConnections } from './support/http.ts'
import { createReport, table } from './support/report.ts'
import { startStage } from './support/stage.ts'

const figures = ['calls', 'latency', 'soak', 'ingest', 'quota', 'growth', 'portfolio', 'runs'] as const
type Figure = (typeof figures)[number]

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } } })
const { quick } = values
const unknown = values.only?.find((name) => !figures.some((figure) => figure === name))
if (unknown !== undefined) {
  process.stderr.write(`There is no figure ${unknown}; there are ${figures.join(', ')}.\n`)
  process.exit(2)
}
// The soak is too long for a quick look.
const wanted = new Set<Figure>(figures.filter((figure) => (values.only === undefined ? !(quick && figure === 'soak') : values.only.includes(figure))))
const any = (...names: Figure[]): boolean => names.some((name) => wanted.has(name))

function machine(): string {
  const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { dependencies: Record<string, string> }
  const versions = ['express', 'mongoose', 'mongodb', 'lmdb', '@gohighlevel/api-client'].map((name) => `${name} ${dependencies[name] ?? '?'}`)
  const store = (process.env['MONGODB_URI'] ?? '') === '' ? 'embedded store' : 'MongoDB'
  return `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${(totalmem() / 2 ** 30).toFixed(1)} GB, node ${process.versions.node}, ${versions.join(', ')}, ${store}`
}
const load = (): string => loadavg().map((value) => value.toFixed(1)).join(' ')

const report = createReport()
const loadBefore = load()
const server = await startTestServer()
const accounts = quick ? 60 : 110

if (any('calls', 'latency', 'soak', 'ingest')) {
  const stage = await startStage({ serverUri: server.uri, sandbox: { seed: { accounts, usersPerAccount: 1, knownContacts: 0 } }, liftLimits: true })
  try {
    const agency = await stage.prepare(stage.sandbox.companyId)
    report.say(`an agency with ${accounts} accounts is set up`)
    if (wanted.has('calls')) await measureCalls(stage, agency, report)
    if (wanted.has('latency')) await measureLatency(stage, agency, quick ? 2 : 3, report)
    if (wanted.has('soak')) await measureSoak(stage, agency, { seconds: 75, perSecond: 15 }, report)
    if (wanted.has('ingest')) {
      // Whoever works on events would share the processor with the receiver.
      if (stage.sandbox.state.contacts.by('location', agency.headquartersId).length === 0) {
        for (const customer of agency.customers.slice(0, 5)) await stage.answer(customer, 'happy')
        await stage.settled()
      }
      stage.sandbox.settings.webhooks.enabled = false
      await stage.app.stop()
      await measureIngest(stage, agency, quick ? { rounds: 3, perRound: 1_000, paced: 1_000 } : { rounds: 5, perRound: 4_000, paced: 5_000 }, report)
    }
  } finally {
    await stage.stop()
  }
}

if (wanted.has('quota')) {
  const companies = quick ? 5 : 20
  const usersPerAccount = quick ? 5 : 3
  const stage = await startStage({ serverUri: server.uri, sandbox: { seed: { companies, accounts: 2, usersPerAccount, knownContacts: 0 } } })
  try {
    const agencies = await Promise.all(stage.sandbox.state.companies.values().map(({ id }) => stage.prepare(id)))
    report.say(`${companies} agencies are set up`)
    await measureQuota(stage, agencies, quick ? { seconds: 5, perSecond: 4 } : { seconds: 20, perSecond: 5 }, report)
  } finally {
    await stage.stop()
  }
}

if (wanted.has('growth')) await measureGrowth(quick ? { sizes: [10, 10_000], events: 20, idleSeconds: 5 } : { sizes: [10, 1_000, 10_000], events: 40, idleSeconds: 20 }, report)

if (wanted.has('portfolio')) await measurePortfolio({ serverUri: server.uri, ...(quick ? { sizes: [10, 1_000], rounds: 5 } : { sizes: [10, 1_000, 10_000], rounds: 12 }) }, report)

if (wanted.has('runs')) await measureRuns({ serverUri: server.uri, sizes: [1_000, 50_000], ...(quick ? { burst: 1_000, pacedSeconds: 10, idleSeconds: 31 } : { burst: 5_000, pacedSeconds: 60, idleSeconds: 122 }) }, report)

await server.stop()
closeConnections()
process.stdout.write(`\n${machine()}\nload average ${loadBefore} at the beginning, ${load()} at the end\n\n${table(report.rows)}\n`)
const broken = report.rows.filter(({ verdict }) => verdict === 'broken')
if (broken.length > 0) process.stderr.write(`${broken.length} guarantee${broken.length === 1 ? '' : 's'} that depend on no machine ${broken.length === 1 ? 'does' : 'do'} not hold.\n`)
process.exit(broken.length > 0 ? 1 : 0)
