import { randomBytes, randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { contactItemEndpoints } from './api/contact-items.ts'
import { contactEndpoints } from './api/contacts.ts'
import { conversationEndpoints } from './api/conversations.ts'
import { createFaults, type Faults } from './api/faults.ts'
import { createLedger, type LedgerEntry } from './api/ledger.ts'
import { locationEndpoints } from './api/locations.ts'
import { oauthEndpoints } from './api/oauth.ts'
import { opportunityEndpoints } from './api/opportunities.ts'
import { peopleEndpoints } from './api/people.ts'
import { createQuota } from './api/quota.ts'
import { workflowTriggerEndpoints } from './api/workflow-triggers.ts'
import { createBuilder, type Builder } from './builder.ts'
import { createApiServer, type Exchange } from './api/server.ts'
import { isInstalled } from './domain/people.ts'
import { createInstaller, type Installer } from './installer.ts'
import { settingsOf, type SandboxOptions, type Settings } from './options.ts'
import { createPages } from './pages.ts'
import { createPerson, type Person } from './person.ts'
import type { Company, Location, User } from './state/records.ts'
import { seedState } from './state/seed.ts'
import { createStateFile, readStateFile, restoreTables } from './state/state-file.ts'
import { createChangeFeed } from './state/change-feed.ts'
import { createState, tableNames, usersOfLocation, type State } from './state/state.ts'
import { encryptContext, userContextOf, type UserContext } from './user-context.ts'
import { createDispatcher, type Delivery, type SignedWebhook, type WebhookOverrides } from './webhooks/dispatcher.ts'
import { createSigner } from './webhooks/signer.ts'
import type { World } from './world.ts'

export type { LedgerEntry } from './api/ledger.ts'
export type { Exchange } from './api/server.ts'
export type { SandboxOptions, Settings } from './options.ts'
export type { Person } from './person.ts'
export type * from './state/records.ts'
export type { State } from './state/state.ts'
export type { Delivery, SignedWebhook } from './webhooks/dispatcher.ts'

export interface Credentials {
  clientId: string
  clientSecret: string
  appId: string
  sharedSecret: string
  /** Value of the static header of triggers and actions. */
  headerSecret: string
  /** Base64 SPKI of the key that signs this sandbox's webhooks. */
  webhookPublicKey: string
}

/** One agency as a test wants to see it. */
export interface CompanyView {
  company: Company
  /** The agency's own location. */
  headquarters: Location
  /** Customers' sub-accounts, in the order they were opened. */
  accounts: Location[]
  admin: User
  /** The agency's people who are not administrators. */
  staff: User[]
}

export interface Sandbox extends Person, Installer {
  url: string
  credentials: Credentials
  /** The first agency. */
  companyId: string
  company(companyId?: string): CompanyView
  /** Users of a location: its own and agency people who may work there. */
  usersOf(locationId: string): User[]
  /** A sub-account's own users. */
  accountUsersOf(locationId: string): User[]
  /** The CRM's own workflow builder. */
  builder: Builder
  state: State
  /** May be changed while it runs. */
  settings: Settings
  /** Tells the platform where the app runs now (webhooks, redirect, pages, script), for apps that start after the sandbox. */
  connectApp(appUrl: string): void
  /** The encrypted user context as the host page hands it out; other members can be forged with `overrides`. */
  userContext(who: { userId: string; locationId?: string }, overrides?: Partial<UserContext>): string
  /** A signed event that is not queued. */
  webhook(event: { type: string } & Record<string, unknown>, overrides?: WebhookOverrides): SignedWebhook
  /** Posts a webhook at once to the app (or `url`). */
  deliver(webhook: SignedWebhook, url?: string): Promise<{ status: number; body: string }>
  /** Queues an event for the usual delivery, with retries. */
  emit: World['emit']
  pendingDeliveries(): Delivery[]
  deliveries(): Delivery[]
  flushWebhooks(options?: { untilDelivered?: boolean }): Promise<{ delivered: number; failed: number }>
  faults: Faults
  calls: LedgerEntry[]
  resetCalls(): void
  maxInWindow(resource: string, windowMs: number): number
  /** @returns a function that ends the listening */
  exchanges(listener: (exchange: Exchange) => void): () => void
  stop(): Promise<void>
}

/** Starts a local stand-in for the platform: API, webhooks, and the interface a person uses. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const saved = options.stateFile === undefined ? undefined : readStateFile(options.stateFile)
  const settings = settingsOf(options, saved?.app ?? {
    clientId: `${randomBytes(12).toString('hex')}-${randomBytes(4).toString('hex')}`, clientSecret: randomUUID(), sharedSecret: randomUUID(),
    versionId: randomBytes(12).toString('hex'),
  })
  const signer = createSigner(saved?.webhookPrivateKey)
  const changes = createChangeFeed()
  const touch = (): void => {
    file?.touch()
    changes.fire()
  }
  const state = createState({ seed: options.seed?.seed ?? 'northwind', clock: settings.clock, searchLagMs: () => settings.searchLagMs, onChange: touch, onGrantChange: () => file?.hurry() })
  const dispatcher = createDispatcher(settings, signer, touch)
  const world: World = {
    state,
    settings,
    isoNow: () => settings.clock.now().toISOString(),
    emit(type, place, members) {
      if (type !== 'INSTALL' && type !== 'UNINSTALL' && !isInstalled(world, place)) return
      const companyId = place.companyId ?? (settings.webhookFormat.companyIdOnLocationEvents ? state.locations.get(place.locationId ?? '')?.companyId : undefined)
      dispatcher.send(type, { ...place, ...(companyId === undefined ? {} : { companyId }) }, members, holding.value && type === 'INSTALL')
    },
  }
  const holding = { value: false }
  const file = options.stateFile === undefined ? undefined : createStateFile(options.stateFile, () => ({
    format: 1, app: settings.app, webhookPrivateKey: signer.privateKey, idCount: state.ids.count(),
    tables: Object.fromEntries(tableNames.map((name) => [name, state[name].values()])), deliveries: dispatcher.pending(),
  }))
  if (saved === undefined) {
    seedState(state, options.seed ?? {}, world.isoNow(), settings)
    touch()
  } else {
    restoreTables(state, saved)
    dispatcher.restore(saved.deliveries)
  }

  const ledger = createLedger(options.ledgerSize ?? 200_000)
  const faults = createFaults()
  const listeners = new Set<(exchange: Exchange) => void>()
  const person = createPerson(world)
  const installer = createInstaller(world, dispatcher, holding)
  let url = ''
  const builder = createBuilder(world, () => url)
  const pages = createPages({ world, person, installer, dispatcher, ledger, changes, builder })
  const server = createApiServer({
    world, faults, ledger, pages: (request, response, url) => pages.handle(request, response, url), quota: createQuota(settings.clock, () => settings.limits),
    endpoints: [
      ...oauthEndpoints(world), ...locationEndpoints(world), ...peopleEndpoints(world), ...contactEndpoints(world), ...contactItemEndpoints(world),
      ...opportunityEndpoints(world), ...conversationEndpoints(world), ...workflowTriggerEndpoints(world),
    ],
    onExchange: (exchange) => listeners.forEach((listener) => listener(exchange)),
  })
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  url = `http://${host}:${port}`
  const firstCompany = state.companies.values()[0]
  if (firstCompany === undefined) throw new Error('The sandbox needs at least one agency')

  return {
    ...person,
    ...installer,
    url,
    builder,
    credentials: {
      clientId: settings.app.clientId, clientSecret: settings.app.clientSecret, appId: settings.app.appId, sharedSecret: settings.app.sharedSecret,
      headerSecret: settings.app.headerSecret,
      webhookPublicKey: signer.publicKey,
    },
    companyId: firstCompany.id,
    company(companyId = firstCompany.id) {
      const company = state.companies.get(companyId)
      const [headquarters, ...accounts] = state.locations.by('company', companyId)
      const agency = state.users.by('company', companyId).filter((user) => user.type === 'agency' && !user.deleted)
      const admin = agency.find((user) => user.role === 'admin')
      if (company === undefined || headquarters === undefined || admin === undefined) throw new Error(`No agency ${companyId}`)
      return { company, headquarters, accounts, admin, staff: agency.filter((user) => user.role !== 'admin') }
    },
    usersOf: (locationId) => usersOfLocation(state, locationId),
    accountUsersOf: (locationId) => usersOfLocation(state, locationId).filter((user) => user.type === 'account'),
    state,
    settings,
    connectApp(appUrl) {
      const base = appUrl.replace(/\/+$/, '')
      Object.assign(settings.app, { appUrl: base, webhookUrl: `${base}/webhooks/highlevel`, redirectUri: `${base}/oauth/callback` })
    },
    userContext: (who, overrides = {}) => encryptContext({ ...userContextOf(state, who.userId, who.locationId), ...overrides }, settings.app.sharedSecret),
    webhook: (event, overrides) => dispatcher.sign(event, overrides),
    deliver: (webhook, url) => dispatcher.post(webhook, url),
    emit: (type, place, members) => world.emit(type, place, members),
    pendingDeliveries: () => dispatcher.pending(),
    deliveries: () => dispatcher.log(),
    flushWebhooks: (flushOptions) => dispatcher.flush(flushOptions),
    faults,
    calls: ledger.entries,
    resetCalls: () => ledger.reset(),
    maxInWindow: (resource, windowMs) => ledger.maxInWindow(resource, windowMs),
    exchanges(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      pages.stop()
      await dispatcher.stop()
      file?.stop()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
