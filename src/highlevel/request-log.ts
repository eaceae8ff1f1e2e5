import { Schema, type Connection, type Model } from 'mongoose'
import { secondMs } from '../kernel/clock.ts'
import { describeError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { modelOn } from './resource.ts'
import type { Priority } from './types.ts'

/** One HTTP call to HighLevel: ids and figures, never bodies, addresses or tokens. */
export interface RequestLogEntry {
  at: Date
  companyId: string | null
  locationId: string | null
  method: string
  /** Path template of the endpoint table, without values. */
  path: string
  /** HTTP status; 0 when there was no answer. */
  status: number
  /** Error code of a call without an answer. */
  failure: string | null
  timeMs: number
  /** From 1; more than 1 is a repeat inside the gateway. */
  attempt: number
  priority: Priority
}

export interface RequestLogPage {
  items: RequestLogEntry[]
  page: number
  pageSize: number
  total: number
}

export interface RequestLog {
  /** Never waits: entries are written in batches. */
  add(entry: RequestLogEntry): void
  /** A company's calls, newest first. */
  list(query: { companyId: string; locationId?: string; page: number; pageSize: number }): Promise<RequestLogPage>
  flush(): Promise<void>
  /** Writes what is left and stops the timer. */
  stop(): Promise<void>
}

const keepSeconds = 7 * 24 * 60 * 60
const batchSize = 200
const flushEveryMs = secondMs
/** While the store is away, the log gives up old entries rather than memory. */
const maxBuffered = 5_000

const schema = new Schema<RequestLogEntry>(
  {
    at: Date,
    companyId: String,
    locationId: String,
    method: String,
    path: String,
    status: Number,
    failure: String,
    timeMs: Number,
    attempt: Number,
    priority: String,
  },
  { collection: 'highlevel_requests', strict: true, autoIndex: false, versionKey: false },
)
schema.index({ companyId: 1, at: -1 })
schema.index({ at: 1 }, { expireAfterSeconds: keepSeconds })

export function createRequestLog({ connection, logger }: { connection: Connection; logger: Logger }): RequestLog {
  const model: Model<RequestLogEntry> = modelOn<RequestLogEntry>(connection, 'HighLevelRequest', schema, 'highlevel_requests')
  let buffer: RequestLogEntry[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  async function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    while (buffer.length > 0) {
      const batch = buffer.slice(0, batchSize)
      buffer = buffer.slice(batch.length)
      try {
        await model.insertMany(batch, { ordered: false, lean: true })
      } catch (error) {
        // The log is an aid, not a fact: it must never fail a call. What cannot be written now is tried once more later.
        logger.warn({ err: describeError(error), entries: batch.length }, 'request log could not be written')
        buffer = [...batch, ...buffer].slice(-maxBuffered)
        return
      }
    }
  }

  function flush(): Promise<void> {
    writing = writing.then(write)
    return writing
  }

  return {
    add(entry) {
      buffer.push(entry)
      if (buffer.length > maxBuffered) buffer.shift()
      if (buffer.length === batchSize) void flush()
      else timer ??= setTimeout(() => void flush(), flushEveryMs).unref()
    },
    async list({ companyId, locationId, page, pageSize }) {
      const filter = locationId === undefined ? { companyId } : { companyId, locationId }
      const size = Math.min(Math.max(1, pageSize), 200)
      const [items, total] = await Promise.all([
        model.find(filter, { _id: 0 }).sort({ at: -1 }).skip((Math.max(1, page) - 1) * size).limit(size).lean<RequestLogEntry[]>(),
        model.countDocuments(filter),
      ])
      return { items, page: Math.max(1, page), pageSize: size, total }
    },
    flush,
    async stop() {
      await flush()
      clearTimeout(timer)
      timer = undefined
    },
  }
}
