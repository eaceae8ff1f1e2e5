import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Connection } from 'mongoose'
import { createInbox, type Inbox, type InboxItem } from '../../src/inbox/index.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { createWake } from '../../src/kernel/wake.ts'
import { createWebhookReceiver, receiveStatus, type ReceiveOutcome, type WebhookReceiverDeps } from '../../webhooks/receive.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'
import { createSigningKeys } from './signing.ts'

const appId = 'app1'
const keys = createSigningKeys()
const clock = createFakeClock()
const logger = createLogger('silent')

const contact = (members: object = {}): Record<string, unknown> => ({
  type: 'ContactUpdate', appId, companyId: 'company1', locationId: 'hq', id: 'contact1', webhookId: 'webhook-1', timestamp: clock.now().toISOString(), tags: [], customFields: [], ...members,
})

describe('a delivery', () => {
  let stored: InboxItem[]
  let ignored: { item: InboxItem; reason: string }[]
  let inbox: WebhookReceiverDeps['inbox']

  beforeEach(() => {
    stored = []
    ignored = []
    inbox = {
      async insert(item) {
        if (stored.some((known) => known.key === item.key)) return 'duplicate'
        stored.push(item)
        return 'inserted'
      },
      async ignore(item, reason) {
        ignored.push({ item, reason })
        return 'inserted'
      },
    }
  })

  const receiver = (more: Partial<WebhookReceiverDeps> = {}) =>
    createWebhookReceiver({
      inbox,
      publicKeys: [keys.publicKey],
      appId,
      isKnown: async (companyId, locationId) => (companyId === 'gone' ? 'uninstalled' : companyId === 'company1' || locationId === 'hq' || locationId === 'loc1' ? 'live' : 'unknown'),
      interest: async (type, _companyId, locationId) => !type.startsWith('Contact') || locationId === 'hq',
      companyOf: async (locationId) => (locationId === 'hq' ? 'company1' : null),
      logger,
      clock,
      ...more,
    })
  const deliver = (body: unknown, more: Partial<WebhookReceiverDeps> = {}): Promise<ReceiveOutcome> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return receiver(more)(Buffer.from(text), { 'x-ghl-signature': keys.sign(text) })
  }

  it('that is signed is stored once, with its text, its time and the lane of its entity', async () => {
    expect(await deliver(contact())).toEqual({ kind: 'accepted' })
    expect(stored).toMatchObject([{ key: 'webhook-1', lane: 'contact:hq:contact1', event: { type: 'ContactUpdate', companyId: 'company1', locationId: 'hq', occurredAt: clock.now() } }])
    expect(JSON.parse(stored[0]!.event.payload)).toEqual(contact())
    expect(await deliver(contact())).toEqual({ kind: 'duplicate' })
    expect(stored).toHaveLength(1)
  })

  it('without a webhook id is told by its bytes', async () => {
    const { webhookId: _none, ...body } = contact()
    expect(await deliver(body)).toEqual({ kind: 'accepted' })
    expect(await deliver(body)).toEqual({ kind: 'duplicate' })
  })

  it('finds its agency by its sub-account when it does not name it', async () => {
    const { companyId: _none, ...body } = contact()
    await deliver(body)
    expect(stored[0]?.event.companyId).toBe('company1')
  })

  it('is refused when one byte was changed, or the same JSON was written anew', async () => {
    const text = JSON.stringify(contact())
    const signature = keys.sign(text)
    const headers = { 'x-ghl-signature': signature }
    const receive = receiver()
    expect(await receive(Buffer.from(text.replace('contact1', 'contact2')), headers)).toEqual({ kind: 'signature_invalid' })
    expect(await receive(Buffer.from(JSON.stringify(contact(), null, 1)), headers)).toEqual({ kind: 'signature_invalid' })
    expect(await receive(Buffer.from(`${text} `), headers)).toEqual({ kind: 'signature_invalid' })
    expect(stored).toEqual([])
  })

  it.each<[string, Record<string, string | string[] | undefined>, ReceiveOutcome['kind']]>([
    ['no header', {}, 'unsigned'],
    ['an empty header', { 'x-ghl-signature': '' }, 'unsigned'],
    ['the words N/A', { 'x-ghl-signature': 'N/A' }, 'unsigned'],
    ['two headers', { 'x-ghl-signature': ['a', 'b'] }, 'unsigned'],
    ['only the old RSA header', { 'x-wh-signature': 'A'.repeat(512) }, 'unsigned'],
    ['10 kB of header', { 'x-ghl-signature': 'A'.repeat(10_240) }, 'signature_invalid'],
    ['no base64', { 'x-ghl-signature': '{"$ne":null}' }, 'signature_invalid'],
    ['too short a signature', { 'x-ghl-signature': Buffer.alloc(63).toString('base64') }, 'signature_invalid'],
    ['another signer', { 'x-ghl-signature': createSigningKeys().sign(JSON.stringify({ type: 'ContactUpdate' })) }, 'signature_invalid'],
  ])('with %s is refused', async (_what, headers, kind) => {
    expect(await receiver()(Buffer.from(JSON.stringify({ type: 'ContactUpdate' })), headers)).toEqual({ kind })
    expect(receiveStatus[kind]).toBe(401)
    expect(stored).toEqual([])
  })

  it('is taken under the old and the new key while both are configured, then under the new one only', async () => {
    const next = createSigningKeys()
    const text = JSON.stringify(contact())
    const both = receiver({ publicKeys: [keys.publicKey, next.publicKeyPem] })
    expect(await both(Buffer.from(text), { 'x-ghl-signature': keys.sign(text) })).toEqual({ kind: 'accepted' })
    expect(await both(Buffer.from(text), { 'x-ghl-signature': next.sign(text) })).toEqual({ kind: 'duplicate' })
    const after = receiver({ publicKeys: [next.publicKey] })
    expect(await after(Buffer.from(text), { 'x-ghl-signature': keys.sign(text) })).toEqual({ kind: 'signature_invalid' })
  })

  it('cannot be configured with a key that is none', () => {
    expect(() => receiver({ publicKeys: ['not a key'] })).toThrow('HIGHLEVEL_WEBHOOK_PUBLIC_KEYS')
  })

  it.each([
    ['another app', contact({ appId: 'app2' }), 'foreign_app'],
    ['an installation event without an app', { type: 'INSTALL', companyId: 'company1' }, 'foreign_app'],
    ['an unknown agency', contact({ companyId: 'company2', locationId: 'nowhere' }), 'unknown_installation'],
    ['an agency that left', contact({ companyId: 'gone' }), 'uninstalled'],
    ['an unknown type', contact({ type: 'SomethingNew' }), 'unknown_type'],
    ['a name of Object', contact({ type: 'constructor' }), 'unknown_type'],
    ['the future', contact({ timestamp: new Date(clock.nowMs() + 11 * 60_000).toISOString() }), 'from_the_future'],
  ])('of %s is kept without effect', async (_what, body, reason) => {
    expect(await deliver(body)).toEqual({ kind: 'ignored', reason })
    expect(ignored.map((one) => one.reason)).toEqual([reason])
    expect(stored).toEqual([])
  })

  it('of another app does not stand in the way of ours with the same id', async () => {
    await deliver(contact({ appId: 'app2' }))
    expect(await deliver(contact())).toEqual({ kind: 'accepted' })
    expect(ignored[0]?.item.key).not.toBe(stored[0]?.key)
    expect(ignored[0]?.item.event.payload).toBe('')
  })

  it('about the installation is taken for an agency that is not known', async () => {
    for (const type of ['INSTALL', 'UNINSTALL', 'UPDATE', 'PLAN_CHANGE']) {
      expect(await deliver({ type, appId, companyId: 'new', webhookId: `webhook-${type}` })).toEqual({ kind: 'accepted' })
    }
  })

  it('about a customer\'s own contact is looked at once and not stored', async () => {
    expect(await deliver(contact({ locationId: 'loc1' }))).toEqual({ kind: 'ignored', reason: 'no_interest' })
    expect([...stored, ...ignored]).toEqual([])
  })

  it('that is old is taken all the same: HighLevel sends old bodies again', async () => {
    expect(await deliver(contact({ timestamp: '2026-09-01T00:00:00Z' }))).toEqual({ kind: 'accepted' })
  })

  it.each([
    ['no JSON', '{"type":'],
    ['an array', '[{"type":"ContactUpdate"}]'],
    ['a text', '"ContactUpdate"'],
    ['null', 'null'],
    ['nothing', ''],
    ['no type', '{"appId":"app1"}'],
    ['a number as type', '{"type":1}'],
    ['an operator as type', '{"type":{"$ne":null}}'],
    ['an operator as sub-account', '{"type":"ContactUpdate","appId":"app1","locationId":{"$ne":null}}'],
    ['an operator as agency', '{"type":"ContactUpdate","appId":"app1","companyId":{"$gt":""}}'],
    ['NUL in an id', '{"type":"ContactUpdate","appId":"app1","locationId":"hq\\u0000"}'],
    ['an endless type', `{"type":"${'x'.repeat(5_000)}"}`],
  ])('with %s is malformed', async (_what, text) => {
    expect(await deliver(text)).toEqual({ kind: 'malformed' })
    expect([...stored, ...ignored]).toEqual([])
  })

  it('of more than 1 MB is too large', async () => {
    expect(await deliver(contact({ text: 'x'.repeat(1_048_576) }))).toEqual({ kind: 'too_large' })
  })

  it('that cannot be stored, or not in time, is to be sent again', async () => {
    const down = { insert: () => Promise.reject(new Error('store is down')), ignore: () => Promise.reject(new Error('store is down')) }
    expect(await deliver(contact(), { inbox: down })).toMatchObject({ kind: 'not_stored', retryAfterSeconds: 30 })
    const silent = { insert: () => new Promise<never>(() => undefined), ignore: () => new Promise<never>(() => undefined) }
    expect(await deliver(contact(), { inbox: silent, storeTimeoutMs: 20 })).toMatchObject({ kind: 'not_stored' })
    expect(await deliver(contact(), { isKnown: () => Promise.reject(new Error('store is down')) })).toMatchObject({ kind: 'not_stored' })
  })

  it('of any shape, signed, gets an answer and never an exception', async () => {
    const json = fc.json({ maxDepth: 6 })
    const shaped = fc.record(
      { type: fc.oneof(fc.constantFrom('ContactUpdate', 'INSTALL', '__proto__'), fc.jsonValue()), appId: fc.constantFrom(appId, 'x'), companyId: fc.jsonValue(), locationId: fc.jsonValue(), id: fc.jsonValue(), webhookId: fc.jsonValue(), timestamp: fc.jsonValue() },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(json, shaped.map((value) => JSON.stringify(value)), fc.string({ unit: 'binary' })), async (text) => {
        const outcome = await deliver(text)
        expect([200, 400]).toContain(receiveStatus[outcome.kind])
      }),
      { numRuns: 500 },
    )
  })
})

describe('a delivery in the store', () => {
  let store: TestStore
  let another: Connection
  let inboxes: Inbox[]

  beforeAll(async () => {
    store = await openTestStore()
    another = await store.another()
    inboxes = [store.connection, another].map((connection) => createInbox({ connection, clock, wake: createWake() }))
    await store.ensureIndexes()
  })
  afterAll(() => store.close())

  const receivers = () =>
    inboxes.map((inbox) =>
      createWebhookReceiver({ inbox, publicKeys: [keys.publicKey], appId, isKnown: async () => 'live', interest: async () => true, companyOf: async () => null, logger, clock }),
    )

  it('that comes a hundred times at once over two processes is one row', async () => {
    const text = JSON.stringify(contact({ webhookId: 'storm-1' }))
    const headers = { 'x-ghl-signature': keys.sign(text) }
    const both = receivers()
    const outcomes = await Promise.all(Array.from({ length: 100 }, (_, n) => both[n % 2]!(Buffer.from(text), headers)))
    expect(outcomes.every((outcome) => receiveStatus[outcome.kind] === 200)).toBe(true)
    expect(outcomes.filter((outcome) => outcome.kind === 'accepted')).toHaveLength(1)
    expect((await inboxes[0]!.queue.list({ companyId: 'company1', page: 1, pageSize: 10 })).total).toBe(1)
  })

  it('does no harm by depth, operators, prototypes, lone surrogates or NUL in its body', async () => {
    const [receive] = receivers()
    const bodies = [
      `{"type":"ContactUpdate","appId":"${appId}","companyId":"company9","locationId":"hq","id":"deep","webhookId":"deep-1","tags":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
      `{"type":"ContactUpdate","appId":"${appId}","companyId":"company9","locationId":"hq","id":{"$where":"1"},"webhookId":"evil-1","$set":{"state":"done"},"__proto__":{"polluted":true},"a.b":1}`,
      `{"type":"ContactUpdate","appId":"${appId}","companyId":"company9","locationId":"hq","id":"\\ud800\\u0000","webhookId":"evil-2"}`,
    ]
    for (const text of bodies) expect(await receive!(Buffer.from(text), { 'x-ghl-signature': keys.sign(text) })).toEqual({ kind: 'accepted' })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    const claims = await inboxes[0]!.queue.claim(10)
    const payloads = claims.filter((claimed) => claimed.companyId === 'company9').map((claimed) => claimed.data.payload)
    expect(payloads.sort()).toEqual([...bodies].sort())
  })

  it('is told apart from those that come with it: each is answered once it is stored, by its own verdict', async () => {
    const [receive] = receivers()
    const texts = Array.from({ length: 40 }, (_, n) => JSON.stringify(contact({ id: `together-${n % 30}`, companyId: 'company5', webhookId: `together-${n % 30}` })))
    const outcomes = await Promise.all(
      texts.map(async (text, n) => {
        const outcome = await receive!(Buffer.from(text), { 'x-ghl-signature': keys.sign(text) })
        expect(await inboxes[1]!.look('company5', `together-${n % 30}`)).not.toBeNull()
        return outcome.kind
      }),
    )
    expect(outcomes.filter((kind) => kind === 'accepted')).toHaveLength(30)
    expect(outcomes.filter((kind) => kind === 'duplicate')).toHaveLength(10)
  })

  it('is to be sent again, like all that came with it, when the store is gone', async () => {
    const gone = await store.another()
    const inbox = createInbox({ connection: gone, clock, wake: createWake() })
    const receive = createWebhookReceiver({ inbox, publicKeys: [keys.publicKey], appId, isKnown: async () => 'live', interest: async () => true, companyOf: async () => null, logger, clock, storeTimeoutMs: 200 })
    await gone.close(true)
    const texts = Array.from({ length: 10 }, (_, n) => JSON.stringify(contact({ webhookId: `lost-${n}` })))
    const outcomes = await Promise.all(texts.map((text) => receive(Buffer.from(text), { 'x-ghl-signature': keys.sign(text) })))
    expect(outcomes.map((outcome) => receiveStatus[outcome.kind])).toEqual(texts.map(() => 429))
  })
})
