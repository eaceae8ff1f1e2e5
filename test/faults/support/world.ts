import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connection } from 'mongoose'
import { connect, startEmbeddedStore } from '../../../src/store/index.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/index.ts'
import { until } from '../../support/until.ts'
import { endAll, freePort, startProcess, type ProductProcess } from './process.ts'

/** A user of a customer's account, who answers. */
export interface Customer {
  userId: string
  locationId: string
  email: string
}

/** One sandbox, one store and any number of processes of the product, each of which may die at any time. */
export interface World {
  sandbox: Sandbox
  companyId: string
  headquartersId: string
  /** All customers, account by account. */
  customers: Customer[][]
  /** Where the sandbox delivers and where customers answer; behind it there may be nobody. */
  url: string
  /** Starts a process and waits until it is ready. `port` makes it another one beside the first. */
  start(options?: { port?: number; ready?: boolean }): Promise<ProductProcess>
  /** The product's records; while a process has its own store, only as long as it runs. */
  db(): Promise<Connection>
  /** All processes kill themselves at the n-th passing of that point from now on; null: nowhere. */
  arm(point: string | null): void
  /** Ends what a dead process had leased or locked, as the passing of two minutes would; `diedAt` is when it died. */
  leasesRunOut(diedAt: Date): Promise<void>
  /** Only with a shared store: it goes away, and comes back under the same address. */
  store: { stop(): Promise<void>; start(): Promise<void> }
  stop(): Promise<void>
}

export interface WorldOptions {
  /** `own`: the process brings its embedded store; `shared`: one server for all processes, which outlives them; `stoppable`: shared, and can go away. */
  store: 'own' | 'shared' | 'stoppable'
  accounts?: number
  usersPerAccount?: number
  sandbox?: SandboxOptions
  env?: Record<string, string>
}

/** The longest lease of the product's queues. */
export const leaseMs = 60_000
const queues = ['inbox', 'answer_work', 'events', 'workflow_steps', 'outbox', 'notification_mails']
const cleanUpMs = 15_000
const wantedRecords = ['effect_contacts', 'effect_cards']

export async function startWorld(options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'barometer-faults-'))
  const armFile = join(folder, 'armed')
  const given = options.store === 'stoppable' ? '' : (process.env['MONGODB_URI'] ?? '')
  const dbName = given === '' ? 'barometer' : `faults_${randomBytes(5).toString('hex')}`
  const sandbox = await startSandbox({
    // Nothing on the platform's side keeps us from making a thing twice.
    allowDuplicateContact: true,
    allowDuplicateOpportunity: true,
    searchLagMs: 1_500,
    ...options.sandbox,
    seed: { accounts: options.accounts ?? 4, usersPerAccount: options.usersPerAccount ?? 3, knownContacts: 1 },
    webhooks: { retryDelayMs: 200, maxRetryDelayMs: 2_000, maxRetries: 100, duplicateRate: 0.2, timeoutMs: 5_000, ...options.sandbox?.webhooks },
  })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  sandbox.connectApp(url)
  const { credentials } = sandbox
  const view = sandbox.company()
  const storeDir = join(folder, 'store')
  let server = options.store !== 'own' && given === '' ? await startEmbeddedStore({ dataDir: storeDir }) : undefined
  const sharedUri = given === '' ? server?.uri : given
  let connection: Connection | undefined

  function uriOf(): string {
    return sharedUri ?? readFileSync(join(storeDir, 'mongodb.uri'), 'utf8').trim()
  }

  async function db(): Promise<Connection> {
    if (sharedUri === undefined) await until('the store to be open', () => existsSync(join(storeDir, 'mongodb.uri')))
    connection ??= await connect(uriOf(), dbName)
    return connection
  }

  const world: World = {
    sandbox,
    companyId: sandbox.companyId,
    headquartersId: view.headquarters.id,
    customers: view.accounts.map(({ id }) => sandbox.accountUsersOf(id).map((user) => ({ userId: user.id, locationId: id, email: user.email.toLowerCase() }))),
    url,
    db,
    async start({ port: other = port, ready = true } = {}) {
      const started = startProcess({
        PORT: String(other),
        PUBLIC_URL: url,
        DATA_DIR: storeDir,
        APP_SECRET: 'a secret for tests only, long enough to be accepted',
        HIGHLEVEL_CLIENT_ID: credentials.clientId,
        HIGHLEVEL_CLIENT_SECRET: credentials.clientSecret,
        HIGHLEVEL_SHARED_SECRET: credentials.sharedSecret,
        HIGHLEVEL_WEBHOOK_PUBLIC_KEYS: credentials.webhookPublicKey,
        HIGHLEVEL_API_URL: sandbox.url,
        BAROMETER_FAULT_POINT: `@${armFile}`,
        LOG_LEVEL: 'warn',
        ...(sharedUri === undefined ? {} : { MONGODB_URI: withDatabase(sharedUri, dbName) }),
        ...options.env,
      })
      if (ready) await started.ready()
      return started
    },
    arm(point) {
      if (point === null) rmSync(armFile, { force: true })
      else writeFileSync(armFile, point)
    },
    async leasesRunOut(diedAt) {
      const { db: database } = await db()
      if (database === undefined) throw new Error('The store is not open')
      const past = new Date(Date.now() - 1)
      // Leases that were given out after the death end later than this.
      const dead = { $lte: new Date(diedAt.getTime() + leaseMs) }
      for (const name of queues) await database.collection(name).updateMany({ state: 'leased', leaseUntil: dead }, { $set: { leaseUntil: past } })
      for (const name of wantedRecords) await database.collection(name).updateMany({ leaseUntil: { ...dead, $type: 'date' } }, { $set: { leaseUntil: past } })
      await database.collection('leases').deleteMany({ expiresAt: dead })
      await database.collection('agendaJobs').updateMany({ lockedAt: { $lte: diedAt } }, { $set: { lockedAt: null } })
      await database.collection('highlevel_tokens').updateMany({ leaseUntil: { ...dead, $type: 'date' } }, { $set: { leaseUntil: past } })
    },
    store: {
      async stop() {
        if (server === undefined) throw new Error('This world has no store of its own')
        await server.stop()
        server = undefined
      },
      async start() {
        server = await startEmbeddedStore({ dataDir: storeDir })
      },
    },
    async stop() {
      await inTime('the processes', endAll())
      if (given !== '') await inTime('the database', db().then((open) => open.dropDatabase()))
      await inTime('the connection', connection?.close(true))
      await inTime('the stand-in', sandbox.stop())
      await inTime('the store', server?.stop())
      await rm(folder, { recursive: true, force: true })
    },
  }
  return world
}

/** Cleaning up after killed processes must not hold up the suite: what does not end is named and left to the end of the run. */
async function inTime(what: string, ending: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), cleanUpMs)
  })
  if ((await Promise.race([ending, late])) === 'late') console.warn(`Clean-up: ${what} did not end within ${cleanUpMs / 1_000} s`)
  clearTimeout(timer)
}

function withDatabase(uri: string, dbName: string): string {
  const [base = uri, query] = uri.split('?')
  return `${base.replace(/^(mongodb(?:\+srv)?:\/\/[^/]+)\/?.*$/, '$1')}/${dbName}${query === undefined ? '' : `?${query}`}`
}

/** What is not finished, by collection and state; empty when everything has come to rest. */
export async function unfinished(world: World): Promise<Record<string, number>> {
  const database = (await world.db()).db
  if (database === undefined) throw new Error('The store is not open')
  const left: Record<string, number> = {}
  for (const name of queues) {
    const open = await database.collection(name).countDocuments({ state: { $in: ['pending', 'leased', 'held'] } })
    if (open > 0) left[name] = open
  }
  for (const name of wantedRecords) {
    const open = await database.collection(name).countDocuments({ state: { $in: ['dirty', 'held'] } })
    if (open > 0) left[name] = open
  }
  const derive = await database.collection('happiness_readings').countDocuments({ unappliedSince: { $type: 'date' } })
  if (derive > 0) left['happiness_readings'] = derive
  const deliveries = world.sandbox.pendingDeliveries().length
  if (deliveries > 0) left['deliveries'] = deliveries
  return left
}

/** Until everything has come to rest, twice in a row. */
export async function settled(world: World, deadlineMs = 120_000): Promise<void> {
  let left: Record<string, number> = {}
  let calm = 0
  try {
    await until('everything to come to rest', async () => {
      left = await unfinished(world)
      calm = Object.keys(left).length === 0 ? calm + 1 : 0
      return calm === 2
    }, deadlineMs, 120)
  } catch (error) {
    throw new Error(`Not at rest: ${JSON.stringify(left)}`, { cause: error })
  }
}
