import type { AccountUser } from '../http/contract/accounts.ts'
import type { AccountPerson } from '../http/contract/people.ts'

function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Who was there longer; people found at the account's first reading were there before all others. Equals by id, so that everybody finds the same one. */
function bySeniority(left: Pick<AccountUser, 'userId' | 'joinedAt'>, right: Pick<AccountUser, 'userId' | 'joinedAt'>): number {
  return byText(left.joinedAt ?? '', right.joinedAt ?? '') || byText(left.userId, right.userId)
}

type Candidate = Pick<AccountUser, 'userId' | 'joinedAt' | 'role'>

/** Whom the agency talks to first where nobody chose: the longest-standing admin, else the longest-standing user; null for an account without users. */
export function defaultPrimary<User extends Candidate>(users: readonly User[]): User | null {
  const admins = users.filter((user) => user.role === 'admin')
  return [...(admins.length > 0 ? admins : users)].sort(bySeniority)[0] ?? null
}

/** The primary contact: who was chosen, while they are a user of the account; else the default. */
export function primaryOf<User extends Candidate>(users: readonly User[], chosenUserId: string | null): { user: User; by: 'person' | 'default' } | null {
  const chosen = chosenUserId === null ? undefined : users.find((user) => user.userId === chosenUserId)
  if (chosen !== undefined) return { user: chosen, by: 'person' }
  const fallback = defaultPrimary(users)
  return fallback === null ? null : { user: fallback, by: 'default' }
}

/** The users of an account with their part in it: the primary contact first, then key users, then the others, each by name. */
export function peopleView(users: readonly AccountUser[], chosenUserId: string | null, keyUserIds: readonly string[]): AccountPerson[] {
  const primary = primaryOf(users, chosenUserId)
  const people = users.map((user) => {
    const isPrimary = user.userId === primary?.user.userId
    return {
      userId: user.userId, name: user.name, email: user.email, phone: user.phone, role: user.role,
      primary: isPrimary, primaryBy: isPrimary ? primary.by : null, key: keyUserIds.includes(user.userId), joinedAt: user.joinedAt, lastSeenAt: null,
    }
  })
  return people.sort((left, right) =>
    Number(right.primary) - Number(left.primary) || Number(right.key) - Number(left.key) || byText(left.name.toLowerCase(), right.name.toLowerCase()) || byText(left.userId, right.userId))
}

export interface Owned {
  locationId: string
  csm: { userId: string; name: string } | null
}
export interface Candidates {
  userId: string
  name: string
}
export interface Plan {
  assigned: { locationId: string; csm: Candidates; before: Candidates | null }[]
  /** Accounts per candidate afterwards. */
  load: Map<string, number>
}

/** Who has the fewest accounts; at equal loads `kept`, if among them, else the first by name, then by id. */
export function leastLoaded(csms: readonly Candidates[], load: ReadonlyMap<string, number>, kept: string | null = null): Candidates | null {
  const of = (csm: Candidates): number => load.get(csm.userId) ?? 0
  const sorted = [...csms].sort((left, right) =>
    of(left) - of(right) || Number(right.userId === kept) - Number(left.userId === kept) || byText(left.name.toLowerCase(), right.name.toLowerCase()) || byText(left.userId, right.userId))
  return sorted[0] ?? null
}

/**
 * Who gets which account. `round_robin`: in turn, in the given order. `least_loaded`: one account after the other to who has the fewest then; the account
 * itself is taken out of its owner's load first and stays where it is at equal loads, so that doing it again changes nothing.
 * @param accounts in the order in which they are given out (by name)
 * @param loadBefore accounts per candidate today
 */
export function planAssignment(accounts: readonly Owned[], csms: readonly Candidates[], rule: 'round_robin' | 'least_loaded', loadBefore: ReadonlyMap<string, number>): Plan {
  const load = new Map(csms.map((csm) => [csm.userId, loadBefore.get(csm.userId) ?? 0]))
  const add = (userId: string | undefined, by: number): void => {
    const was = userId === undefined ? undefined : load.get(userId)
    if (userId !== undefined && was !== undefined) load.set(userId, was + by)
  }
  const assigned = accounts.flatMap((account, index) => {
    add(account.csm?.userId, -1)
    const csm = rule === 'round_robin' ? csms[index % csms.length] : leastLoaded(csms, load, account.csm?.userId ?? null)
    if (csm === undefined || csm === null) return []
    add(csm.userId, 1)
    return [{ locationId: account.locationId, csm: { userId: csm.userId, name: csm.name }, before: account.csm === null ? null : { userId: account.csm.userId, name: account.csm.name } }]
  })
  return { assigned, load }
}

/** The next in turn after who had the last turn; the first if that person is not among them any more. */
export function nextInTurn(csms: readonly Candidates[], lastUserId: string | null): Candidates | null {
  const last = csms.findIndex((csm) => csm.userId === lastUserId)
  return csms[(last + 1) % Math.max(csms.length, 1)] ?? null
}

/** `95` → `1 h 35 min`. */
export function durationText(minutes: number): string {
  const hours = Math.floor(minutes / 60)
  const rest = minutes % 60
  if (hours === 0) return `${rest} min`
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`
}

/** A calendar day in UTC as `2026-11-02`. */
export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10)
}
