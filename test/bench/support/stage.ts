import { randomBytes } from 'node:crypto'
import mongoose, { type Connection } from 'mongoose'
import { createSessionTokens } from '../../../src/sessions/token.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { createCryptoBox } from '../../../src/kernel/crypto-box.ts'
import type { Session } from '../../../src/kernel/route.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/index.ts'
import { until } from '../../support/until.ts'
import { send, type HttpReply } from './http.ts'
import { startChild, type Child } from './processes.ts'

const appSecret = 'a secret for benchmarks only, long enough to be accepted'
const file = (name: string): string => new URL(`../children/${name}`, import.meta.url).pathname

/** Somebody who may answer. */
export interface Customer {
  companyId: string
  locationId: string
  userId: string
  email: string
}

/** An agency that is set up. */
export interface Agency {
  companyId: string
  headquartersId: string
  adminId: string
  customers: Customer[]
}

/** A platform stand-in in this process, the product in another, a database of its own on the store's server. */
export interface Stage {
  sandbox: Sandbox
  app: Child
  /** Environment that starts another process of the product on the same database. */
  env: Record<string, string>
  uri: string
  connection: Connection
  /** Installs, sets up, asks every account for feedback. */
  prepare(companyId: string): Promise<Agency>
  call(session: Omit<Session, 'userName'>, method: string, path: string, body?: unknown): Promise<HttpReply>
  /** @throws unless the answer was taken */
  answer(customer: Customer, level: string, options?: { comment?: string; key?: string }): Promise<number>
  /** Until no queue has anything due. */
  settled(deadlineMs?: number): Promise<void>
  /** Ends all of it; the database is dropped. */
  stop(): Promise<void>
}

export interface StageOptions {
  serverUri: string
  sandbox: SandboxOptions
  /** Quotas are not what is measured: neither side has any. */
  liftLimits?: boolean
  dbName?: string
  /** The database goes with its server. */
  keepDatabase?: boolean
}

export function databaseUri(serverUri: string, dbName: string): string {
  const [base = serverUri, query] = serverUri.split('?')
  return `${base.replace(/^(mongodb(?:\+srv)?:\/\/[^/]+)\/?.*$/, '$1')}/${dbName}${query === undefined ? '' : `?${query}`}`
}

export async function startStage({ serverUri, sandbox: sandboxOptions, liftLimits = false, dbName = `bench_${randomBytes(5).toString('hex')}`, keepDatabase = false }: StageOptions): Promise<Stage> {
  const sandbox = await startSandbox({
    ...(liftLimits ? { limits: { burstMax: 1_000_000, burstWindowMs: 1_000, dailyMax: 100_000_000 } } : {}),
    ...sandboxOptions,
    webhooks: { concurrency: 64, ...sandboxOptions.webhooks },
  })
  const { credentials } = sandbox
  const uri = databaseUri(serverUri, dbName)
  const env = {
    MONGODB_URI: uri,
    APP_SECRET: appSecret,
    HIGHLEVEL_CLIENT_ID: credentials.clientId,
    HIGHLEVEL_CLIENT_SECRET: credentials.clientSecret,
    HIGHLEVEL_SHARED_SECRET: credentials.sharedSecret,
    HIGHLEVEL_WEBHOOK_PUBLIC_KEYS: credentials.webhookPublicKey,
    HIGHLEVEL_API_URL: sandbox.url,
    HIGHLEVEL_INSTALL_URL: `${sandbox.url}/v2/oauth/chooselocation`,
    ...(liftLimits ? { LIFT_LIMITS: '1' } : {}),
  }
  const connection = await mongoose.createConnection(uri, { autoIndex: false, autoCreate: false }).asPromise()
  const app = await startChild(file('app.ts'), { ...env, PORT: '0' })
  sandbox.connectApp(app.url)
  const tokens = createSessionTokens(createCryptoBox(appSecret), systemClock)
  const held = new Map<string, string>()
  let answers = 0

  const stage: Stage = {
    sandbox,
    app,
    env,
    uri,
    connection,
    async prepare(companyId) {
      const { headquarters, accounts, admin } = sandbox.company(companyId)
      const { callbackStatus } = await sandbox.install({ companyId })
      if (callbackStatus !== 200) throw new Error(`The callback answered ${String(callbackStatus)}`)
      await until('accounts and users mirrored', () => app.ask<boolean>('mirrored', { companyId }), 120_000, 50)
      const session = { companyId, userId: admin.id, role: 'agency_admin' as const, locationId: null }
      let reply = await stage.call(session, 'PUT', '/api/setup/success-location', { locationId: headquarters.id })
      await until('set-up complete', async () => {
        if ((JSON.parse(reply.body) as { ready?: boolean }).ready === true) return true
        reply = await stage.call(session, 'GET', '/api/setup')
        return false
      }, 120_000, 1_000)
      const locationIds = accounts.map(({ id }) => id)
      const enabled = await stage.call(session, 'POST', '/api/accounts/bulk', { action: 'feedback_on', locationIds })
      if (enabled.status >= 300) throw new Error(`Switching feedback on answered ${enabled.status}: ${enabled.body}`)
      const customers = locationIds.flatMap((locationId) => sandbox.accountUsersOf(locationId).map(({ id, email }) => ({ companyId, locationId, userId: id, email: email.toLowerCase() })))
      return { companyId, headquartersId: headquarters.id, adminId: admin.id, customers }
    },
    call(session, method, path, body) {
      const who = `${session.userId}:${session.locationId ?? ''}`
      const token = held.get(who) ?? tokens.issue({ ...session, userName: 'Bench' })
      held.set(who, token)
      const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
      return send(method, `${app.url}${path}`, headers, body === undefined ? undefined : JSON.stringify(body))
    },
    async answer({ companyId, locationId, userId }, level, { comment, key } = {}) {
      answers += 1
      const body = { level, idempotencyKey: key ?? `bench-answer-${answers}`, ...(comment === undefined ? {} : { comment }) }
      const reply = await stage.call({ companyId, userId, role: 'account_user', locationId }, 'POST', '/api/answers', body)
      if (reply.status !== 200 && reply.status !== 201) throw new Error(`Answering gave ${reply.status}: ${reply.body}`)
      return reply.status
    },
    async settled(deadlineMs = 120_000) {
      let calm = 0
      await until('all work done', async () => {
        const left = sandbox.pendingDeliveries().length + (await app.ask<number>('unfinished'))
        calm = left === 0 ? calm + 1 : 0
        return calm === 3
      }, deadlineMs, 60)
    },
    async stop() {
      await app.stop()
      if (!keepDatabase) await connection.dropDatabase()
      await connection.close()
      await sandbox.stop()
    },
  }
  return stage
}

/** The product's own entry, as `npm start` runs it. */
export async function startMain(env: Record<string, string>, port: number): Promise<Child> {
  const url = `http://127.0.0.1:${port}`
  return startChild(new URL('../../../src/main.ts', import.meta.url).pathname, { ...env, PORT: String(port), PUBLIC_URL: url }, url)
}

export function startReceiver(kind: 'bare' | 'sdk', stage: Pick<Stage, 'uri' | 'sandbox'>): Promise<Child> {
  const { webhookPublicKey, clientId } = stage.sandbox.credentials
  return startChild(file('receiver.ts'), { KIND: kind, MONGODB_URI: stage.uri, PUBLIC_KEY: webhookPublicKey, CLIENT_ID: clientId })
}
