import type { Model } from 'mongoose'
import type { Events } from '../events/index.ts'
import { isDuplicateKey } from '../store/index.ts'
import type { MilestoneRecord } from './model.ts'

/** Sums of points that are told when an account rises to them. */
export const milestones = [100, 500, 1_000, 2_000, 5_000, 10_000] as const

/** The highest milestone at or below a sum; 0 below the first. */
export function milestoneOf(total: number): number {
  return milestones.filter((each) => each <= total).at(-1) ?? 0
}

/**
 * Notes at which milestone an account stands and tells each rise once; of several that one booking passes, the highest. Falling below one and rising to it
 * again is another crossing. Idempotent: whatever the order of bookings, the last to look sees the whole sum.
 */
export async function noteMilestone(
  records: Model<MilestoneRecord>, events: Pick<Events, 'append'>, about: { companyId: string; locationId: string; at: Date }, sum: () => Promise<number>,
): Promise<void> {
  const { companyId, locationId, at } = about
  const _id = `${companyId}:${locationId}`
  for (;;) {
    const known = await records.findOne({ _id, companyId }).lean<MilestoneRecord>()
    const before = known ?? { _id, companyId, reached: 0, changes: 0 }
    const total = await sum()
    const reached = milestoneOf(total)
    if (reached === before.reached) return
    const changes = before.changes + 1
    if (reached > before.reached) {
      await events.append({
        key: `score.milestone:${companyId}:${locationId}:${changes}:${reached}`, companyId, locationId, userId: null, at, type: 'score.milestone',
        actor: { kind: 'system', id: null, name: null }, source: 'schedule', summary: `The account reached ${reached.toLocaleString('en')} points.`, before: before.reached, after: reached,
        data: { milestone: reached, total },
      })
    }
    if (known === null) {
      try {
        await records.create([{ ...before, reached, changes }])
        return
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
      }
    } else if ((await records.updateOne({ _id, companyId, changes: before.changes }, { $set: { reached, changes } })).matchedCount === 1) return
  }
}
