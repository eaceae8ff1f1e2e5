import type { Clock } from '../../src/kernel/clock.ts'
import { conditionContext, conditionsHold } from '../conditions.ts'
import type { Step, WorkflowDefinition } from '../definition.ts'
import type { EventScene, WorkflowPorts } from '../ports.ts'
import type { WorkflowStates } from '../states.ts'
import type { StepContext, StepResult } from '../steps/handler.ts'
import { handlerOf } from '../steps/index.ts'
import type { MessageCap } from './cap.ts'
import { exitOf, guardMessage } from './guards.ts'
import type { OptOuts } from './opt-outs.ts'
import { keyOf, type RunRecord } from './run.ts'
import { contactOf, mergeValuesOf, readScene, type RunScene } from './values.ts'

/** Does single steps: asks what may keep a step from being done, then its handler. Stores nothing of the run. */
export interface Acting {
  /** A step whose time has come, with everything read anew. */
  act(run: RunRecord, definition: WorkflowDefinition, step: Step, dueAt: Date): Promise<StepResult>
  /** A step that reaches the team only, done with the event that started the run. @param seen what is read for that event */
  actAtOnce(run: RunRecord, definition: WorkflowDefinition, step: Step, seen: EventScene): Promise<StepResult>
}

export interface ActingDeps {
  states: Pick<WorkflowStates, 'get'>
  cap: MessageCap
  optOuts: Pick<OptOuts, 'has'>
  ports: WorkflowPorts
  clock: Clock
}

export function createActing({ states, cap, optOuts, ports, clock }: ActingDeps): Acting {
  function contextOf(run: RunRecord, definition: WorkflowDefinition, step: Step, scene: RunScene): StepContext {
    const { companyId, locationId, userId, facts } = run
    return {
      run, definition, scene, ports,
      values: mergeValuesOf(run, scene),
      contact: contactOf(run, scene),
      key: keyOf(run, step),
      async holds(when) {
        const level = locationId === null || userId === null ? null : await ports.userLevel(companyId, locationId, userId)
        return conditionsHold(when, conditionContext(ports, { companyId, locationId, userId }, { facts, account: async () => scene.account, userLevel: level }))
      },
      now: () => clock.now(),
    }
  }

  /** The level that the run's level is compared with. */
  async function levelNow({ companyId, locationId, userId }: RunRecord, { reading }: WorkflowDefinition): Promise<string | null> {
    if (locationId === null) return null
    if (reading === 'health') return ports.healthLevel(companyId, locationId)
    return userId === null ? null : ports.userLevel(companyId, locationId, userId)
  }

  /** What stands against a step at this moment; null → nothing does. The person's turn is taken last. */
  async function obstacle(run: RunRecord, definition: WorkflowDefinition, step: Step, dueAt: Date, scene: RunScene): Promise<StepResult | null> {
    const { reaches, needs = 'email' } = handlerOf(step)
    if (reaches === 'nobody') return null
    const stop = (reason: string): StepResult => ({ outcome: 'stopped', reason, ends: true })
    const { companyId, locationId, userId } = run
    const { guards } = definition
    const comparesLevel = guards.exitOn.includes('recovery') || guards.exitOn.includes('level_changed')
    const [workflow, live, level] = await Promise.all([states.get(companyId, run.workflowKey), ports.isLive(companyId), comparesLevel ? levelNow(run, definition) : null])
    if (reaches !== 'customer') {
      if (workflow.state !== 'published') return stop(workflow.state === 'paused' ? 'paused' : 'not_published')
      const exit = exitOf(guards, run.facts, { live, level })
      return exit === null ? null : stop(exit)
    }
    const contact = contactOf(run, scene)
    const [hasOpenCase, optedOut] = await Promise.all([
      guards.noOpenCase && locationId !== null ? ports.hasOpenCase(companyId, locationId) : false,
      userId === null ? false : optOuts.has(companyId, userId),
    ])
    const { messages } = scene.settings
    const zone = scene.account?.timezone ?? 'utc'
    const verdict = guardMessage(guards, run.facts, { workflowState: workflow.state, live, messages, person: contact, needs, level, hasOpenCase, optedOut, dueAt, now: clock.now(), zone })
    if (verdict.kind === 'wait') return { hold: { untilAt: verdict.untilAt, reason: verdict.reason } }
    if (verdict.kind === 'stop') return stop(verdict.reason)
    if (userId === null) return stop('user_removed')
    const { capDays } = guards
    const days = typeof capDays === 'number' ? Math.max(capDays, messages.onePerPersonDays) : messages.onePerPersonDays
    if (capDays !== null && days > 0 && !(await cap.take(companyId, userId, keyOf(run, step), days))) return stop('capped')
    return null
  }

  return {
    async act(run, definition, step, dueAt) {
      const scene = await readScene(run, ports)
      return (await obstacle(run, definition, step, dueAt, scene)) ?? handlerOf(step).act(contextOf(run, definition, step, scene), step)
    },

    async actAtOnce(run, definition, step, seen) {
      return handlerOf(step).act(contextOf(run, definition, step, await readScene(run, ports, seen)), step)
    },
  }
}
