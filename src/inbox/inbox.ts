import type { Connection } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import type { Wake } from '../kernel/wake.ts'
import { createLeasedQueue, type LeasedQueue } from '../store/index.ts'

/** One event that HighLevel sent, as received. */
export interface InboxEvent {
  type: string
  companyId: string | null
  locationId: string | null
  /** HighLevel's id of the event, else null. */
  webhookId: string | null
  /** The event's own time. */
  occurredAt: Date
  /** The body as text: what it holds never becomes a query or a document. */
  payload: string
}

/** Where an event is kept. */
export interface InboxItem {
  /** Unique per event: the same delivery twice is one event. */
  key: string
  /** Events about one thing are worked through in their order of arrival. */
  lane: string
  event: InboxEvent
}

/** What HighLevel told us. */
export interface Inbox {
  /** Stores the event with one insert and wakes the pump. */
  insert(item: InboxItem): Promise<'inserted' | 'duplicate'>
  /** Keeps an event that has no effect, for a week. */
  ignore(item: InboxItem, reason: string): Promise<'inserted' | 'duplicate'>
  /** Removes everything of an agency. */
  purge(companyId: string): Promise<void>
  queue: LeasedQueue<InboxEvent>
}

/** HighLevel lets people send an event again for 30 days; its key is remembered longer. */
const keepDays = 35
const keepIgnoredDays = 7
const maxAttempts = 15

export function createInbox(deps: { connection: Connection; clock: Clock; wake: Wake; faultPoint?: FaultPoint }): Inbox {
  const { connection, clock, wake, faultPoint = noFaultPoint } = deps
  const queue = createLeasedQueue<InboxEvent>(connection, { collection: 'inbox', clock, maxAttempts, doneTtlDays: keepDays, faultPoint })
  return {
    queue,
    purge: (companyId) => queue.purge(companyId),
    async insert({ key, lane, event }) {
      const outcome = await queue.insert({ key, lane, companyId: event.companyId, data: event })
      faultPoint('inbox.inserted')
      wake.signal('inbox')
      return outcome
    },
    ignore: ({ key, lane, event }, reason) => queue.insertIgnored({ key, lane, companyId: event.companyId, data: event }, reason, keepIgnoredDays),
  }
}
