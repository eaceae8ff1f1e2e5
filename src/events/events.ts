import { EventEmitter } from 'node:events'
import type { Connection } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import { mentions, type ForgottenPerson } from '../kernel/forgotten.ts'
import type { Wake } from '../kernel/wake.ts'
import { createLeasedQueue, queueCollection, type LeasedQueue, type QueueItem } from '../store/index.ts'
import { withoutPerson } from './forget.ts'
import { timelineOnlyTypes, type DomainEvent, type DomainEventType } from './types.ts'

/** Which events a timeline shows, newest first. */
export interface TimelineQuery {
  companyId: string
  /** One account's; the whole agency's if left out. */
  locationId?: string
  userId?: string
  types?: readonly DomainEventType[]
  /** Who did it. */
  actorId?: string
  /** Where it came from, as an `EventSource`; another word fits nothing. */
  source?: string
  /** `fromAt <= at < toAt`. */
  fromAt?: Date
  toAt?: Date
  /** From 1. */
  page: number
  pageSize: number
}

/** An event as it stands in the order of storing. */
export interface StoredEvent extends Pick<DomainEvent, 'key' | 'type' | 'locationId' | 'userId'> {
  /** Grows with time; comparable between processes as far as their clocks agree. */
  position: number
}

/** What happened: appended by features, read by timelines, worked through by workflows. */
export interface Events {
  /** Stores the fact once and wakes its readers. */
  append(event: DomainEvent): Promise<'inserted' | 'duplicate'>
  /** Stores several facts in their order with one write; those that are there already are left alone. */
  appendAll(events: readonly DomainEvent[]): Promise<void>
  timeline(query: TimelineQuery): Promise<{ items: DomainEvent[]; total: number }>
  /** Events with `fromAt <= at < toAt`, oldest first, read in pages. */
  since(query: { companyId: string; types?: readonly DomainEventType[]; fromAt: Date; toAt: Date }): AsyncIterable<DomainEvent>
  /** What an agency's events are about, in the order of their storing, after a position (`positionOf` of the store). */
  storedAfter(query: { companyId: string; after: number; limit: number }): Promise<StoredEvent[]>
  /** Called with the agency whenever this process stored something. @returns a function that stops listening */
  onStored(listener: (companyId: string) => void): () => void
  /** Takes a person out of what happened; that it happened, and when, stays where its key says nothing of them. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes everything of an agency. */
  purge(companyId: string): Promise<void>
  /** For the one consumer that works through all events: workflows. */
  queue: LeasedQueue<DomainEvent>
}

const collection = 'events'
const pageLength = 200

/** An event's lane: facts about one account are worked through in their order. */
function laneOf(event: DomainEvent): string {
  return event.locationId === null ? `company:${event.companyId}` : `account:${event.companyId}:${event.locationId}`
}

function itemOf(event: DomainEvent): QueueItem<DomainEvent> {
  const { key, companyId, type } = event
  return { key, companyId, lane: laneOf(event), ...(timelineOnlyTypes.has(type) ? { ignored: 'timeline_only' } : {}), data: event }
}

export function createEvents(deps: { connection: Connection; clock: Clock; wake: Wake }): Events {
  const { connection, clock, wake } = deps
  const indexes = [
    { 'data.companyId': 1, 'data.locationId': 1, 'data.at': -1 },
    { 'data.companyId': 1, 'data.at': -1 },
  ] as const
  const queue = createLeasedQueue<DomainEvent>(connection, { collection, clock, doneTtlDays: null, indexes: [...indexes] })
  const records = queueCollection(connection, collection)
  const stored = new EventEmitter().setMaxListeners(0)

  return {
    queue,
    async forget(person) {
      const isAbout = mentions([person.userId])
      await queue.rewrite(person.companyId, ({ open, data }) => {
        // What waits is worked through first.
        if (open || !isAbout(data)) return null
        const left = withoutPerson(data, person)
        return left === 'remove' ? left : { data: left }
      }, { 'data.companyId': person.companyId, 'data.locationId': { $in: [...person.locationIds, null] } })
    },
    purge: (companyId) => queue.purge(companyId),

    async append(event) {
      const outcome = await queue.insert(itemOf(event))
      if (!timelineOnlyTypes.has(event.type)) wake.signal('events')
      if (outcome === 'inserted') stored.emit('stored', event.companyId)
      return outcome
    },

    async appendAll(events) {
      await queue.insertAll(events.map(itemOf))
      if (events.some(({ type }) => !timelineOnlyTypes.has(type))) wake.signal('events')
      for (const companyId of new Set(events.map((event) => event.companyId))) stored.emit('stored', companyId)
    },

    async storedAfter({ companyId, after, limit }) {
      const projection = { order: 1, 'data.type': 1, 'data.locationId': 1, 'data.userId': 1 }
      const found = await records.find({ companyId, order: { $gt: after } }, { projection }).sort({ order: 1 }).limit(limit).toArray()
      return found.map(({ _id: key, order: position, data }) => {
        const { type, locationId, userId } = data as Pick<DomainEvent, 'type' | 'locationId' | 'userId'>
        return { key, position, type, locationId, userId }
      })
    },

    onStored(listener) {
      stored.on('stored', listener)
      return () => {
        stored.off('stored', listener)
      }
    },

    async timeline({ companyId, locationId, userId, types, actorId, source, fromAt, toAt, page, pageSize }) {
      const range = { ...(fromAt === undefined ? {} : { $gte: fromAt }), ...(toAt === undefined ? {} : { $lt: toAt }) }
      const filter = {
        'data.companyId': companyId,
        ...(locationId === undefined ? {} : { 'data.locationId': locationId }),
        ...(userId === undefined ? {} : { 'data.userId': userId }),
        ...(types === undefined ? {} : { 'data.type': { $in: [...types] } }),
        ...(actorId === undefined ? {} : { 'data.actor.id': actorId }),
        ...(source === undefined ? {} : { 'data.source': source }),
        ...(fromAt === undefined && toAt === undefined ? {} : { 'data.at': range }),
      }
      const [found, total] = await Promise.all([
        records.find(filter, { projection: { data: 1 } }).sort({ 'data.at': -1, _id: -1 }).skip((page - 1) * pageSize).limit(pageSize).toArray(),
        records.countDocuments(filter),
      ])
      return { items: found.map((record) => record.data as DomainEvent), total }
    },

    async *since({ companyId, types, fromAt, toAt }) {
      let after: { at: Date; key: string } | undefined
      for (;;) {
        const range = after === undefined ? { 'data.at': { $gte: fromAt, $lt: toAt } } : { 'data.at': { $gte: after.at, $lt: toAt } }
        const beyond = after === undefined ? {} : { $or: [{ 'data.at': { $gt: after.at } }, { _id: { $gt: after.key } }] }
        const filter = { 'data.companyId': companyId, ...range, ...beyond, ...(types === undefined ? {} : { 'data.type': { $in: [...types] } }) }
        const page = await records.find(filter, { projection: { data: 1 } }).sort({ 'data.at': 1, _id: 1 }).limit(pageLength).toArray()
        for (const record of page) yield record.data as DomainEvent
        const last = page.at(-1)
        if (last === undefined || page.length < pageLength) return
        after = { at: (last.data as DomainEvent).at, key: last._id }
      }
    },
  }
}
