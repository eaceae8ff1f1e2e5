import { type Ref, computed, ref } from 'vue'
import type { Account } from '../../../src/http/contract/accounts.ts'

/** Which accounts of the list are chosen: some, or "everything that matches the filters", also on other pages. */
export function useChoice(items: Readonly<Ref<readonly Account[]>>, total: Readonly<Ref<number>>) {
  const selected = ref(new Set<string>())
  const everything = ref(false)

  function choose(ids: readonly string[]): void {
    selected.value = new Set(ids)
    everything.value = false
  }

  return {
    selected,
    everything,
    count: computed(() => (everything.value ? total.value : selected.value.size)),
    choose,
    clear: () => choose([]),
    select(locationId: string, on: boolean): void {
      const others = [...selected.value].filter((id) => id !== locationId)
      choose(on ? [...others, locationId] : others)
    },
    selectPage: (on: boolean) => choose(on ? items.value.map((one) => one.locationId) : []),
  }
}
