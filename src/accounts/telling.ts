import type { DomainEvent } from '../events/index.ts'
import { CodedError, notFound } from '../kernel/errors.ts'
import { accountKey } from './rules.ts'
import type { AccountModels, AccountRecord } from './model.ts'
import type { AccountsDeps, ChangedBy } from './types.ts'

/** A change of one account and the sentence that tells it. */
export interface ToldChange {
  set: Partial<AccountRecord>
  event: Pick<DomainEvent, 'type' | 'summary' | 'data'> & Partial<Pick<DomainEvent, 'before' | 'after' | 'cause'>>
}

/**
 * Changes that are told: the record and what is to be told about it are one write, so that a change is told exactly once
 * whatever crashes in between, and a change that changed nothing is not told.
 */
export interface Telling {
  /**
   * @param decide what to change in the record as it is now; null → nothing. May be called again if somebody else was faster.
   * @throws RequestError 404 for an account that is not there or moved away
   */
  change(companyId: string, locationId: string, by: ChangedBy, decide: (record: AccountRecord) => ToldChange | null): Promise<AccountRecord>
  /** Members to write together with a change: condition on the record, what to add to it. */
  together(record: AccountRecord, by: ChangedBy, event: ToldChange['event']): { unchanged: { changes: number | null }; write: { $inc: { changes: number }; $push: { outbox: DomainEvent } }; since: { outboxSince: Date } }
  /** Tells what the record still has to tell. */
  tell(record: AccountRecord): Promise<void>
  /** Tells what a crash left untold. @returns how many accounts were looked at */
  tellDue(limit: number): Promise<number>
}

const maxAttempts = 20
/** Left alone that long, an outbox belongs to somebody who crashed. */
const graceMs = 10_000

export function createTelling({ accounts }: AccountModels, { clock, events }: Pick<AccountsDeps, 'clock' | 'events'>): Telling {
  const together: Telling['together'] = (record, by, event) => {
    const { companyId, locationId } = record
    const changes = record.changes ?? null
    const told: DomainEvent = {
      key: `${event.type}:${companyId}:${locationId}:${(changes ?? 0) + 1}`, companyId, locationId, userId: null, at: clock.now(), actor: by.actor, source: by.source,
      ...event,
      data: { locationId, accountName: record.name, ...event.data },
    }
    return { unchanged: { changes }, write: { $inc: { changes: 1 }, $push: { outbox: told } }, since: { outboxSince: record.outboxSince ?? told.at } }
  }

  async function tell(record: AccountRecord): Promise<void> {
    const outbox = record.outbox ?? []
    if (outbox.length === 0) return
    for (const event of outbox) await events.append(event)
    // Whoever changed the account in between tells the rest, and clears it.
    await accounts.updateOne({ _id: record._id, companyId: record.companyId, changes: record.changes ?? null }, { $set: { outbox: [], outboxSince: null } })
  }

  return {
    together,
    tell,
    async change(companyId, locationId, by, decide) {
      const key = accountKey(companyId, locationId)
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const record = await accounts.findOne({ _id: key, companyId, state: { $in: ['active', 'removed'] } }).lean()
        if (record === null) throw notFound('account')
        const decided = decide(record)
        if (decided === null) return record
        const { unchanged, write, since } = together(record, by, decided.event)
        const after = await accounts.findOneAndUpdate({ _id: key, companyId, ...unchanged }, { ...write, $set: { ...decided.set, ...since } }, { returnDocument: 'after' }).lean()
        if (after === null) continue
        await tell(after)
        return after
      }
      throw new CodedError('account_busy', 'This account is being changed by others right now. Try again.')
    },
    async tellDue(limit) {
      const untold = await accounts.find({ outboxSince: { $lte: new Date(clock.nowMs() - graceMs), $gt: new Date(0) } }).limit(limit).lean()
      for (const record of untold) await tell(record)
      return untold.length
    },
  }
}
