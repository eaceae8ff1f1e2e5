import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { createCrowd, setUp, type Crowd } from './support/customers.ts'
import { report } from './support/report.ts'
import { callsAtRest } from './support/traffic.ts'
import { verify } from './support/verify.ts'
import { settled, startWorld, type World } from './support/world.ts'

let world: World
let crowd: Crowd

/** All 24 orders of four things. */
const orders = permutations([0, 1, 2, 3])

function permutations(items: number[]): number[][] {
  if (items.length < 2) return [items]
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]))
}

beforeAll(async () => {
  world = await startWorld({ store: 'shared', accounts: 8, usersPerAccount: 3 })
  crowd = createCrowd(world)
  await world.start()
  await setUp(world, crowd)
  await Promise.all(world.customers.flat().map((customer, index) => crowd.answer(customer, index % 2 === 0 ? 'happy' : 'not_happy', `order ${index}`)))
  await settled(world)
})

afterAll(() => world.stop())

/** Sends deliveries that wait, one after another in that order, each twice. */
async function deliverInOrder(waiting: { body: string; signature: string }[], order: number[]): Promise<void> {
  for (const index of order) {
    const { body, signature } = waiting[index]!
    for (let copy = 0; copy < 2; copy += 1) {
      const { status } = await world.sandbox.deliver({ body, headers: { 'content-type': 'application/json', 'x-ghl-signature': signature } })
      expect(status).toBe(200)
    }
  }
}

it('comes to the same end in every order of four edits of one contact and four moves of one card', async () => {
  const { sandbox, headquartersId } = world
  const customers = world.customers.flat()
  expect(customers.length).toBe(orders.length)
  sandbox.settings.webhooks.enabled = false
  for (const level of ['Neutral', 'Not Happy', 'Happy', 'Very Happy']) {
    for (const { email } of customers) {
      const contact = sandbox.state.contacts.by('email', `${headquartersId}/${email}`)[0]!
      const card = sandbox.state.opportunities.by('contact', contact.id)[0]!
      sandbox.updateContact(contact.id, { fields: { 'Happiness Level': level } })
      sandbox.moveCard(card.id, level)
    }
    // The events of one thing have different times.
    await sleep(5)
  }
  const held = sandbox.pendingDeliveries()
  for (const [index, { email }] of customers.entries()) {
    const contact = sandbox.state.contacts.by('email', `${headquartersId}/${email}`)[0]!
    const card = sandbox.state.opportunities.by('contact', contact.id)[0]!
    const of = (type: string, id: string) => held.filter((delivery) => delivery.type === type && (JSON.parse(delivery.body) as { id: string }).id === id)
    const edits = of('ContactUpdate', contact.id)
    const moves = of('OpportunityStageUpdate', card.id)
    // A card that stands on the level's stage already does not move.
    expect([edits.length, moves.length]).toEqual([4, expect.any(Number)])
    await deliverInOrder(edits, orders[index]!)
    await deliverInOrder(moves, orders[index]!.filter((place) => place < moves.length))
  }
  sandbox.settings.webhooks.enabled = true
  await sandbox.flushWebhooks({ untilDelivered: true })
  await settled(world)
  const found = await verify(world, crowd)
  const calls = await callsAtRest(world)
  report('24 orders of 4 edits and 4 moves, each twice', { order: orders.length, event: held.length }, found)
  report('  at rest afterwards', { 'API calls in 3 s': calls }, { acknowledged: 0, lost: [], doubled: Array.from({ length: calls }, () => 'call') })
  expect(found).toMatchObject({ lost: [], doubled: [] })
  expect(calls).toBe(0)
})

it('comes to the same end in every order of INSTALL, UNINSTALL, INSTALL, INSTALL', async () => {
  const database = (await world.db()).db!
  const startMs = Date.now() - 60_000
  const sequences = { installed: ['INSTALL', 'UNINSTALL', 'INSTALL', 'INSTALL'], uninstalled: ['INSTALL', 'INSTALL', 'INSTALL', 'UNINSTALL'] }
  const ends: Record<string, string[]> = {}
  for (const [end, types] of Object.entries(sequences)) {
    const companyIds = orders.map((_, index) => `agency${end}${index}`)
    await Promise.all(
      companyIds.map(async (companyId, index) => {
        for (const place of orders[index]!) {
          const timestamp = new Date(startMs + place * 1_000).toISOString()
          const event = world.sandbox.webhook({ type: types[place]!, companyId, installType: 'Company' }, { timestamp })
          for (let copy = 0; copy < 2; copy += 1) expect((await world.sandbox.deliver(event)).status).toBe(200)
        }
      }),
    )
    await until('all lifecycle events to be worked through', async () => (await database.collection('inbox').countDocuments({ state: { $in: ['pending', 'leased', 'held'] } })) === 0, 60_000)
    const records = await database.collection('installations').find({ companyId: { $in: companyIds } }).toArray()
    expect(records).toHaveLength(orders.length)
    ends[end] = [...new Set(records.map((record) => String(record['status'])))]
  }
  const dead = await database.collection('inbox').countDocuments({ state: 'dead' })
  const different = Object.values(ends).reduce((sum, found) => sum + found.length - 1, 0)
  report('24 orders of install and uninstall, each twice', { order: 2 * orders.length, event: 8 * orders.length }, { acknowledged: 8 * orders.length, lost: Array.from({ length: dead + different }, () => 'event'), doubled: [] })
  expect(dead).toBe(0)
  expect(ends['uninstalled']).toEqual(['uninstalled'])
  expect(ends['installed']).toHaveLength(1)
  expect(ends['installed']).not.toContain('uninstalled')
})
