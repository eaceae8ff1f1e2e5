import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { DomainEvent } from '../../../src/events/index.ts'
import { createCryptoBox } from '../../../src/kernel/crypto-box.ts'
import { createLogger } from '../../../src/kernel/logger.ts'
import { createWake } from '../../../src/kernel/wake.ts'
import { createWebhookOut, type WebhookOut } from '../../../workflows/webhook-out/index.ts'
import { waitOf } from '../../../workflows/webhook-out/service.ts'
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'
import { isSignedWith, startReceiver, type Receiver } from './receiver.ts'

describe('webhooks that leave', () => {
  let store: TestStore
  let clock: FakeClock
  let receiver: Receiver
  let webhooks: WebhookOut
  let events: DomainEvent[]
  let live: boolean
  const companyId = 'company1'

  function another(connection = store.connection): WebhookOut {
    return createWebhookOut({
      connection, clock,
      wake: createWake(),
      logger: createLogger('silent'),
      box: createCryptoBox('a secret for tests only, long enough to be accepted'),
      events: {
        async append(event) {
          if (events.some(({ key }) => key === event.key)) return 'duplicate'
          events.push(event)
          return 'inserted'
        },
      },
      isLive: async () => live,
      network: receiver.network,
    })
  }

  beforeEach(async () => {
    store = await openTestStore()
    clock = createFakeClock()
    receiver = await startReceiver()
    events = []
    live = true
    webhooks = another()
    await store.ensureIndexes()
  })
  afterEach(async () => {
    await receiver.stop()
    await store.close()
  })

  const url = (path = '/in'): string => `https://hooks.example.com:${receiver.port}${path}`
  const send = (key: string, company = companyId, to = url()) => webhooks.send({ key, companyId: company, locationId: 'loc1', userId: 'ada', url: to, type: 'feedback.received', at: clock.now(), data: { level: 'happy' } })
  const ends = () => events.map(({ type, data }) => (data['code'] === undefined ? type : `${type} ${String(data['code'])}`))

  it('arrive once, signed, with what happened', async () => {
    const { secret } = await webhooks.secrets.rotate(companyId)
    expect([await send('run:1:tell'), await send('run:1:tell')]).toEqual(['queued', 'duplicate'])
    await webhooks.pump.drain()
    await webhooks.pump.drain()
    expect(receiver.received).toHaveLength(1)
    const [one] = receiver.received
    expect(JSON.parse(one!.body)).toEqual({ type: 'feedback.received', timestamp: clock.now().toISOString(), data: { level: 'happy' } })
    expect(one!.id).toMatch(/^msg_\w{20,}$/)
    expect(isSignedWith(secret, one!)).toBe(true)
    expect(isSignedWith(secret, { ...one!, body: `${one!.body} ` })).toBe(false)
    expect(events).toMatchObject([{ type: 'message.sent', locationId: 'loc1', userId: 'ada', data: { messageKey: 'run:1:tell', kind: 'webhook' } }])
  })

  it('are signed with the secret before, too, for a day after a rotation, and agencies never with each other\'s', async () => {
    const first = await webhooks.secrets.rotate(companyId)
    const second = await webhooks.secrets.rotate(companyId)
    const others = await webhooks.secrets.rotate('company2')
    await send('m1')
    await webhooks.pump.drain()
    expect([first, second, others].map(({ secret }) => isSignedWith(secret, receiver.received[0]!))).toEqual([true, true, false])
    clock.advanceMs(86_400_001)
    await send('m2')
    await webhooks.pump.drain()
    expect([first, second].map(({ secret }) => isSignedWith(secret, receiver.received[1]!))).toEqual([false, true])
  })

  it('keep their secrets sealed', async () => {
    const { secret } = await webhooks.secrets.rotate(companyId)
    const stored = JSON.stringify(await store.connection.collection('webhook_secrets').find({}).toArray())
    expect(stored).not.toContain(secret)
    expect(stored).not.toContain(secret.slice('whsec_'.length))
    expect(JSON.stringify(await webhooks.secrets.status(companyId))).not.toContain(secret.slice(-20))
  })

  it.each([500, 502, 408])('are tried again after %i, under the same id and with the same body, signed for the new time', async (status) => {
    receiver.answers.push({ status })
    await send('m1')
    await webhooks.pump.drain()
    clock.advanceMs(21_000)
    await webhooks.pump.drain()
    const [first, second] = receiver.received
    expect([second!.id, second!.body]).toEqual([first!.id, first!.body])
    expect(Number(second!.timestamp)).toBeGreaterThan(Number(first!.timestamp))
    expect(ends()).toEqual(['message.sent'])
  })

  it('wait as long as a busy receiver asks, and no longer than a day in all', async () => {
    receiver.answers.push({ status: 429, headers: { 'retry-after': '120' } })
    await send('m1')
    await webhooks.pump.drain()
    clock.advanceMs(119_000)
    await webhooks.pump.drain()
    expect(receiver.received).toHaveLength(1)
    clock.advanceMs(2_000)
    receiver.answers.push({ status: 429 })
    await webhooks.pump.drain()
    expect(receiver.received).toHaveLength(2)
    clock.advanceMs(86_400_000)
    receiver.answers.push({ status: 429 })
    await webhooks.pump.drain()
    expect(ends()).toEqual(['message.failed webhook_given_up'])
  })

  it('end after their last attempt', async () => {
    receiver.answers.push(...Array.from({ length: 20 }, () => ({ status: 503 })))
    await send('m1')
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await webhooks.pump.drain()
      clock.advanceMs(5 * 3_600_000)
    }
    expect(receiver.received).toHaveLength(14)
    expect(ends()).toEqual(['message.failed webhook_failed'])
    expect(await webhooks.queue.counts(companyId)).toMatchObject({ dead: 1, pending: 0 })
  })

  it.each([[400, 'webhook_refused'], [401, 'webhook_refused'], [404, 'webhook_refused'], [307, 'webhook_redirected']])('end at once with %i', async (status, code) => {
    receiver.answers.push({ status, headers: { location: 'https://hooks.example.com/other' } })
    await send('m1')
    await webhooks.pump.drain()
    clock.advanceMs(86_400_000)
    await webhooks.pump.drain()
    expect(receiver.received).toHaveLength(1)
    expect(ends()).toEqual([`message.failed ${code}`])
  })

  it('go nowhere any more where a receiver is gone, until an admin says so; other agencies and addresses are not touched', async () => {
    receiver.answers.push({ status: 410 })
    await send('m1')
    await webhooks.pump.drain()
    await expect(send('m2')).rejects.toMatchObject({ code: 'webhook_stopped' })
    expect(await webhooks.faultOf(companyId, url())).toMatch(/410/)
    expect(await webhooks.stopped(companyId)).toMatchObject([{ url: url() }])
    expect([await send('m3', 'company2'), await send('m4', companyId, url('/other'))]).toEqual(['queued', 'queued'])
    await webhooks.pump.drain()
    expect(receiver.received).toHaveLength(3)
    await expect(webhooks.resume('company2', url())).rejects.toMatchObject({ status: 404 })
    await webhooks.resume(companyId, url())
    expect(await send('m2')).toBe('queued')
  })

  it('refuse what leads off the public internet, when they are asked for and again when they leave', async () => {
    await expect(send('m1', companyId, 'https://10.0.0.1/')).rejects.toMatchObject({ code: 'webhook_url' })
    await send('m2')
    const { allows } = receiver.network
    receiver.network.allows = () => false
    await webhooks.pump.drain()
    receiver.network.allows = allows
    expect(receiver.received).toEqual([])
    expect(ends()).toEqual(['message.failed webhook_url'])
  })

  it('leave again under the same id when their sender died before that was recorded', async () => {
    await send('m1')
    receiver.answers.push('hang')
    const dying = webhooks.pump.drain()
    await until('the receiver to have it', () => receiver.received.length === 1)
    const other = another(await store.another())
    clock.advanceMs(60_001)
    await other.pump.drain()
    expect(receiver.received.map(({ id }) => id)).toEqual([receiver.received[0]!.id, receiver.received[0]!.id])
    expect(ends()).toEqual(['message.sent'])
    // The first one is let go: what it comes to does not count any more.
    await receiver.stop()
    await dying
    expect(ends()).toEqual(['message.sent'])
  })

  it('do not leave after the app was removed, nor after they were taken back', async () => {
    await send('m1')
    expect(await webhooks.cancel('company2', 'm1', 'paused')).toBe(false)
    expect(await webhooks.cancel(companyId, 'm1', 'paused')).toBe(true)
    await send('m2')
    live = false
    await webhooks.pump.drain()
    expect(receiver.received).toEqual([])
    await webhooks.purge(companyId)
    expect(await webhooks.queue.counts(companyId)).toMatchObject({ pending: 0, ignored: 0, done: 0 })
  })

  it('are small', async () => {
    const huge = webhooks.send({ key: 'm1', companyId, locationId: null, userId: null, url: url(), type: 'feedback.received', at: clock.now(), data: { comment: 'x'.repeat(70_000) } })
    await expect(huge).rejects.toMatchObject({ code: 'webhook_too_large' })
  })

  it.each([['5', 5_000], ['0', 1_000], ['999999', 3_600_000], [null, 60_000], ['soon', 60_000], ['Thu, 01 Jan 1970 00:01:40 GMT', 90_000]])('read Retry-After: %s', (header, waitMs) => {
    expect(waitOf(header, 10_000)).toBe(waitMs)
  })
})
