import { type Ref, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { ApiError } from '../client.ts'

export interface Loaded<T> {
  data: Ref<T | null>
  /** What went wrong with the newest attempt; older data stays on the page beside it. */
  error: Ref<ApiError | null>
  /** When the data on the page arrived. */
  loadedAt: Ref<string | null>
  /** True once the first load takes longer than 300 ms: time for a skeleton, not earlier. */
  slow: Ref<boolean>
  busy: Ref<boolean>
  reload(): Promise<void>
}

const skeletonAfterMs = 300

/**
 * Loads what a page shows; again whenever `keys` change, when the tab comes back after a minute, and every `everyMs` if given.
 * An answer that was overtaken by a newer question is dropped.
 */
export function useLoad<T>(read: () => Promise<T>, keys: () => unknown = () => null, everyMs?: number): Loaded<T> {
  const data = shallowRef<T | null>(null)
  const error = shallowRef<ApiError | null>(null)
  const loadedAt = ref<string | null>(null)
  const slow = ref(false)
  const busy = ref(false)
  let asked = 0

  async function reload(): Promise<void> {
    const mine = ++asked
    busy.value = true
    const timer = setTimeout(() => (slow.value = mine === asked), skeletonAfterMs)
    try {
      const answer = await read()
      if (mine !== asked) return
      data.value = answer
      error.value = null
      loadedAt.value = new Date().toISOString()
    } catch (failure) {
      if (mine === asked) error.value = asApiError(failure)
    } finally {
      clearTimeout(timer)
      if (mine === asked) {
        busy.value = false
        slow.value = false
      }
    }
  }

  const cameBack = () => {
    const isOld = loadedAt.value === null || Date.now() - Date.parse(loadedAt.value) > 60_000
    if (document.visibilityState === 'visible' && isOld) void reload()
  }
  document.addEventListener('visibilitychange', cameBack)
  const repeat = everyMs === undefined ? undefined : setInterval(() => document.visibilityState === 'visible' && void reload(), everyMs)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', cameBack)
    clearInterval(repeat)
    asked++
  })
  watch(keys, () => void reload(), { immediate: true, deep: true })
  return { data, error, loadedAt, slow, busy, reload }
}

export function asApiError(failure: unknown): ApiError {
  if (failure instanceof ApiError) return failure
  return new ApiError('unknown', failure instanceof Error ? failure.message : 'Something did not work. Try again.', 0)
}
