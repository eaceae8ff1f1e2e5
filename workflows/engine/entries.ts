import type { Model } from 'mongoose'
import { dayMs } from '../../src/kernel/clock.ts'
import { isDuplicateKey } from '../../src/store/index.ts'
import type { Guards } from '../shapes.ts'
import type { EntryRecord, WorkflowModels } from './model.ts'
import type { RunRecord } from './run.ts'

/** Why a person does not enter a workflow again. */
export type EntryObstacle = 'entered_before' | 'still_in_it' | 'cooldown'

/** Who entered which workflow last: one record per workflow and person, written only where the workflow limits entries. */
export interface Entries {
  /**
   * Takes the person's place in the workflow for this run. Taking it again for the same run succeeds, so that a repeated start goes on.
   * @returns why not; null if the run may begin
   */
  admit(run: RunRecord, guards: Guards): Promise<EntryObstacle | null>
}

/** Somebody else may take the place in between; then it is looked at again. */
const maxTries = 5

export function createEntries(models: { entries: Model<EntryRecord>; runs: WorkflowModels['runs'] }): Entries {
  async function obstacleOf(before: EntryRecord, run: RunRecord, { reentry, cooldownDays }: Guards): Promise<EntryObstacle | null> {
    if (reentry === 'once') return 'entered_before'
    if (cooldownDays !== undefined && run.createdAt.getTime() - before.at.getTime() < cooldownDays * dayMs) return 'cooldown'
    if (reentry === 'always') return null
    const earlier = await models.runs.findOne({ _id: before.runId, companyId: run.companyId }, { state: 1 }).lean()
    // A run that is not stored yet is being started.
    return earlier === null || earlier.state === 'active' ? 'still_in_it' : null
  }

  return {
    async admit(run, guards) {
      if (guards.reentry === 'always' && guards.cooldownDays === undefined) return null
      const { companyId, workflowKey, createdAt: at } = run
      const _id = `${companyId}:${workflowKey}:${run.userId ?? run.locationId ?? 'agency'}`
      for (let tries = 0; tries < maxTries; tries += 1) {
        const before: EntryRecord | null = await models.entries.findOne({ _id, companyId }).lean()
        if (before === null) {
          try {
            await models.entries.create({ _id, companyId, runId: run._id, at })
            return null
          } catch (error) {
            if (!isDuplicateKey(error)) throw error
            continue
          }
        }
        if (before.runId === run._id) return null
        const obstacle = await obstacleOf(before, run, guards)
        if (obstacle !== null) return obstacle
        const taken = await models.entries.updateOne({ _id, companyId, runId: before.runId }, { $set: { runId: run._id, at } })
        if (taken.matchedCount === 1) return null
      }
      throw new Error(`The entry of a person into ${workflowKey} changes all the time`)
    },
  }
}
