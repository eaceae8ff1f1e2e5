import type { Account, AccountGroup, AccountUser, Disagreement } from '../http/contract/accounts.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { hashOf } from '../kernel/ids.ts'
import { happinessLevels, healthLevels, type HappinessLevel, type HealthLevel } from '../kernel/levels.ts'
import type { AccountRecord, UserRecord } from './model.ts'
import { isPresent, joinedAt, leftAt } from './user-fold.ts'

export function accountKey(companyId: string, locationId: string): string {
  return `${companyId}:${locationId}`
}

/** Id of the record that somebody was forgotten: the same for the same person, and nobody can be read from it. */
export function forgottenKey(companyId: string, userId: string): string {
  return hashOf('forgotten', companyId, userId)
}

/** Facts about a sub-account's place in an agency; each the newest of its kind. */
export interface AccountFacts {
  installedAt: Date | null
  uninstalledAt: Date | null
  movedAt: Date | null
  ownedAt: Date | null
}

/** Whether the later of two facts is the second; at the same instant the second wins. */
function outweighed(fact: Date | null, counter: Date | null): boolean {
  return counter !== null && (fact === null || counter >= fact)
}

/** The state that facts lead to, whatever order they arrived in. */
export function accountState(facts: AccountFacts): 'active' | 'removed' | 'moved' {
  if (outweighed(facts.ownedAt, facts.movedAt)) return 'moved'
  return outweighed(facts.installedAt, facts.uninstalledAt) ? 'removed' : 'active'
}

type Plans = AgencySettings['groups']['plans']

/**
 * Where an account stands: churned without the app, else as its plan says. A plan that the agency has listed counts as the agency says,
 * any other plan as SaaS; without a plan the account is a regular one.
 */
export function groupOf(state: AccountRecord['state'], { planId, saas }: { planId?: string | null; saas: boolean }, plans: Plans): AccountGroup {
  if (state !== 'active') return 'churned'
  const listed = planId === undefined || planId === null ? undefined : plans.find((plan) => plan.planId === planId)
  return listed?.group ?? (saas ? 'saas' : 'regular')
}

/** What lists show. A sub-account of which we only ever heard that it is gone is no account. */
export function isListed(record: AccountRecord): boolean {
  const state = accountState(record)
  return (!record.isSuccessLocation || record.feedbackEnabled) && (state === 'active' || (state === 'removed' && (record.installedAt !== null || record.detailsFact !== '')))
}

/** Members that are computed from the rest of the record and the agency's plans. */
export function derivedMembers(record: AccountRecord, plans: Plans): Pick<AccountRecord, 'state' | 'listed' | 'group' | 'removedAt'> {
  const state = accountState(record)
  return {
    state,
    listed: isListed(record),
    group: groupOf(state, record, plans),
    removedAt: state === 'active' ? null : state === 'removed' ? record.uninstalledAt : record.movedAt,
  }
}

/** Place of a level for sorting, worst first; no reading comes before all. */
export function happinessRank(level: HappinessLevel | null): number {
  return level === null ? -1 : happinessLevels.indexOf(level)
}

/** As `happinessRank`, for the status. */
export function healthRank(level: HealthLevel | null): number {
  return level === null ? -1 : healthLevels.indexOf(level)
}

const iso = (at: Date | null): string | null => (at === null ? null : at.toISOString())

function healthView(record: AccountRecord, now: Date): Account['health'] {
  const { healthLevel: level, healthDetails: details, healthStaleAt: staleAt } = record
  const { setAt = null, setBy = null, source = null, note = null, reasonCodes = [], restored = null, confirmedAt = null, changeId = null, noteWanted = false } = details ?? {}
  const stale = staleAt !== null && staleAt.getTime() <= now.getTime()
  return {
    level, setAt: iso(setAt), setBy, source, note, reasonCodes,
    restored: restored === null ? null : { ...restored, setAt: restored.setAt.toISOString() },
    confirmedAt: iso(confirmedAt), staleAt: iso(staleAt), stale, changeId, noteWanted,
  }
}

/** Two readings of one account, on the scale of four levels each. */
interface TwoReadings {
  healthLevel: HealthLevel | null
  happinessLevel: HappinessLevel | null
  /** When the status was last set or confirmed. */
  healthKeptAt: Date | null
  /** When happiness last fell by a level or more. */
  happinessFellAt: Date | null
}

/**
 * Whether the readings disagree: two or more levels apart, or happiness fell while the status stayed. Without both readings there is nothing to compare.
 * Source: the product's rules on both readings together.
 */
export function disagreementOf({ healthLevel, happinessLevel, healthKeptAt, happinessFellAt }: TwoReadings): Disagreement | null {
  if (healthLevel === null || happinessLevel === null) return null
  if (Math.abs(healthLevels.indexOf(healthLevel) - happinessLevels.indexOf(happinessLevel)) >= 2) return 'levels_apart'
  return happinessFellAt !== null && healthKeptAt !== null && happinessFellAt.getTime() > healthKeptAt.getTime() ? 'happiness_fell' : null
}

/** An account as the outside sees it. @param now decides whether the status is stale */
export function accountView(record: AccountRecord, now: Date): Account {
  return {
    locationId: record.locationId,
    name: record.name,
    group: record.group,
    premium: record.premium,
    csm: record.csm === null ? null : { userId: record.csm.userId, name: record.csm.name, email: record.csm.email },
    feedbackEnabled: record.feedbackEnabled && record.state === 'active',
    health: healthView(record, now),
    disagreement: record.disagreement,
    happiness: {
      level: record.happiness.level,
      score: record.happiness.score,
      coverage: { answered: record.happiness.answered, eligible: record.users, newestAt: iso(record.happiness.newestAt) },
      dissent: record.happiness.dissent,
    },
    users: record.users,
    timezone: record.timezone,
    isSuccessLocation: record.isSuccessLocation,
    createdAt: record.createdAt.toISOString(),
    removedAt: iso(record.removedAt),
  }
}

/** A user of one account as the outside sees it; null if the user never was in it. */
export function accountUserView(record: UserRecord, locationId: string): AccountUser | null {
  const membership = record.memberships.find((candidate) => candidate.locationId === locationId)
  // Somebody who was only ever reported as having left is nobody we know.
  if (membership === undefined || (membership.addedAt === null && !isPresent(record, membership))) return null
  return {
    userId: record.userId,
    locationId,
    name: record.name,
    firstName: record.firstName,
    lastName: record.lastName,
    email: record.email,
    phone: record.phone,
    role: record.role,
    joinedAt: iso(joinedAt(membership)),
    removedAt: iso(leftAt(record, membership)),
  }
}

/** How a person is called when parts of the name may be missing. */
export function displayName(firstName: string | null, lastName: string | null, email: string | null): string {
  const full = [firstName, lastName].filter((part) => part !== null && part !== '').join(' ')
  return full !== '' ? full : (email ?? 'Unknown user')
}
