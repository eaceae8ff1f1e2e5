import { afterEach, beforeEach, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Accounts } from '../../src/accounts/index.ts'
import { createBilling, type Billing } from '../../src/billing/index.ts'
import type { DomainEvent } from '../../src/events/index.ts'
import { billingFact } from '../../src/http/contract/billing.ts'
import { dayMs } from '../../src/kernel/clock.ts'
import type { Session } from '../../src/kernel/route.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

let store: TestStore
let clock: FakeClock
let billing: Billing
let events: DomainEvent[]
let group: string
let lastKey = 0
const session = { companyId: 'c', userId: 'maya', userName: 'Maya' } as Session

beforeEach(async () => {
  store = await openTestStore()
  clock = createFakeClock()
  events = []
  group = 'saas'
  const accounts = { get: async (companyId: string, locationId: string) => (companyId === 'c' && locationId.startsWith('l') ? { group, removedAt: null } : null) } as unknown as Pick<Accounts, 'get'>
  const append = async (event: DomainEvent) => {
    if (events.some(({ key }) => key === event.key)) return 'duplicate' as const
    events.push(event)
    return 'inserted' as const
  }
  billing = createBilling({ connection: store.connection, clock, accounts, events: { append } })
  await store.ensureIndexes()
})
afterEach(() => store.close())

const ago = (days: number) => new Date(clock.nowMs() - days * dayMs).toISOString()
function tell(fact: 'payment_failed' | 'payment_recovered' | 'renewal_at', more: { at?: string; renewalAt?: string | null; idempotencyKey?: string; locationId?: string } = {}) {
  lastKey += 1
  const { locationId = 'l', ...rest } = more
  return billing.record(session, locationId, billingFact.parse({ fact, idempotencyKey: `key-number-${lastKey}`, ...rest }))
}
const types = () => events.map(({ type }) => type)

it('a fact is told once, however often it is sent, and the key is bound to it', async () => {
  const key = { idempotencyKey: 'invoice-4711-failed' }
  const answers = [await tell('payment_failed', key), await tell('payment_failed', key), ...(await Promise.all([1, 2, 3].map(() => tell('payment_failed', key))))]
  expect(answers.map(({ created }) => created)).toEqual([true, false, false, false, false])
  expect(types()).toEqual(['billing.payment_failed'])
  await expect(tell('payment_recovered', key)).rejects.toMatchObject({ status: 409, code: 'key_used' })
  await expect(tell('payment_failed', { ...key, locationId: 'l2' })).rejects.toMatchObject({ status: 409, code: 'key_used' })
  await expect(tell('payment_failed', { locationId: 'elsewhere' })).rejects.toMatchObject({ status: 404 })
  await expect(tell('payment_failed', { at: ago(-1) })).rejects.toMatchObject({ status: 422, code: 'at_in_future' })
})

it('a recovery is told after a failure only, and news that is older than the newest is kept and not told', async () => {
  await tell('payment_recovered', { at: ago(9) })
  await tell('payment_failed', { at: ago(5) })
  await tell('payment_recovered', { at: ago(3) })
  await tell('payment_failed', { at: ago(4) })
  expect(types()).toEqual(['billing.payment_failed', 'billing.payment_recovered'])
  expect(await billing.view('c', 'l')).toEqual({ payment: 'recovered', paymentAt: ago(3), renewalAt: null })
})

it('the state is the newest fact\'s in every order of arrival', async () => {
  let account = 0
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 1 }), async (order) => {
      account += 1
      for (const days of order) await tell(days % 2 === 0 ? 'payment_failed' : 'payment_recovered', { at: ago(days), locationId: `l-${account}` })
      const newest = Math.min(...order)
      expect(await billing.view('c', `l-${account}`)).toMatchObject({ payment: newest % 2 === 0 ? 'failed' : 'recovered', paymentAt: ago(newest) })
    }),
    { numRuns: 15, seed: 20_261_129 },
  )
})

async function daysPass(days: number): Promise<void> {
  for (let day = 0; day < days; day += 1) {
    clock.advanceMs(dayMs)
    await billing.sweep(100)
  }
}
const ahead = () => events.filter(({ type }) => type === 'billing.renewal_ahead').map(({ data }) => data['days'])

it('a renewal is told 30 and 7 days ahead, once each, and anew for another date', async () => {
  await tell('renewal_at', { renewalAt: ago(-40) })
  await daysPass(9)
  expect(ahead()).toEqual([])
  await daysPass(35)
  expect(ahead()).toEqual([30, 7])
  await tell('renewal_at', { renewalAt: ago(-31) })
  await daysPass(40)
  expect(ahead()).toEqual([30, 7, 30, 7])
})

it('a renewal that is near when it is named is told once with the nearest number; one that is past, taken back or of a churned account is not', async () => {
  await tell('renewal_at', { renewalAt: ago(-5) })
  await daysPass(1)
  expect(ahead()).toEqual([7])
  await tell('renewal_at', { renewalAt: ago(2), locationId: 'l2' })
  await tell('renewal_at', { renewalAt: ago(-20), locationId: 'l3' })
  await tell('renewal_at', { renewalAt: null, locationId: 'l3' })
  await daysPass(25)
  expect(ahead()).toEqual([7])
  group = 'churned'
  await tell('renewal_at', { renewalAt: ago(-20), locationId: 'l4' })
  await daysPass(25)
  expect(ahead()).toEqual([7])
})
