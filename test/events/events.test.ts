import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createEvents, type DomainEvent, type Events } from '../../src/events/index.ts'
import { createWake } from '../../src/kernel/wake.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

describe('events', () => {
  let store: TestStore
  let events: Events
  let woken: number
  let companyId = ''
  let number = 0
  const startMs = Date.parse('2026-11-02T09:00:00Z')

  beforeAll(async () => {
    store = await openTestStore()
    const wake = createWake()
    wake.on('events', () => (woken += 1))
    events = createEvents({ connection: store.connection, clock: createFakeClock(), wake })
    await store.ensureIndexes()
  })
  afterAll(() => store.close())
  beforeEach(() => {
    woken = 0
    number += 1
    companyId = `company${number}`
  })

  const event = (key: string, minute: number, more: Partial<DomainEvent> = {}): DomainEvent => ({
    key: `${companyId}:${key}`, companyId, locationId: 'loc1', userId: null, type: 'feedback.received', at: new Date(startMs + minute * 60_000),
    actor: { kind: 'account_user', id: 'u1', name: 'Ada' }, source: 'widget', summary: `It happened: ${key}`, data: { 'a.b': 1, $set: 'harmless' }, ...more,
  })

  it('are appended once under their key, and wake their readers', async () => {
    const one = event('a', 1, { before: null, after: 'happy' })
    expect(await events.append(one)).toBe('inserted')
    expect(await events.append(one)).toBe('duplicate')
    expect(woken).toBe(2)
    expect(await events.timeline({ companyId, page: 1, pageSize: 10 })).toEqual({ items: [one], total: 1 })
  })

  it('stand in a timeline by their own time, newest first, whatever the order of arrival', async () => {
    for (const minute of [3, 1, 2, 5, 4]) await events.append(event(`k${minute}`, minute))
    const page = await events.timeline({ companyId, locationId: 'loc1', page: 2, pageSize: 2 })
    expect(page.total).toBe(5)
    expect(page.items.map((item) => item.key.split(':')[1])).toEqual(['k3', 'k2'])
  })

  it('show each agency, account, user and type its own', async () => {
    await events.append(event('mine', 1, { userId: 'u1' }))
    await events.append(event('other-account', 2, { locationId: 'loc2' }))
    await events.append(event('other-type', 3, { type: 'case.opened' }))
    await events.append({ ...event('other-agency', 4), companyId: 'somebody-else' })
    const keysOf = async (query: object): Promise<string[]> => (await events.timeline({ companyId, page: 1, pageSize: 10, ...query })).items.map((item) => item.key.split(':')[1]!)
    expect(await keysOf({})).toEqual(['other-type', 'other-account', 'mine'])
    expect(await keysOf({ locationId: 'loc2' })).toEqual(['other-account'])
    expect(await keysOf({ userId: 'u1' })).toEqual(['mine'])
    expect(await keysOf({ types: ['case.opened'] })).toEqual(['other-type'])
  })

  it('of a span are read oldest first and completely, also where many have the same time', async () => {
    for (let n = 0; n < 450; n += 1) await events.append(event(`k${String(n).padStart(3, '0')}`, Math.floor(n / 250)))
    const read: string[] = []
    for await (const one of events.since({ companyId, fromAt: new Date(startMs), toAt: new Date(startMs + 60 * 60_000) })) read.push(one.key)
    expect(read).toHaveLength(450)
    expect(read).toEqual([...read].sort())
    const none: string[] = []
    for await (const one of events.since({ companyId, types: ['case.closed'], fromAt: new Date(startMs), toAt: new Date(startMs + 1) })) none.push(one.key)
    expect(none).toEqual([])
  }, 60_000)

  it('are worked through in order for each account', async () => {
    for (const minute of [1, 2]) await events.append(event(`k${minute}`, minute))
    const seen: string[] = []
    for (let turn = 0; turn < 1_000 && seen.length < 2; turn += 1) {
      for (const claimed of await events.queue.claim(50)) {
        if (claimed.companyId === companyId) seen.push(claimed.key.split(':')[1]!)
        await events.queue.complete(claimed)
      }
    }
    expect(seen).toEqual(['k1', 'k2'])
  }, 60_000)
})
