import type { Model } from 'mongoose'
import type { DomainEvent } from '../events/index.ts'
import { dayMs, hourMs, minuteMs, secondMs } from '../kernel/clock.ts'
import { CodedError, describeError, PermanentError, RetryAfterError } from '../kernel/errors.ts'
import { noFaultPoint } from '../kernel/fault-point.ts'
import { createLeasedQueue, createPump, isDuplicateKey, type Claimed, type HandleOutcome, type LeasedQueue, type Pump } from '../store/index.ts'
import { triggerOf } from './catalog.ts'
import { factOf, triggerFor, visibleTo } from './facts.ts'
import { filtersFit, type FactValues } from './filters.ts'
import type { ExecutionRecord, SubscriptionRecord } from './model.ts'
import { createPersons } from './persons.ts'
import type { Places } from './place.ts'
import type { MarketplaceDeps } from './ports.ts'
import type { Subscriptions } from './subscriptions.ts'

/** One fact on its way to one workflow. Holds no address of a person: they are looked up when it leaves. */
export interface Firing {
  subscriptionId: string
  triggerKey: string
  eventKey: string
  /** The account that the fact is about. */
  accountId: string
  /** null → about the account as a whole. */
  userId: string | null
  values: FactValues
}

export interface Firings {
  /** Takes note of what happened: whatever fits a subscription is on its way then. Idempotent. */
  observe(event: DomainEvent): Promise<void>
  queue: LeasedQueue<Firing>
  pump: Pump
}

/** Attempts over about an hour and a half; then a person decides. */
const maxAttempts = 12
/** A fact from well before the trigger was put into the workflow is not its business; clocks may differ by this much. */
const graceMs = 5 * minuteMs
/** Longer than any call takes, waiting for its turn included: an attempt without an answer by then has lost its process. */
const callMs = minuteMs
const executionDays = 90
const gatherMs = 20
/** What is wrong with the installation is mended by a person, and the firing waits. */
const installationCodes = new Set(['highlevel_not_installed', 'highlevel_scope', 'highlevel_forbidden', 'highlevel_unsupported'])

/** False if a call that failed so has certainly started nothing: never sent, or refused by HighLevel itself. */
function mayHaveStarted(error: unknown): boolean {
  if (error instanceof PermanentError || error instanceof RetryAfterError) return false
  if (!(error instanceof CodedError)) return true
  const { endpoint, status, mayHaveReached } = error.details ?? {}
  // Getting a token comes before the call itself.
  if (endpoint !== 'fireTrigger') return false
  if (status === 0) return mayHaveReached !== false
  // A gateway that gave up waiting does not know what became of the call behind it.
  return status === 408 || status === 502 || status === 504
}

/** HighLevel took it, though its answer was no JSON. */
function wasAccepted(error: unknown): boolean {
  const status = error instanceof CodedError && error.details?.['endpoint'] === 'fireTrigger' ? error.details['status'] : undefined
  return typeof status === 'number' && status >= 200 && status < 300
}

export function createFirings(deps: MarketplaceDeps, executions: Model<ExecutionRecord>, subscriptions: Subscriptions, places: Places): Firings {
  const { connection, clock, wake, logger, accounts, installations, gateway, faultPoint = noFaultPoint } = deps
  const persons = createPersons(deps)
  const queue = createLeasedQueue<Firing>(connection, { collection: 'marketplace_firings', clock, maxAttempts, backoff: { baseMs: 5 * secondMs, maxMs: 15 * minuteMs }, faultPoint })

  function hold(forMs: number, reason: string): HandleOutcome {
    return { hold: { untilAt: new Date(clock.nowMs() + forMs), reason } }
  }

  /** A workflow that sets a status is not started by that again. */
  function isOwnDoing(event: DomainEvent, subscription: SubscriptionRecord): boolean {
    return event.actor.kind === 'crm' && event.actor.id === subscription.workflowId
  }

  async function observe(event: DomainEvent): Promise<void> {
    const { companyId, locationId } = event
    if (event.type === 'installation.uninstalled' || event.type === 'account.removed') {
      // The app may be back already: then what was made since stays.
      const installation = await installations.get(companyId)
      const account = locationId === null ? null : await accounts.get(companyId, locationId)
      const isGone = locationId === null ? installation === null || installation.status === 'uninstalled' : account === null || account.removedAt !== null
      await subscriptions.end(companyId, locationId, isGone ? null : event.at)
      return
    }
    const trigger = triggerFor(event)
    if (trigger === undefined || locationId === null) return
    const candidates = (await subscriptions.activeOf(companyId, trigger.key)).filter((one) => one.createdAt.getTime() - graceMs <= event.at.getTime() && !isOwnDoing(event, one))
    if (candidates.length === 0) return
    const account = await accounts.get(companyId, locationId)
    if (account === null) return
    const { values } = factOf(trigger, event, account, { happiness: (await deps.happiness.reading(companyId, locationId)).level })
    const items = []
    for (const subscription of candidates) {
      const team = await places.isTeam(companyId, subscription.locationId)
      if (!team && subscription.locationId !== locationId) continue
      const visible = visibleTo(team, trigger, values)
      if (!filtersFit(subscription.filters, visible)) continue
      const { _id: subscriptionId } = subscription
      const data: Firing = { subscriptionId, triggerKey: trigger.key, eventKey: event.key, accountId: locationId, userId: event.userId, values: visible }
      items.push({ key: `${companyId}:${subscriptionId}:${event.key}`, lane: `${subscriptionId}:${locationId}`, companyId, data })
    }
    if (items.length === 0) return
    await queue.insertAll(items)
    wake.signal('marketplace')
  }

  /** Says that an attempt begins. Of two workers one gets through. */
  async function begin(key: string, companyId: string, firing: Firing, subscription: SubscriptionRecord, before: ExecutionRecord | null): Promise<void> {
    const now = clock.now()
    const { subscriptionId, triggerKey, accountId, eventKey } = firing
    const members = { state: 'begun' as const, begunAt: now, answeredAt: null, code: null, expireAt: new Date(now.getTime() + executionDays * dayMs) }
    if (before === null) {
      try {
        const { locationId, workflowId } = subscription
        await executions.create([{ _id: key, companyId, subscriptionId, locationId, workflowId, triggerKey, accountId, eventKey, ...members }])
        return
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
      }
    } else {
      const { matchedCount } = await executions.updateOne({ _id: key, companyId, state: before.state, begunAt: before.begunAt }, { $set: members })
      if (matchedCount === 1) return
    }
    throw new RetryAfterError('firing_elsewhere', 'Another worker is at it.', callMs)
  }

  async function ended(key: string, companyId: string, state: ExecutionRecord['state'], code: string | null): Promise<void> {
    await executions.updateOne({ _id: key, companyId }, { $set: { state, code, answeredAt: clock.now() } })
  }

  const uncertain = (): PermanentError => new PermanentError('firing_uncertain', 'Whether the workflow started is not known: the connection ended before the answer came. Look at the workflow\'s execution log; replay this only if it did not start.')

  async function fire(key: string, companyId: string, firing: Firing, subscription: SubscriptionRecord, body: Record<string, unknown>): Promise<HandleOutcome> {
    try {
      await gateway.fireTrigger({ companyId, locationId: subscription.locationId, target: subscription.target, body })
    } catch (error) {
      if (!wasAccepted(error)) return failed(key, companyId, firing, error)
    }
    faultPoint('marketplace.accepted')
    await ended(key, companyId, 'accepted', null)
    await subscriptions.fired(companyId, subscription._id, clock.now())
    return 'done'
  }

  async function failed(key: string, companyId: string, { subscriptionId }: Firing, error: unknown): Promise<HandleOutcome> {
    const { code } = describeError(error)
    if (mayHaveStarted(error)) {
      await ended(key, companyId, 'uncertain', code)
      throw uncertain()
    }
    await ended(key, companyId, 'refused', code)
    // It may be this very call that found the connection gone: then it waits for the agency, not for the next attempt.
    if (code === 'highlevel_needs_reconnect' || !(await installations.isLive(companyId))) return hold(dayMs, 'installation_not_live')
    if (!(error instanceof PermanentError)) throw error
    if (installationCodes.has(error.code)) return hold(hourMs, error.code)
    if (error.code === 'highlevel_not_found') {
      await subscriptions.markGone(companyId, subscriptionId)
      logger.info({ companyId, subscriptionId }, 'a trigger is in no workflow any more; it is not fired again')
    }
    throw error
  }

  async function handle({ key, companyId, data, createdAt, begunBefore }: Claimed<Firing>): Promise<HandleOutcome> {
    if (companyId === null) throw new PermanentError('firing_without_agency', 'This firing names no agency.')
    const trigger = triggerOf(data.triggerKey)
    const subscription = await subscriptions.find(companyId, data.subscriptionId)
    if (trigger === undefined || subscription === null || subscription.state === 'deleted' || (subscription.state === 'gone' && !begunBefore)) return 'ignored'
    if (!(await installations.isLive(companyId))) {
      const installation = await installations.get(companyId)
      return installation === null || installation.status === 'uninstalled' ? 'ignored' : hold(dayMs, 'installation_not_live')
    }
    // The success location may be another one by now.
    const team = await places.isTeam(companyId, subscription.locationId)
    if (!team && subscription.locationId !== data.accountId) return 'ignored'

    const before = await executions.findOne({ _id: key, companyId }).lean<ExecutionRecord>()
    if (before?.state === 'accepted') return 'done'
    if (before?.state === 'begun') {
      const overMs = before.begunAt.getTime() + callMs
      if (overMs > clock.nowMs()) return hold(overMs - clock.nowMs(), 'outcome_unknown')
      await ended(key, companyId, 'uncertain', 'process_ended')
      throw uncertain()
    }

    const person = await persons.of(companyId, data, team)
    if (clock.nowMs() - createdAt.getTime() < person.patienceMs) return hold(secondMs, 'waiting_for_contact')
    const values = visibleTo(team, trigger, data.values)
    const told = Object.fromEntries(trigger.variables.flatMap(({ key: name }) => (Object.hasOwn(values, name) ? [[name, values[name] ?? '']] : [])))
    await begin(key, companyId, data, subscription, before)
    faultPoint('marketplace.begun')
    return fire(key, companyId, data, subscription, { ...told, ...person.members })
  }

  const pump = createPump<Firing>({ name: 'marketplace', queue, handle, clock, logger, wake, pumpName: 'marketplace', gatherMs, concurrency: 8, perCompany: 4 })
  return { observe, queue, pump }
}
