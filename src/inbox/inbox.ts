import type { Connection } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import { mentions, type ForgottenPerson } from '../kernel/forgotten.ts'
import type { Wake } from '../kernel/wake.ts'
import { createLeasedQueue, queueCollection, type LeasedQueue, type QueueState } from '../store/index.ts'

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

/** One delivery as people may see it. */
export interface DeliveryLook {
  key: string
  type: string
  locationId: string | null
  occurredAt: Date
  receivedAt: Date
  state: QueueState
  attempts: number
  error: { code: string; message: string } | null
}

/** What HighLevel told us. */
export interface Inbox {
  /** Stores the event, together with those that are inserted at the same time, and wakes the pump. */
  insert(item: InboxItem): Promise<'inserted' | 'duplicate'>
  /** Keeps an event that has no effect, for a week. */
  ignore(item: InboxItem, reason: string): Promise<'inserted' | 'duplicate'>
  /** How one event stands, without what it holds; null if it is another agency's, unknown or forgotten. */
  look(companyId: string, key: string): Promise<DeliveryLook | null>
  /** Empties what was told about this person; that it was told stays, so that it is not taken in again. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes everything of an agency. */
  purge(companyId: string): Promise<void>
  queue: LeasedQueue<InboxEvent>
}

/** HighLevel lets people send an event again for 30 days; its key is remembered longer. */
const keepDays = 35
const keepIgnoredDays = 7
const maxAttempts = 15
/** A lane names the person or the contact that its deliveries are about. */
const forgottenLane = 'forgotten'

export function createInbox(deps: { connection: Connection; clock: Clock; wake: Wake; faultPoint?: FaultPoint }): Inbox {
  const { connection, clock, wake, faultPoint = noFaultPoint } = deps
  const queue = createLeasedQueue<InboxEvent>(connection, { collection: 'inbox', clock, maxAttempts, doneTtlDays: keepDays, groupInserts: true, faultPoint })
  const records = queueCollection(connection, 'inbox')
  return {
    queue,
    async look(companyId, key) {
      const projection = { 'data.type': 1, 'data.locationId': 1, 'data.occurredAt': 1, createdAt: 1, state: 1, attempts: 1, error: 1 }
      const found = await records.findOne({ _id: key, companyId }, { projection })
      if (found === null) return null
      const { type, locationId, occurredAt } = found.data as Pick<InboxEvent, 'type' | 'locationId' | 'occurredAt'>
      const error = found.error === undefined ? null : { code: found.error.code, message: found.error.message }
      return { key, type, locationId, occurredAt, receivedAt: found.createdAt, state: found.state, attempts: found.attempts, error }
    },
    async forget({ companyId, userId, contactIds, words }) {
      const isAbout = mentions([userId, ...contactIds, ...words])
      // What waits is worked through first: it may say who left.
      const empty = ({ open, lane, data }: { open: boolean; lane: string; data: InboxEvent }) =>
        !open && isAbout([lane, data.payload]) ? { lane: forgottenLane, data: { ...data, type: 'Forgotten', payload: '{}' } } : null
      await queue.rewrite(companyId, empty)
      // What came for no agency that we know had no effect, and is kept only to be looked at.
      await queue.rewrite(null, empty)
    },
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
