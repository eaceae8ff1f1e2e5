import { Schema, type Connection, type Model } from 'mongoose'
import type { LiveHint } from '../http/contract/live.ts'
import type { Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { isDuplicateKey, positionOf } from '../store/index.ts'

/** What has no event of its own. */
export type Topic = Extract<LiveHint, { type: 'cases' | 'notifications' | 'runs' | 'workflow' }>

/** When a topic of an agency changed last: one record each, however often it changes. */
interface MarkRecord {
  _id: string
  companyId: string
  hint: Topic
  position: number
}

export interface StoredMark {
  hint: Topic
  position: number
}

export interface Marks {
  /** Notes that a topic changed; soon stored, together with what changes in the same moment. */
  mark(companyId: string, topic: Topic): void
  after(companyId: string, position: number): Promise<StoredMark[]>
  /** Called with the agency whenever this process stored one. */
  onStored(listener: (companyId: string) => void): void
  /** Stores what waits. */
  stop(): Promise<void>
  purge(companyId: string): Promise<void>
}

/** Pause between two writes of one topic. */
const pauseMs = 500

function markModel(connection: Connection): Model<MarkRecord> {
  const existing = connection.models['LiveMark'] as Model<MarkRecord> | undefined
  if (existing !== undefined) return existing
  const schema = new Schema<MarkRecord>(
    { _id: String, companyId: String, hint: Schema.Types.Mixed, position: Number },
    { collection: 'live_marks', strict: true, autoIndex: false, versionKey: false },
  )
  schema.index({ companyId: 1, position: 1 })
  return connection.model<MarkRecord>('LiveMark', schema, 'live_marks')
}

export function createMarks({ connection, clock, logger }: { connection: Connection; clock: Clock; logger: Logger }): Marks {
  const model = markModel(connection)
  const listeners = new Set<(companyId: string) => void>()
  /** Topics that were written a moment ago; `again` if they changed since. */
  const resting = new Map<string, { again: boolean; timer: NodeJS.Timeout; write: () => Promise<void> }>()
  const writing = new Set<Promise<void>>()

  async function store(_id: string, companyId: string, hint: Topic): Promise<void> {
    // A fraction of chance: two changes of one millisecond are two.
    const position = positionOf(clock.nowMs()) + Math.floor(Math.random() * 1_024)
    try {
      await model.updateOne({ _id, companyId }, { $set: { hint, position } }, { upsert: true })
    } catch (error) {
      // Another process made the record in the same moment, and told the same.
      if (!isDuplicateKey(error)) {
        logger.warn({ companyId, topic: hint.type, code: describeError(error).code }, 'open pages could not be told of a change')
        return
      }
    }
    for (const listener of listeners) listener(companyId)
  }

  function begin(write: () => Promise<void>): void {
    const under = write().finally(() => writing.delete(under))
    writing.add(under)
  }

  function rest(id: string, write: () => Promise<void>): void {
    const timer = setTimeout(() => {
      const { again } = resting.get(id) ?? { again: false }
      resting.delete(id)
      if (!again) return
      begin(write)
      rest(id, write)
    }, pauseMs).unref()
    resting.set(id, { again: false, timer, write })
  }

  return {
    mark(companyId, topic) {
      const id = `${companyId}:${topic.type}${topic.type === 'workflow' ? `:${topic.key}` : ''}`
      const known = resting.get(id)
      if (known !== undefined) {
        known.again = true
        return
      }
      const write = (): Promise<void> => store(id, companyId, topic)
      begin(write)
      rest(id, write)
    },

    async after(companyId, position) {
      const found = await model.find({ companyId, position: { $gt: position } }).lean<MarkRecord[]>()
      return found.map((record) => ({ hint: record.hint, position: record.position }))
    },

    onStored(listener) {
      listeners.add(listener)
    },

    async stop() {
      for (const { again, timer, write } of resting.values()) {
        clearTimeout(timer)
        if (again) begin(write)
      }
      resting.clear()
      await Promise.all(writing)
    },

    async purge(companyId) {
      await model.deleteMany({ companyId })
    },
  }
}
