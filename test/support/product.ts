import { mkdtempSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import type { Connection } from 'mongoose'
import { createApp, type App, type AppOptions } from '../../src/app.ts'
import { systemClock, type Clock } from '../../src/kernel/clock.ts'
import { readConfig } from '../../src/kernel/config.ts'
import type { FaultPoint } from '../../src/kernel/fault-point.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import type { Outbound } from '../../src/kernel/outbound.ts'
import type { BudgetLimits } from '../../src/highlevel/index.ts'
import type { WebhookNetwork } from '../../workflows/index.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../sandbox/index.ts'
import { openTestStore, type TestStore } from './store.ts'
import { until } from './until.ts'

/** One process of the product, with real HTTP. */
export interface Process {
  app: App
  url: string
  connection: Connection
  stop(): Promise<void>
}

/** The product against a sandbox and a fresh store, all in this test's process. */
export interface Product extends Process {
  sandbox: Sandbox
  store: TestStore
  companyId: string
  /** Everything that was logged. */
  logLines: string[]
  /** Another process on the same store. */
  another(): Promise<Process>
  /** A client that speaks as somebody of the sandbox: exchanges the user context on first use. */
  as(who: { userId: string; locationId?: string }, url?: string): Client
  admin(): Client
  /** Installs for the agency and waits until accounts and users are mirrored. */
  install(): Promise<void>
  /** Installs, chooses the success location and waits until set-up is complete. */
  setUp(): Promise<{ headquartersId: string }>
  /** Turns feedback on for an account and gives its first user. */
  enableFeedback(index?: number): Promise<{ locationId: string; userId: string; userIds: string[] }>
  /** Answers as a user; each call is an answer of its own unless a key is given. */
  answer(who: { userId: string; locationId: string }, level: string, options?: { comment?: string; key?: string }): Promise<Reply>
  /** Until no queue has anything due. */
  settled(): Promise<void>
}

export interface Reply {
  status: number
  /** JSON of any route; tests assert on its members. */
  body: any
  headers: Headers
}

export interface Client {
  get(path: string): Promise<Reply>
  send(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Reply>
  token(): Promise<string>
}

export interface ProductOptions {
  sandbox?: SandboxOptions
  clock?: Clock
  limits?: BudgetLimits
  env?: Record<string, string>
  /** Passed by every process at the points of the code where a crash is worth testing. */
  faultPoint?: FaultPoint
  /** What chats are reached by; nothing outside this machine is. */
  outbound?: Outbound
  /** Folder with the built pages and the widget; without it there are none. */
  publicDir?: string
  /** Where webhooks of steps may go, instead of the public internet. */
  webhookNetwork?: WebhookNetwork
  /** How often streams show a sign of life, and how many there may be. */
  streams?: AppOptions['streams']
}

const appSecret = 'a secret for tests only, long enough to be accepted'

/** Listens before there is an app: the address is part of what the app is built from. */
async function listen(): Promise<{ server: Server; url: string }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const store = await openTestStore()
  const clock = options.clock ?? systemClock
  const sandbox = await startSandbox({ seed: { accounts: 3 }, clock, ...options.sandbox })
  const { credentials } = sandbox
  const logLines: string[] = []
  const logger = createLogger('debug', { write: (line: string) => void logLines.push(line) })
  const manifest = JSON.parse(readFileSync(new URL('../../app-manifest.json', import.meta.url), 'utf8')) as { scopes: { scope: string }[] }
  const running: Process[] = []

  async function startProcess(connection: Connection): Promise<Process> {
    const { server, url } = await listen()
    const config = readConfig({
      APP_SECRET: appSecret,
      HIGHLEVEL_CLIENT_ID: credentials.clientId,
      HIGHLEVEL_CLIENT_SECRET: credentials.clientSecret,
      HIGHLEVEL_SHARED_SECRET: credentials.sharedSecret,
      HIGHLEVEL_WEBHOOK_PUBLIC_KEYS: credentials.webhookPublicKey,
      HIGHLEVEL_API_URL: sandbox.url,
      HIGHLEVEL_INSTALL_URL: `${sandbox.url}/v2/oauth/chooselocation`,
      METRICS_TOKEN: 'metrics',
      ...(options.publicDir === undefined ? {} : { PUBLIC_URL: url }),
      ...options.env,
    })
    if (config.highlevel === undefined) throw new Error('The sandbox gave no credentials')
    const app = createApp({
      config: { ...config, highlevel: config.highlevel },
      connection,
      clock,
      logger,
      publicDir: options.publicDir ?? mkdtempSync(join(tmpdir(), 'barometer-public-')),
      version: 'test',
      scopes: manifest.scopes.map(({ scope }) => scope),
      sandboxUrl: sandbox.url,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.faultPoint === undefined ? {} : { faultPoint: options.faultPoint }),
      ...(options.webhookNetwork === undefined ? {} : { webhookNetwork: options.webhookNetwork }),
      ...(options.streams === undefined ? {} : { streams: options.streams }),
      ...(options.outbound === undefined ? {} : { outbound: options.outbound }),
    })
    server.on('request', app.express)
    await app.start()
    const started: Process = {
      app,
      url,
      connection,
      async stop() {
        if (!running.includes(started)) return
        running.splice(running.indexOf(started), 1)
        server.closeAllConnections()
        await new Promise<void>((resolve) => server.close(() => resolve()))
        await app.stop()
      },
    }
    running.push(started)
    return started
  }

  const first = await startProcess(store.connection)
  Object.assign(sandbox.settings.app, { appUrl: first.url, webhookUrl: `${first.url}/webhooks/highlevel`, redirectUri: `${first.url}/oauth/callback` })

  function clientAs(who: { userId: string; locationId?: string }, url = first.url): Client {
    let session: Promise<string> | undefined
    const exchange = async (): Promise<string> => {
      const response = await fetch(`${url}/api/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ encryptedData: sandbox.userContext(who) }) })
      const body = (await response.json()) as { token?: string }
      if (body.token === undefined) throw new Error(`No session for ${who.userId}: ${response.status} ${JSON.stringify(body)}`)
      return body.token
    }
    const token = () => (session ??= exchange())
    async function call(method: string, path: string, body?: unknown): Promise<Reply> {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${await token()}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text, headers: response.headers }
    }
    return { token, get: (path) => call('GET', path), send: call }
  }

  const view = sandbox.company()
  const customers = new Map<string, Client>()
  const admin = clientAs({ userId: view.admin.id })
  let answers = 0

  const product: Product = {
    ...first,
    sandbox,
    store,
    companyId: sandbox.companyId,
    logLines,
    async another() {
      return startProcess(await store.another())
    },
    as: clientAs,
    admin: () => admin,
    async install() {
      const { callbackStatus } = await sandbox.install()
      if (callbackStatus !== 200) throw new Error(`The callback answered ${String(callbackStatus)}`)
      await until('accounts and users mirrored', async () => {
        const { services } = first.app
        const progress = await services.accounts.progress(sandbox.companyId)
        return progress.firstDoneAt !== null && !progress.running
      })
    },
    async setUp() {
      await product.install()
      const headquartersId = view.headquarters.id
      const chosen = await admin.send('PUT', '/api/setup/success-location', { locationId: headquartersId })
      if (chosen.status >= 300) throw new Error(`Choosing the success location answered ${chosen.status}: ${JSON.stringify(chosen.body)}`)
      await until('set-up complete', async () => ((await admin.get('/api/setup')).body as { ready: boolean }).ready)
      return { headquartersId }
    },
    async enableFeedback(index = 0) {
      const account = view.accounts[index]
      if (account === undefined) throw new Error(`The sandbox has no account ${index}`)
      const enabled = await admin.send('PUT', `/api/accounts/${account.id}/feedback`, { enabled: true })
      if (enabled.status !== 200) throw new Error(`Enabling feedback answered ${enabled.status}: ${JSON.stringify(enabled.body)}`)
      const userIds = sandbox.accountUsersOf(account.id).map((user) => user.id)
      return { locationId: account.id, userId: userIds[0]!, userIds }
    },
    async answer(who, level, { comment, key } = {}) {
      const id = `${who.locationId}:${who.userId}`
      if (!customers.has(id)) customers.set(id, clientAs(who))
      answers += 1
      return customers.get(id)!.send('POST', '/api/answers', { level, idempotencyKey: key ?? `test-answer-${answers}`, ...(comment === undefined ? {} : { comment }) })
    },
    async settled() {
      await until('all queues empty', async () => {
        if (sandbox.pendingDeliveries().length > 0) return false
        const { services } = first.app
        for (const pump of services.pumps) await pump.drain()
        const [inbox, work, events, steps, effects] = await Promise.all([
          services.inbox.queue.counts(), services.feedback.queue.counts(), services.events.queue.counts(), services.workflows.queue.counts(), services.effects.counts(),
        ])
        const dueNow = [inbox, work, events].reduce((sum, counts) => sum + counts.pending + counts.leased, 0) + steps.leased
        const writing = effects.contacts.dirty + effects.cards.dirty
        return dueNow + writing === 0
      })
    },
    async stop() {
      for (const started of [...running].reverse()) await started.stop()
      await sandbox.stop()
      await store.close()
    },
  }
  return product
}
