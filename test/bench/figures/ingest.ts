import { freePort } from '../../faults/support/process.ts'
import { openLoop, send } from '../support/http.ts'
import { flood, signDeliveries } from '../support/deliveries.ts'
import type { Report } from '../support/report.ts'
import { quantile, short, spread } from '../support/stats.ts'
import { startMain, startReceiver, type Agency, type Stage } from '../support/stage.ts'

export interface IngestOptions {
  rounds: number
  /** Deliveries per receiver and round. */
  perRound: number
  /** Deliveries at a fixed pace, for the latency at 60 % of the ceiling. */
  paced: number
}

const connections = 32

/**
 * Our endpoint beside a bare Express handler and the SDK's middleware, each a process of its own on the same store's server. Ours runs with the role
 * `web`, as the others do nothing with what they stored either. The stage's own process must have ended.
 */
export async function measureIngest(stage: Stage, agency: Agency, { rounds, perRound, paced }: IngestOptions, report: Report): Promise<void> {
  const inbox = stage.connection.collection('inbox')
  const before = await inbox.estimatedDocumentCount()
  const ours = await startMain({ ...stage.env, ROLES: 'web' }, await freePort())
  const receivers = { ours, bare: await startReceiver('bare', stage), sdk: await startReceiver('sdk', stage) }
  type Name = keyof typeof receivers
  const names = Object.keys(receivers) as Name[]
  const rates: Record<Name, number[]> = { ours: [], bare: [], sdk: [] }
  let accepted = 0
  let refused = 0
  try {
    // The first round warms up: compiled code, pooled connections.
    for (let round = 0; round <= rounds; round += 1) {
      const deliveries = await signDeliveries(stage, agency, perRound)
      for (const name of shuffled(names)) {
        const result = await flood(receivers[name].url, deliveries, connections)
        if (round > 0) rates[name].push(result.perSecond)
        refused += result.refused
        if (name === 'ours') accepted += result.accepted
      }
      report.say(`ingest round ${round}: ${names.map((name) => `${name} ${short(rates[name].at(-1) ?? Number.NaN)}/s`).join(', ')}`)
    }
    const per = (name: Name): number[] => rates.ours.map((rate, index) => rate / (rates[name][index] ?? Number.NaN))
    report.note('ingest, deliveries per second: ours; bare; SDK', names.map((name) => spread(rates[name], '/s')).join('; '))
    report.measure('ingest ÷ bare Express handler on the same store', '≥ 0.85', spread(per('bare')), quantile(per('bare'), 0.5) >= 0.85)
    report.measure("ingest ÷ SDK's middleware with the same insert", '≥ 2', spread(per('sdk')), quantile(per('sdk'), 0.5) >= 2)

    const pace = 0.6 * quantile(rates.ours, 0.5)
    const deliveries = await signDeliveries(stage, agency, paced)
    const times = await openLoop(pace, paced, async (index, meantMs) => {
      const delivery = deliveries[index]
      const { status } = await send('POST', `${ours.url}/webhooks/highlevel`, delivery?.headers ?? {}, delivery?.body)
      if (status === 200) accepted += 1
      else refused += 1
      return performance.now() - meantMs
    })
    report.measure('ingest at 60 % of the ceiling, constant pace', 'p99 < 250 ms', `p50 ${short(quantile(times, 0.5))} ms, p99 ${short(quantile(times, 0.99))} ms at ${short(pace)}/s`, quantile(times, 0.99) < 250)

    const again = deliveries.slice(0, Math.min(500, deliveries.length))
    const repeated = await flood(ours.url, again, connections)
    const stored = (await inbox.estimatedDocumentCount()) - before
    // What was answered 429 for being late may have been stored all the same: it comes again, as a repeat.
    const holds = stored >= accepted && stored <= accepted + refused
    report.guarantee('deliveries answered 200 and stored once, repeats included', 'all', `${accepted} accepted, ${stored} stored, ${again.length} repeats at ${short(repeated.perSecond)}/s, ${refused} refused`, holds)
  } finally {
    await Promise.all(Object.values(receivers).map((receiver) => receiver.stop()))
  }
}

function shuffled<T>(list: readonly T[]): T[] {
  return list.map((item) => ({ item, at: Math.random() })).sort((a, b) => a.at - b.at).map(({ item }) => item)
}
