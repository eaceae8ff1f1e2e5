import type { Model } from 'mongoose'
import type { Clock } from '../../src/kernel/clock.ts'
import { notFound, RequestError } from '../../src/kernel/errors.ts'
import type { LeasedQueue } from '../../src/store/index.ts'
import type { WorkflowPorts } from '../ports.ts'
import type { MessageCap } from './cap.ts'
import { keyOf, type RunRecord } from './run.ts'
import type { StepItem } from './runner.ts'

/** What a person may do with one run. */
export interface Operator {
  /**
   * Ends a run before its next step, and takes back what the outbox has of it and has not sent.
   * @throws RequestError 404; 409 `run_finished` if there is nothing left to end
   */
  cancel(companyId: string, runId: string): Promise<RunRecord>
  /**
   * Has the step at which a run failed repeated: the same words, under the same key, with fresh attempts.
   * @throws RequestError 404; 409 `run_not_failed`
   */
  retry(companyId: string, runId: string): Promise<RunRecord>
  /** Takes a failed run up again, for the queued retry of its step; harmless when that was done. */
  revive(companyId: string, item: StepItem): Promise<void>
}

export interface OperatorDeps {
  runs: Model<RunRecord>
  queue: Pick<LeasedQueue<StepItem>, 'insert' | 'cancel'>
  cap: Pick<MessageCap, 'giveBack'>
  ports: Pick<WorkflowPorts, 'cancel'>
  clock: Clock
  onQueued?: () => void
}

export function createOperator({ runs, queue, cap, ports, clock, onQueued }: OperatorDeps): Operator {
  async function find(companyId: string, runId: string): Promise<RunRecord> {
    const run = await runs.findOne({ _id: runId, companyId }).lean<RunRecord>()
    if (run === null) throw notFound('run')
    return run
  }

  async function revive(companyId: string, { runId, stepId, retry = 0, dueAt }: StepItem): Promise<void> {
    const run = await runs.findOne({ _id: runId, companyId }).lean<RunRecord>()
    const failed = run?.history.find((entry) => entry.stepId === stepId && entry.outcome === 'failed')
    if (run === null || failed === undefined || (run.retries ?? 0) >= retry) return
    const counted = retry === 1 ? { $in: [null, 0] } : retry - 1
    await runs.updateOne(
      { _id: runId, companyId, state: 'failed', retries: counted },
      {
        $set: { state: 'active', reason: null, nextAt: dueAt, finishedAt: null, retries: retry, history: run.history.filter((entry) => entry !== failed) },
        $push: { earlier: failed },
      },
    )
  }

  return {
    revive,

    async cancel(companyId, runId) {
      const run = await find(companyId, runId)
      const reason = 'cancelled'
      const ended = { state: 'stopped', reason, nextAt: null, finishedAt: clock.now() } as const
      const active = await runs.updateOne({ _id: runId, companyId, state: 'active' }, { $set: ended })
      // Whoever works on the step finds the run ended; the message that it hands over meanwhile is taken back there.
      if (active.modifiedCount > 0 && typeof run.stepId === 'string') await queue.cancel(companyId, keyOf(run, { id: run.stepId }), reason)
      const given = run.outboxKey
      const takenBack = given !== null && (await ports.cancel(companyId, given, reason))
      if (takenBack) {
        await runs.updateOne(
          { _id: runId, companyId, outboxKey: given },
          { $push: { history: { stepId: given.split(':')[2] ?? 'message', kind: 'message', at: clock.now(), outcome: 'cancelled', reason } }, $set: { ...ended, outboxKey: null } },
        )
        if (run.userId !== null) await cap.giveBack(companyId, run.userId, given)
      }
      if (active.modifiedCount === 0 && !takenBack) throw new RequestError(409, 'run_finished', 'This run is over: what it sent has left, and there is nothing to cancel.')
      return find(companyId, runId)
    },

    async retry(companyId, runId) {
      const run = await find(companyId, runId)
      const failed = run.history.findLast((entry) => entry.outcome === 'failed')
      if (run.state !== 'failed' || failed === undefined) throw new RequestError(409, 'run_not_failed', 'Only a run that failed can be repeated, at the step that failed.')
      const retry = (run.retries ?? 0) + 1
      const item: StepItem = { runId, stepId: failed.stepId, dueAt: clock.now(), retry }
      // Queued first: whoever takes the item takes the run up again, also if this process stops here.
      await queue.insert({ key: `${keyOf(run, { id: failed.stepId })}:retry:${retry}`, lane: `run:${runId}`, companyId, data: item })
      await revive(companyId, item)
      onQueued?.()
      return find(companyId, runId)
    },
  }
}
