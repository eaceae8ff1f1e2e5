import { secondMs, type Clock } from '../../src/kernel/clock.ts'
import { describeError, RetryAfterError, retryVerdictOf } from '../../src/kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../../src/kernel/fault-point.ts'
import type { Claimed, HandleOutcome, LeasedQueue } from '../../src/store/index.ts'
import type { WorkflowDefinition } from '../definition.ts'
import type { EventScene, WorkflowPorts } from '../ports.ts'
import type { WorkflowStates } from '../states.ts'
import type { StepResult } from '../steps/handler.ts'
import type { Acting } from './acting.ts'
import type { MessageCap } from './cap.ts'
import type { WorkflowModels } from './model.ts'
import type { Operator } from './operator.ts'
import type { Place, Places } from './places.ts'
import { keyOf, type RunEntry, type RunRecord, type StepItem, type StepOutcome } from './run.ts'

/** What was done of a new run, and where it waits now; null → nothing is left. */
export interface Begun {
  history: RunEntry[]
  next: Place | null
}

/** Works on the steps of runs. A step may be worked on any number of times: every effect has a key of its own. */
export interface Runner {
  /** Where a new run waits: its first acting step, the waits before it counted in. @returns null if it has none */
  placeOf(run: RunRecord, definition: WorkflowDefinition): Promise<Place | null>
  /**
   * Does the first steps of a new run that are due at once and reach the team only; one that fails is left to the queue. Stores nothing of the run.
   * @param seen what is read for the event that started it
   */
  atOnce(run: RunRecord, place: Place | null, definition: WorkflowDefinition, seen: EventScene): Promise<Begun>
  /**
   * Goes on with a new run that is stored: records what was done at once and queues the next step; a run without steps is finished.
   * May be repeated: until the first step is recorded, whoever started the run begins it again.
   */
  begin(run: RunRecord, begun: Begun): Promise<void>
  handle(claimed: Claimed<StepItem>): Promise<HandleOutcome>
}

export interface RunnerDeps {
  models: Pick<WorkflowModels, 'runs'>
  states: Pick<WorkflowStates, 'version'>
  queue: LeasedQueue<StepItem>
  acting: Acting
  places: Places
  cap: MessageCap
  operator: Pick<Operator, 'revive'>
  ports: Pick<WorkflowPorts, 'cancel' | 'sendAgain'>
  clock: Clock
  /** Attempts after which a step's failure ends the run; the queue's own number. */
  maxAttempts: number
  faultPoint?: FaultPoint
  /** A step was queued that is due soon. */
  onQueued?: () => void
}

/** Steps that are due later than this are found by the pump's own regular look. */
const soonMs = 30 * secondMs
/** Kinds that are done with the event itself where they stand first. */
const doneAtOnce: ReadonlySet<string> = new Set(['notify', 'task'])

export function createRunner(deps: RunnerDeps): Runner {
  const { models, states, queue, acting, places, cap, operator, ports, clock, maxAttempts, onQueued, faultPoint = noFaultPoint } = deps

  /** Queues the step at `place`. The lane is the run, so that its steps never overlap, in no two processes. */
  async function queueStep(run: RunRecord, { step, dueAt }: Place): Promise<void> {
    await queue.insert({ key: keyOf(run, step), lane: `run:${run._id}`, companyId: run.companyId, dueAt, data: { runId: run._id, stepId: step.id, dueAt } })
    if (dueAt.getTime() - clock.nowMs() <= soonMs) onQueued?.()
  }

  async function finish(run: RunRecord, entry: RunEntry, state: 'done' | 'stopped' | 'failed'): Promise<void> {
    await models.runs.updateOne(
      { _id: run._id, companyId: run.companyId, state: 'active', 'history.stepId': { $ne: entry.stepId } },
      { $push: { history: entry }, $set: { state, reason: state === 'done' ? null : entry.reason, nextAt: null, finishedAt: entry.at } },
    )
  }

  /** Where the run goes on after a step. */
  async function nextOf(run: RunRecord, definition: WorkflowDefinition, index: number, result: StepResult, fromAt: Date): Promise<Place | null> {
    const to = 'goTo' in result ? places.indexOf(definition, result.goTo) : index + 1
    return to === null ? null : places.next(run, definition, to, fromAt)
  }

  /** Records a step and moves on. The next step is queued first: a crash in between repeats this one, it never loses that one. */
  async function advance(run: RunRecord, next: Place | null, entry: RunEntry, outboxKey: string | undefined): Promise<void> {
    if (next !== null) await queueStep(run, next)
    faultPoint('runs.queued')
    const recorded = await models.runs.updateOne(
      { _id: run._id, companyId: run.companyId, state: 'active', version: run.version, 'history.stepId': { $ne: entry.stepId } },
      {
        $push: { history: entry },
        $set: {
          reason: null,
          ...(next === null ? { state: 'done', nextAt: null, finishedAt: entry.at } : { stepIndex: next.index, stepId: next.step.id, nextAt: next.dueAt }),
          ...(outboxKey === undefined ? {} : { outboxKey }),
        },
      },
    )
    faultPoint('runs.recorded')
    if (recorded.matchedCount > 0) return
    const now = await models.runs.findOne({ _id: run._id, companyId: run.companyId }, { state: 1, version: 1 }).lean()
    if (now?.state === 'active' && now.version !== run.version) throw new RetryAfterError('run_moved', 'The run was moved to another version meanwhile; the step is looked at again.', 500)
    if (outboxKey === undefined) return
    // The run was ended (a reply, a removal) while its message was handed over: take the message back if it has not left.
    const takenBack = await ports.cancel(run.companyId, outboxKey, 'run_ended')
    if (takenBack && run.userId !== null) await cap.giveBack(run.companyId, run.userId, outboxKey)
    await models.runs.updateOne(
      { _id: run._id, companyId: run.companyId, 'history.stepId': { $ne: entry.stepId } },
      { $push: { history: takenBack ? { ...entry, outcome: 'cancelled', reason: 'run_ended' } : entry } },
    )
  }

  return {
    placeOf: (run, definition) => places.next(run, definition, run.stepIndex, run.eventAt),

    async atOnce(run, place, definition, seen) {
      const history: RunEntry[] = []
      let next: Place | null = place
      while (next !== null && next.dueAt <= clock.now()) {
        const { step, index }: Place = next
        if (!doneAtOnce.has(step.kind)) break
        let result: StepResult
        try {
          result = await acting.actAtOnce(run, definition, step, seen)
        } catch {
          // The queue repeats it, counts its attempts and says what is wrong.
          break
        }
        if ('hold' in result || 'goTo' in result || result.ends) break
        history.push(entryOf(step, clock.now(), result))
        next = await places.next(run, definition, index + 1, clock.now())
      }
      return { history, next }
    },

    async begin(run, { history, next }) {
      if (next === null && history.length === 0) {
        await finish(run, { stepId: 'end', kind: 'end', at: clock.now(), outcome: 'done', reason: null }, 'done')
        return
      }
      // The next step is queued first: a crash in between repeats what was done, it never loses that one.
      if (next !== null) await queueStep(run, next)
      if (history.length === 0) return
      await models.runs.updateOne(
        { _id: run._id, companyId: run.companyId, state: 'active', 'history.stepId': { $nin: history.map(({ stepId }) => stepId) } },
        {
          $push: { history: { $each: history } },
          $set: next === null ? { state: 'done', reason: null, nextAt: null, finishedAt: clock.now() } : { stepIndex: next.index, stepId: next.step.id, nextAt: next.dueAt },
        },
      )
    },

    async handle(claimed) {
      const { companyId, data } = claimed
      if (companyId !== null && data.retry !== undefined) await operator.revive(companyId, data)
      const run = companyId === null ? null : await models.runs.findOne({ _id: data.runId, companyId }).lean()
      if (run?.state !== 'active') return 'ignored'
      const definition = await states.version(run.companyId, run.workflowKey, run.version)
      const index = data.stepId === undefined ? (data.stepIndex ?? -1) : definition === null ? -1 : (places.indexOf(definition, data.stepId) ?? -1)
      const step = definition?.steps[index]
      if (definition === null || step === undefined) {
        // Queued for a version that the run was taken off meanwhile: it waits at another step.
        if (run.stepId !== undefined && run.stepId !== data.stepId) return 'ignored'
        await finish(run, { stepId: data.stepId ?? `step_${index}`, kind: 'unknown', at: clock.now(), outcome: 'failed', reason: 'definition_missing' }, 'failed')
        return 'ignored'
      }
      // Recorded, and stopped before the queue knew: the next step is queued by then.
      if (run.history.some((entry) => entry.stepId === step.id)) return 'done'
      try {
        const result = await acting.act(run, definition, step, data.dueAt)
        if ('hold' in result) {
          await models.runs.updateOne({ _id: run._id, companyId: run.companyId, state: 'active' }, { $set: { nextAt: result.hold.untilAt, reason: result.hold.reason } })
          return result
        }
        faultPoint('runs.acted')
        const entry = entryOf(step, clock.now(), result)
        // The outbox gave this message up: the key is taken there, so it is told to try again.
        if (data.retry !== undefined && entry.outcome === 'handed_over') await ports.sendAgain(run.companyId, keyOf(run, step))
        if ('ends' in result && result.ends) await finish(run, entry, 'stopped')
        else await advance(run, await nextOf(run, definition, index, result, entry.at), entry, 'outboxKey' in result ? result.outboxKey : undefined)
        return 'done'
      } catch (error) {
        if (retryVerdictOf(error).kind === 'permanent' || claimed.attempt >= maxAttempts) {
          const { code, message } = describeError(error)
          await finish(run, { stepId: step.id, kind: step.kind, at: clock.now(), outcome: 'failed', reason: code, output: { error: message, attempts: claimed.attempt } }, 'failed')
        }
        throw error
      }
    },
  }
}

function entryOf(step: { id: string; kind: string }, at: Date, result: Exclude<StepResult, { hold: unknown }>): RunEntry {
  const outcome: StepOutcome = 'goTo' in result ? 'done' : result.outcome
  return {
    stepId: step.id, kind: step.kind, at, outcome,
    reason: 'goTo' in result ? null : result.reason,
    ...(result.input === undefined ? {} : { input: result.input }),
    ...(result.output === undefined ? {} : { output: result.output }),
  }
}
