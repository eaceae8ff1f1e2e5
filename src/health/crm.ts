import type { Account, AccountUser } from '../accounts/index.ts'
import type { ContactIdentity, LinkedContact, WantedCard, WantedContact } from '../effects/index.ts'
import { contactOf } from '../happiness/index.ts'
import type { HealthRecord } from './model.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { healthLabels, type HealthLevel } from '../kernel/levels.ts'

/** Whom the account itself stands for among contacts and cards. */
function accountSubject(locationId: string): string {
  return `account:${locationId}`
}

/** Everybody who may have a contact that shows the account's status. */
export function subjectsOf(locationId: string, users: readonly AccountUser[]): string[] {
  return [...users.map((user) => `user:${locationId}:${user.userId}`), accountSubject(locationId)]
}

/**
 * The person that the account's card hangs on: whoever was chosen, else the admin who is there the longest, else any user,
 * else the account itself by its own address. People without an address come last, because a contact without one cannot be found again.
 */
export function primaryContact(account: Pick<Account, 'locationId' | 'name'>, users: readonly AccountUser[], chosenId: string | null, accountEmail: string | null): ContactIdentity {
  const present = users.filter((user) => user.removedAt === null)
  const chosen = present.find((user) => user.userId === chosenId) ?? present.toSorted(byStanding)[0]
  if (chosen !== undefined) return contactOf(account, chosen)
  return { subjectId: accountSubject(account.locationId), locationId: account.locationId, email: accountEmail, firstName: null, lastName: null, phone: null, companyName: account.name }
}

function byStanding(a: AccountUser, b: AccountUser): number {
  const rank = (user: AccountUser) => (user.email === null ? 2 : 0) + (user.role === 'admin' ? 0 : 1)
  // People who were there from the start have no day on which they joined.
  const joined = (user: AccountUser) => (user.joinedAt === null ? 0 : Date.parse(user.joinedAt))
  return rank(a) - rank(b) || joined(a) - joined(b) || (a.userId < b.userId ? -1 : 1)
}

/** @param record the account's status as given out: an older state of it that arrives later is passed over */
export function wantedStatus(record: Pick<HealthRecord, 'companyId' | 'locationId' | 'wantedVersion'>, identity: ContactIdentity, level: HealthLevel, tags: AgencySettings['tags']): WantedContact {
  const { companyId, locationId, wantedVersion } = record
  const asOf = { source: `health:${companyId}:${locationId}`, version: wantedVersion }
  return { companyId, identity, asOf, fields: { healthStatus: healthLabels[level] }, tags: { health: tags.health[level] }, tagChoices: { health: Object.values(tags.health) } }
}

export function wantedCard(companyId: string, account: Pick<Account, 'locationId' | 'name'>, contact: ContactIdentity, level: HealthLevel): WantedCard {
  return { companyId, pipeline: 'health', subjectId: accountSubject(account.locationId), contact, name: account.name, level }
}

/** The contacts that speak for this account, and not for another one that shares the address. */
export function ownContacts(linked: readonly LinkedContact[], locationId: string): LinkedContact[] {
  return linked.filter((contact) => contact.home === locationId)
}
