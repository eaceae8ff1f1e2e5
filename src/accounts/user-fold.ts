/**
 * A user's record as a fold of facts that may arrive in any order, more than once. Every part keeps the order of the newest
 * fact that decided it, so that any sequence of the same facts ends in the same record.
 */

/** What one fact says about a user. */
export interface UserFact {
  /** Comparable order: the fact's own time, then its kind, then its id. */
  order: string
  at: Date
  /**
   * `present`: the user exists and is in `locationIds`; with `completeList` in no other. `left`: no longer in `locationIds`.
   * `deleted`: exists no more. `staff`: works for the agency, so is in no account.
   */
  says: 'present' | 'left' | 'deleted' | 'staff'
  locationIds: string[]
  completeList: boolean
  /** Told by a "user created" event: the user is new, whatever a list says. */
  created: boolean
  /** Sub-accounts of `locationIds` that are read for the first time: whoever is there is not new. */
  firstReadLocationIds: ReadonlySet<string>
  details: UserDetails | null
}

export interface UserDetails {
  name: string
  firstName: string | null
  lastName: string | null
  email: string | null
  phone: string | null
  role: 'admin' | 'user'
}

export interface Membership {
  locationId: string
  /** Order of the newest fact about this sub-account alone. */
  fact: string
  present: boolean
  addedAt: Date | null
  createdEventAt: Date | null
  seenAtFirstMirror: boolean
}

/** The folded state. */
export interface FoldedUser extends UserDetails {
  detailsFact: string
  /** Newest fact that the user works for the agency, that the user is in accounts, and that the user is deleted. */
  staffFact: string
  customerFact: string
  deletedFact: string
  /** Newest fact that the user is in no sub-account but those it names. */
  nowhereElseFact: string
  memberships: Membership[]
}

/** Nothing known yet. */
export const emptyUser: FoldedUser = {
  name: '', firstName: null, lastName: null, email: null, phone: null, role: 'user',
  detailsFact: '', staffFact: '', customerFact: '', deletedFact: '', nowhereElseFact: '', memberships: [],
}

/** Kinds of facts of one instant, weakest first. */
const ranks = { mirror: 0, created: 1, updated: 2, removed: 3 } as const
export type FactRank = keyof typeof ranks

/** A string that sorts facts by their own time, then by kind, then by id. */
export function factOrder(at: Date, rank: FactRank, id: string): string {
  return `${at.toISOString()}|${ranks[rank]}|${id}`
}

/** The instant inside an order. */
export function instantOf(order: string): Date {
  return new Date(order.slice(0, order.indexOf('|')))
}

function later(left: string, right: string): string {
  return left > right ? left : right
}

function earlier(left: Date | null, right: Date | null): Date | null {
  if (left === null || right === null) return left ?? right
  return left <= right ? left : right
}

function foldMembership(known: Membership | undefined, locationId: string, fact: UserFact): Membership {
  const present = fact.says === 'present'
  const base: Membership = known ?? { locationId, fact: '', present: false, addedAt: null, createdEventAt: null, seenAtFirstMirror: false }
  return {
    locationId,
    ...(fact.order >= base.fact ? { fact: fact.order, present } : { fact: base.fact, present: base.present }),
    addedAt: present ? earlier(base.addedAt, fact.at) : base.addedAt,
    createdEventAt: present && fact.created ? earlier(base.createdEventAt, fact.at) : base.createdEventAt,
    seenAtFirstMirror: base.seenAtFirstMirror || (present && fact.firstReadLocationIds.has(locationId)),
  }
}

/** Adds one fact. Commutative and idempotent. */
export function foldUser(user: FoldedUser, fact: UserFact): FoldedUser {
  const named = fact.says === 'present' || fact.says === 'left' ? fact.locationIds : []
  const untouched = user.memberships.filter((membership) => !named.includes(membership.locationId))
  const touched = [...new Set(named)].map((locationId) => foldMembership(user.memberships.find((membership) => membership.locationId === locationId), locationId, fact))
  const newestDetails = fact.details !== null && fact.order >= user.detailsFact
  const leavesTheRest = fact.says === 'deleted' || fact.says === 'staff' || (fact.says === 'present' && fact.completeList)
  return {
    ...user,
    ...(newestDetails ? { ...fact.details, detailsFact: fact.order } : {}),
    staffFact: fact.says === 'staff' ? later(user.staffFact, fact.order) : user.staffFact,
    customerFact: fact.says === 'present' ? later(user.customerFact, fact.order) : user.customerFact,
    deletedFact: fact.says === 'deleted' ? later(user.deletedFact, fact.order) : user.deletedFact,
    nowhereElseFact: leavesTheRest ? later(user.nowhereElseFact, fact.order) : user.nowhereElseFact,
    memberships: [...untouched, ...touched].sort((left, right) => (left.locationId < right.locationId ? -1 : 1)),
  }
}

/** Works for the agency today. */
export function isStaff(user: FoldedUser): boolean {
  return user.staffFact !== '' && user.staffFact > user.customerFact && user.staffFact > user.deletedFact
}

/** Is in this sub-account today. */
export function isPresent(user: FoldedUser, membership: Membership): boolean {
  return membership.present && membership.fact >= user.nowhereElseFact
}

/** When the user left the sub-account; null while present. */
export function leftAt(user: FoldedUser, membership: Membership): Date | null {
  if (isPresent(user, membership)) return null
  return instantOf(membership.present ? user.nowhereElseFact : membership.fact)
}

/** When the user joined; null for people who were there when the account was first read. */
export function joinedAt(membership: Membership): Date | null {
  if (membership.createdEventAt !== null) return membership.createdEventAt
  return membership.seenAtFirstMirror ? null : membership.addedAt
}

/** Sub-accounts that the user is in today. */
export function presentIn(user: FoldedUser): string[] {
  return user.memberships.filter((membership) => isPresent(user, membership)).map((membership) => membership.locationId)
}
