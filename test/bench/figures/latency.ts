import { openLoop } from '../support/http.ts'
import type { Report } from '../support/report.ts'
import { quantile, short } from '../support/stats.ts'
import type { Agency, Customer, Stage } from '../support/stage.ts'

const barMs = 250
const lostAfterMs = 60_000
const rates = [50, 25, 10]
const levels = ['very_happy', 'happy', 'neutral', 'not_happy'] as const
const labels = ['Very Happy', 'Happy', 'Neutral', 'Not Happy']

interface Measured {
  answers: number[]
  webhooks: number[]
}

/** Time from an answer, and from a person's edit in the CRM, to the write of the contact arriving at a platform that takes no time. */
export async function measureLatency(stage: Stage, agency: Agency, seconds: number, report: Report): Promise<void> {
  const { sandbox } = stage
  // Every user's contact exists before the clock runs.
  await openLoop(25, agency.customers.length, (index) => stage.answer(agency.customers[index] as Customer, 'happy'))
  await stage.settled()
  const contacts = new Map(sandbox.state.contacts.by('location', agency.headquartersId).map((contact) => [contact.email, contact.id]))
  const known = agency.customers.filter(({ email }) => contacts.has(email))
  if (known.length < agency.customers.length) throw new Error(`${agency.customers.length - known.length} contacts were not made`)

  const waiting = new Map<string, (atMs: number) => void>()
  const stopListening = sandbox.exchanges(({ method, template, path, status }) => {
    if (method !== 'PUT' || template !== '/contacts/{contactId}' || status >= 300) return
    const contactId = path.split('/').at(-1) ?? ''
    waiting.get(contactId)?.(performance.now())
    waiting.delete(contactId)
  })
  const written = (contactId: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const lost = setTimeout(() => reject(new Error(`Nothing was written to contact ${contactId} within ${lostAfterMs} ms`)), lostAfterMs)
      waiting.set(contactId, (atMs) => {
        clearTimeout(lost)
        resolve(atMs)
      })
    })

  let turn = 0
  async function round(perSecond: number): Promise<Measured> {
    const count = Math.min(known.length, perSecond * seconds)
    turn += 1
    const answers = await openLoop(perSecond, count, async (index, meantMs) => {
      const customer = known[index] as Customer
      const arrived = written(contacts.get(customer.email) ?? '')
      await stage.answer(customer, levels[(turn + 1 + (index % 2)) % 4] ?? 'happy')
      return (await arrived) - meantMs
    })
    // Two writes of one contact are at least two seconds apart.
    await stage.settled()
    await new Promise((resolve) => setTimeout(resolve, 2_200))
    const webhooks = await openLoop(perSecond, count, async (index, meantMs) => {
      const contactId = contacts.get(known[index]?.email ?? '') ?? ''
      const field = sandbox.state.contacts.get(contactId)?.customFields.find(({ value }) => labels.some((label) => label === value))
      const other = labels.find((label) => label !== field?.value) ?? ''
      const arrived = written(contactId)
      sandbox.updateContact(contactId, { fields: { 'Happiness Level': other } })
      return (await arrived) - meantMs
    })
    await stage.settled()
    return { answers, webhooks }
  }

  try {
    for (const perSecond of rates) {
      const { answers, webhooks } = await round(perSecond)
      report.say(`latency at ${perSecond}/s: answers p95 ${short(quantile(answers, 0.95))} ms, edits p95 ${short(quantile(webhooks, 0.95))} ms`)
      const kept = quantile(answers, 0.95) <= barMs && quantile(webhooks, 0.95) <= barMs
      for (const [what, times] of [['answer', answers], ['edit in the CRM, by webhook,', webhooks]] as const) {
        const measured = `p50 ${short(quantile(times, 0.5))} ms, p95 ${short(quantile(times, 0.95))} ms (${times.length} of them)`
        report.measure(`${what} → contact written, at ${perSecond}/s`, perSecond === rates[0] ? `p95 ≤ ${barMs} ms` : 'a slower pace', measured, quantile(times, 0.95) <= barMs)
      }
      if (kept) break
      await new Promise((resolve) => setTimeout(resolve, 2_200))
    }
  } finally {
    stopListening()
  }
}
