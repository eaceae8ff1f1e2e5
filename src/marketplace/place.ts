import type { Accounts } from '../accounts/index.ts'
import type { Installations } from '../installations/index.ts'
import { RequestError } from '../kernel/errors.ts'

/** Where a call came from, by our own records. */
export interface Place {
  companyId: string
  locationId: string
  /** It is the agency's success location: its workflows may know about all accounts. */
  team: boolean
}

/** What a call says of itself. */
export interface Claim {
  locationId: string
  companyId?: string | null | undefined
  appId?: string | null | undefined
}

export interface PlacesDeps {
  appId: string
  installations: Pick<Installations, 'get' | 'companyOf'>
  accounts: Pick<Accounts, 'get'>
  successLocation(companyId: string): Promise<string | null>
}

export interface Places {
  /**
   * Finds the agency of a call. What the body says of the agency is compared with what we know, never believed.
   * @param ended also where the app was removed: taking something away is always possible
   * @throws RequestError 403 `other_app`, `other_agency`; 404 `unknown_installation`
   */
  of(claim: Claim, options?: { ended: boolean }): Promise<Place>
  isTeam(companyId: string, locationId: string): Promise<boolean>
}

export function createPlaces(deps: PlacesDeps): Places {
  const { appId, installations, accounts } = deps
  const isTeam: Places['isTeam'] = async (companyId, locationId) => (await deps.successLocation(companyId)) === locationId

  return {
    isTeam,
    async of(claim, { ended } = { ended: false }) {
      const { locationId } = claim
      if (typeof claim.appId === 'string' && claim.appId !== appId) throw new RequestError(403, 'other_app', 'This call belongs to another app. Check the URL that is set in the developer portal.')
      const companyId = await installations.companyOf(locationId)
      const unknown = new RequestError(404, 'unknown_installation', 'The app is not installed in this sub-account. Install it there, then put the step into the workflow again.')
      if (companyId === null) throw unknown
      if (typeof claim.companyId === 'string' && claim.companyId !== companyId) throw new RequestError(403, 'other_agency', 'This sub-account belongs to another agency than the call says.')
      if (ended) return { companyId, locationId, team: await isTeam(companyId, locationId) }
      const [installation, account] = await Promise.all([installations.get(companyId), accounts.get(companyId, locationId)])
      if (installation === null || installation.status === 'uninstalled' || account === null || account.removedAt !== null) throw unknown
      return { companyId, locationId, team: await isTeam(companyId, locationId) }
    },
  }
}
