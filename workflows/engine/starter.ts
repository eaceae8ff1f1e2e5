import type { Model } from 'mongoose'
import type { DomainEvent } from '../../src/events/index.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { noFaultPoint, type FaultPoint } from '../../src/kernel/fault-point.ts'
import { hashOf } from '../../src/kernel/ids.ts'
import { isDuplicateKey } from '../../src/store/index.ts'
import { conditionContext, conditionsHold } from '../conditions.ts'
import type { WorkflowDefinition } from '../definition.ts'
import type { EventScene, WorkflowPorts } from '../ports.ts'
import type { AgencyWorkflow, WorkflowStates } from '../states.ts'
import { handlerOf } from '../steps/index.ts'
import type { Entries } from './entries.ts'
import { factsOf, type EventFacts } from './facts.ts'
import type { RunRecord } from './run.ts'
import type { Runner } from './runner.ts'

/** Starts the runs that an event calls for. */
export interface Starter {
  /** Idempotent. @returns ids of the runs that the event started, now or at an earlier attempt */
  start(event: DomainEvent, scene: EventScene): Promise<string[]>
  /** Starts one workflow by a fact, if its conditions hold. Idempotent. @returns the run's id; null if it started none */
  startOne(workflow: AgencyWorkflow, event: DomainEvent, facts: EventFacts, scene: EventScene): Promise<string | null>
}

export interface StarterDeps {
  runs: Model<RunRecord>
  states: WorkflowStates
  entries: Entries
  ports: Pick<WorkflowPorts, 'primaryPerson' | 'contact' | 'userRole'>
  clock: Clock
  /** Places runs and begins them; harmless when that was done already. */
  runner: Pick<Runner, 'placeOf' | 'atOnce' | 'begin'>
  faultPoint?: FaultPoint
}

export function createStarter(deps: StarterDeps): Starter {
  const { runs, states, entries, ports, clock, runner, faultPoint = noFaultPoint } = deps

  /** A fact that called for a run and got none: kept with its reason, so that one can say why. */
  async function refuse(run: RunRecord, reason: string): Promise<null> {
    try {
      await runs.create({ ...run, state: 'stopped', reason, nextAt: null, finishedAt: clock.now() })
    } catch (error) {
      // Of this occasion there is a run already.
      if (!isDuplicateKey(error)) throw error
    }
    return null
  }

  async function startOne(workflow: AgencyWorkflow, event: DomainEvent, facts: EventFacts, scene: EventScene): Promise<string | null> {
    const { definition } = workflow
    const asked = [...definition.trigger.where, ...definition.conditions]
    if (!(await conditionsHold(asked, conditionContext(ports, event, { facts, account: () => scene.account() })))) return null
    const run = newRun(workflow, event, facts, clock.now())
    if (run.userId === null && event.locationId !== null && needsPerson(definition)) run.userId = await ports.primaryPerson(event.companyId, event.locationId)
    if (run.userId === null && definition.steps.some((step) => handlerOf(step).reaches === 'customer')) return refuse(run, 'no_person')
    const obstacle = await entries.admit(run, definition.guards)
    if (obstacle !== null) return refuse(run, obstacle)
    const place = await runner.placeOf(run, definition)
    // What is only told is told first, under keys of its own, and stored with its outcome: one write.
    let begun = tellsOnly(definition) ? await runner.atOnce(run, place, definition, scene) : null
    const finished = begun !== null && begun.next === null && begun.history.length > 0
    try {
      // Where the run waits is stored for people who look; the queue decides.
      if (finished) await runs.create({ ...run, state: 'done', history: begun?.history ?? [], nextAt: null, finishedAt: clock.now() })
      else await runs.create(place === null ? run : { ...run, stepIndex: place.index, stepId: place.step.id, nextAt: place.dueAt })
      if (finished) return run._id
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      const existing = await runs.findOne({ _id: run._id, companyId: event.companyId }).lean()
      // A run of an earlier fact, or one that is past its beginning, needs no push; one that lost its first step does.
      if (existing === null || existing.eventKey !== event.key || existing.state !== 'active' || existing.history.length > 0) return null
    }
    faultPoint('runs.created')
    begun ??= await runner.atOnce(run, place, definition, scene)
    await runner.begin(run, begun)
    return run._id
  }

  return {
    startOne,

    async start(event, scene) {
      const candidates = await states.listening(event.companyId, event.type)
      if (candidates.length === 0) return []
      const facts = factsOf(event)
      const started: string[] = []
      for (const workflow of candidates) {
        const id = isOnFor(workflow, event) ? await startOne(workflow, event, facts, scene) : null
        if (id !== null) started.push(id)
      }
      return started
    },
  }
}

/** Published, and the fact is not older than the publishing. */
function isOnFor(workflow: AgencyWorkflow, event: DomainEvent): boolean {
  return workflow.state === 'published' && (workflow.publishedAt === null || event.at >= workflow.publishedAt)
}

/** What concerns a whole account is written to its primary contact; a task hangs on their contact, too. */
export function needsPerson(definition: WorkflowDefinition): boolean {
  return definition.reading !== 'agency' && definition.steps.some((step) => ['customer', 'crm'].includes(handlerOf(step).reaches))
}

/** Nothing but notices, one run per event: nobody is told again by telling again. */
function tellsOnly({ kind, guards, steps }: WorkflowDefinition): boolean {
  return kind === 'notification' && guards.dedupe === 'event' && steps.every((step) => step.kind === 'notify')
}

/** A run that is stored nowhere yet. Its id is its occasion: the same one starts once. */
export function newRun(workflow: Pick<AgencyWorkflow, 'definition' | 'version'>, event: DomainEvent, facts: EventFacts, now: Date): RunRecord {
  const { definition, version } = workflow
  const person = event.userId ?? event.locationId ?? 'agency'
  const fact = definition.guards.dedupe === 'answer' && facts.answerId !== null ? facts.answerId : event.key
  return {
    _id: hashOf('run', event.companyId, definition.key, person, fact).slice(0, 32),
    companyId: event.companyId,
    workflowKey: definition.key,
    kind: definition.kind,
    version,
    locationId: event.locationId,
    userId: event.userId,
    eventKey: event.key,
    eventAt: event.at,
    facts,
    state: 'active',
    reason: null,
    stepIndex: 0,
    nextAt: now,
    outboxKey: null,
    history: [],
    createdAt: now,
    finishedAt: null,
  }
}
