import type { Collection } from 'mongodb'
import type { LeasedQueue } from '../store/index.ts'
import type { OutboxItem } from './types.ts'
import type { WantedRecord } from './wanted-record.ts'

/** One piece of unfinished work, as operators see it. */
export interface EffectsStatus {
  kind: 'contact' | 'card' | 'message'
  /** Give this to `replay`. */
  key: string
  state: string
  /** Why it waits, as a code. */
  reason: string | null
  error: { code: string; message: string } | null
  dueAt: Date
}

const unfinished = ['dirty', 'held', 'dead'] as const
const unfinishedMessages = ['pending', 'leased', 'held', 'dead'] as const

/** Lists unfinished work: contacts, then cards, then messages, in one paged list. */
export function createStatus(collections: { contacts: Collection<WantedRecord>; cards: Collection<WantedRecord> }, outbox: LeasedQueue<OutboxItem>) {
  const parts = [
    { kind: 'contact' as const, records: collections.contacts },
    { kind: 'card' as const, records: collections.cards },
  ]

  async function list(query: { companyId: string; page: number; pageSize: number }): Promise<{ items: EffectsStatus[]; total: number }> {
    const { companyId, pageSize } = query
    const filter = { companyId, state: { $in: [...unfinished] } }
    const items: EffectsStatus[] = []
    let skip = (query.page - 1) * pageSize
    let total = 0
    for (const { kind, records } of parts) {
      const count = await records.countDocuments(filter)
      if (items.length < pageSize && skip < count) {
        const found = await records.find(filter).sort({ dueAt: 1, _id: 1 }).skip(skip).limit(pageSize - items.length).toArray()
        items.push(...found.map(({ _id: key, state, reason, error, dueAt }) => ({ kind, key, state, reason, error, dueAt })))
      }
      skip = Math.max(0, skip - count)
      total += count
    }
    const messages = await outbox.list({ companyId, states: unfinishedMessages, page: Math.floor(skip / pageSize) + 1, pageSize })
    const offset = skip % pageSize
    for (const { key, state, reason, error, dueAt } of messages.items.slice(offset)) {
      if (items.length < pageSize) items.push({ kind: 'message', key, state, reason, error, dueAt })
    }
    return { items, total: total + messages.total }
  }

  return { list }
}
