import type { Model } from 'mongoose'
import { z } from 'zod'
import type { DomainEvent } from '../../src/events/index.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { RetryAfterError } from '../../src/kernel/errors.ts'
import type { WorkflowPorts } from '../ports.ts'
import type { WorkflowStates } from '../states.ts'
import type { MessageCap } from './cap.ts'
import type { OptOuts } from './opt-outs.ts'
import { keyOf, type RunRecord } from './run.ts'

/** Follows what happens to runs from outside: messages that left or failed, and facts that end runs. */
export interface Deliveries {
  /** @returns true if the event meant something to a run */
  observe(event: DomainEvent): Promise<boolean>
  /** Takes back the messages of one workflow that have not left yet. @returns how many */
  takeBack(companyId: string, workflowKey: string, reason: string): Promise<number>
}

const outboxEvent = z.object({ messageKey: z.string().startsWith('run:'), code: z.string().nullish().catch(null) })

const closedCase = z.object({ caseId: z.string().min(1) })
const undoneChange = z.object({ undoes: z.string().min(1) })

export interface DeliveriesDeps {
  runs: Model<RunRecord>
  states: Pick<WorkflowStates, 'version'>
  cap: MessageCap
  optOuts: Pick<OptOuts, 'note'>
  ports: Pick<WorkflowPorts, 'cancel' | 'settleTask' | 'primaryPerson'>
  clock: Clock
}

export function createDeliveries({ runs, states, cap, optOuts, ports, clock }: DeliveriesDeps): Deliveries {
  async function left(event: DomainEvent, outcome: 'sent' | 'failed'): Promise<boolean> {
    const parsed = outboxEvent.safeParse(event.data)
    if (!parsed.success) return false
    const { messageKey: key, code } = parsed.data
    const [, runId = '', stepId = ''] = key.split(':')
    const run = await runs.findOne({ _id: runId, companyId: event.companyId }).lean()
    if (run === null) return false
    if (!run.history.some((entry) => entry.stepId === stepId)) {
      // The message was faster than the record of its step, which is being written.
      if (run.state === 'active') throw new RetryAfterError('step_not_recorded', 'The step of this message is being recorded.', 500)
      await runs.updateOne(
        { _id: runId, companyId: event.companyId, 'history.stepId': { $ne: stepId } },
        { $push: { history: { stepId, kind: 'message', at: event.at, outcome: 'handed_over', reason: null } } },
      )
    }
    const failure = { state: 'failed' as const, reason: code ?? 'send_failed', finishedAt: event.at, nextAt: null }
    await runs.updateOne(
      { _id: runId, companyId: event.companyId },
      {
        $set: {
          'history.$[entry].outcome': outcome,
          'history.$[entry].reason': outcome === 'sent' ? null : failure.reason,
          ...(run.outboxKey === key ? { outboxKey: null } : {}),
          ...(outcome === 'failed' && run.kind === 'follow_up' ? failure : {}),
        },
      },
      { arrayFilters: [{ 'entry.stepId': stepId }] },
    )
    if (run.userId !== null) {
      if (outcome === 'failed') await cap.giveBack(event.companyId, run.userId, key)
      else await cap.confirm(event.companyId, run.userId, key, event.at)
    }
    return true
  }

  /** Ends waiting runs, and takes back what they gave to the outbox. */
  async function end(filter: { companyId: string; locationId?: string; userId?: string; workflowKey?: string }, reason: string, from: 'all' | 'outbox'): Promise<number> {
    const given = await runs.find({ ...filter, kind: 'follow_up', outboxKey: { $type: 'string' } }).lean()
    let count = 0
    for (const run of given) {
      if (run.outboxKey === null || !(await ports.cancel(run.companyId, run.outboxKey, reason))) continue
      const entry = { stepId: run.outboxKey.split(':')[2] ?? 'message', kind: 'message', at: clock.now(), outcome: 'cancelled' as const, reason }
      await runs.updateOne(
        { _id: run._id, companyId: run.companyId, outboxKey: run.outboxKey },
        { $push: { history: entry }, $set: { outboxKey: null, state: 'stopped', reason, nextAt: null, finishedAt: clock.now() } },
      )
      if (run.userId !== null) await cap.giveBack(run.companyId, run.userId, run.outboxKey)
      count += 1
    }
    if (from === 'all') {
      const ended = await runs.updateMany({ ...filter, kind: 'follow_up', state: 'active' }, { $set: { state: 'stopped', reason, nextAt: null, finishedAt: clock.now() } })
      count += ended.modifiedCount
    }
    return count
  }

  /** What the team was told needs nobody any more: its tasks are settled, told or not, and what would still be said is not. */
  async function settle(about: RunRecord[], companyId: string, userId: string, reason: string): Promise<boolean> {
    for (const run of about) {
      const definition = run.locationId === null ? null : await states.version(companyId, run.workflowKey, run.version)
      for (const step of definition?.steps ?? []) {
        if (step.kind === 'task' && run.locationId !== null) await ports.settleTask({ companyId, key: keyOf(run, step), locationId: run.locationId, userId, reason })
      }
      const ended = { state: 'stopped', reason, nextAt: null, finishedAt: clock.now() } as const
      await runs.updateOne({ _id: run._id, companyId, state: 'active' }, { $set: ended })
    }
    return about.length > 0
  }

  async function caseClosed(event: DomainEvent): Promise<boolean> {
    const { companyId, userId } = event
    const parsed = closedCase.safeParse(event.data)
    if (!parsed.success || userId === null) return false
    const about = await runs.find({ companyId, userId, kind: 'notification', 'facts.caseId': parsed.data.caseId, 'facts.type': 'case.opened' }).lean()
    return settle(about, companyId, userId, 'case_closed')
  }

  /** A status change was taken back: so is the work that it asked for. */
  async function changeUndone(event: DomainEvent): Promise<boolean> {
    const { companyId, locationId } = event
    const parsed = undoneChange.safeParse(event.data)
    if (!parsed.success || locationId === null) return false
    const userId = await ports.primaryPerson(companyId, locationId)
    if (userId === null) return false
    const about = await runs.find({ companyId, userId, kind: 'notification', 'facts.changeId': parsed.data.undoes, 'facts.type': 'health.changed' }).lean()
    return settle(about, companyId, userId, 'change_undone')
  }

  return {
    async observe(event) {
      const { companyId, locationId, userId } = event
      switch (event.type) {
        case 'message.sent':
        case 'task.created':
          return left(event, 'sent')
        case 'message.failed':
          return left(event, 'failed')
        case 'message.received':
          return userId !== null && (await end({ companyId, userId }, 'reply', 'all')) > 0
        case 'user.removed':
          return userId !== null && (await end({ companyId, userId, ...(locationId === null ? {} : { locationId }) }, 'user_removed', 'all')) > 0
        case 'contact.opted_out':
          await optOuts.note(event)
          return userId !== null && (await end({ companyId, userId }, 'opted_out', 'all')) > 0
        case 'contact.opted_in':
          await optOuts.note(event)
          return userId !== null
        case 'case.closed':
          return caseClosed(event)
        case 'health.changed':
          return changeUndone(event)
        case 'installation.uninstalled':
          return (await end({ companyId }, 'uninstalled', 'all')) > 0
        default:
          return false
      }
    },
    takeBack: (companyId, workflowKey, reason) => end({ companyId, workflowKey }, reason, 'outbox'),
  }
}
