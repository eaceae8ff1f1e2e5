import { openLoop } from '../support/http.ts'
import type { Report } from '../support/report.ts'
import { quantile, short } from '../support/stats.ts'
import type { Agency, Customer, Stage } from '../support/stage.ts'

export interface QuotaOptions {
  /** Seconds of each half: quiet locations alone, and beside a busy one. */
  seconds: number
  /** Answers per second of all quiet locations together. */
  perSecond: number
}

const windowMs = 10_000
const maxPerWindow = 100
const levels = ['not_happy', 'very_happy', 'neutral', 'happy'] as const

/** Locations that share nothing but the process: one has ten times the work that its quota carries, the others a little. */
export async function measureQuota(stage: Stage, agencies: readonly Agency[], { seconds, perSecond }: QuotaOptions, report: Report): Promise<void> {
  const { sandbox } = stage
  const [busy, ...quiet] = agencies as [Agency, ...Agency[]]
  // One location's customers after another's, so that nobody answers twice in a row.
  const most = Math.max(...quiet.map(({ customers }) => customers.length))
  const customers = Array.from({ length: most }, (_, turn) => quiet.flatMap((agency) => agency.customers[turn] ?? [])).flat()
  await openLoop(perSecond, customers.length, (index) => stage.answer(customers[index] as Customer, 'happy'))
  await stage.settled()
  const contacts = new Map(quiet.flatMap(({ headquartersId }) => sandbox.state.contacts.by('location', headquartersId).map((contact) => [contact.email, contact.id] as const)))

  const waiting = new Map<string, (atMs: number) => void>()
  const stopListening = sandbox.exchanges(({ method, template, path, status }) => {
    if (method !== 'PUT' || template !== '/contacts/{contactId}' || status >= 300) return
    waiting.get(path.split('/').at(-1) ?? '')?.(performance.now())
  })
  let turn = 0
  const half = async (): Promise<number[]> => {
    turn += 1
    return openLoop(perSecond, Math.min(customers.length, perSecond * seconds), async (index, meantMs) => {
      const customer = customers[index] as Customer
      const arrived = new Promise<number>((resolve) => waiting.set(contacts.get(customer.email) ?? '', resolve))
      await stage.answer(customer, levels[turn % levels.length] ?? 'happy')
      return (await arrived) - meantMs
    })
  }
  try {
    await half()
    await stage.settled()
    await new Promise((resolve) => setTimeout(resolve, windowMs))
    const alone = await half()
    await stage.settled()
    await new Promise((resolve) => setTimeout(resolve, windowMs))

    // Each new contact takes three calls.
    const crowd = Math.ceil((10 * maxPerWindow * ((seconds * 1_000 + windowMs) / windowMs)) / 3)
    await stage.app.ask('crowd', { companyId: busy.companyId, locationId: busy.headquartersId, count: crowd })
    await new Promise((resolve) => setTimeout(resolve, windowMs / 2))
    const beside = await half()

    const ratio = quantile(beside, 0.95) / quantile(alone, 0.95)
    const figures = (times: number[]): string => `p50 ${short(quantile(times, 0.5))} ms, p95 ${short(quantile(times, 0.95))} ms`
    report.note(`answer → contact of ${quiet.length} quiet locations at ${perSecond}/s`, `alone ${figures(alone)}; beside a busy one ${figures(beside)}`)
    report.measure('p95 of quiet locations beside a busy one ÷ alone', '≤ 1.2', short(ratio), ratio <= 1.2)
    const resources = [...agencies.map(({ headquartersId }) => headquartersId), ...agencies.map(({ companyId }) => companyId)]
    const worst = Math.max(...resources.map((resource) => sandbox.maxInWindow(resource, windowMs)))
    report.guarantee(`most requests of one location in any ${windowMs / 1_000} s, set-up included`, `≤ ${maxPerWindow}`, `${worst} (busy location ${sandbox.maxInWindow(busy.headquartersId, windowMs)})`, worst <= maxPerWindow)
    const tooMany = sandbox.calls.filter(({ status }) => status === 429).length
    report.guarantee('requests that HighLevel refused with 429', '0', String(tooMany), tooMany === 0)
  } finally {
    stopListening()
  }
}
