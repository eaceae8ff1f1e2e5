import type { Model } from 'mongoose'
import type { DomainEvent } from '../../src/events/index.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { hashOf } from '../../src/kernel/ids.ts'
import { isDuplicateKey } from '../../src/store/index.ts'
import { conditionsHold, needsAccount } from '../conditions.ts'
import type { WorkflowDefinition } from '../definition.ts'
import type { LibraryIndex } from '../library/index.ts'
import type { EventScene, WorkflowPorts } from '../ports.ts'
import type { AgencyWorkflow, WorkflowStates } from '../states.ts'
import { handlerOf } from '../steps/index.ts'
import { factsOf, type EventFacts } from './facts.ts'
import type { RunRecord } from './run.ts'
import type { Runner } from './runner.ts'

/** Starts the runs that an event calls for. */
export interface Starter {
  /** Idempotent. @returns ids of the runs that the event started, now or at an earlier attempt */
  start(event: DomainEvent, scene: EventScene): Promise<string[]>
}

export interface StarterDeps {
  runs: Model<RunRecord>
  states: WorkflowStates
  library: LibraryIndex
  ports: Pick<WorkflowPorts, 'primaryPerson'>
  clock: Clock
  /** Places runs and begins them; harmless when that was done already. */
  runner: Pick<Runner, 'placeOf' | 'atOnce' | 'begin'>
}

export function createStarter(deps: StarterDeps): Starter {
  const { runs, states, library, ports, clock, runner } = deps

  return {
    async start(event, scene) {
      const candidates = library.byEvent.get(event.type) ?? []
      if (candidates.length === 0) return []
      const ours = new Map((await states.recent(event.companyId)).map((workflow) => [workflow.shipped.key, workflow]))
      const facts = factsOf(event)
      const started: string[] = []
      for (const { key } of candidates) {
        const workflow = ours.get(key)
        if (workflow === undefined || !isOnFor(workflow, event)) continue
        const { definition } = workflow
        const asked = [...definition.trigger.where, ...definition.conditions]
        if (!conditionsHold(asked, { facts, account: needsAccount(asked) ? await scene.account() : null })) continue
        const run = newRun(workflow, event, facts, clock.now())
        if (run.userId === null && event.locationId !== null && needsPerson(definition)) run.userId = await ports.primaryPerson(event.companyId, event.locationId)
        const place = await runner.placeOf(run, definition)
        // What is only told is told first, under keys of its own, and stored with its outcome: one write.
        let begun = tellsOnly(definition) ? await runner.atOnce(run, place, definition, scene) : null
        const finished = begun !== null && begun.next === null && begun.history.length > 0
        try {
          // Where the run waits is stored for people who look; the queue decides.
          if (finished) await runs.create({ ...run, state: 'done', history: begun?.history ?? [], nextAt: null, finishedAt: clock.now() })
          else await runs.create(place === null ? run : { ...run, stepIndex: place.index, nextAt: place.dueAt })
          if (finished) {
            started.push(run._id)
            continue
          }
        } catch (error) {
          if (!isDuplicateKey(error)) throw error
          const existing = await runs.findOne({ _id: run._id, companyId: event.companyId }).lean()
          // A run of an earlier fact, or one that is past its beginning, needs no push; one that lost its first step does.
          if (existing === null || existing.eventKey !== event.key || existing.state !== 'active' || existing.history.length > 0) continue
        }
        begun ??= await runner.atOnce(run, place, definition, scene)
        await runner.begin(run, begun)
        started.push(run._id)
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
function needsPerson(definition: WorkflowDefinition): boolean {
  return definition.reading !== 'agency' && definition.steps.some((step) => ['customer', 'crm'].includes(handlerOf(step).reaches))
}

/** Nothing but notices, one run per event: nobody is told again by telling again. */
function tellsOnly({ kind, guards, steps }: WorkflowDefinition): boolean {
  return kind === 'notification' && guards.dedupe === 'event' && steps.every((step) => step.kind === 'notify')
}

function newRun(workflow: AgencyWorkflow, event: DomainEvent, facts: EventFacts, now: Date): RunRecord {
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
