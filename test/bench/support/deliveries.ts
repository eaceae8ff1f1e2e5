import { randomUUID } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import autocannon from 'autocannon'
import type { SignedWebhook } from '../../sandbox/index.ts'
import type { Agency, Stage } from './stage.ts'

/** Signed ContactUpdate events of the success location, each a new one: what HighLevel sends most of. */
export async function signDeliveries(stage: Stage, agency: Agency, count: number): Promise<SignedWebhook[]> {
  const { sandbox } = stage
  const contacts = sandbox.state.contacts.by('location', agency.headquartersId)
  const signed: SignedWebhook[] = []
  for (let index = 0; index < count; index += 1) {
    const contact = contacts[index % contacts.length]
    if (contact === undefined) throw new Error('The success location has no contacts')
    const { id, firstName, lastName, email, phone, companyName, tags, customFields, dateAdded } = contact
    const members = { type: 'ContactUpdate', locationId: agency.headquartersId, id, firstName, lastName, name: `${firstName} ${lastName}`, email, phone, companyName, tags, customFields, dateAdded }
    signed.push(sandbox.webhook(members, { webhookId: randomUUID() }))
    if (index % 500 === 0) await breathe()
  }
  return signed
}

export interface Flood {
  perSecond: number
  p99Ms: number
  accepted: number
  refused: number
}

/** Posts every delivery once, as fast as the receiver answers over so many connections. */
export async function flood(url: string, deliveries: readonly SignedWebhook[], connections: number): Promise<Flood> {
  let next = 0
  let lastMs = 0
  const beganMs = performance.now()
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const run = autocannon(
      {
        url: `${url}/webhooks/highlevel`,
        method: 'POST',
        connections,
        amount: deliveries.length,
        timeout: 30,
        requests: [
          {
            setupRequest(request) {
              const delivery = deliveries[next % deliveries.length]
              next += 1
              return { ...request, ...(delivery === undefined ? {} : { body: delivery.body, headers: delivery.headers }) }
            },
          },
        ],
      },
      (error: unknown, finished) => {
        if (error === null || error === undefined) resolve(finished)
        else reject(error instanceof Error ? error : new Error('The generator failed'))
      },
    )
    // Its own clock ends at whole seconds.
    run.on('response', () => {
      lastMs = performance.now()
    })
  })
  return { perSecond: (result['2xx'] / (lastMs - beganMs)) * 1_000, p99Ms: result.latency.p99, accepted: result['2xx'], refused: result.non2xx + result.errors + result.timeouts }
}
