import type { Model } from 'mongoose'
import { triggerTargetOf } from '../highlevel/index.ts'
import { dayMs, minuteMs, type Clock } from '../kernel/clock.ts'
import { CodedError, RequestError } from '../kernel/errors.ts'
import { hashOf } from '../kernel/ids.ts'
import { isDuplicateKey } from '../store/index.ts'
import { triggerOf, triggers } from './catalog.ts'
import { filterFieldsOf } from './facts.ts'
import { problemOf } from './filters.ts'
import type { SubscriptionRecord } from './model.ts'
import type { Places } from './place.ts'
import type { SubscriptionEvent } from './wire.ts'

/** What became of an event about a trigger in a workflow. */
export interface SubscriptionOutcome {
  outcome: 'created' | 'updated' | 'deleted' | 'unchanged' | 'overtaken'
  /** Filters that never match, each with the fix. */
  problems: string[]
}

export interface Subscriptions {
  /** Takes in an event. Idempotent. @throws RequestError 403, 404 `unknown_trigger`, `unknown_installation`, 422 `target_refused` */
  take(event: SubscriptionEvent): Promise<SubscriptionOutcome>
  /** Those that a fact of this trigger may fire. */
  activeOf(companyId: string, triggerKey: string): Promise<SubscriptionRecord[]>
  find(companyId: string, id: string): Promise<SubscriptionRecord | null>
  list(companyId: string): Promise<SubscriptionRecord[]>
  /** HighLevel knows nothing of the trigger any more. */
  markGone(companyId: string, id: string): Promise<void>
  fired(companyId: string, id: string, at: Date): Promise<void>
  /** The app was removed: every subscription made until then is void. @param locationId null → in the whole agency. @param until null → whenever it was made */
  end(companyId: string, locationId: string | null, until: Date | null): Promise<void>
}

/** An event that comes this soon after a DELETED, and does not say that it is newer, was overtaken by it. */
const overtakingMs = 10 * minuteMs
const deletedDays = 90
const maxAheadMs = minuteMs
const maxAttempts = 20
const maxListed = 1_000

export interface SubscriptionsDeps {
  subscriptions: Model<SubscriptionRecord>
  clock: Clock
  places: Places
  /** The only host that is called. */
  apiUrl: string
}

/** Versions are dotted numbers. @returns below zero if `left` is older, 0 where one cannot tell */
function compareVersions(left: string | null, right: string | null): number {
  if (left === null || right === null || !/^\d+(\.\d+)*$/.test(left) || !/^\d+(\.\d+)*$/.test(right)) return 0
  const [a, b] = [left.split('.').map(Number), right.split('.').map(Number)]
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Which of two events is the newer one, as far as they say: by HighLevel's time, else by the trigger's version. */
function ageOf(event: Pick<SubscriptionEvent, 'at' | 'version'>, known: Pick<SubscriptionRecord, 'eventAt' | 'version'>): 'older' | 'newer' | 'untold' {
  const difference = event.at !== null && known.eventAt !== null ? event.at.getTime() - known.eventAt.getTime() : compareVersions(event.version, known.version)
  return difference < 0 ? 'older' : difference > 0 ? 'newer' : 'untold'
}

export function createSubscriptions({ subscriptions, clock, places, apiUrl }: SubscriptionsDeps): Subscriptions {
  /** The record after an event; null if the event changes nothing. */
  function next(before: SubscriptionRecord | null, event: SubscriptionEvent, base: Pick<SubscriptionRecord, '_id' | 'companyId' | 'target'>): { record: SubscriptionRecord; outcome: SubscriptionOutcome['outcome'] } | SubscriptionOutcome['outcome'] {
    const now = clock.now()
    const age = before === null ? 'newer' : ageOf(event, before)
    if (age === 'older') return 'overtaken'
    const { triggerId, workflowId, locationId, key, filters, version, at } = event
    const fresh: SubscriptionRecord = {
      ...base, triggerId, workflowId, locationId, triggerKey: key, filters, version: version ?? before?.version ?? null, state: 'active', eventAt: at ?? before?.eventAt ?? null,
      createdAt: before?.createdAt ?? now, changedAt: now, deletedAt: null, lastFiredAt: before?.lastFiredAt ?? null, fired: before?.fired ?? 0, rev: (before?.rev ?? 0) + 1,
    }
    if (event.kind === 'DELETED') {
      if (before?.state === 'deleted') return 'unchanged'
      return { outcome: 'deleted', record: { ...fresh, filters: before?.filters ?? filters, target: before?.target ?? base.target, state: 'deleted', deletedAt: now, expireAt: new Date(now.getTime() + deletedDays * dayMs) } }
    }
    if (before === null) return { outcome: 'created', record: fresh }
    if (before.state === 'deleted') {
      const overtaken = age === 'untold' && before.deletedAt !== null && now.getTime() - before.deletedAt.getTime() < overtakingMs
      return overtaken ? 'overtaken' : { outcome: 'created', record: { ...fresh, createdAt: now } }
    }
    if (before.state === 'gone') return { outcome: 'updated', record: fresh }
    // A trigger is created once: another CREATED is a repetition, or was overtaken by an UPDATED.
    if (event.kind === 'CREATED' && age === 'untold') return 'unchanged'
    const same = JSON.stringify([before.filters, before.target, before.version, before.triggerKey]) === JSON.stringify([fresh.filters, fresh.target, fresh.version, fresh.triggerKey])
    return same && age === 'untold' ? 'unchanged' : { outcome: 'updated', record: fresh }
  }

  /** Stores a record if nobody changed it since it was read. */
  async function store(before: SubscriptionRecord | null, record: SubscriptionRecord): Promise<boolean> {
    if (before === null) {
      try {
        await subscriptions.create([record])
        return true
      } catch (error) {
        if (isDuplicateKey(error)) return false
        throw error
      }
    }
    const { _id, companyId, ...members } = record
    const forgetting = record.expireAt === undefined ? { $unset: { expireAt: '' } } : {}
    const { matchedCount } = await subscriptions.updateOne({ _id, companyId, rev: before.rev }, { $set: members, ...forgetting })
    return matchedCount === 1
  }

  return {
    async take(given) {
      // A time that lies ahead of ours would shut out everything that comes after it.
      const event = given.at !== null && given.at.getTime() > clock.nowMs() + maxAheadMs ? { ...given, at: null } : given
      const deletes = event.kind === 'DELETED'
      const place = await places.of(event, { ended: deletes })
      const trigger = triggerOf(event.key)
      if (trigger === undefined) throw new RequestError(404, 'unknown_trigger', `The app has no trigger "${event.key}". Its triggers are: ${triggers.map(({ key }) => key).join(', ')}.`)
      const target = triggerTargetOf(event.targetUrl ?? '', apiUrl)
      if (target === null && !deletes) throw new RequestError(422, 'target_refused', 'triggerData.targetUrl must be an execute address of the workflow service; no other address is ever called.')
      const { companyId, locationId } = place
      const base = { _id: hashOf('marketplace-subscription', companyId, locationId, event.triggerId, event.workflowId).slice(0, 32), companyId, target: target ?? [] }
      const fields = filterFieldsOf(place.team, trigger)
      const problems = deletes ? [] : event.filters.flatMap((filter) => problemOf(filter, fields) ?? [])
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const before = await subscriptions.findOne({ _id: base._id, companyId }).lean<SubscriptionRecord>()
        const change = next(before, event, base)
        if (typeof change === 'string') return { outcome: change, problems }
        if (await store(before, change.record)) return { outcome: change.outcome, problems }
      }
      throw new CodedError('subscription_busy', 'Too many changes of this trigger at once; send it again.')
    },

    activeOf: (companyId, triggerKey) => subscriptions.find({ companyId, state: 'active', triggerKey }).limit(maxListed).lean<SubscriptionRecord[]>(),
    find: (companyId, id) => subscriptions.findOne({ _id: id, companyId }).lean<SubscriptionRecord>(),
    list: (companyId) => subscriptions.find({ companyId, state: { $in: ['active', 'gone'] } }).sort({ _id: 1 }).limit(maxListed).lean<SubscriptionRecord[]>(),
    async markGone(companyId, id) {
      await subscriptions.updateOne({ _id: id, companyId, state: 'active' }, { $set: { state: 'gone', changedAt: clock.now() }, $inc: { rev: 1 } })
    },
    async fired(companyId, id, at) {
      await subscriptions.updateOne({ _id: id, companyId }, { $max: { lastFiredAt: at }, $inc: { fired: 1 } })
    },
    async end(companyId, locationId, until) {
      await subscriptions.deleteMany({ companyId, ...(locationId === null ? {} : { locationId }), ...(until === null ? {} : { changedAt: { $lte: until } }) })
    },
  }
}
