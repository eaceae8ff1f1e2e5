import { computed, ref, shallowRef } from 'vue'
import type { SettingsView } from '../../../src/http/contract/settings.ts'
import type { ApiError } from '../../shared/client.ts'
import { asApiError, useLoad } from '../../shared/lib/load.ts'
import { client } from '../../shared/lib/services.ts'
import { type Edits, editsOf, patchOf, problemsOf, sameValue, valueAt, withEdit, withoutEdits } from './edits.ts'

/** Outlives the page, so that a look at another tab loses nothing that was typed. */
const edits = shallowRef<Edits>({})

/** The settings as the server has them, and what was changed here and not saved. */
export function useSettings() {
  const load = useLoad(() => client.get<SettingsView>('/api/settings'))
  const problems = ref<Record<string, string>>({})
  /** What the server said about the change as a whole, by section. */
  const refused = ref<{ section: string; text: string } | null>(null)
  const saving = ref(false)

  const stored = (path: string) => valueAt(load.data.value?.settings, path)
  const standard = (path: string) => valueAt(load.data.value?.defaults, path)
  const value = (path: string) => (Object.hasOwn(edits.value, path) ? edits.value[path] : stored(path))

  function set(path: string, next: unknown): void {
    edits.value = withEdit(edits.value, path, next, stored(path))
    const { [path]: _, ...others } = problems.value
    problems.value = others
  }

  function discard(paths: readonly string[]): void {
    edits.value = withoutEdits(edits.value, paths)
    problems.value = {}
    refused.value = null
  }

  /** Saves what was changed in these members. @returns whether it was */
  async function save(section: string, paths: readonly string[]): Promise<boolean> {
    const mine = editsOf(edits.value, paths)
    saving.value = true
    problems.value = {}
    refused.value = null
    try {
      let view = await client.send<SettingsView>('PATCH', '/api/settings', patchOf(mine))
      // A member that was put back follows the default from now on, also where that is the agency's own name.
      const back = Object.keys(mine).filter((path) => sameValue(mine[path], standard(path)))
      if (back.length > 0) view = await client.send<SettingsView>('POST', '/api/settings/reset', { paths: back })
      load.data.value = view
      // Only what was sent: somebody may have typed on meanwhile.
      const kept = Object.entries(edits.value).filter(([path, typed]) => !(Object.hasOwn(mine, path) && sameValue(typed, mine[path])))
      edits.value = Object.fromEntries(kept)
      return true
    } catch (failure) {
      tell(section, paths, asApiError(failure))
      return false
    } finally {
      saving.value = false
    }
  }

  function tell(section: string, paths: readonly string[], error: ApiError): void {
    const { at, elsewhere } = problemsOf(error.fields, paths)
    problems.value = at
    if (Object.keys(at).length === 0 || elsewhere.length > 0) refused.value = { section, text: elsewhere.length > 0 ? elsewhere.join('; ') : error.message }
  }

  return {
    load,
    problems,
    refused,
    saving,
    edits: computed(() => edits.value),
    value,
    standard,
    set,
    discard,
    save,
    changesIn: (paths: readonly string[]) => Object.keys(editsOf(edits.value, paths)).length,
  }
}
export type SettingsForm = ReturnType<typeof useSettings>
