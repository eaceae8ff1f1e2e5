import type { Model } from 'mongoose'
import { z } from 'zod'
import type { DomainEvent } from '../../src/events/index.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { RetryAfterError } from '../../src/kernel/errors.ts'
import type { WorkflowPorts } from '../ports.ts'
import type { ExitReason } from '../shapes.ts'
import type { WorkflowStates } from '../states.ts'
import type { MessageCap } from './cap.ts'
import { factsOf, type EventFacts } from './facts.ts'
import { exitOf } from './guards.ts'
import type { OptOuts } from './opt-outs.ts'
import { keyOf, type RunEntry, type RunRecord } from './run.ts'

/** What may well have been done, and what only a person can find out: the run goes on, and shows the step. */
const mayHaveBeenDone: ReadonlySet<string> = new Set(['crm_workflow_uncertain'])

/** Follows what happens to runs from outside: messages that left or failed, and facts that end runs. */
export interface Deliveries {
  /** @returns true if the event meant something to a run */
  observe(event: DomainEvent): Promise<boolean>
  /** Takes back the messages of one workflow that have not left yet. @returns how many */
  takeBack(companyId: string, workflowKey: string, reason: string): Promise<number>
}

const outboxEvent = z.object({ messageKey: z.string().startsWith('run:'), code: z.string().nullish().catch(null), externalId: z.string().nullish().catch(null) })

const closedCase = z.object({ caseId: z.string().min(1) })
const undoneChange = z.object({ undoes: z.string().min(1) })

/** What HighLevel said: its id of the message, or why it refused it. */
function outputOf({ type, summary, at }: DomainEvent, externalId: string | null): RunEntry['output'] {
  return type === 'message.failed' ? { error: summary } : { externalId, acceptedAt: at.toISOString() }
}

type RunFilter = { companyId: string; 'facts.type'?: string } & Partial<Pick<RunRecord, 'locationId' | 'userId'>>

/** A run that the matter itself started is not ended by it. */
function isAbout(opened: EventFacts): (run: RunRecord) => boolean {
  return ({ facts }) => (opened.caseId !== null && facts.caseId === opened.caseId) || (opened.answerId !== null && facts.answerId === opened.answerId)
}

export interface DeliveriesDeps {
  runs: Model<RunRecord>
  states: Pick<WorkflowStates, 'version'>
  cap: MessageCap
  optOuts: Pick<OptOuts, 'note'>
  ports: Pick<WorkflowPorts, 'cancel' | 'settleTask' | 'primaryPerson' | 'healthLevel' | 'userLevel'>
  clock: Clock
}

export function createDeliveries({ runs, states, cap, optOuts, ports, clock }: DeliveriesDeps): Deliveries {
  async function left(event: DomainEvent, outcome: 'sent' | 'failed'): Promise<boolean> {
    const parsed = outboxEvent.safeParse(event.data)
    if (!parsed.success) return false
    const { messageKey: key, code, externalId } = parsed.data
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
          'history.$[entry].output': outputOf(event, externalId ?? null),
          ...(run.outboxKey === key ? { outboxKey: null } : {}),
          ...(outcome === 'failed' && run.kind === 'follow_up' && !mayHaveBeenDone.has(failure.reason) ? failure : {}),
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

  /** Takes a run's message back from the outbox, if it has not left. @returns whether it was */
  async function takeBackOf(run: RunRecord, reason: string): Promise<boolean> {
    const { outboxKey } = run
    if (outboxKey === null || !(await ports.cancel(run.companyId, outboxKey, reason))) return false
    const entry = { stepId: outboxKey.split(':')[2] ?? 'message', kind: 'message', at: clock.now(), outcome: 'cancelled' as const, reason }
    await runs.updateOne(
      { _id: run._id, companyId: run.companyId, outboxKey },
      { $push: { history: entry }, $set: { outboxKey: null, state: 'stopped', reason, nextAt: null, finishedAt: clock.now() } },
    )
    if (run.userId !== null) await cap.giveBack(run.companyId, run.userId, outboxKey)
    return true
  }

  /** Ends waiting runs, and takes back what they gave to the outbox. `by`: only those whose definition leaves on that. */
  async function end(filter: RunFilter, reason: string, { by, unless }: { by?: ExitReason; unless?: (run: RunRecord) => boolean } = {}): Promise<number> {
    const leaves = async (run: RunRecord) => unless?.(run) !== true && (by === undefined || ((await states.version(run.companyId, run.workflowKey, run.version))?.guards.exitOn.includes(by) ?? false))
    let count = 0
    for (const run of await runs.find({ ...filter, kind: 'follow_up', outboxKey: { $type: 'string' } }).lean<RunRecord[]>()) {
      if ((await leaves(run)) && (await takeBackOf(run, reason))) count += 1
    }
    const ended = { $set: { state: 'stopped', reason, nextAt: null, finishedAt: clock.now() } } as const
    const waiting = { ...filter, kind: 'follow_up', state: 'active' } as const
    if (by === undefined && unless === undefined) return count + (await runs.updateMany(waiting, ended)).modifiedCount
    for (const run of await runs.find(waiting).lean<RunRecord[]>()) {
      if (await leaves(run)) count += (await runs.updateOne({ _id: run._id, companyId: run.companyId, state: 'active' }, ended)).modifiedCount
    }
    return count
  }

  /** A level changed: what was written about the earlier one and has not left does not leave. Runs that wait look at the level before each step. */
  async function levelMoved(event: DomainEvent): Promise<boolean> {
    const { companyId, locationId, userId } = event
    if (locationId === null) return false
    let count = 0
    for (const run of await runs.find({ companyId, locationId, ...(userId === null ? {} : { userId }), kind: 'follow_up', outboxKey: { $type: 'string' } }).lean<RunRecord[]>()) {
      const definition = run.eventKey === event.key ? null : await states.version(companyId, run.workflowKey, run.version)
      if (definition === null || run.userId === null || (definition.reading === 'health') !== (event.type === 'health.changed')) continue
      const level = definition.reading === 'health' ? await ports.healthLevel(companyId, locationId) : await ports.userLevel(companyId, locationId, run.userId)
      const exit = exitOf(definition.guards, run.facts, { live: true, level })
      if (exit !== null && (await takeBackOf(run, exit))) count += 1
    }
    return count > 0
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
          return userId !== null && (await end({ companyId, userId }, 'reply', { by: 'reply' })) > 0
        case 'user.removed':
          return userId !== null && (await end({ companyId, userId, ...(locationId === null ? {} : { locationId }) }, 'user_removed')) > 0
        case 'contact.opted_out':
          await optOuts.note(event)
          return userId !== null && (await end({ companyId, userId }, 'opted_out', { by: 'opt_out' })) > 0
        case 'contact.opted_in':
          await optOuts.note(event)
          return userId !== null
        case 'case.opened':
          return locationId !== null && (await end({ companyId, locationId }, 'case_opened', { by: 'case_opened', unless: isAbout(factsOf(event)) })) > 0
        case 'case.closed':
          return caseClosed(event)
        case 'feedback.received':
        case 'feedback.changed':
          return levelMoved(event)
        case 'health.changed': {
          const moved = await levelMoved(event)
          return (await changeUndone(event)) || moved
        }
        case 'user.returned':
          return userId !== null && (await end({ companyId, userId, 'facts.type': 'user.inactive' }, 'recovered', { by: 'recovery' })) > 0
        case 'billing.payment_recovered':
          return locationId !== null && (await end({ companyId, locationId, 'facts.type': 'billing.payment_failed' }, 'recovered', { by: 'recovery' })) > 0
        case 'installation.uninstalled':
          return (await end({ companyId }, 'uninstalled')) > 0
        default:
          return false
      }
    },
    async takeBack(companyId, workflowKey, reason) {
      let count = 0
      for (const run of await runs.find({ companyId, workflowKey, kind: 'follow_up', outboxKey: { $type: 'string' } }).lean<RunRecord[]>()) if (await takeBackOf(run, reason)) count += 1
      return count
    },
  }
}
