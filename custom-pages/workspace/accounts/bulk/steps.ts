import { ref } from 'vue'
import { api, type BulkOutcome, type BulkWish, type Target } from '../api.ts'

/** Accounts per request: none takes long, and the person sees how far it is. */
const stepSize = 100

/** How far the bulk action that is under way is; null while there is none. */
export const progress = ref<{ done: number; total: number } | null>(null)

/**
 * Carries out a bulk action step by step. Everything that matches is named by the server with the first step, so that accounts which no longer match after a step
 * are not skipped. Repeating it after a failure does nothing twice.
 * @param jobs at least one, all of one action; carried out one after the other
 * @throws ApiError of the step that failed; the steps before it are done
 */
export async function inSteps(jobs: readonly { target: Target; wish: BulkWish }[], count: number): Promise<BulkOutcome> {
  const outcome: BulkOutcome = { action: jobs[0]?.wish.action ?? 'assign_csm', done: 0, failed: 0, results: [] }
  progress.value = { done: 0, total: count }
  try {
    for (const { target, wish } of jobs) {
      for (let left: Target | null = target; left !== null; ) {
        const now: Target = 'filter' in left ? left : { locationIds: left.locationIds.slice(0, stepSize) }
        const later: string[] = 'filter' in left ? [] : left.locationIds.slice(stepSize)
        const step = await api.bulkStep(now, { ...wish, limit: stepSize })
        outcome.done += step.done
        outcome.failed += step.failed
        outcome.results.push(...step.results)
        const rest: string[] = [...step.left, ...later]
        left = rest.length === 0 ? null : { locationIds: rest }
        progress.value = { done: outcome.results.length, total: Math.max(count, outcome.results.length) }
      }
    }
    return outcome
  } finally {
    progress.value = null
  }
}
