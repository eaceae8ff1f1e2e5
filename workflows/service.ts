import type { Connection } from 'mongoose'
import type { DomainEvent } from '../src/events/index.ts'
import type { RunView, WorkflowDetail, WorkflowPatch, WorkflowSummary } from '../src/http/contract/workflows.ts'
import { dayMs, type Clock } from '../src/kernel/clock.ts'
import { notFound } from '../src/kernel/errors.ts'
import type { FaultPoint } from '../src/kernel/fault-point.ts'
import type { Logger } from '../src/kernel/logger.ts'
import { createRush, type Rush } from '../src/kernel/rush.ts'
import type { Wake } from '../src/kernel/wake.ts'
import { createLeasedQueue, createPump, type LeasedQueue, type Pump } from '../src/store/index.ts'
import type { WorkflowDefinition } from './definition.ts'
import { createActing } from './engine/acting.ts'
import { createMessageCap } from './engine/cap.ts'
import { createDeliveries } from './engine/deliveries.ts'
import { workflowModels } from './engine/model.ts'
import { createOptOuts } from './engine/opt-outs.ts'
import { createPlaces } from './engine/places.ts'
import type { RunState } from './engine/run.ts'
import { createRunner, type StepItem } from './engine/runner.ts'
import { createStarter } from './engine/starter.ts'
import { indexLibrary, library as shippedLibrary } from './library/index.ts'
import type { EventScene, WorkflowAccount, WorkflowPorts } from './ports.ts'
import { createWorkflowStates, type AgencyWorkflow } from './states.ts'
import { changesOf, detailOf, noRuns, runViewOf, summaryOf, type RunCounts } from './views.ts'

/** Follow-ups and notifications: reads what happened, runs what the agency switched on. */
export interface Workflows {
  list(companyId: string): Promise<WorkflowSummary[]>
  /** @throws RequestError 404 */
  detail(companyId: string, key: string): Promise<WorkflowDetail>
  runs(query: { companyId: string; key: string; state?: RunState; page: number; pageSize: number }): Promise<{ items: RunView[]; total: number }>
  /** @throws RequestError 404 */
  run(companyId: string, runId: string): Promise<RunView>
  /** @throws RequestError 404, 409, 422 with the exact place of a fault */
  edit(companyId: string, key: string, patch: WorkflowPatch, by: string): Promise<WorkflowDetail>
  publish(companyId: string, key: string, by: string): Promise<WorkflowDetail>
  pause(companyId: string, key: string, by: string): Promise<WorkflowDetail>
  /** `events` starts runs, `runs` works on their due steps. */
  pumps: { events: Pump; runs: Pump }
  /** Due and waiting steps, for health and metrics. */
  queue: LeasedQueue<StepItem>
  /** Removes everything of an agency, once its data need not be kept any more. */
  purge(companyId: string): Promise<void>
}

export interface WorkflowsDeps {
  connection: Connection
  clock: Clock
  wake: Wake
  /** Work that goes before. */
  rush?: Rush
  logger: Logger
  /** The events to work through; their one consumer is here. */
  events: { queue: LeasedQueue<DomainEvent> }
  ports: WorkflowPorts
  /** Others who must take note of every event, before workflows do; each must be idempotent. */
  observers?: readonly ((event: DomainEvent, scene: EventScene) => Promise<void>)[]
  /** Definitions; the shipped ones if left out. */
  library?: readonly WorkflowDefinition[]
  faultPoint?: FaultPoint
}

const maxAttempts = 8
/** Follow-ups and notices can wait a moment; few hands, so that in a rush the writing of contacts is not behind them. */
const concurrency = 2
const batch = 8
/** Facts of one moment are claimed together. */
const gatherMs = 20
/** How long an item lets urgent work go first. */
const yieldMs = 1_000

export function createWorkflows(deps: WorkflowsDeps): Workflows {
  const { connection, clock, wake, logger, events, ports, observers = [], rush = createRush() } = deps
  const models = workflowModels(connection)
  const library = indexLibrary(deps.library ?? shippedLibrary)
  const queue = createLeasedQueue<StepItem>(connection, { collection: 'workflow_steps', clock, maxAttempts, ...(deps.faultPoint === undefined ? {} : { faultPoint: deps.faultPoint }) })
  const states = createWorkflowStates({ models, library, clock })
  const cap = createMessageCap(models.caps, clock)
  const optOuts = createOptOuts(models.optOuts)
  const places = createPlaces({ ports, clock })
  const acting = createActing({ states, cap, optOuts, ports, clock })
  const runner = createRunner({ models, states, queue, acting, places, cap, ports, clock, maxAttempts, onQueued: () => wake.signal('runs') })
  const deliveries = createDeliveries({ runs: models.runs, states, cap, optOuts, ports, clock })
  const starter = createStarter({ runs: models.runs, states, library, ports, clock, runner })

  /** Lives as long as one event is worked on: the next one reads anew. */
  function sceneOf({ companyId, locationId }: DomainEvent): EventScene {
    let account: Promise<WorkflowAccount | null> | undefined
    return { account: () => (account ??= locationId === null ? Promise.resolve(null) : ports.account(companyId, locationId)) }
  }

  const pumps = {
    events: createPump<DomainEvent>({
      name: 'events',
      queue: events.queue,
      clock,
      logger,
      wake,
      pumpName: 'events',
      concurrency,
      batch,
      gatherMs,
      async handle(claimed) {
        await rush.calm(yieldMs)
        const scene = sceneOf(claimed.data)
        for (const observe of observers) await observe(claimed.data, scene)
        const observed = await deliveries.observe(claimed.data)
        const started = await starter.start(claimed.data, scene)
        return observed || started.length > 0 ? 'done' : 'ignored'
      },
    }),
    runs: createPump<StepItem>({
      name: 'runs',
      queue,
      clock,
      logger,
      wake,
      pumpName: 'runs',
      concurrency,
      batch,
      gatherMs,
      async handle(claimed) {
        await rush.calm(yieldMs)
        return runner.handle(claimed)
      },
    }),
  }

  async function countsOf(companyId: string): Promise<Map<string, RunCounts>> {
    const since = new Date(clock.nowMs() - 30 * dayMs)
    const counts = new Map<string, RunCounts>()
    const members = { active: 'waiting', done: 'sent', stopped: 'stopped', failed: 'failed' } as const
    for (const state of ['active', 'done', 'stopped', 'failed'] as const) {
      const groups = await models.runs.aggregate<{ _id: string; count: number }>([
        { $match: { companyId, state, createdAt: { $gte: since } } },
        { $group: { _id: '$workflowKey', count: { $sum: 1 } } },
      ])
      for (const { _id, count } of groups) {
        const before = counts.get(_id) ?? noRuns
        counts.set(_id, { ...before, started: before.started + count, [members[state]]: count })
      }
    }
    return counts
  }

  async function detailView(companyId: string, workflow: AgencyWorkflow): Promise<WorkflowDetail> {
    return detailOf(workflow, (await countsOf(companyId)).get(workflow.shipped.key) ?? noRuns)
  }

  return {
    pumps,
    queue,

    async list(companyId) {
      const [workflows, counts] = await Promise.all([states.list(companyId), countsOf(companyId)])
      return workflows.map((workflow) => summaryOf(workflow, counts.get(workflow.shipped.key) ?? noRuns))
    },

    detail: async (companyId, key) => detailView(companyId, await states.get(companyId, key)),

    async runs({ companyId, key, state, page, pageSize }) {
      await states.get(companyId, key)
      const filter = { companyId, workflowKey: key, ...(state === undefined ? {} : { state }) }
      const [found, total] = await Promise.all([
        models.runs.find(filter).sort({ createdAt: -1, _id: 1 }).skip((page - 1) * pageSize).limit(pageSize).lean(),
        models.runs.countDocuments(filter),
      ])
      return { items: found.map(runViewOf), total }
    },

    async run(companyId, runId) {
      const found = await models.runs.findOne({ _id: runId, companyId }).lean()
      if (found === null) throw notFound('run')
      return runViewOf(found)
    },

    async edit(companyId, key, patch, by) {
      const { shipped } = await states.get(companyId, key)
      return detailView(companyId, await states.edit(companyId, key, changesOf(shipped, patch), by))
    },

    publish: async (companyId, key, by) => detailView(companyId, await states.publish(companyId, key, by)),

    async pause(companyId, key, by) {
      const workflow = await states.pause(companyId, key, by)
      const count = await deliveries.takeBack(companyId, key, 'paused')
      if (count > 0) logger.info({ companyId, workflow: key, count }, 'messages of a paused workflow were taken back')
      return detailView(companyId, workflow)
    },

    async purge(companyId) {
      await queue.purge(companyId)
      await Promise.all([models.runs, models.states, models.versions, models.caps, models.optOuts].map((model) => purgeModel(model, companyId)))
    },
  }
}

async function purgeModel(model: { deleteMany(filter: { companyId: string }): PromiseLike<unknown> }, companyId: string): Promise<void> {
  await model.deleteMany({ companyId })
}
