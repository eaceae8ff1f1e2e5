import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { DomainEvent, Events } from '../events/index.ts'
import type { BillingFact, BillingView } from '../http/contract/billing.ts'
import { minuteMs, type Clock } from '../kernel/clock.ts'
import { CodedError, notFound, RequestError } from '../kernel/errors.ts'
import type { Session } from '../kernel/route.ts'
import { isDuplicateKey } from '../store/index.ts'
import { billingModels, type BillingFactRecord, type BillingRecord } from './model.ts'
import { aheadReached, fold, nextAheadAt } from './rules.ts'

/** Payments and renewals of accounts, as the agency's systems tell them. */
export interface Billing {
  /** @throws RequestError 404; 409 `key_used`; 422 `at_in_future` */
  record(session: Session, locationId: string, fact: BillingFact): Promise<{ created: boolean; view: BillingView }>
  /** @throws RequestError 404 */
  view(companyId: string, locationId: string): Promise<BillingView>
  /** Accounts whose last payment failed, the longest first: all, or a few. */
  failed(companyId: string, query: { among: readonly string[] | null; limit: number }): Promise<{ locationId: string; at: Date }[]>
  /** Tells renewals that are near. @returns how many accounts were looked at */
  sweep(limit: number): Promise<number>
  purge(companyId: string): Promise<void>
}

export interface BillingDeps {
  connection: Connection
  clock: Clock
  accounts: Pick<Accounts, 'get'>
  events: Pick<Events, 'append'>
}

const maxAttempts = 20
const maxFutureMs = 5 * minuteMs

export function createBilling({ connection, clock, accounts, events }: BillingDeps): Billing {
  const models = billingModels(connection)

  async function stateOf(companyId: string, locationId: string): Promise<BillingRecord> {
    const found = await models.accounts.findOne({ _id: `${companyId}:${locationId}`, companyId }).lean<BillingRecord>()
    return found ?? { _id: `${companyId}:${locationId}`, companyId, locationId, payment: null, paymentAt: null, renewalAt: null, renewalFactAt: null, toldDays: 0, dueAt: null, version: 0 }
  }

  async function storeState(before: BillingRecord, next: BillingRecord): Promise<boolean> {
    const after = { ...next, version: before.version + 1 }
    if (before.version > 0) return (await models.accounts.updateOne({ _id: before._id, companyId: before.companyId, version: before.version }, { $set: after })).matchedCount === 1
    try {
      await models.accounts.create([after])
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  /** Takes a stored fact into the account's state. The event goes first: its key is the fact's, so repeating it is harmless and forgetting it impossible. */
  async function take(fact: BillingFactRecord, actor: DomainEvent['actor']): Promise<BillingRecord> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const before = await stateOf(fact.companyId, fact.locationId)
      const folded = fold(before, fact)
      if (folded === null) return before
      if (folded.told) await events.append(eventOf(fact, actor))
      if (await storeState(before, folded.next)) return folded.next
    }
    throw new CodedError('billing_busy', 'This account is being changed by others right now. Try again.')
  }

  async function tellAhead(record: BillingRecord, now: Date): Promise<void> {
    const { companyId, locationId, renewalAt, toldDays } = record
    if (renewalAt === null) return
    const account = await accounts.get(companyId, locationId)
    const isGone = account === null || account.removedAt !== null || account.group === 'churned'
    const days = aheadReached(renewalAt, now)
    const told = !isGone && days !== null && (toldDays === 0 || days < toldDays)
    if (told) {
      await events.append({
        key: `billing.renewal_ahead:${companyId}:${locationId}:${renewalAt.getTime()}:${days}`, companyId, locationId, userId: null, at: now, type: 'billing.renewal_ahead',
        actor: { kind: 'system', id: null, name: null }, source: 'schedule', summary: `The contract renews on ${renewalAt.toISOString().slice(0, 10)}, within ${days} days.`, data: { days, renewalAt },
      })
    }
    await storeState(record, { ...record, toldDays: told ? days : toldDays, dueAt: isGone || days === null ? null : nextAheadAt(renewalAt, days) })
  }

  return {
    async record({ companyId, userId, userName }, locationId, body) {
      if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
      const now = clock.now()
      const at = body.at === undefined ? now : new Date(body.at)
      if (at.getTime() > now.getTime() + maxFutureMs) throw new RequestError(422, 'at_in_future', 'at: must not be in the future. For a renewal that is ahead, send it as renewalAt.')
      const renewalAt = body.renewalAt === undefined || body.renewalAt === null ? null : new Date(body.renewalAt)
      const fact: BillingFactRecord = { _id: `${companyId}:${body.idempotencyKey}`, companyId, locationId, fact: body.fact, at, renewalAt, note: body.note ?? null }
      let stored = fact
      let created = true
      try {
        await models.facts.create([fact])
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        created = false
        stored = (await models.facts.findOne({ _id: fact._id, companyId }).lean<BillingFactRecord>()) ?? fact
        if (stored.locationId !== locationId || stored.fact !== fact.fact || stored.renewalAt?.getTime() !== renewalAt?.getTime()) {
          throw new RequestError(409, 'key_used', 'idempotencyKey: was used for another fact. Use a new key for each fact.')
        }
      }
      // Also for a fact that is there already: whoever stored it may have ended before it was taken in.
      return { created, view: viewOf(await take(stored, { kind: 'agency_user', id: userId, name: userName })) }
    },

    async view(companyId, locationId) {
      if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
      return viewOf(await stateOf(companyId, locationId))
    },

    async failed(companyId, { among, limit }) {
      const whose = among === null ? {} : { locationId: { $in: [...among] } }
      const found = await models.accounts.find({ companyId, payment: 'failed', ...whose }).sort({ paymentAt: 1 }).limit(limit).lean<BillingRecord[]>()
      return found.flatMap(({ locationId, paymentAt }) => (paymentAt === null ? [] : [{ locationId, at: paymentAt }]))
    },

    async sweep(limit) {
      const now = clock.now()
      const due = await models.accounts.find({ dueAt: { $lte: now, $gt: new Date(0) } }).sort({ dueAt: 1 }).limit(limit).lean<BillingRecord[]>()
      for (const record of due) await tellAhead(record, now)
      return due.length
    },

    async purge(companyId) {
      await models.facts.deleteMany({ companyId })
      await models.accounts.deleteMany({ companyId })
    },
  }
}

const types = { payment_failed: 'billing.payment_failed', payment_recovered: 'billing.payment_recovered', renewal_at: 'billing.renewal_set' } as const

function eventOf({ _id, companyId, locationId, fact, at, renewalAt, note }: BillingFactRecord, actor: DomainEvent['actor']): DomainEvent {
  const said = { payment_failed: 'A payment failed.', payment_recovered: 'The payment went through after it had failed.', renewal_at: renewalAt === null ? 'When the contract renews is not known any more.' : `The contract renews on ${renewalAt.toISOString().slice(0, 10)}.` }
  return {
    key: `billing:${_id}`, companyId, locationId, userId: null, type: types[fact], at, actor, source: 'api', summary: note === null ? said[fact] : `${said[fact]} ${note}`,
    data: { note, ...(fact === 'renewal_at' ? { renewalAt } : {}) },
  }
}

function viewOf({ payment, paymentAt, renewalAt }: BillingRecord): BillingView {
  return { payment: payment ?? 'unknown', paymentAt: paymentAt?.toISOString() ?? null, renewalAt: renewalAt?.toISOString() ?? null }
}
