import { afterEach, beforeEach, expect, it } from '@jest/globals'
import type { Accounts } from '../../src/accounts/index.ts'
import { createActivity, type Activity } from '../../src/activity/index.ts'
import type { DomainEvent } from '../../src/events/index.ts'
import { dayMs, hourMs } from '../../src/kernel/clock.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

let store: TestStore
let clock: FakeClock
let activity: Activity
let another: Activity
let events: DomainEvent[]
const gone = new Set<string>()
let group = 'regular'
const ada = { companyId: 'c', locationId: 'l', userId: 'ada' }

beforeEach(async () => {
  store = await openTestStore()
  clock = createFakeClock()
  events = []
  gone.clear()
  group = 'regular'
  const accounts = {
    get: async () => ({ group, removedAt: null }),
    user: async (_company: string, _location: string, userId: string) => ({ name: `User ${userId}`, removedAt: gone.has(userId) ? clock.now().toISOString() : null }),
  } as unknown as Pick<Accounts, 'get' | 'user'>
  const append = async (event: DomainEvent) => {
    if (events.some(({ key }) => key === event.key)) return 'duplicate' as const
    events.push(event)
    return 'inserted' as const
  }
  const make = () => createActivity({ connection: store.connection, clock, accounts, events: { append } })
  activity = make()
  another = make()
  await store.ensureIndexes()
})
afterEach(() => store.close())

const told = () => events.map(({ type, userId, data }) => [type, userId, data['days']])
async function daysPass(days: number): Promise<void> {
  for (let day = 0; day < days; day += 1) {
    clock.advanceMs(dayMs)
    await activity.sweep(100)
    await another.sweep(100)
  }
}

it('absence is told at 7, 14, 21 and 30 days, once each, and the return once', async () => {
  await activity.seen(ada)
  await daysPass(45)
  expect(told()).toEqual([7, 14, 21, 30].map((days) => ['user.inactive', 'ada', days]))
  await activity.seen(ada)
  await another.seen(ada)
  expect(told().slice(4)).toEqual([['user.returned', 'ada', 45]])
  await daysPass(8)
  expect(told().slice(5)).toEqual([['user.inactive', 'ada', 7]])
})

it('who comes now and then is never absent, and is written at most once an hour', async () => {
  for (let count = 0; count < 40; count += 1) {
    await activity.seen(ada)
    await another.seen(ada)
    clock.advanceMs(6 * hourMs)
    await activity.sweep(100)
  }
  expect(events).toEqual([])
  const before = (await activity.lastSeen('c', 'l')).get('ada')
  expect(before).toEqual(new Date(clock.nowMs() - 6 * hourMs))
  await activity.seen(ada)
  clock.advanceMs(hourMs - 1)
  await another.seen(ada)
  expect((await activity.lastSeen('c', 'l')).get('ada')).toEqual(new Date(clock.nowMs() - hourMs + 1))
})

it('of absences that passed while nobody worked the longest alone is told', async () => {
  await activity.seen(ada)
  clock.advanceMs(22 * dayMs)
  await activity.sweep(100)
  await another.sweep(100)
  expect(told()).toEqual([['user.inactive', 'ada', 21]])
})

it('nobody is told of removed users and churned accounts; a sign of life begins anew', async () => {
  await activity.seen(ada)
  await activity.seen({ ...ada, userId: 'bob' })
  gone.add('bob')
  await daysPass(8)
  expect(told()).toEqual([['user.inactive', 'ada', 7]])
  group = 'churned'
  await daysPass(30)
  expect(events).toHaveLength(1)
  group = 'regular'
  gone.clear()
  await activity.seen({ ...ada, userId: 'bob' })
  await daysPass(8)
  expect(told().slice(1)).toEqual([['user.inactive', 'bob', 7]])
})

it('a sweep is bounded, and agencies are apart', async () => {
  for (let user = 0; user < 5; user += 1) await activity.seen({ ...ada, companyId: user < 4 ? 'c' : 'd', userId: `u${user}` })
  clock.advanceMs(7 * dayMs)
  expect([await activity.sweep(3), await activity.sweep(3), await activity.sweep(3)]).toEqual([3, 2, 0])
  expect(events).toHaveLength(5)
  await activity.purge('c')
  expect([...(await activity.lastSeen('d', 'l')).keys()]).toEqual(['u4'])
  expect((await activity.lastSeen('c', 'l')).size).toBe(0)
})
