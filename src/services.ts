import type { Connection } from 'mongoose'
import { createWebhookPump, type CompletedTask, type SeenMessage } from '../webhooks/index.ts'
import { createCrmChoices, createStepFindings, createWebhookOut, createWorkflows, numericTypes, type WebhookNetwork } from '../workflows/index.ts'
import { createAccounts, tellChurn } from './accounts/index.ts'
import { createActivity } from './activity/index.ts'
import { createBilling } from './billing/index.ts'
import { createCases } from './cases/index.ts'
import { createDeeds } from './deeds/index.ts'
import { createEffects } from './effects/index.ts'
import { createEvents } from './events/index.ts'
import { createAnswerBook, createFeedback } from './feedback/index.ts'
import { contactOf, createHappiness } from './happiness/index.ts'
import { createHealth } from './health/index.ts'
import { createHighLevelGateway, type BudgetLimits } from './highlevel/index.ts'
import type { StreamLimits } from './http/index.ts'
import { createInbox } from './inbox/index.ts'
import { createInstallations } from './installations/index.ts'
import type { Clock } from './kernel/clock.ts'
import type { Config, HighLevelConfig } from './kernel/config.ts'
import { createCryptoBox } from './kernel/crypto-box.ts'
import { noFaultPoint, type FaultPoint } from './kernel/fault-point.ts'
import { mentions } from './kernel/forgotten.ts'
import type { HappinessLevel } from './kernel/levels.ts'
import type { Logger } from './kernel/logger.ts'
import type { Outbound } from './kernel/outbound.ts'
import { createRush } from './kernel/rush.ts'
import { createWake } from './kernel/wake.ts'
import { createLive } from './live/index.ts'
import { createMarketplace, headerSecrets } from './marketplace/index.ts'
import { createNotifications, createSmtpMailer } from './notifications/index.ts'
import { createPeople } from './people/index.ts'
import { createPrivacy } from './privacy/index.ts'
import { createReports } from './reports/index.ts'
import { createRoles } from './roles/index.ts'
import { createScores } from './scores/index.ts'
import { createSessions } from './sessions/index.ts'
import { createSettings } from './settings/index.ts'
import { createSetup } from './setup/index.ts'
import { createToday } from './today/index.ts'
import { createViews } from './views/index.ts'

/** What the app is built from. */
export interface AppOptions {
  config: Config & { highlevel: HighLevelConfig }
  connection: Connection
  clock: Clock
  logger: Logger
  /** Folder with the built pages and the widget. */
  publicDir: string
  version: string
  /** The stand-in's address; it may frame the pages. */
  sandboxUrl?: string | undefined
  /** Scopes asked for, from the manifest. */
  scopes: string[]
  faultPoint?: FaultPoint
  /** What posts to chats; by default the internet, guarded. */
  outbound?: Outbound
  /** Quotas other than production's, for a developer sandbox of HighLevel or a test. */
  limits?: BudgetLimits
  /** Where webhooks of steps may go, other than the public internet: a test's own receiver. */
  webhookNetwork?: WebhookNetwork
  /** How long open pages wait, and how many there may be; other than usual for a test. */
  streams?: Partial<StreamLimits> & { pollMs?: number }
}

export type Services = ReturnType<typeof composeServices>

/** Everything but the web: features, rooms and pumps, wired to each other; the only place where rooms meet. */
export function composeServices(options: AppOptions) {
  const { config, connection, clock, logger, faultPoint = noFaultPoint } = options
  const { highlevel, publicUrl } = config
  const wake = createWake()
  // Contacts are written first; follow-ups and notices wait a moment.
  const rush = createRush()
  const box = createCryptoBox(config.appSecret, config.appSecretPrevious)
  const events = createEvents({ connection, clock, wake })
  const live = createLive({ connection, clock, logger, events, ...(options.streams?.pollMs === undefined ? {} : { pollMs: options.streams.pollMs }) })
  const settings = createSettings({ connection, clock, logger, agencyName: async (companyId) => (await installations.get(companyId))?.companyName ?? null })
  const gateway = createHighLevelGateway({
    connection, clock, box, logger, faultPoint,
    config: highlevel,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    onReconnectNeeded: (companyId) => installations.markNeedsReconnect(companyId),
  })
  const accounts = createAccounts({ connection, clock, gateway, events, settings, logger })
  const installations = createInstallations({
    connection, clock, gateway, accounts, settings, events, box, logger,
    oauth: { clientId: highlevel.clientId, installUrl: highlevel.installUrl, redirectUri: `${publicUrl}/oauth/callback`, scopes: options.scopes },
    async onLive(companyId) {
      await effects.releaseHeld(companyId)
      await marketplace.releaseHeld(companyId)
    },
    onInstalled: (companyId, locationId) => setup.installedAt(companyId, locationId),
  })
  const setup = createSetup({
    connection, clock, gateway, accounts, installations, settings, events, logger,
    async onReady(companyId) {
      await effects.releaseHeld(companyId)
      await effects.resync(companyId)
    },
    onTagsMissing: (companyId, tags) => effects.forgetTags(companyId, tags),
  })
  const effects = createEffects({
    connection, clock, wake, rush, gateway, events, logger, faultPoint,
    resources: (companyId) => setup.resources(companyId),
    lookAgain: (companyId) => setup.lookAgain(companyId),
    refused: (companyId) => setup.refused(companyId),
    isLive: (companyId) => installations.isLive(companyId),
    policy: async (companyId) => ({ recreateDeletedCards: (await settings.get(companyId)).crm.recreateDeletedCards }),
    personal: {
      seen: (fact) => health.personal.seen(fact),
      writing: (fact) => health.personal.writing(fact),
      wrote: (fact) => health.personal.wrote(fact),
    },
  })
  const sessions = createSessions({ connection, clock, gateway, accounts, installations, box, sharedSecrets: highlevel.sharedSecrets, logger, rights: (session) => roles.rights(session) })
  const book = createAnswerBook({ connection })
  const happiness = createHappiness({ connection, clock, answers: book, accounts, effects, events, settings, logger, rush })
  const scores = createScores({ connection, events })
  const activity = createActivity({ connection, clock, accounts, events })
  const billing = createBilling({ connection, clock, accounts, events })
  const cases = createCases({ connection, clock, events, accounts, settings, did: (...about) => deeds.addOfCase(...about), changed: (companyId) => live.mark(companyId, { type: 'cases' }) })
  const deeds = createDeeds({ connection, clock, book, accounts, events })
  const roles = createRoles({ settings, accounts, cases })
  const reports = createReports({ connection, clock, accounts, answers: book, events, settings, logger })
  const feedback = createFeedback({
    connection, clock, book, happiness, cases, scores, accounts, settings, events, box, publicUrl, wake, logger, faultPoint, deeds,
    reacted: (reaction) => reports.promptReacted(reaction),
  })
  const people = createPeople({ connection, clock, accounts, cases, events, settings })
  const health = createHealth({ connection, clock, accounts, effects, events, settings, primary: (companyId, locationId) => people.primary(companyId, locationId), toldAbout: (...about) => workflows.toldAbout(...about), logger, faultPoint })
  const views = createViews({ connection, clock })
  const today = createToday({
    connection, clock, accounts, activity, billing, cases, health, reports, setup, answers: book,
    failedFollowUps: (query) => workflows.failedRuns(query),
    needsReconnect: async (companyId) => (await installations.get(companyId))?.status === 'needs_reconnect',
  })
  accounts.onStaffLeft((person) => cases.release(person))
  accounts.registerBulkAction('set_health', health.setInBulk)
  accounts.registerBulkAction('confirm_health', health.confirmInBulk)
  accounts.registerBulkAction('request_feedback', feedback.requestFeedbackInBulk)
  // An answer counts from the moment it is stored, also while the reading that follows from it is still being computed. Looked at in this order.
  async function userLevel(companyId: string, locationId: string, userId: string): Promise<HappinessLevel | null> {
    const newest = await book.newestOf({ companyId, locationId, userId })
    if (newest !== null && newest.derivedRevision < newest.revision) return newest.level
    return (await happiness.userLevel(companyId, locationId, userId))?.level ?? null
  }
  const marketplace = createMarketplace({
    connection, clock, wake, logger, faultPoint, gateway, installations, accounts, settings, effects, happiness, userLevel, health, feedback,
    apiUrl: highlevel.apiUrl, appId: highlevel.appId, secrets: headerSecrets(highlevel),
    successLocation: async (companyId) => (await setup.resources(companyId))?.locationId ?? null,
    primary: (companyId, locationId) => people.primary(companyId, locationId),
  })
  const mailer = config.smtpUrl === undefined || config.mailFrom === undefined ? undefined : createSmtpMailer(config.smtpUrl, config.mailFrom)
  const notifications = createNotifications({
    connection, clock, logger, box, settings, accounts, faultPoint,
    changed: (companyId) => live.mark(companyId, { type: 'notifications' }),
    ...(mailer === undefined ? {} : { mailer }),
    ...(options.outbound === undefined ? {} : { outbound: options.outbound }),
    isLive,
    async agencyZone(companyId) {
      const headquarters = (await setup.resources(companyId))?.locationId
      return headquarters === undefined ? null : ((await accounts.get(companyId, headquarters))?.timezone ?? null)
    },
    async thenAndNow(companyId, locationId, before, after) {
      const [levels, ...open] = await Promise.all([reports.levelsAt(companyId, locationId, before, after), cases.openCount(companyId, locationId, before), cases.openCount(companyId, locationId, after)])
      return { ...levels, openCases: { before: open[0], after: open[1] } }
    },
    async primaryContact(companyId, locationId) {
      const [account, primary] = await Promise.all([accounts.get(companyId, locationId), people.primary(companyId, locationId)])
      const user = account === null || primary === null ? null : await accounts.user(companyId, locationId, primary.userId)
      return account === null || user === null ? null : contactOf(account, user)
    },
    send: (message) => effects.send(message),
  })
  const webhookOut = createWebhookOut({
    connection, clock, wake, logger, box, events, faultPoint,
    isLive: async (companyId) => ((await installations.get(companyId))?.status ?? 'uninstalled') !== 'uninstalled',
    ...(options.webhookNetwork === undefined ? {} : { network: options.webhookNetwork }),
  })
  const crmChoices = createCrmChoices({
    clock,
    async location(companyId) {
      const map = await setup.resources(companyId)
      return map === null ? null : gateway.location(companyId, map.locationId, 'interactive')
    },
    async own(companyId) {
      const [map, { tags }] = await Promise.all([setup.resources(companyId), settings.get(companyId)])
      return {
        fields: Object.values(map?.fields ?? {}).filter((id) => id !== null),
        pipelines: [map?.pipelines.happiness?.id, map?.pipelines.health?.id].filter((id) => id !== undefined),
        tags: [...Object.values(tags.happiness), ...Object.values(tags.health)],
      }
    },
  })
  const workflows = createWorkflows({
    connection, clock, wake, rush, logger, faultPoint,
    changed: (companyId, key) => live.mark(companyId, key === null ? { type: 'runs' } : { type: 'workflow', key }),
    findings: createStepFindings({ choices: crmChoices, webhookFault: (companyId, url) => webhookOut.faultOf(companyId, url) }),
    events,
    observers: [(event) => happiness.observe(event), (event) => people.observe(event), (event) => cases.observe(event), (event, scene) => health.observe(event, async () => (await scene.account())?.healthLevel ?? null), (event) => reports.observe(event), (event) => today.observe(event), (event) => marketplace.observe(event), (event) => tellChurn(events, event)],
    ...(mailer === undefined ? {} : { sendMail: (mail) => mailer.send(mail) }),
    ports: {
      settings: (companyId) => settings.get(companyId),
      async pauseSending(companyId, paused, by) {
        await settings.update(companyId, { messages: { paused } }, by)
      },
      isLive,
      feedbackLink: (companyId, locationId, userId) => feedback.links.linkFor(companyId, locationId, userId),
      async account(companyId, locationId) {
        const account = await accounts.get(companyId, locationId)
        return account === null ? null : { name: account.name, group: account.group, premium: account.premium, ownerId: account.csm?.userId ?? null, timezone: account.timezone, healthLevel: account.health.level, happinessLevel: account.happiness.level }
      },
      async person(companyId, locationId, userId) {
        const user = await accounts.user(companyId, locationId, userId)
        return user === null || user.removedAt !== null ? null : { id: user.userId, ...personOf(user) }
      },
      async userRole(companyId, locationId, userId) {
        const user = await accounts.user(companyId, locationId, userId)
        return user === null || user.removedAt !== null ? null : user.role
      },
      contact: (companyId, locationId, userId) => effects.contactOf(companyId, `user:${locationId}:${userId}`),
      async teamMember(companyId, userId) {
        const member = await accounts.agencyUser(companyId, userId)
        return member === null ? null : { id: member.userId, name: member.name, firstName: null, lastName: null, email: member.email, phone: null }
      },
      userLevel,
      healthLevel: async (companyId, locationId) => (await accounts.get(companyId, locationId))?.health.level ?? null,
      primaryPerson: async (companyId, locationId) => (await people.primary(companyId, locationId))?.userId ?? null,
      hasOpenCase: async (companyId, locationId) => (await cases.openCasesOf(companyId, locationId)).length > 0,
      send: (message) => effects.send(message),
      cancel: async (companyId, key, reason) => (await effects.cancel(companyId, key, reason)) || webhookOut.cancel(companyId, key, reason),
      webhook: (delivery) => webhookOut.send(delivery),
      fieldIsNumber: async (companyId, fieldId) => numericTypes.has((await crmChoices.read(companyId)).fields.find(({ id }) => id === fieldId)?.dataType ?? ''),
      sendAgain: async (companyId, key) => (await effects.sendAgain(companyId, key)) || webhookOut.sendAgain(companyId, key),
      locationIds: (companyId) => accounts.locationIds(companyId, {}),
      async agencyZone(companyId) {
        const home = (await setup.resources(companyId))?.locationId
        return home === undefined ? null : ((await accounts.get(companyId, home))?.timezone ?? null)
      },
      settleTask: ({ userId, ...task }) => effects.settleTask({ ...task, subjectId: `user:${task.locationId}:${userId}` }),
      notify: (notice) => notifications.notify(notice),
    },
  })
  const inbox = createInbox({ connection, clock, wake, faultPoint })
  /** Waiting for a reconnect is not being gone: runs and notifications wait, or go on, too. */
  async function isLive(companyId: string): Promise<boolean> {
    const installation = await installations.get(companyId)
    return installation !== null && installation.status !== 'uninstalled'
  }
  /** A person's reply in a conversation ends what automations would still write to them. */
  async function messageSeen({ companyId, contactId, messageId, direction, at }: SeenMessage): Promise<void> {
    if (direction !== 'inbound') return
    for (const subject of await effects.subjectsOf(companyId, contactId)) {
      const [, locationId, userId] = subject.split(':')
      if (locationId === undefined || userId === undefined) continue
      await events.append({
        key: `message.received:${messageId ?? `${contactId}:${at.getTime()}`}:${subject}`,
        companyId, locationId, userId, at,
        type: 'message.received',
        actor: { kind: 'account_user', id: userId, name: null },
        source: 'webhook',
        summary: 'Wrote to the team.',
        data: { contactId },
      })
    }
  }
  async function taskCompleted({ companyId, taskId, contactId, at }: CompletedTask): Promise<void> {
    for (const subject of contactId === null ? [] : await effects.subjectsOf(companyId, contactId)) {
      const [, locationId, userId] = subject.split(':')
      if (locationId === undefined || userId === undefined) continue
      await events.append({
        key: `task.completed:${taskId}:${subject}`,
        companyId, locationId, userId, at,
        type: 'task.completed',
        actor: { kind: 'crm', id: null, name: null },
        source: 'webhook',
        summary: 'A task about this person was completed.',
        data: { taskId, contactId },
      })
    }
  }
  const webhookPump = createWebhookPump({
    inbox, clock, logger, wake,
    features: { installations, accounts, effects, replies: { messageSeen, taskCompleted } },
  })

  const privacy = createPrivacy({
    connection, clock, box, accounts, events, logger, faultPoint,
    contactIds: async (companyId, subjectIds) => (await effects.linked(companyId, subjectIds)).flatMap(({ contactId }) => contactId ?? []),
    async isUnderWay({ companyId, userId }) {
      const isNamed = mentions([userId])
      // What is to leave for others is taken back, unless it is leaving this very moment.
      const waits = [inbox.queue.isUnderWay(companyId, isNamed), events.queue.isUnderWay(companyId, isNamed)]
      const leaves = [effects.outbox, webhookOut.queue, marketplace.queue].map((queue) => queue.isUnderWay(companyId, isNamed, ['leased']))
      return (await Promise.all([...waits, ...leaves])).includes(true)
    },
    // Nothing new first; then what is on its way; then what was written down. The person's record goes with the last pass.
    rooms: [
      { name: 'accounts', forget: (person) => accounts.forget(person) },
      { name: 'workflows', forget: (person) => workflows.forget(person) },
      { name: 'effects', forget: (person, isLast) => effects.forget(person, isLast) },
      { name: 'webhooks', forget: (person) => webhookOut.forget(person) },
      { name: 'marketplace', forget: (person) => marketplace.forget(person) },
      { name: 'feedback', forget: (person) => feedback.forget(person) },
      { name: 'happiness', forget: (person) => happiness.forget(person) },
      { name: 'cases', forget: (person) => cases.forget(person) },
      { name: 'deeds', forget: (person) => deeds.forget(person) },
      { name: 'health', forget: async (person, isLast) => { if (isLast) await health.forget(person) } },
      { name: 'today', forget: (person) => today.forget(person) },
      { name: 'scores', forget: (person) => scores.forget(person) },
      { name: 'activity', forget: (person) => activity.forget(person) },
      { name: 'notifications', forget: (person) => notifications.forget(person) },
      { name: 'people', forget: async (person, isLast) => { if (isLast) await people.forget(person) } },
      { name: 'reports', forget: (person, isLast) => reports.forget(person, isLast) },
      { name: 'inbox', forget: (person) => inbox.forget(person) },
      { name: 'events', forget: (person) => events.forget(person) },
      { name: 'record', forget: async (person, isLast) => { if (isLast) await accounts.forgetWholly(person) } },
    ],
  })

  const purges: [name: string, purge: (companyId: string) => Promise<void>][] = [
    ['feedback', (id) => feedback.purge(id)],
    ['happiness', (id) => happiness.purge(id)],
    ['cases', (id) => cases.purge(id)],
    ['deeds', (id) => deeds.purge(id)],
    ['people', (id) => people.purge(id)],
    ['health', (id) => health.purge(id)],
    ['scores', (id) => scores.purge(id)],
    ['activity', (id) => activity.purge(id)],
    ['billing', (id) => billing.purge(id)],
    ['reports', (id) => reports.purge(id)],
    ['today', (id) => today.purge(id)],
    ['views', (id) => views.purge(id)],
    ['workflows', (id) => workflows.purge(id)],
    ['webhooks', (id) => webhookOut.purge(id)],
    ['notifications', (id) => notifications.purge(id)],
    ['marketplace', (id) => marketplace.purge(id)],
    ['effects', (id) => effects.purge(id)],
    ['events', (id) => events.purge(id)],
    ['live', (id) => live.purge(id)],
    ['inbox', (id) => inbox.purge(id)],
    ['privacy', (id) => privacy.purge(id)],
    ['setup', (id) => setup.purge(id)],
    ['accounts', (id) => accounts.purge(id)],
    ['settings', (id) => settings.purge(id)],
  ]
  for (const [name, purge] of purges) installations.onPurge(name, purge)

  const pumps = [webhookPump, feedback.pump, workflows.pumps.events, ...effects.pumps, workflows.pumps.runs, webhookOut.pump, ...notifications.pumps, marketplace.pump]
  return { wake, box, events, live, settings, gateway, accounts, installations, setup, effects, sessions, roles, happiness, scores, activity, billing, reports, today, views, cases, deeds, people, health, feedback, book, privacy, notifications, workflows, marketplace, webhookOut, crmChoices, inbox, pumps, mailer }
}

function personOf(user: { name: string; email: string | null; firstName?: string | null; lastName?: string | null; phone?: string | null }) {
  return { name: user.name, email: user.email, firstName: user.firstName ?? null, lastName: user.lastName ?? null, phone: user.phone ?? null }
}
