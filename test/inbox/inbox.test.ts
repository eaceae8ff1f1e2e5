import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createInbox, type Inbox, type InboxItem } from '../../src/inbox/index.ts'
import { createWake } from '../../src/kernel/wake.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

describe('the inbox', () => {
  let store: TestStore
  let inbox: Inbox
  const passed: string[] = []
  let woken = 0
  const clock = createFakeClock()

  beforeAll(async () => {
    store = await openTestStore()
    const wake = createWake()
    wake.on('inbox', () => (woken += 1))
    inbox = createInbox({ connection: store.connection, clock, wake, faultPoint: (name) => void passed.push(name) })
    await store.ensureIndexes()
  })
  afterAll(() => store.close())

  const item = (key: string, lane = 'contact:hq:c1'): InboxItem => ({
    key, lane, event: { type: 'ContactUpdate', companyId: 'company1', locationId: 'hq', webhookId: key, occurredAt: clock.now(), payload: '{"$set":{"a.b":1}}' },
  })

  it('keeps an event once, wakes its pump, and gives it back word for word', async () => {
    expect(await inbox.insert(item('w1'))).toBe('inserted')
    expect(await inbox.insert(item('w1'))).toBe('duplicate')
    expect(woken).toBe(2)
    const [claimed] = await inbox.queue.claim(5)
    expect(claimed).toMatchObject({ key: 'w1', companyId: 'company1', data: item('w1').event })
    expect(await inbox.queue.complete(claimed!)).toBe(true)
    expect(passed).toEqual(['inbox.inserted', 'inbox.inserted', 'queue.claimed'])
  })

  it('remembers what it has done, so that a later repetition has no second effect', async () => {
    clock.advanceMs(30 * 24 * 60 * 60_000)
    expect(await inbox.insert(item('w1'))).toBe('duplicate')
    expect(await inbox.queue.claim(5)).toEqual([])
  })

  it('keeps what it ignores with the reason, without work', async () => {
    expect(await inbox.ignore(item('w2'), 'foreign_app')).toBe('inserted')
    expect(await inbox.queue.claim(5)).toEqual([])
    const { items } = await inbox.queue.list({ companyId: 'company1', states: ['ignored'], page: 1, pageSize: 5 })
    expect(items).toMatchObject([{ key: 'w2', reason: 'foreign_app' }])
  })

  it('shows how a delivery stands to its own agency, and never what it holds', async () => {
    await inbox.insert(item('seen'))
    const look = await inbox.look('company1', 'seen')
    expect(look).toMatchObject({ key: 'seen', state: 'pending', attempts: 0, error: null })
    expect(JSON.stringify(look)).not.toContain('a.b')
    expect(await inbox.look('company2', 'seen')).toBeNull()
  })
})
