import { isDeepStrictEqual } from 'node:util'
import type { Model } from 'mongoose'
import type { MovedRuns, VersionDetail, VersionList } from '../../src/http/contract/workflows.ts'
import { notFound } from '../../src/kernel/errors.ts'
import type { WorkflowDefinition } from '../definition.ts'
import type { RunRecord } from '../engine/model.ts'
import type { AgencyWorkflow, WorkflowStates } from '../states.ts'
import { differencesBetween, overrideBetween, replaceableOf } from './changes.ts'

/** What a workflow was before, and what runs under way go on with. */
export interface Versions {
  /** @throws RequestError 404 */
  list(companyId: string, key: string, page: number, pageSize: number): Promise<VersionList>
  look(companyId: string, key: string, version: number): Promise<VersionDetail>
  /** Takes the words of a version as a draft: nothing is sent with them until they are published. @throws RequestError 404, 409, 422 */
  restore(companyId: string, key: string, version: number, by: string): Promise<AgencyWorkflow>
  /** Runs under way on older versions. */
  runningOnOlder(companyId: string, workflow: AgencyWorkflow): Promise<number>
  /** Moves runs under way to the newest version if what is still before them is the same steps. Appointed times stay. @throws RequestError 404 */
  moveRuns(companyId: string, key: string): Promise<MovedRuns>
}

/** Runs that are moved with one call. */
const maxMoved = 10_000

export function createVersions({ states, runs }: { states: WorkflowStates; runs: Model<RunRecord> }): Versions {
  async function definitionOf(companyId: string, key: string, version: number): Promise<WorkflowDefinition> {
    const definition = await states.version(companyId, key, version)
    if (definition === null) throw notFound('version of this workflow')
    return definition
  }

  async function runningVersions(companyId: string, { shipped, version }: AgencyWorkflow): Promise<RunRecord[]> {
    const active = await runs.find({ companyId, workflowKey: shipped.key, state: 'active' }, { version: 1, stepIndex: 1 }).limit(maxMoved).lean<RunRecord[]>()
    return active.filter((run) => run.version !== version)
  }

  return {
    async list(companyId, key, page, pageSize) {
      const workflow = await states.get(companyId, key)
      const records = await states.versions(companyId, key)
      const all: VersionList['items'] = records.map(({ version, createdAt, createdBy, definition }, index) => ({
        version, createdBy,
        createdAt: createdAt.toISOString(),
        isCurrent: version === workflow.version,
        changedSteps: stepsBetween(records[index + 1]?.definition ?? workflow.shipped, definition),
      }))
      all.push({ version: 0, createdAt: null, createdBy: null, isCurrent: workflow.version === 0, changedSteps: [] })
      return { items: all.slice((page - 1) * pageSize, page * pageSize), page, pageSize, total: all.length }
    },

    async look(companyId, key, version) {
      const workflow = await states.get(companyId, key)
      const definition = await definitionOf(companyId, key, version)
      const record = (await states.versions(companyId, key)).find((one) => one.version === version)
      return {
        version,
        createdAt: record?.createdAt.toISOString() ?? null,
        createdBy: record?.createdBy ?? null,
        isCurrent: version === workflow.version,
        changedSteps: stepsBetween(workflow.shipped, definition),
        definition,
      }
    },

    async restore(companyId, key, version, by) {
      const workflow = await states.get(companyId, key)
      const definition = await definitionOf(companyId, key, version)
      const current = workflow.draft ?? workflow.definition
      if (isDeepStrictEqual(current, definition)) return workflow
      if (workflow.origin === 'own') return states.put(companyId, definition, by)
      // The library may have moved on since: words and delays are taken for the steps that are still there.
      const changes = overrideBetween(workflow.shipped, definition) ?? wordsOnly(workflow.shipped, definition)
      return states.edit(companyId, key, Object.fromEntries(workflow.shipped.steps.map((step) => [step.id, { ...valuesOf(step), ...changes[step.id] }])), by, true)
    },

    runningOnOlder: async (companyId, workflow) => (await runningVersions(companyId, workflow)).length,

    async moveRuns(companyId, key) {
      const workflow = await states.get(companyId, key)
      const newest = await definitionOf(companyId, key, workflow.version)
      const older = await runningVersions(companyId, workflow)
      const fits = new Map<number, boolean>()
      let moved = 0
      for (const version of new Set(older.map((run) => run.version))) {
        const before = await states.version(companyId, key, version)
        fits.set(version, before !== null && sameSteps(before, newest))
      }
      for (const run of older) {
        if (fits.get(run.version) !== true) continue
        const result = await runs.updateOne({ _id: run._id, companyId, state: 'active', version: run.version }, { $set: { version: workflow.version } })
        moved += result.modifiedCount
      }
      return { moved, kept: older.length - moved }
    },
  }
}

/** Steps whose words or delays differ. */
function stepsBetween(before: WorkflowDefinition, after: WorkflowDefinition): string[] {
  return [...new Set(differencesBetween(before, after).map(({ stepId }) => stepId))]
}

function sameSteps(before: WorkflowDefinition, after: WorkflowDefinition): boolean {
  return isDeepStrictEqual(before.steps.map(({ id, kind }) => [id, kind]), after.steps.map(({ id, kind }) => [id, kind]))
}

type Values = Record<string, unknown>

function valuesOf(step: WorkflowDefinition['steps'][number]): Values {
  return Object.fromEntries(replaceableOf(step).map((member): [string, unknown] => [member, (step as unknown as Values)[member]]).filter(([, value]) => value !== undefined))
}

function wordsOnly(base: WorkflowDefinition, version: WorkflowDefinition): Record<string, Values> {
  return Object.fromEntries(
    base.steps.flatMap((step) => {
      const then = version.steps.find(({ id, kind }) => id === step.id && kind === step.kind)
      return then === undefined ? [] : [[step.id, valuesOf(then)]]
    }),
  )
}
