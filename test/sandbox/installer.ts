import { issueGrant } from './api/oauth.ts'
import { emitInstall, recordInstall, uninstall, type InstallChoice } from './install.ts'
import type { Grant } from './state/records.ts'
import type { Dispatcher } from './webhooks/dispatcher.ts'
import type { World } from './world.ts'

export interface InstallOptions extends Partial<InstallChoice> {
  /** Value of `state` on the callback, as if the installation had begun on our own page. */
  withState?: string
  /** Which reaches the app first. Default 'install-first': the INSTALL events overtake the callback, as seen on the platform. */
  order?: 'install-first' | 'callback-first'
  /** False: nothing is sent; INSTALL events wait for `flushWebhooks` and the caller visits `callbackUrl`. Default true. */
  deliver?: boolean
}

export interface InstallResult {
  code: string
  /** The app's redirect URI with code (and state); empty when the app has no redirect URI. */
  callbackUrl: string
  /** HTTP status of the app's callback, when it was visited. */
  callbackStatus?: number
}

export interface Installer {
  /** Installs as the agency's admin (all sub-accounts by default), or as one sub-account (`single`). */
  install(options?: InstallOptions): Promise<InstallResult>
  /** Removes the app from the agency, or from one sub-account. */
  uninstall(place?: { companyId: string } | { locationId: string }): void
  /** A grant without the OAuth round, for tests of the API alone. */
  tokenFor(place: { companyId: string } | { locationId: string }): Grant
  /** The company's (and its locations') access tokens stop working at once, refresh tokens too. */
  revokeTokens(place: { companyId: string } | { locationId: string }): void
  /** Access tokens expire now; refresh tokens stay good. */
  expireTokens(place: { companyId: string } | { locationId: string }): void
}

export function createInstaller(world: World, dispatcher: Dispatcher, holding: { value: boolean }): Installer {
  const { state, settings } = world
  const firstCompanyId = (): string => state.companies.values()[0]?.id ?? ''

  function grantsOf(place: { companyId: string } | { locationId: string }): Grant[] {
    if ('companyId' in place) return state.grants.by('company', place.companyId)
    return state.grants.by('company', state.locations.get(place.locationId)?.companyId ?? '').filter((grant) => grant.locationId === place.locationId)
  }

  function callbackUrlOf(code: string, withState: string | undefined): string {
    if (settings.app.redirectUri === undefined) return ''
    const url = new URL(settings.app.redirectUri)
    url.searchParams.set('code', code)
    if (withState !== undefined) url.searchParams.set('state', withState)
    return url.href
  }

  return {
    async install(options = {}) {
      const { withState, order = 'install-first', deliver = true, ...choice } = options
      const companyId = choice.companyId ?? (choice.single === undefined ? firstCompanyId() : (state.locations.get(choice.single)?.companyId ?? ''))
      const { code, installation } = recordInstall(world, { ...choice, companyId })
      const locationIds = choice.single === undefined ? (choice.locationIds ?? Object.keys(installation.locations)) : [choice.single]
      const callbackUrl = callbackUrlOf(code, withState)

      const emit = (): void => {
        holding.value = !deliver
        try {
          emitInstall(world, installation, locationIds)
        } finally {
          holding.value = false
        }
      }
      const visit = async (): Promise<Pick<InstallResult, 'callbackStatus'>> => {
        if (!deliver || callbackUrl === '') return {}
        const response = await fetch(callbackUrl, { redirect: 'manual' })
        await response.text()
        return { callbackStatus: response.status }
      }
      if (order === 'callback-first') {
        const visited = await visit()
        emit()
        return { code, callbackUrl, ...visited }
      }
      emit()
      if (deliver && settings.webhooks.enabled) await dispatcher.flush()
      return { code, callbackUrl, ...(await visit()) }
    },
    uninstall: (place = { companyId: firstCompanyId() }) => uninstall(world, place),
    tokenFor(place) {
      const companyId = 'companyId' in place ? place.companyId : (state.locations.get(place.locationId)?.companyId ?? '')
      const userId = state.users.by('company', companyId)[0]?.id ?? ''
      return issueGrant(world, {
        companyId, userId, scopes: settings.app.scopes, ...('locationId' in place ? { userType: 'Location', locationId: place.locationId } : { userType: 'Company' }),
      })
    },
    revokeTokens(place) {
      for (const grant of grantsOf(place)) state.grants.put({ ...grant, revoked: true })
    },
    expireTokens(place) {
      for (const grant of grantsOf(place)) state.grants.put({ ...grant, expiresAtMs: settings.clock.nowMs() - 1 })
    },
  }
}
