import { onScopeDispose } from 'vue'
import type { LiveHint } from '../../../src/http/contract/live.ts'
import { type LiveFilter, type Refresh, createLive } from '../live.ts'
import type { Loaded } from './load.ts'
import { sessions } from './services.ts'

/** The page's one connection. */
const live = createLive(sessions, {
  fetch: (path, init) => fetch(path, init),
  isVisible: () => document.visibilityState === 'visible',
  isOnline: () => navigator.onLine,
  onTurn(listener) {
    document.addEventListener('visibilitychange', listener)
    addEventListener('online', listener)
    addEventListener('offline', listener)
  },
  random: Math.random,
})

/** Reads again when something changed that is shown here, until the part of the page is gone. */
export function onChange(filter: LiveFilter, refresh: Refresh, restMs?: number): void {
  onScopeDispose(live.listen(filter, refresh, restMs))
}

/** The same for as long as the page is open. */
export const onEveryChange = live.listen

/** Figures over all accounts: the first change shows at once, a busy morning does not keep the server counting. */
export const figuresRestMs = 10_000

/** Loads again when something changed that is shown here. */
export function keepFresh(filter: LiveFilter, loaded: Pick<Loaded<unknown>, 'reload'>, restMs?: number): void {
  onChange(filter, () => loaded.reload(), restMs)
}

const ofType = (type: LiveHint['type']): LiveFilter => (hint) => hint.type === type

/** What a part of a page may listen for. */
export const changes = {
  anyAccount: ofType('account'),
  account: (locationId: string): LiveFilter => (hint) => hint.type === 'account' && hint.locationId === locationId,
  cases: ofType('cases'),
  notifications: ofType('notifications'),
  runs: ofType('runs'),
  workflows: ofType('workflow'),
  setup: ofType('setup'),
  mine: ofType('mine'),
}

export const either = (...filters: readonly LiveFilter[]): LiveFilter => (hint) => filters.some((filter) => filter(hint))
