import type { Collection } from 'mongodb'
import { Schema, type Connection, type IndexDefinition } from 'mongoose'

/**
 * States of a queued item. `pending` waits for its due time, `leased` is being worked on, `held` waits for a person or a condition,
 * `done` and `ignored` are finished, `dead` failed for good and waits for a replay.
 */
export const queueStates = ['pending', 'leased', 'held', 'done', 'ignored', 'dead'] as const
export type QueueState = (typeof queueStates)[number]

/** Where an instant stands in the order of storing: `order` grows from there with every insert of that millisecond. */
export function positionOf(atMs: number): number {
  return atMs * 1_024
}

/** What went wrong last, without payloads. */
export interface QueueError {
  code: string
  message: string
  at: Date
}

/** One stored item. */
export interface QueueRecord<T> {
  /** The item's unique key. */
  _id: string
  lane: string
  companyId: string | null
  state: QueueState
  /** True until the item is done, ignored or dead: an open item holds back all later ones of its lane. */
  open: boolean
  /** Not worked on before this instant. */
  dueAt: Date
  /** Position in the lane: grows with every insert. */
  order: number
  createdAt: Date
  /** Attempts begun, the current one included. */
  attempts: number
  /** Leases that ran out. */
  crashes: number
  /** How often somebody took it up again; attempts and crashes are counted anew then. */
  replays?: number
  /** Fencing token of the current lease. */
  token?: string
  leaseUntil?: Date
  /** The lane's name while leased, else absent; its unique index lets one item of a lane be worked on at a time, in all processes together. */
  laneLock?: string
  /** Why it is held. */
  reason?: string
  error?: QueueError
  finishedAt?: Date
  /** When the finished record is removed. */
  expireAt?: Date
  data: T
}

/** The collection of a queue; declares its indexes as a mongoose model so that they are created with all others. */
export function queueCollection(connection: Connection, collection: string, extraIndexes: IndexDefinition[] = []): Collection<QueueRecord<unknown>> {
  if (connection.models[collection] === undefined) {
    const schema = new Schema<QueueRecord<unknown>>(
      {
        _id: String,
        lane: String,
        companyId: String,
        state: String,
        open: Boolean,
        dueAt: Date,
        order: Number,
        createdAt: Date,
        attempts: Number,
        crashes: Number,
        replays: Number,
        token: String,
        leaseUntil: Date,
        laneLock: String,
        reason: String,
        error: { code: String, message: String, at: Date },
        finishedAt: Date,
        expireAt: Date,
        data: Schema.Types.Mixed,
      },
      { collection, strict: true, autoIndex: false, minimize: false, versionKey: false },
    )
    schema.index({ state: 1, dueAt: 1, order: 1 })
    schema.index({ lane: 1, open: 1, order: 1 })
    schema.index({ laneLock: 1 }, { unique: true, sparse: true })
    schema.index({ companyId: 1, order: -1 })
    schema.index({ expireAt: 1 }, { expireAfterSeconds: 0, sparse: true })
    for (const index of extraIndexes) schema.index(index)
    connection.model(collection, schema, collection)
  }
  return connection.collection<QueueRecord<unknown>>(collection)
}
