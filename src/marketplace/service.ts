import type { MarketplaceExecution, MarketplaceView } from '../http/contract/marketplace.ts'
import { dayMs } from '../kernel/clock.ts'
import { mentions, type ForgottenPerson } from '../kernel/forgotten.ts'
import { RequestError, type CodedError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { DomainEvent } from '../events/index.ts'
import type { LeasedQueue, Pump } from '../store/index.ts'
import { createActions } from './actions/index.ts'
import { actions as actionCatalog, triggerOf, triggers } from './catalog.ts'
import { createDynamic, type Dynamic } from './dynamic.ts'
import { filterFieldsOf } from './facts.ts'
import { problemOf } from './filters.ts'
import { createFirings, type Firing } from './firing.ts'
import { marketplaceModels, type RefusalRecord, type SubscriptionRecord } from './model.ts'
import { createPlaces, type Claim } from './place.ts'
import type { MarketplaceDeps } from './ports.ts'
import { headerName, isHeaderSecret } from './secret.ts'
import { createSubscriptions, type SubscriptionOutcome } from './subscriptions.ts'
import type { ActionCall, SubscriptionEvent } from './wire.ts'

/** HighLevel's own workflow builder: our triggers start its workflows, our actions are steps of them. */
export interface Marketplace {
  /** @throws RequestError 401 unless the header holds the secret */
  authorize(headers: Readonly<Record<string, string | undefined>>): void
  /** A trigger was put into a workflow, changed there, or taken out. Idempotent. @throws RequestError, each recorded for the agency */
  takeSubscription(event: SubscriptionEvent): Promise<SubscriptionOutcome>
  /** Carries out one step for one contact. A repetition within a minute does nothing twice. @throws RequestError, each recorded for the agency */
  runAction(key: string, call: ActionCall): Promise<Record<string, unknown>>
  filtersOf(key: string, claim: Claim): ReturnType<Dynamic['filters']>
  inputsOf(key: string, claim: Claim): ReturnType<Dynamic['inputs']>
  /** Takes note of what happened: triggers fire, an uninstall ends them all. Idempotent. */
  observe(event: DomainEvent): Promise<void>
  view(companyId: string): Promise<MarketplaceView>
  executions(companyId: string, page: { page: number; pageSize: number }): Promise<{ items: MarketplaceExecution[]; total: number }>
  /** Firings on their way. */
  queue: LeasedQueue<Firing>
  pump: Pump
  /** What waited for a connection goes on. @returns how many */
  releaseHeld(companyId: string): Promise<number>
  /** Removes what was, or was to be, told about this person. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes everything stored for the agency. */
  purge(companyId: string): Promise<void>
}

const refusalDays = 30
const refusalsShown = 50

export function createMarketplace(deps: MarketplaceDeps): Marketplace {
  const { clock, wake, secrets } = deps
  const models = marketplaceModels(deps.connection)
  const places = createPlaces(deps)
  const subscriptions = createSubscriptions({ subscriptions: models.subscriptions, clock, places, apiUrl: deps.apiUrl })
  const firings = createFirings(deps, models.executions, subscriptions, places)
  const actions = createActions(deps, models.runs, places)
  const dynamic = createDynamic(deps)

  /** Keeps why a call was refused: nobody else would tell the person who built the workflow. The agency is the sub-account's by our records, or nobody. */
  async function refused(call: Pick<RefusalRecord, 'kind' | 'key' | 'locationId' | 'workflowId'>, error: CodedError): Promise<void> {
    const now = clock.now()
    const known = call.locationId === null || error.code === 'other_app' || error.code === 'other_agency' ? null : await deps.installations.companyOf(call.locationId)
    await models.refusals.create([{
      ...call, _id: newId(now.getTime()), companyId: known, code: error.code, message: error.message.slice(0, 500), at: now, expireAt: new Date(now.getTime() + refusalDays * dayMs),
    }])
  }

  async function told<T>(call: Pick<RefusalRecord, 'kind' | 'key' | 'locationId' | 'workflowId'>, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof RequestError) await refused(call, error)
      throw error
    }
  }

  async function subscriptionView(record: SubscriptionRecord): Promise<MarketplaceView['subscriptions'][number]> {
    const trigger = triggerOf(record.triggerKey)
    const fields = trigger === undefined ? [] : filterFieldsOf(await places.isTeam(record.companyId, record.locationId), trigger)
    return {
      id: record._id, triggerKey: record.triggerKey, locationId: record.locationId, workflowId: record.workflowId, filters: record.filters,
      problems: record.filters.flatMap((filter) => problemOf(filter, fields) ?? []), state: record.state === 'gone' ? 'gone' : 'active',
      fired: record.fired, lastFiredAt: record.lastFiredAt?.toISOString() ?? null, createdAt: record.createdAt.toISOString(),
    }
  }

  return {
    authorize(headers) {
      if (isHeaderSecret(headers[headerName.toLowerCase()], secrets)) return
      throw new RequestError(401, 'unauthorized', `The header ${headerName} is missing or wrong. Set it for this URL in the developer portal.`)
    },
    takeSubscription: (event) => told({ kind: 'trigger', key: event.key, locationId: event.locationId, workflowId: event.workflowId }, () => subscriptions.take(event)),
    runAction: (key, call) => told({ kind: 'action', key, locationId: call.extras.locationId, workflowId: call.extras.workflowId }, () => actions.run(key, call)),
    filtersOf: async (key, claim) => dynamic.filters(key, await places.of(claim)),
    inputsOf: async (key, claim) => dynamic.inputs(key, await places.of(claim)),
    observe: (event) => firings.observe(event),
    queue: firings.queue,
    pump: firings.pump,

    async view(companyId) {
      const [listed, refusals] = await Promise.all([
        subscriptions.list(companyId),
        models.refusals.find({ companyId }).sort({ at: -1 }).limit(refusalsShown).lean<RefusalRecord[]>(),
      ])
      const short = ({ key, name, description }: { key: string; name: string; description: string }) => ({ key, name, description })
      return {
        headerName,
        triggers: triggers.map(short),
        actions: actionCatalog.map(short),
        subscriptions: await Promise.all(listed.map(subscriptionView)),
        refusals: refusals.map(({ at, kind, key, code, message, locationId, workflowId }) => ({ at: at.toISOString(), kind, key, code, message, locationId, workflowId })),
      }
    },

    async executions(companyId, { page, pageSize }) {
      const [found, total] = await Promise.all([
        models.executions.find({ companyId }).sort({ begunAt: -1 }).skip((page - 1) * pageSize).limit(pageSize).lean(),
        models.executions.countDocuments({ companyId }),
      ])
      const items = found.map(({ subscriptionId, triggerKey, locationId, workflowId, accountId, state, begunAt, answeredAt, code }) => ({
        subscriptionId, triggerKey, locationId, workflowId, accountId, state, begunAt: begunAt.toISOString(), answeredAt: answeredAt?.toISOString() ?? null, code,
      }))
      return { items, total }
    },

    async releaseHeld(companyId) {
      const released = await firings.queue.release(companyId)
      wake.signal('marketplace')
      return released
    },

    async forget({ companyId, userId, locationIds, contactIds, words }) {
      const [isNamed, isMeant] = [mentions([userId]), mentions(words)]
      // A namesake at another customer is somebody else.
      await firings.queue.rewrite(companyId, ({ key, data }) => (isNamed([key, data]) || (locationIds.includes(data.accountId) && isMeant(data)) ? 'remove' : null))
      for await (const { _id, eventKey } of models.executions.find({ companyId, accountId: { $in: locationIds } }, { eventKey: 1 }).lean().cursor()) {
        if (isNamed(eventKey)) await models.executions.deleteOne({ _id, companyId })
      }
      await models.runs.deleteMany({ companyId, contactId: { $in: contactIds } })
    },

    async purge(companyId) {
      await firings.queue.purge(companyId)
      await models.subscriptions.deleteMany({ companyId })
      await models.executions.deleteMany({ companyId })
      await models.runs.deleteMany({ companyId })
      await models.refusals.deleteMany({ companyId })
    },
  }
}
