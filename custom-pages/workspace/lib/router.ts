import { computed, reactive, readonly } from 'vue'

/** Where the person is: everything that can be linked to lives in the hash, because the page sits in a frame. */
export interface Place {
  page: string
  params: Record<string, string>
}

/** `#/accounts?happiness=none&page=2` → page and parameters. */
export function parseHash(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?')
  return { page: path.split('/')[0] ?? '', params: Object.fromEntries(new URLSearchParams(search)) }
}

export function hashOf(page: string, params: Record<string, string | number | undefined> = {}): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== '')
  const search = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
  return `#/${page}${search === '' ? '' : `?${search}`}`
}

const place = reactive<Place>(parseHash(location.hash))

addEventListener('hashchange', () => Object.assign(place, parseHash(location.hash)))

/** The place, and ways to change it: `go` leaves a step for the back button, `adjust` does not. */
export function useRouter() {
  return {
    place: readonly(place),
    param: (name: string) => computed(() => place.params[name] ?? ''),
    go(page: string, params: Record<string, string | number | undefined> = {}): void {
      location.hash = hashOf(page, params)
    },
    adjust(params: Record<string, string | number | undefined>): void {
      const hash = hashOf(place.page, { ...place.params, ...params })
      history.replaceState(history.state, '', hash)
      Object.assign(place, parseHash(hash))
    },
    step(params: Record<string, string | number | undefined>): void {
      location.hash = hashOf(place.page, { ...place.params, ...params })
    },
  }
}
