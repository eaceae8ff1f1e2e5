import { minuteMs, secondMs } from '../kernel/clock.ts'
import type { MarketplaceDeps } from './ports.ts'

/** The person whom a firing is about, so that HighLevel finds the contact. */
export interface FiringPerson {
  /** Members of the payload; those that are not known are left out, as an empty id or address would bind nobody. */
  members: Record<string, string>
  /** How long after the fact its contact may still turn up; 0 → it is there, or none is wanted. */
  patienceMs: number
}

export interface Persons {
  of(companyId: string, about: { accountId: string; userId: string | null }, team: boolean): Promise<FiringPerson>
}

/** A firing waits this long for a contact that is being made, then it leaves with the e-mail address alone. */
const bindingMs = minuteMs
/** The wish for a contact is stored in the moment of the fact. */
const wishMs = 5 * secondMs

/** Who a firing binds: the person of the fact, else the account's primary contact. Contact ids are known in the success location only. */
export function createPersons({ accounts, effects, primary }: Pick<MarketplaceDeps, 'accounts' | 'effects' | 'primary'>): Persons {
  return {
    async of(companyId, { accountId, userId }, team) {
      const personId = userId ?? (await primary(companyId, accountId))?.userId ?? null
      const user = personId === null ? null : await accounts.user(companyId, accountId, personId)
      const subjects = [...(personId === null ? [] : [`user:${accountId}:${personId}`]), ...(userId === null ? [`account:${accountId}`] : [])]
      const linked = team ? await effects.linked(companyId, subjects) : []
      const contact = subjects.map((subject) => linked.find((one) => one.identity.subjectId === subject && one.contactId !== null)).find((one) => one !== undefined) ?? linked.find((one) => one.contactId !== null)
      const members: Record<string, string | null | undefined> = {
        contactId: contact?.contactId, email: user?.email, phone: user?.phone, firstName: user?.firstName, personName: user?.name,
      }
      return {
        members: Object.fromEntries(Object.entries(members).flatMap(([name, value]) => (value === null || value === undefined || value === '' ? [] : [[name, value]]))),
        patienceMs: !team || subjects.length === 0 || contact !== undefined ? 0 : linked.length > 0 ? bindingMs : wishMs,
      }
    },
  }
}
