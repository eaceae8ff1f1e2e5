import type { Connection } from 'mongoose'
import type { DomainEvent, Events } from '../src/events/index.ts'
import type { RunView, SendingView, WorkflowDetail, WorkflowPatch, WorkflowSummary } from '../src/http/contract/workflows.ts'
import { dayMs, type Clock } from '../src/kernel/clock.ts'
import type { ForgottenPerson } from '../src/kernel/forgotten.ts'
import { RequestError } from '../src/kernel/errors.ts'
import type { FaultPoint } from '../src/kernel/fault-point.ts'
import type { Logger } from '../src/kernel/logger.ts'
import { createRush, type Rush } from '../src/kernel/rush.ts'
import type { Wake } from '../src/kernel/wake.ts'
import { createLeasedQueue, createPump, type LeasedQueue, type Pump } from '../src/store/index.ts'
import { createAuthoring, type Authoring, type TestMail } from './authoring/index.ts'
import { createRunList, type RunList, type RunsOf } from './authoring/run-list.ts'
import type { StepFinding } from './crm-choices/index.ts'
import type { WorkflowDefinition } from './definition.ts'
import { createActing } from './engine/acting.ts'
import { createMessageCap } from './engine/cap.ts'
import { createDeliveries } from './engine/deliveries.ts'
import { workflowModels } from './engine/model.ts'
import { createEntries } from './engine/entries.ts'
import { createOperator, type Operator } from './engine/operator.ts'
import { createOptOuts } from './engine/opt-outs.ts'
import { createPlaces } from './engine/places.ts'
import type { StepItem } from './engine/run.ts'
import { createRunner } from './engine/runner.ts'
import { createSchedules } from './engine/schedules.ts'
import { createStarter } from './engine/starter.ts'
import { indexLibrary, library as shippedLibrary } from './library/index.ts'
import type { EventScene, WorkflowAccount, WorkflowPorts } from './ports.ts'
import { createWorkflowStates, type AgencyWorkflow } from './states.ts'
import { changesOf, detailOf, noRuns, summaryOf, type RunCounts } from './views.ts'

/** Follow-ups and notifications: reads what happened, runs what the agency switched on. */
export interface Workflows {
  list(companyId: string): Promise<WorkflowSummary[]>
  /** @throws RequestError 404 */
  detail(companyId: string, key: string): Promise<WorkflowDetail>
  /** Runs over all workflows, newest first. @throws RequestError 404 for a workflow that is not there */
  runs(query: RunsOf): Promise<{ items: RunView[]; total: number }>
  /** Follow-ups of accounts that gave up after an error and wait for a person, the newest first. */
  failedRuns: RunList['failed']
  /** @throws RequestError 404 */
  run(companyId: string, runId: string): Promise<RunView>
  /** Which notifications told the team about changes of one account's status. */
  toldAbout(companyId: string, locationId: string, changeIds: readonly string[], fromAt: Date, toAt: Date): Promise<{ changeId: string; name: string; runId: string; at: Date }[]>
  /** @throws RequestError 404, 409, 422 with the exact place of a fault */
  edit(companyId: string, key: string, patch: WorkflowPatch, by: string): Promise<WorkflowDetail>
  publish(companyId: string, key: string, by: string): Promise<WorkflowDetail>
  pause(companyId: string, key: string, by: string): Promise<WorkflowDetail>
  archive(companyId: string, key: string, by: string): Promise<WorkflowDetail>
  unarchive(companyId: string, key: string, by: string): Promise<WorkflowDetail>
  discardDraft(companyId: string, key: string, by: string): Promise<WorkflowDetail>
  /** The agency's kill switch. */
  sending(companyId: string): Promise<SendingView>
  /** Stops every message to customers and takes back what has not left, or lets them leave again. */
  setSending(companyId: string, paused: boolean, by: string): Promise<SendingView>
  /** Previews, tests, dry runs, versions, copies, files. */
  authoring: Authoring
  /** What the workflow's steps name and is not there, or does nothing yet. @throws RequestError 404 */
  findings(companyId: string, key: string): Promise<StepFinding[]>
  /** `events` starts runs, `runs` works on their due steps. */
  pumps: { events: Pump; runs: Pump }
  /** Due and waiting steps, for health and metrics. */
  queue: LeasedQueue<StepItem>
  /** Ends single runs, and has failed steps repeated. */
  operator: Operator
  /** Starts what is due by a schedule; bounded, for the clock. */
  sweepSchedules(): Promise<number>
  /** Ends what runs for this person and removes what was written to them. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
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
  events: Pick<Events, 'queue' | 'since' | 'timeline'>
  ports: WorkflowPorts
  /** Others who must take note of every event, before workflows do; each must be idempotent. */
  observers?: readonly ((event: DomainEvent, scene: EventScene) => Promise<void>)[]
  /** Definitions; the shipped ones if left out. */
  library?: readonly WorkflowDefinition[]
  faultPoint?: FaultPoint
  /** Somebody changed a workflow; or, with null, runs went on. */
  changed?: (companyId: string, key: string | null) => void
  /** Sends a test to the person who asks for it; undefined: no mail server is set. */
  sendMail?: (mail: TestMail) => Promise<void>
  /** Looks up what a definition's steps name outside of the product; without it nothing is looked up. */
  findings?: (companyId: string, definition: WorkflowDefinition) => Promise<StepFinding[]>
}

/** Of one account and time; there are a few for each change. */
const maxTold = 500
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
  const faults = deps.faultPoint === undefined ? {} : { faultPoint: deps.faultPoint }
  const queue = createLeasedQueue<StepItem>(connection, { collection: 'workflow_steps', clock, maxAttempts, ...faults })
  const states = createWorkflowStates({ models, library, clock, ...(deps.changed === undefined ? {} : { changed: deps.changed }) })
  const cap = createMessageCap(models.caps, clock)
  const optOuts = createOptOuts(models.optOuts)
  const places = createPlaces({ ports, clock })
  const acting = createActing({ states, cap, optOuts, ports, clock })
  const onQueued = () => wake.signal('runs')
  const operator = createOperator({ runs: models.runs, queue, cap, ports, clock, onQueued })
  const runner = createRunner({ models, states, queue, acting, places, cap, operator, ports, clock, maxAttempts, onQueued, ...faults })
  const deliveries = createDeliveries({ runs: models.runs, states, cap, optOuts, ports, clock })
  const starter = createStarter({ runs: models.runs, states, entries: createEntries(models), ports, clock, runner, ...faults })
  const schedules = createSchedules({ model: models.schedules, states, starter, ports, clock })

  const runList = createRunList({ runs: models.runs, states, ports })
  const authoring = createAuthoring({
    states, library, ports, clock, events,
    runs: models.runs,
    ...(deps.sendMail === undefined ? {} : { sendMail: deps.sendMail }),
  })

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
        if (observed || started.length > 0) deps.changed?.(claimed.data.companyId, null)
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
        const outcome = await runner.handle(claimed)
        if (claimed.companyId !== null && outcome !== 'ignored') deps.changed?.(claimed.companyId, null)
        return outcome
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

  async function findingsOf(companyId: string, key: string): Promise<StepFinding[]> {
    const { definition, draft } = await states.get(companyId, key)
    return deps.findings === undefined ? [] : deps.findings(companyId, draft ?? definition)
  }

  async function detailView(companyId: string, workflow: AgencyWorkflow): Promise<WorkflowDetail> {
    const [counts, older] = await Promise.all([countsOf(companyId), authoring.versions.runningOnOlder(companyId, workflow)])
    return detailOf(workflow, counts.get(workflow.shipped.key) ?? noRuns, older)
  }

  /** Takes back what a workflow gave to the outbox and has not left. */
  async function takeBack(companyId: string, key: string, reason: string): Promise<void> {
    const count = await deliveries.takeBack(companyId, key, reason)
    if (count > 0) logger.info({ companyId, workflow: key, count, reason }, 'messages of a workflow were taken back')
  }

  return {
    pumps,
    queue,

    async list(companyId) {
      const [workflows, counts] = await Promise.all([states.list(companyId), countsOf(companyId)])
      return workflows.map((workflow) => summaryOf(workflow, counts.get(workflow.shipped.key) ?? noRuns))
    },

    detail: async (companyId, key) => detailView(companyId, await states.get(companyId, key)),

    async runs(query) {
      if (query.key !== undefined) await states.get(query.companyId, query.key)
      return runList.list(query)
    },

    failedRuns: (query) => runList.failed(query),
    run: (companyId, runId) => runList.one(companyId, runId),

    async toldAbout(companyId, locationId, changeIds, fromAt, toAt) {
      const about = { companyId, locationId, createdAt: { $gte: fromAt, $lte: toAt }, kind: 'notification' as const, 'facts.changeId': { $in: [...changeIds] } }
      const found = await models.runs.find(about, { workflowKey: 1, history: 1, facts: 1 }).sort({ createdAt: -1 }).limit(maxTold).lean()
      const names = new Map((await states.list(companyId)).map((workflow) => [workflow.shipped.key, workflow.definition.name]))
      return found.flatMap(({ _id: runId, workflowKey, history, facts }) => {
        const told = history.find(({ kind, outcome }) => kind === 'notify' && outcome === 'done')
        return told === undefined || facts.changeId === null ? [] : [{ changeId: facts.changeId, name: names.get(workflowKey) ?? workflowKey, runId, at: told.at }]
      })
    },

    async edit(companyId, key, patch, by) {
      const { shipped } = await states.get(companyId, key)
      return detailView(companyId, await states.edit(companyId, key, changesOf(shipped, patch), by, patch.asDraft))
    },

    async publish(companyId, key, by) {
      const faults = (await findingsOf(companyId, key)).filter(({ severity }) => severity === 'fault')
      const [first] = faults
      if (first !== undefined) throw new RequestError(422, 'step_target_missing', `${first.path}: ${first.message}`, { details: { faults: faults.map(({ path, message }) => ({ path, message })) } })
      await schedules.prepare(companyId, await states.get(companyId, key))
      return detailView(companyId, await states.publish(companyId, key, by))
    },

    findings: findingsOf,

    async pause(companyId, key, by) {
      const workflow = await states.pause(companyId, key, by)
      await takeBack(companyId, key, 'paused')
      return detailView(companyId, workflow)
    },

    async archive(companyId, key, by) {
      const workflow = await states.archive(companyId, key, by)
      await takeBack(companyId, key, 'paused')
      return detailView(companyId, workflow)
    },

    unarchive: async (companyId, key, by) => detailView(companyId, await states.unarchive(companyId, key, by)),
    discardDraft: async (companyId, key, by) => detailView(companyId, await states.discardDraft(companyId, key, by)),

    sending: async (companyId) => ({ paused: (await ports.settings(companyId)).messages.paused }),

    async setSending(companyId, paused, by) {
      await ports.pauseSending(companyId, paused, by)
      if (paused) for (const { shipped } of await states.list(companyId)) if (shipped.kind === 'follow_up') await takeBack(companyId, shipped.key, 'all_paused')
      return { paused }
    },

    authoring,
    operator,
    sweepSchedules: () => schedules.sweep(),

    async forget({ companyId, userId }) {
      const theirs = await models.runs.find({ companyId, userId }, { _id: 1 }).lean()
      await models.entries.deleteMany({ companyId, runId: { $in: theirs.map(({ _id }) => _id) } })
      // A step of a run that is not there does nothing.
      await models.runs.deleteMany({ companyId, userId })
      const _id = `${companyId}:${userId}`
      await models.caps.deleteOne({ _id, companyId })
      await models.optOuts.deleteOne({ _id, companyId })
    },

    async purge(companyId) {
      await queue.purge(companyId)
      await Promise.all([models.runs, models.states, models.versions, models.caps, models.optOuts, models.entries, models.schedules].map((model) => purgeModel(model, companyId)))
    },
  }
}

async function purgeModel(model: { deleteMany(filter: { companyId: string }): PromiseLike<unknown> }, companyId: string): Promise<void> {
  await model.deleteMany({ companyId })
}
