import { computed, reactive, readonly } from 'vue'
import { type Place, hashOf, parseHash } from './hash.ts'

export { hashOf }

const place = reactive<Place>(parseHash(location.hash))

addEventListener('hashchange', () => Object.assign(place, parseHash(location.hash)))

const pathOf = () => (place.part === '' ? place.page : `${place.page}/${place.part}`)

/** The place, and ways to change it: `go` leaves a step for the back button, `adjust` does not. */
export function useRouter() {
  return {
    place: readonly(place),
    param: (name: string) => computed(() => place.params[name] ?? ''),
    go(page: string, params: Record<string, string | number | undefined> = {}): void {
      location.hash = hashOf(page, params)
    },
    adjust(params: Record<string, string | number | undefined>): void {
      const hash = hashOf(pathOf(), { ...place.params, ...params })
      history.replaceState(history.state, '', hash)
      Object.assign(place, parseHash(hash))
    },
    step(params: Record<string, string | number | undefined>): void {
      location.hash = hashOf(pathOf(), { ...place.params, ...params })
    },
  }
}
