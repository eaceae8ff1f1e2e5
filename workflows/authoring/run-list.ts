import type { Model } from 'mongoose'
import type { RunView } from '../../src/http/contract/workflows.ts'
import { notFound } from '../../src/kernel/errors.ts'
import type { RunRecord, RunState } from '../engine/model.ts'
import type { WorkflowPorts } from '../ports.ts'
import type { WorkflowStates } from '../states.ts'
import { runViewOf } from '../views.ts'

/** Which runs; members left out take in all. */
export interface RunsOf {
  companyId: string
  key?: string | undefined
  locationId?: string | undefined
  userId?: string | undefined
  state?: RunState | undefined
  page: number
  pageSize: number
}

/** A follow-up that waits for a person. */
export interface FailedRun {
  runId: string
  locationId: string
  /** Null if the workflow is not there any more. */
  name: string | null
  at: Date
}

/** Runs as people read them: with the names of those that they are about. */
export interface RunList {
  /** Newest first. */
  list(query: RunsOf): Promise<{ items: RunView[]; total: number }>
  /** Follow-ups of accounts that gave up after an error, the newest first: of all accounts, or of a few. */
  failed(query: { companyId: string; fromAt: Date; among: readonly string[] | null; limit: number }): Promise<FailedRun[]>
  /** @throws RequestError 404 */
  one(companyId: string, runId: string): Promise<RunView>
}

export function createRunList(deps: { runs: Model<RunRecord>; states: Pick<WorkflowStates, 'recent'>; ports: Pick<WorkflowPorts, 'account' | 'person'> }): RunList {
  const { runs, states, ports } = deps

  async function named(companyId: string, found: RunRecord[]): Promise<RunView[]> {
    const workflows = new Map((await states.recent(companyId)).map(({ definition }) => [definition.key, definition.name]))
    const accounts = new Map<string, string | null>()
    const people = new Map<string, string | null>()
    for (const { locationId, userId } of found) {
      if (locationId === null) continue
      if (!accounts.has(locationId)) accounts.set(locationId, (await ports.account(companyId, locationId))?.name ?? null)
      if (userId !== null && !people.has(`${locationId}:${userId}`)) people.set(`${locationId}:${userId}`, (await ports.person(companyId, locationId, userId))?.name ?? null)
    }
    return found.map((run) =>
      runViewOf(run, {
        workflowName: workflows.get(run.workflowKey) ?? null,
        accountName: run.locationId === null ? null : (accounts.get(run.locationId) ?? null),
        userName: run.userId === null ? null : (people.get(`${String(run.locationId)}:${run.userId}`) ?? null),
      }),
    )
  }

  return {
    async list({ companyId, key, locationId, userId, state, page, pageSize }) {
      const filter = {
        companyId,
        ...(key === undefined ? {} : { workflowKey: key }),
        ...(locationId === undefined ? {} : { locationId }),
        ...(userId === undefined ? {} : { userId }),
        ...(state === undefined ? {} : { state }),
      }
      const [found, total] = await Promise.all([
        runs.find(filter).sort({ createdAt: -1, _id: 1 }).skip((page - 1) * pageSize).limit(pageSize).lean<RunRecord[]>(),
        runs.countDocuments(filter),
      ])
      return { items: await named(companyId, found), total }
    },

    async failed({ companyId, fromAt, among, limit }) {
      const whose = among === null ? {} : { locationId: { $in: [...among] } }
      const [found, workflows] = await Promise.all([
        runs.find({ companyId, state: 'failed', createdAt: { $gte: fromAt }, kind: 'follow_up', ...whose }).sort({ createdAt: -1 }).limit(limit).lean<RunRecord[]>(),
        states.recent(companyId),
      ])
      const names = new Map(workflows.map(({ definition }) => [definition.key, definition.name]))
      return found.flatMap(({ _id, locationId, workflowKey, finishedAt, createdAt }) => (locationId === null ? [] : [{ runId: _id, locationId, name: names.get(workflowKey) ?? null, at: finishedAt ?? createdAt }]))
    },

    async one(companyId, runId) {
      const found = await runs.findOne({ _id: runId, companyId }).lean<RunRecord>()
      const [view] = found === null ? [] : await named(companyId, [found])
      if (view === undefined) throw notFound('run')
      return view
    },
  }
}
