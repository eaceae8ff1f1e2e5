import { afterEach, describe, expect, it } from '@jest/globals'
import { createPublicKey, verify } from 'node:crypto'
import { until } from '../../support/until.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../index.ts'
import { startReceiver, type Received, type Receiver } from '../support/receiver.ts'

let sandbox: Sandbox | undefined
let receiver: Receiver | undefined

afterEach(async () => {
  await sandbox?.stop()
  await receiver?.stop()
})

async function start(options: SandboxOptions = {}, answer?: (received: Received, count: number) => number): Promise<{ sandbox: Sandbox; receiver: Receiver; home: string }> {
  const listening = (receiver = await startReceiver(answer))
  const started = (sandbox = await startSandbox({ seed: { accounts: 2, usersPerAccount: 1 }, app: { appUrl: listening.url }, ...options }))
  return { sandbox: started, receiver: listening, home: started.company().headquarters.id }
}

function isSigned(sandboxKey: string, body: string, signature: unknown): boolean {
  const key = createPublicKey({ key: Buffer.from(sandboxKey, 'base64'), format: 'der', type: 'spki' })
  return verify(null, Buffer.from(body, 'utf8'), key, Buffer.from(String(signature), 'base64'))
}

describe('webhooks', () => {
  it('are signed over their exact bytes by the published key, in the common envelope', async () => {
    const { sandbox, receiver, home } = await start()
    await sandbox.install({})
    sandbox.createContact(home, { email: 'ümlaut@example.com', firstName: 'Zoë' })
    await sandbox.flushWebhooks()
    const { webhookPublicKey, appId } = sandbox.credentials
    for (const one of receiver.received.filter((got) => got.path === '/webhooks/highlevel')) expect(isSigned(webhookPublicKey, one.body, one.headers['x-ghl-signature'])).toBe(true)
    expect(receiver.events().at(-1)).toMatchObject({
      type: 'ContactCreate', appId, locationId: home, versionId: expect.stringMatching(/^[\da-f]{24}$/), webhookId: expect.stringMatching(/^[\da-f-]{36}$/), timestamp: expect.stringMatching(/Z$/),
    })
    expect(receiver.events().at(-1)).not.toHaveProperty('companyId')
    const forged = sandbox.webhook({ type: 'ContactUpdate', locationId: home }, { webhookId: 'fixed', signature: 'AAAA' })
    expect(isSigned(webhookPublicKey, forged.body, forged.headers['x-ghl-signature'])).toBe(false)
    expect(JSON.parse(forged.body)).toMatchObject({ webhookId: 'fixed' })
    expect(sandbox.webhook({ type: 'x' }, { signature: null }).headers).not.toHaveProperty('x-ghl-signature')
  })

  it('of an installation come before the callback: one for the agency, one for each account', async () => {
    const { sandbox, receiver } = await start()
    const { callbackStatus } = await sandbox.install({})
    expect(callbackStatus).toBe(200)
    expect(receiver.received.map((one) => one.path.split('?')[0])).toEqual([...Array<string>(4).fill('/webhooks/highlevel'), '/oauth/callback'])
    expect(receiver.events().map((event) => [event['type'], event['locationId'] === undefined])).toEqual([['INSTALL', true], ['INSTALL', false], ['INSTALL', false], ['INSTALL', false]])
    sandbox.createLocation({ companyId: sandbox.companyId, name: 'Later' })
    await sandbox.flushWebhooks()
    const future = receiver.events().find((event) => event['type'] === 'INSTALL' && event['locationId'] === sandbox.state.locations.values().at(-1)?.id)
    expect(future).not.toHaveProperty('companyId')
  })

  it('can be held back, and the callback visited first', async () => {
    const { sandbox, receiver } = await start()
    await sandbox.install({ deliver: false })
    expect(receiver.received).toHaveLength(0)
    expect(await sandbox.flushWebhooks()).toEqual({ delivered: 4, failed: 0 })
    await sandbox.install({ order: 'callback-first' })
    await sandbox.flushWebhooks()
    expect(receiver.received.slice(4).map((one) => one.path.split('?')[0])).toEqual(['/oauth/callback', ...Array<string>(4).fill('/webhooks/highlevel')])
  })

  it('are sent again with the same id and bytes until they are taken', async () => {
    const { sandbox, receiver, home } = await start({ webhooks: { retryDelayMs: 1 } }, (_one, count) => (count < 4 ? 429 : 200))
    await sandbox.install({ deliver: false, locationIds: [home] })
    const first = sandbox.pendingDeliveries()[0]
    sandbox.settings.webhooks.concurrency = 1
    await until('the event is taken after refusals', async () => {
      await sandbox.flushWebhooks({ untilDelivered: true })
      return sandbox.pendingDeliveries().length === 0
    })
    const copies = receiver.received.filter((one) => one.body === first?.body)
    expect(copies.length).toBeGreaterThan(1)
    expect(new Set(copies.map((one) => one.headers['x-ghl-signature'])).size).toBe(1)
    expect(sandbox.deliveries().every((delivery) => delivery.status === 'delivered')).toBe(true)
  })

  it('wait for an app that is down', async () => {
    const { sandbox, receiver, home } = await start({ webhooks: { retryDelayMs: 60_000 } })
    await sandbox.install({ deliver: false, locationIds: [home] })
    sandbox.settings.app.webhookUrl = 'http://127.0.0.1:1/'
    expect(await sandbox.flushWebhooks()).toEqual({ delivered: 0, failed: 2 })
    expect(sandbox.pendingDeliveries().map((delivery) => [delivery.attempts, delivery.lastStatus])).toEqual([[1, 0], [1, 0]])
    sandbox.connectApp(receiver.url)
    expect(await sandbox.flushWebhooks()).toEqual({ delivered: 2, failed: 0 })
  })

  it('are given up after twelve retries', async () => {
    const { sandbox, receiver, home } = await start({ webhooks: { retryDelayMs: 1 } }, () => 500)
    await sandbox.install({ deliver: false, locationIds: [home] })
    await sandbox.flushWebhooks({ untilDelivered: true })
    expect(receiver.received).toHaveLength(26)
    expect(sandbox.deliveries().map((delivery) => [delivery.status, delivery.attempts])).toEqual([['failed', 13], ['failed', 13]])
  })

  it('may come twice, late, in another order or never; the same for the same seed', async () => {
    const run = async (): Promise<unknown[]> => {
      const { sandbox: started, receiver: listening, home } = await start({ webhooks: { enabled: false, duplicateRate: 0.5, dropRate: 0.2, shuffleMs: 50, seed: 7 } })
      await started.install({ deliver: false, locationIds: [home] })
      for (let index = 0; index < 10; index += 1) started.createContact(home, { email: `n${index}@example.com` })
      started.settings.webhooks.concurrency = 1
      await started.flushWebhooks()
      const emails = listening.events().map((event) => event['email'] ?? event['type'])
      await started.stop()
      await listening.stop()
      return emails
    }
    const first = await run()
    expect(first).toEqual(await run())
    expect(new Set(first).size).toBeLessThan(first.length)
  })

  it('stop with the uninstall, which is the last one', async () => {
    const { sandbox, receiver, home } = await start()
    await sandbox.install({})
    sandbox.uninstall()
    sandbox.createContact(home, { email: 'after@example.com' })
    await sandbox.flushWebhooks()
    expect(receiver.events().at(-1)).toMatchObject({ type: 'UNINSTALL', companyId: sandbox.companyId })
  })

  it('tell of people: users of accounts by location, agency users by company', async () => {
    const { sandbox, receiver } = await start()
    const account = sandbox.company().accounts[0]?.id ?? ''
    await sandbox.install({ deliver: false })
    await sandbox.flushWebhooks()
    const user = sandbox.createUser({ firstName: 'New', email: 'new@example.com', locationId: account })
    await sandbox.flushWebhooks()
    expect(receiver.events().at(-1)).toMatchObject({ type: 'UserCreate', id: user.id, locationId: account, role: 'user' })
    const colleague = sandbox.createUser({ firstName: 'Colleague', email: 'c@example.com', companyId: sandbox.companyId, locationIds: [account] })
    await sandbox.flushWebhooks()
    expect(receiver.events().at(-1)).toMatchObject({ type: 'UserCreate', id: colleague.id, companyId: sandbox.companyId, locations: [account] })
    sandbox.removeUser(user.id)
    await sandbox.flushWebhooks()
    expect(receiver.events().at(-1)).toMatchObject({ type: 'UserDelete', id: user.id })
    expect(sandbox.accountUsersOf(account).map((one) => one.id)).not.toContain(user.id)
  })
})
