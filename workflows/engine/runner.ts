import { hourMs, minuteMs, secondMs, type Clock } from '../../src/kernel/clock.ts'
import { describeError, retryVerdictOf } from '../../src/kernel/errors.ts'
import type { Claimed, HandleOutcome, LeasedQueue } from '../../src/store/index.ts'
import type { MessageStep, NotifyStep, Step, TaskStep, WorkflowDefinition } from '../definition.ts'
import type { EventScene, WorkflowPorts } from '../ports.ts'
import type { WorkflowStates } from '../states.ts'
import { renderTemplate } from '../templates.ts'
import type { MessageCap } from './cap.ts'
import { guardMessage } from './guards.ts'
import type { RunEntry, RunRecord, StepOutcome, WorkflowModels } from './model.ts'
import { contactOf, mergeValuesOf, readScene, type RunScene } from './values.ts'

/** One step of one run, as the queue holds it. */
export interface StepItem {
  runId: string
  stepIndex: number
  /** When the step was to happen. */
  dueAt: Date
}

/** A step of a run and when it is due. */
export interface Place {
  index: number
  step: Step
  dueAt: Date
}

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
  models: WorkflowModels
  states: WorkflowStates
  queue: LeasedQueue<StepItem>
  cap: MessageCap
  ports: WorkflowPorts
  clock: Clock
  /** Attempts after which a step's failure ends the run; the queue's own number. */
  maxAttempts: number
  /** A step was queued that is due soon. */
  onQueued?: () => void
}

/** What a step came to, and whether the run goes on. */
type StepResult = { outcome: StepOutcome; reason: string | null; ends: boolean; outboxKey?: string } | { hold: { untilAt: Date; reason: string } }

/** Steps that are due later than this are found by the pump's own regular look. */
const soonMs = 30 * secondMs

export function createRunner(deps: RunnerDeps): Runner {
  const { models, states, queue, cap, ports, clock, maxAttempts, onQueued } = deps

  /** The next acting step at or after `index`: waits on the way add up, a message is held on top. */
  async function placeOf(run: RunRecord, definition: WorkflowDefinition, index: number, fromAt: Date): Promise<Place | null> {
    let dueMs = fromAt.getTime()
    for (let at = index; ; at += 1) {
      const step = definition.steps[at]
      if (step === undefined) return null
      if (step.kind === 'wait') {
        dueMs += step.delayMinutes * minuteMs
        continue
      }
      if (step.kind === 'message') dueMs = Math.max(dueMs, clock.nowMs()) + (await ports.settings(run.companyId)).messages.holdSeconds * secondMs
      return { index: at, step, dueAt: new Date(Math.max(dueMs, clock.nowMs())) }
    }
  }

  /** Queues the step at `place`. The lane is the run, so that its steps never overlap, in no two processes. */
  async function queueStep(run: RunRecord, place: Place): Promise<void> {
    const { index: stepIndex, dueAt } = place
    await queue.insert({ key: keyOf(run, place.step), lane: `run:${run._id}`, companyId: run.companyId, dueAt, data: { runId: run._id, stepIndex, dueAt } })
    if (dueAt.getTime() - clock.nowMs() <= soonMs) onQueued?.()
  }

  async function finish(run: RunRecord, entry: RunEntry, state: 'done' | 'stopped' | 'failed'): Promise<void> {
    await models.runs.updateOne(
      { _id: run._id, companyId: run.companyId, state: 'active', 'history.stepId': { $ne: entry.stepId } },
      { $push: { history: entry }, $set: { state, reason: state === 'done' ? null : entry.reason, nextAt: null, finishedAt: entry.at } },
    )
  }

  async function act(run: RunRecord, definition: WorkflowDefinition, step: Exclude<Step, { kind: 'wait' }>, dueAt: Date, scene: RunScene): Promise<StepResult> {
    switch (step.kind) {
      case 'message':
        return message(run, definition, step, scene, dueAt)
      case 'notify':
        return notify(run, step, scene)
      case 'task':
        return task(run, step, scene)
    }
  }

  /** The level that the run's level is compared with. */
  async function levelNow({ companyId, locationId, userId }: RunRecord, { reading }: WorkflowDefinition): Promise<string | null> {
    if (locationId === null) return null
    if (reading === 'health') return ports.healthLevel(companyId, locationId)
    return userId === null ? null : ports.userLevel(companyId, locationId, userId)
  }

  async function message(run: RunRecord, definition: WorkflowDefinition, step: MessageStep, scene: RunScene, dueAt: Date): Promise<StepResult> {
    const { companyId, locationId, userId } = run
    const key = keyOf(run, step)
    const contact = contactOf(run, scene)
    const [workflow, live, level, hasOpenCase] = await Promise.all([
      states.get(companyId, run.workflowKey),
      ports.isLive(companyId),
      levelNow(run, definition),
      definition.guards.noOpenCase && locationId !== null ? ports.hasOpenCase(companyId, locationId) : false,
    ])
    const verdict = guardMessage(definition.guards, run.facts, {
      workflowState: workflow.state,
      live,
      messages: scene.settings.messages,
      person: contact,
      level,
      hasOpenCase,
      dueAt,
      now: clock.now(),
      zone: scene.account?.timezone ?? 'utc',
    })
    if (verdict.kind === 'wait') return { hold: { untilAt: verdict.untilAt, reason: verdict.reason } }
    if (verdict.kind === 'stop') return { outcome: 'stopped', reason: verdict.reason, ends: true }
    if (contact === null || userId === null) return { outcome: 'stopped', reason: 'user_removed', ends: true }
    const agencyDays = scene.settings.messages.onePerPersonDays
    const { capDays } = definition.guards
    const days = typeof capDays === 'number' ? Math.max(capDays, agencyDays) : agencyDays
    if (capDays !== null && days > 0 && !(await cap.take(companyId, userId, key, days))) return { outcome: 'stopped', reason: 'capped', ends: true }
    const values = mergeValuesOf(run, scene)
    await ports.send({
      key,
      companyId,
      contact,
      dueAt: clock.now(),
      ...aboutChange(run),
      content: {
        kind: step.channel,
        subject: renderTemplate('line', step.subject, values),
        html: renderTemplate('html', step.html, values),
        text: renderTemplate('text', step.text, values),
      },
    })
    return { outcome: 'handed_over', reason: null, ends: false, outboxKey: key }
  }

  async function notify(run: RunRecord, step: NotifyStep, scene: RunScene): Promise<StepResult> {
    const values = mergeValuesOf(run, scene)
    await ports.notify({
      key: keyOf(run, step),
      companyId: run.companyId,
      locationId: run.locationId,
      audience: step.audience,
      ownerId: run.facts.ownerId,
      accountOwnerId: scene.account?.ownerId ?? null,
      kind: step.topic,
      title: renderTemplate('line', step.title, values),
      body: renderTemplate('text', step.body, values),
      link: linkOf(run, step.link),
      email: step.channels.includes('email'),
      at: run.eventAt,
    })
    return { outcome: 'done', reason: null, ends: false }
  }

  async function task(run: RunRecord, step: TaskStep, scene: RunScene): Promise<StepResult> {
    const contact = contactOf(run, scene)
    if (contact === null) return { outcome: 'skipped', reason: 'no_person', ends: false }
    if (!(await ports.isLive(run.companyId))) return { outcome: 'skipped', reason: 'uninstalled', ends: false }
    const values = mergeValuesOf(run, scene)
    await ports.send({
      key: keyOf(run, step),
      companyId: run.companyId,
      contact,
      dueAt: clock.now(),
      ...aboutChange(run),
      content: {
        kind: 'task',
        title: renderTemplate('line', step.title, values),
        body: renderTemplate('text', step.body, values),
        dueAt: run.facts.dueAt ?? new Date(run.eventAt.getTime() + step.dueHours * hourMs),
        assignedTo: run.facts.ownerId ?? scene.account?.ownerId ?? null,
      },
    })
    return { outcome: 'handed_over', reason: null, ends: false }
  }

  /** Records a step and moves on. The next step is queued first: a crash in between repeats this one, it never loses that one. */
  async function advance(run: RunRecord, definition: WorkflowDefinition, index: number, entry: RunEntry, outboxKey: string | undefined): Promise<void> {
    const next = await placeOf(run, definition, index + 1, entry.at)
    if (next !== null) await queueStep(run, next)
    const recorded = await models.runs.updateOne(
      { _id: run._id, companyId: run.companyId, state: 'active', 'history.stepId': { $ne: entry.stepId } },
      {
        $push: { history: entry },
        $set: {
          reason: null,
          ...(next === null ? { state: 'done', nextAt: null, finishedAt: entry.at } : { stepIndex: next.index, nextAt: next.dueAt }),
          ...(outboxKey === undefined ? {} : { outboxKey }),
        },
      },
    )
    if (recorded.matchedCount > 0 || outboxKey === undefined) return
    // The run was ended (a reply, a removal) while its message was handed over: take the message back if it has not left.
    const takenBack = await ports.cancel(run.companyId, outboxKey, 'run_ended')
    if (takenBack && run.userId !== null) await cap.giveBack(run.companyId, run.userId, outboxKey)
    await models.runs.updateOne(
      { _id: run._id, companyId: run.companyId, 'history.stepId': { $ne: entry.stepId } },
      { $push: { history: takenBack ? { ...entry, outcome: 'cancelled', reason: 'run_ended' } : entry } },
    )
  }

  return {
    placeOf: (run, definition) => placeOf(run, definition, run.stepIndex, run.eventAt),

    async atOnce(run, place, definition, seen) {
      const history: RunEntry[] = []
      let next: Place | null = place
      let scene: RunScene | undefined
      while (next !== null && next.dueAt <= clock.now()) {
        const { step, dueAt, index }: Place = next
        if (step.kind !== 'notify' && step.kind !== 'task') break
        try {
          scene ??= await readScene(run, ports, seen)
          const result = await act(run, definition, step, dueAt, scene)
          if ('hold' in result || result.ends) break
          history.push({ stepId: step.id, kind: step.kind, at: clock.now(), outcome: result.outcome, reason: result.reason })
        } catch {
          // The queue repeats it, counts its attempts and says what is wrong.
          break
        }
        next = await placeOf(run, definition, index + 1, clock.now())
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
          $set: next === null ? { state: 'done', reason: null, nextAt: null, finishedAt: clock.now() } : { stepIndex: next.index, nextAt: next.dueAt },
        },
      )
    },

    async handle(claimed) {
      const { companyId } = claimed
      const run = companyId === null ? null : await models.runs.findOne({ _id: claimed.data.runId, companyId }).lean()
      if (run?.state !== 'active') return 'ignored'
      const definition = await states.version(run.companyId, run.workflowKey, run.version)
      const step = definition?.steps[claimed.data.stepIndex]
      if (definition === null || step === undefined || step.kind === 'wait') {
        await finish(run, { stepId: `step_${claimed.data.stepIndex}`, kind: 'unknown', at: clock.now(), outcome: 'failed', reason: 'definition_missing' }, 'failed')
        return 'ignored'
      }
      const entry = (outcome: StepOutcome, reason: string | null): RunEntry => ({ stepId: step.id, kind: step.kind, at: clock.now(), outcome, reason })
      try {
        const result = await act(run, definition, step, claimed.data.dueAt, await readScene(run, ports))
        if ('hold' in result) {
          await models.runs.updateOne({ _id: run._id, companyId: run.companyId, state: 'active' }, { $set: { nextAt: result.hold.untilAt, reason: result.hold.reason } })
          return result
        }
        if (result.ends) await finish(run, entry(result.outcome, result.reason), 'stopped')
        else await advance(run, definition, claimed.data.stepIndex, entry(result.outcome, result.reason), result.outboxKey)
        return 'done'
      } catch (error) {
        if (retryVerdictOf(error).kind === 'permanent' || claimed.attempt >= maxAttempts) await finish(run, entry('failed', describeError(error).code), 'failed')
        throw error
      }
    },
  }
}

function aboutChange({ facts }: RunRecord): { changeId?: string } {
  return facts.changeId === null ? {} : { changeId: facts.changeId }
}

/** Idempotency key of a step's effect, and its key in the queue. */
export function keyOf(run: Pick<RunRecord, '_id'>, step: Pick<Step, 'id'>): string {
  return `run:${run._id}:${step.id}`
}

function linkOf(run: RunRecord, link: NotifyStep['link']): string | null {
  switch (link) {
    case 'account':
      return run.locationId === null ? null : `/accounts/${run.locationId}`
    case 'case':
      return run.facts.caseId === null ? linkOf(run, 'account') : `/cases/${run.facts.caseId}`
    case 'setup':
      return '/setup'
    case 'none':
      return null
  }
}
