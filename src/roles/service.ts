import type { Accounts } from '../accounts/index.ts'
import type { Cases } from '../cases/index.ts'
import type { Rights } from '../http/contract/session.ts'
import { notFound, type RequestError } from '../kernel/errors.ts'
import type { Needs, Session } from '../kernel/route.ts'
import type { Settings } from '../settings/index.ts'
import { accountFault, caseFault, dependsOnBook, faultOf, rightsOf } from './rules.ts'

/** What the agency's people may do, as of now. */
export interface Roles {
  rights(session: Pick<Session, 'companyId' | 'role' | 'userId'>): Promise<Rights>
  /**
   * @throws RequestError 403 with a sentence that names the way out
   * @throws RequestError 404 if the account or case of the path is not this agency's
   */
  check(session: Session, needs: Needs, params: Readonly<Record<string, string>>): Promise<void>
  /** Why the person may not change some of these accounts; unknown ones are left to whoever looks for them. */
  refusals(session: Session, locationIds: readonly string[]): Promise<Map<string, RequestError>>
}

export interface RolesDeps {
  settings: Pick<Settings, 'get'>
  accounts: Pick<Accounts, 'owners'>
  cases: Pick<Cases, 'get'>
}

export function createRoles({ settings, accounts, cases }: RolesDeps): Roles {
  const rights: Roles['rights'] = async (session) => rightsOf(session, (await settings.get(session.companyId)).team)

  async function bookFault({ companyId, userId }: Session, needs: Needs, params: Readonly<Record<string, string>>): Promise<RequestError | null> {
    if (needs === 'own_case') {
      const one = await cases.get(companyId, params['id'] ?? '')
      if (one === null) throw notFound('case')
      const [account] = await accounts.owners(companyId, [one.locationId])
      return caseFault(userId, one.owner, account?.csm ?? null)
    }
    const [account] = await accounts.owners(companyId, [params['locationId'] ?? ''])
    if (account === undefined) throw notFound('account')
    return accountFault(userId, account.csm)
  }

  return {
    rights,
    async check(session, needs, params) {
      const now = await rights(session)
      const fault = faultOf(now, needs) ?? (dependsOnBook(now, needs) ? await bookFault(session, needs, params) : null)
      if (fault !== null) throw fault
    },
    async refusals(session, locationIds) {
      const refused = new Map<string, RequestError>()
      if ((await rights(session)).accounts !== 'own') return refused
      for (const { locationId, csm } of await accounts.owners(session.companyId, locationIds)) {
        const fault = accountFault(session.userId, csm)
        if (fault !== null) refused.set(locationId, fault)
      }
      return refused
    },
  }
}
