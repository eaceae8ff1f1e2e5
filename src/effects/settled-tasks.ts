import type { Collection } from 'mongodb'
import type { Clock } from '../kernel/clock.ts'
import type { Claimed, HandleOutcome, LeasedQueue } from '../store/index.ts'
import { userIdOf } from './edit-events.ts'
import type { EffectsDeps } from './ports.ts'
import { isNotFound, type Waiting } from './readiness.ts'
import { sentKeyOf, type SentRecord } from './records.ts'
import type { OutboxItem, SettledTask } from './types.ts'

/** Tasks whose matter is settled: taken back before they left, completed in HighLevel after. */
export interface SettledTasks {
  settle(task: SettledTask): Promise<void>
  handle(claimed: Claimed<OutboxItem>, task: SettledTask): Promise<HandleOutcome>
}

/** Longer than a task may wait anywhere before it is handed over. */
const barredDays = 90

export function createSettledTasks(deps: { queue: LeasedQueue<OutboxItem>; sent: Collection<SentRecord>; clock: Clock; events: EffectsDeps['events']; waiting: Waiting; signal: () => void }): SettledTasks {
  const { queue, sent, clock, events, waiting, signal } = deps

  return {
    async settle(task) {
      const { companyId, key, reason } = task
      const lane = sentKeyOf(companyId, key)
      // A task that is not there yet is barred: whoever is about to send it finds its key taken.
      if ((await queue.insertIgnored({ key: lane, lane, companyId, data: task }, reason, barredDays)) === 'inserted') return
      // The completion comes first and behind the task in its lane: whether the task leaves or not, it is looked at afterwards.
      await queue.insert({ key: `${lane}:settled`, lane, companyId, data: task })
      await queue.cancelUntried(companyId, lane, reason)
      signal()
    },

    async handle(claimed, task) {
      const { companyId, key, subjectId, locationId, reason } = task
      try {
        const readiness = await waiting.readinessOf(companyId)
        if (!readiness.ready) return readiness.outcome
        const left = await sent.findOne({ _id: sentKeyOf(companyId, key) })
        if (left === null) return 'ignored'
        const { contactId, externalId } = left
        // After a broken attempt the task may be completed already; somebody may have opened it again since.
        const seen = claimed.begunBefore ? (await readiness.api.listTasks(contactId)).find((one) => one.id === externalId) : undefined
        if (seen?.completed !== true) await readiness.api.completeTask(contactId, externalId)
        await events.append({
          // As the webhook's: whichever comes first tells it.
          key: `task.completed:${externalId}:${subjectId}`,
          companyId,
          locationId,
          userId: userIdOf(subjectId),
          type: 'task.completed',
          at: clock.now(),
          actor: { kind: 'system', id: null, name: null },
          source: 'workflow',
          summary: 'A task was completed: what it was about is settled.',
          data: { taskId: externalId, contactId, messageKey: key, reason },
        })
        return 'done'
      } catch (error) {
        // A person deleted it, or its contact.
        return isNotFound(error) ? 'ignored' : waiting.waitOrThrow(companyId, error)
      }
    },
  }
}
