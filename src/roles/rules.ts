import type { Rights } from '../http/contract/session.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { RequestError } from '../kernel/errors.ts'
import type { Needs, Session } from '../kernel/route.ts'

/** What a person may do, by what HighLevel says of them and by the role that the agency gave them. */
export function rightsOf({ role, userId }: Pick<Session, 'role' | 'userId'>, { everybodyElse, people }: AgencySettings['team']): Rights {
  if (role === 'agency_admin') return { role, accounts: 'all', workflows: true, settings: true }
  if (role === 'account_user') return { role, accounts: 'none', workflows: false, settings: false }
  const named = people.find((person) => person.userId === userId)?.role
  switch (named ?? everybodyElse) {
    case 'lead':
      // Nobody gains the right to write to all customers by being left out of a list.
      return { role: 'lead', accounts: 'all', workflows: named === 'lead', settings: false }
    case 'csm':
      return { role: 'csm', accounts: 'own', workflows: false, settings: false }
    case 'read_only':
      return { role: 'read_only', accounts: 'none', workflows: false, settings: false }
  }
}

/** Whether it depends on whose the account is: nothing else can be said of a need before that is looked up. */
export function dependsOnBook(rights: Rights, needs: Needs): boolean {
  return rights.accounts === 'own' && (needs === 'own_book' || needs === 'own_case')
}

const refusal = (code: string, message: string): RequestError => new RequestError(403, code, message)

/** Why the person may not do what a route does, wherever it is done; null if nothing but the book speaks against it. */
export function faultOf(rights: Rights, needs: Needs): RequestError | null {
  switch (needs) {
    case 'read':
    case 'own':
    case 'proof':
      return null
    case 'admin':
      return rights.settings ? null : refusal('forbidden', 'Only an agency admin may do this.')
    case 'workflows':
      if (rights.role === 'read_only') break
      return rights.workflows ? null : refusal('needs_lead', 'Follow-ups are changed by agency admins, and by leads whom an admin named in the settings. You can preview, dry-run and test them.')
    case 'part':
    case 'own_book':
    case 'own_case':
    case 'own_accounts':
      break
  }
  return rights.role === 'read_only' ? refusal('read_only', 'You can look, not change: your role is read-only. An agency admin can give you another role in the settings.') : null
}

/** Why somebody who changes their own book only may not change this account; null if they may. */
export function accountFault(userId: string, csm: { userId: string; name: string } | null): RequestError | null {
  if (csm === null) return refusal('not_your_account', 'Nobody looks after this account yet. Ask a lead to give it to you.')
  return csm.userId === userId ? null : refusal('not_your_account', `This account is looked after by ${csm.name}. Ask them or a lead.`)
}

/** The same for a case: theirs if they have it, or look after its account. */
export function caseFault(userId: string, owner: { userId: string; name: string } | null, csm: { userId: string; name: string } | null): RequestError | null {
  if (owner?.userId === userId || csm?.userId === userId) return null
  const whom = owner ?? csm
  return refusal('not_your_case', whom === null ? 'Nobody has this case yet. Ask a lead to give it to you.' : `This case is with ${whom.name}. Ask them or a lead.`)
}
