import type { DomainEventType, StoredEvent } from '../events/index.ts'
import type { LiveHint } from '../http/contract/live.ts'
import type { Session } from '../kernel/route.ts'

/** What changed, for those who may hear of it. */
export interface Told {
  hint: LiveHint
  /** The team of the agency, or users of one account: one of them, or all if null. */
  to: 'team' | { locationId: string; userId: string | null }
}

/** What a customer's user is shown about themselves changes with these. */
const mineTypes: ReadonlySet<DomainEventType> = new Set(['feedback.received', 'feedback.changed', 'feedback.requested', 'feedback.enabled', 'feedback.disabled', 'case.opened', 'case.closed', 'csm.assigned'])
/** What was done for an account is shown to all of its users, whoever said something. */
const everybodysTypes: ReadonlySet<DomainEventType> = new Set(['deed.shown', 'deed.hidden', 'deed.changed', 'deed.withdrawn'])

/** Whom an event tells what. */
export function toldBy({ type, locationId, userId }: StoredEvent): Told[] {
  const told: Told[] = []
  if (locationId !== null) told.push({ to: 'team', hint: { type: 'account', locationId } })
  if (type.startsWith('case.')) told.push({ to: 'team', hint: { type: 'cases' } })
  if (/^(setup|installation)\./.test(type)) told.push({ to: 'team', hint: { type: 'setup' } })
  if (locationId !== null && mineTypes.has(type)) told.push({ to: { locationId, userId }, hint: { type: 'mine' } })
  if (locationId !== null && everybodysTypes.has(type)) told.push({ to: { locationId, userId: null }, hint: { type: 'mine' } })
  return told
}

/** Whether somebody may hear of it. The agency is looked at before: tails are of one agency. */
export function isFor({ to }: Told, session: Session): boolean {
  if (to === 'team') return session.role !== 'account_user'
  return session.role === 'account_user' && session.locationId === to.locationId && (to.userId === null || to.userId === session.userId)
}

/** More different ones than this say no more than "everything". */
const maxHints = 60

/** What one person hears of it all: each hint once. */
export function hintsFor(told: readonly Told[], session: Session): LiveHint[] {
  const hints = new Map(told.filter((one) => isFor(one, session)).map(({ hint }) => [JSON.stringify(hint), hint]))
  return hints.size > maxHints ? [{ type: 'everything' }] : [...hints.values()]
}
