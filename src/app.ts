import { createEchoFilter, createWebhookReceiver, createWebhookRouter } from '../webhooks/index.ts'
import { createScheduler, crmChoiceRoutes, recurringJobs, webhookRoutes, workflowRoutes } from '../workflows/index.ts'
import { accountRoutes } from './accounts/index.ts'
import { billingRoutes } from './billing/index.ts'
import { caseRoutes } from './cases/index.ts'
import { deedRoutes } from './deeds/index.ts'
import { feedbackRoutes } from './feedback/index.ts'
import { happinessRoutes } from './happiness/index.ts'
import { healthRoutes } from './health/index.ts'
import { createHttpServer, createStreams, operatedEffects, operatedQueue, operationsRoutes, timelineRoutes } from './http/index.ts'
import { installationRoutes } from './installations/index.ts'
import { describeError } from './kernel/errors.ts'
import type { PumpName } from './kernel/wake.ts'
import { liveRoutes } from './live/index.ts'
import { marketplaceRoutes } from './marketplace/index.ts'
import { notificationRoutes } from './notifications/index.ts'
import { peopleRoutes } from './people/index.ts'
import { privacyRoutes } from './privacy/index.ts'
import { reportRoutes } from './reports/index.ts'
import { scoreRoutes } from './scores/index.ts'
import { composeServices, type AppOptions, type Services } from './services.ts'
import { sessionRoutes } from './sessions/index.ts'
import { settingsRoutes } from './settings/index.ts'
import { setupRoutes } from './setup/index.ts'
import { ensureIndexes } from './store/index.ts'
import { todayRoutes } from './today/index.ts'
import { viewRoutes } from './views/index.ts'

export type { AppOptions }

/** The running product in one process. */
export interface App {
  express: ReturnType<typeof createHttpServer>
  /** Creates indexes and starts the pumps and the clock, as far as the process's roles say. */
  start(): Promise<void>
  /** Ends the streams of open pages, which would keep the server from closing; they come back elsewhere. */
  endStreams(): void
  /** Takes nothing new, finishes what is in flight, gives back the rest. */
  stop(): Promise<void>
  /** For commands and tests. */
  services: Services
}

const pumpNames: PumpName[] = ['inbox', 'events', 'effects', 'cards', 'outbox', 'answers', 'runs', 'webhooks', 'marketplace']
/** Where the host itself shows custom pages. */
const hostOrigins = ['https://app.gohighlevel.com', 'https://*.gohighlevel.com', 'https://app.leadconnectorhq.com', 'https://*.leadconnectorhq.com']
const readinessTimeoutMs = 2_000

/** Puts the product together: the services, what runs by the clock, and the web. */
export function createApp(options: AppOptions): App {
  const { config, connection, clock, logger } = options
  const services = composeServices(options)
  const { wake, events, live, settings, gateway, accounts, installations, setup, effects, sessions, roles, scores, activity, billing, reports, today, views, cases, deeds, people, health, feedback, book, privacy, happiness, notifications, workflows, marketplace, webhookOut, crmChoices, inbox, pumps } = services
  const works = config.roles.has('worker')

  const scheduler = createScheduler({
    connection, clock, logger,
    jobs: recurringJobs({
      logger,
      pumps: [
        ...pumps,
        { name: 'installations', drain: () => installations.completeDue(20) },
        { name: 'setup', drain: () => setup.resumeDue(5) },
        { name: 'accounts', drain: () => accounts.keepUp(250) },
        { name: 'people', drain: () => people.keepUp(200) },
        { name: 'health', drain: () => health.sweep(200) },
        { name: 'privacy', drain: () => privacy.workDue(5) },
        { name: 'activity', drain: () => activity.sweep(100) },
        { name: 'billing', drain: () => billing.sweep(100) },
      ],
      keepTokens: () => gateway.refreshDueTokens(50),
      async sweepOverdueCases() {
        await cases.markOverdue(100)
        await notifications.sweep(200)
      },
      sweepExpiredAnswers: () => happiness.expireDue(100),
      async reconcileSlice() {
        await installations.reconcileDue(5)
        await setup.checkDue(200)
      },
      sweepReports: () => reports.sweep(5),
      sweepSchedules: () => workflows.sweepSchedules(),
      sweepRetention: () => installations.sweepRetention(1),
    }),
  })

  const receive = createWebhookReceiver({
    inbox, clock, logger,
    publicKeys: config.highlevel.webhookPublicKeys,
    appId: config.highlevel.appId,
    isKnown: (companyId, locationId) => installations.lookup(companyId, locationId),
    companyOf: (locationId) => installations.companyOf(locationId),
    interest: (type, companyId, locationId) => isOfInterest(type, companyId, locationId),
    isEcho: createEchoFilter(effects),
  })

  /** Contacts, cards and conversations matter in the success location only; one cached look each. */
  async function isOfInterest(type: string, companyId: string | null, locationId: string | null): Promise<boolean> {
    if (!/^(Contact|Opportunity|Task|Inbound|Outbound|Note)/.test(type) || locationId === null) return true
    const agency = companyId ?? (await installations.companyOf(locationId))
    if (agency === null) return false
    return (await setup.resources(agency))?.locationId === locationId
  }

  async function frameAncestors(): Promise<string[]> {
    const whitelabel = (await installations.whitelabelDomains()).filter((domain) => /^[a-z0-9.-]+$/i.test(domain)).map((domain) => `https://${domain}`)
    const sandbox = options.sandboxUrl === undefined ? [] : [options.sandboxUrl, options.sandboxUrl.replace('127.0.0.1', 'localhost')]
    return ["'self'", ...hostOrigins, ...whitelabel, ...sandbox]
  }

  const queues = {
    deliveries: operatedQueue(inbox.queue),
    answers: operatedQueue(feedback.queue),
    events: operatedQueue(events.queue),
    effects: operatedEffects(effects),
    workflow_steps: operatedQueue(workflows.queue),
    webhooks: operatedQueue(webhookOut.queue),
    marketplace: operatedQueue(marketplace.queue),
  }

  const streams = createStreams({ ...options.streams, verify: (token) => sessions.verify(token), readSession: (token) => sessions.authenticate(token) })

  const express = createHttpServer({
    logger,
    streams,
    version: options.version,
    metricsToken: config.metricsToken,
    readSession: (token) => sessions.authenticate(token),
    permits: roles,
    webhooks: createWebhookRouter(receive, logger),
    routes: [
      ...installationRoutes(installations),
      ...sessionRoutes(sessions),
      ...setupRoutes(setup),
      ...settingsRoutes(settings),
      ...happinessRoutes(clock),
      ...privacyRoutes(privacy, { accounts, book, cases, deeds, health, people, scores, events, settings, clock }),
      ...accountRoutes(accounts),
      ...timelineRoutes({ events, clock, accountName: async (companyId, locationId) => (await accounts.get(companyId, locationId))?.name ?? null }),
      ...liveRoutes(live),
      ...feedbackRoutes(feedback, (user) => activity.seen(user)),
      ...caseRoutes(cases),
      ...deedRoutes(deeds),
      ...deedRoutes(deeds),
      ...scoreRoutes(scores, accounts),
      ...peopleRoutes(people, { accounts, clock, lastSeen: (companyId, locationId) => activity.lastSeen(companyId, locationId) }),
      ...billingRoutes(billing),
      ...healthRoutes(health),
      ...reportRoutes(reports, clock),
      ...todayRoutes(today),
      ...viewRoutes(views),
      // Before the routes of single workflows, whose key could be any word.
      ...crmChoiceRoutes({ choices: crmChoices, findingsOf: (companyId, key) => workflows.findings(companyId, key) }),
      ...workflowRoutes(workflows),
      ...webhookRoutes(webhookOut),
      ...notificationRoutes(notifications),
      ...marketplaceRoutes(marketplace),
      ...operationsRoutes({
        queues,
        installation: (companyId) => installations.get(companyId),
        budgets: (companyId) => gateway.budgets(companyId),
        requestLog: (query) => gateway.requestLog(query),
        delivery: (companyId, key) => inbox.look(companyId, key),
        wakeAll,
      }),
    ],
    pages: { publicDir: options.publicDir, publicUrl: config.publicUrl, appId: config.highlevel.appId, frameAncestors },
    readiness: [
      { name: 'store', check: checkStore },
      { name: 'jobs', check: async () => (!works || started ? null : 'The jobs have not started yet.') },
    ],
    gauges: [
      {
        name: 'barometer_queue_items',
        help: 'Unfinished items per queue and state.',
        labelNames: ['queue', 'state'],
        async read() {
          const values = await Promise.all(
            Object.entries(queues).map(async ([queue, operated]) =>
              Object.entries(await operated.counts()).map(([state, value]) => ({ labels: { queue, state }, value })),
            ),
          )
          return values.flat()
        },
      },
      {
        name: 'barometer_open_streams',
        help: 'Pages that are told of changes.',
        labelNames: [],
        read: () => Promise.resolve([{ labels: {}, value: streams.count() }]),
      },
      {
        name: 'barometer_inbox_lag_seconds',
        help: 'Age of the oldest delivery that waits.',
        labelNames: [],
        async read() {
          const oldest = await inbox.queue.oldestPendingAt()
          return [{ labels: {}, value: oldest === null ? 0 : Math.max(0, clock.nowMs() - oldest.getTime()) / 1_000 }]
        },
      },
    ],
  })

  let started = false

  function wakeAll(): void {
    for (const name of pumpNames) wake.signal(name)
  }

  async function checkStore(): Promise<string | null> {
    try {
      if (connection.db === undefined) return 'The store is not connected.'
      await connection.db.command({ ping: 1 }, { timeoutMS: readinessTimeoutMs })
      return null
    } catch (error) {
      return `The store does not answer (${describeError(error).code}).`
    }
  }

  return {
    express,
    services,
    async start() {
      await ensureIndexes(connection)
      if (!works) return
      installations.start()
      for (const pump of pumps) pump.start()
      await scheduler.start()
      started = true
    },
    endStreams: () => streams.end(),
    async stop() {
      started = false
      streams.end()
      if (works) {
        await scheduler.stop()
        await Promise.all(pumps.map((pump) => pump.stop()))
        await installations.stop()
      }
      await live.stop()
      await health.stop()
      await gateway.stop()
      services.mailer?.close()
    },
  }
}
