import type { Activity } from '../activity/index.ts'
import type { Account, Accounts } from '../accounts/index.ts'
import type { Billing } from '../billing/index.ts'
import type { Cases } from '../cases/index.ts'
import type { Health } from '../health/index.ts'
import type { CaseView } from '../http/contract/cases.ts'
import { dayMs } from '../kernel/clock.ts'
import { healthLabels } from '../kernel/levels.ts'
import { disagreementReason, type Reports } from '../reports/index.ts'
import type { Setup } from '../setup/index.ts'
import { daysInWords, staleReason, type Signal } from './rules.ts'

/** A follow-up that gave up and waits for a person. */
export interface FailedFollowUp {
  runId: string
  locationId: string
  name: string | null
  at: Date
}

export interface SignalDeps {
  accounts: Pick<Accounts, 'figures' | 'present'>
  activity: Pick<Activity, 'lastSeenBetween'>
  billing: Pick<Billing, 'failed'>
  cases: Pick<Cases, 'urgent' | 'closedAfter'>
  health: Pick<Health, 'notesMissing'>
  reports: Pick<Reports, 'needing'>
  setup: Pick<Setup, 'standing'>
  failedFollowUps: (query: { companyId: string; fromAt: Date; among: readonly string[] | null; limit: number }) => Promise<FailedFollowUp[]>
  needsReconnect: (companyId: string) => Promise<boolean>
}

/** Whose accounts are looked at. */
export interface Scope {
  companyId: string
  /** One owner's, with the ids of the accounts; null for everybody's. */
  owner: { userId: string; locationIds: readonly string[] } | null
  /** An account that the agency has. */
  isListed: (locationId: string) => boolean
  /** One that is looked after; cases of others still have to be closed. */
  isCustomer: (locationId: string) => boolean
}

export interface Found {
  signals: Signal[]
  /** A source had more than was read. */
  isCut: boolean
}

/** Read of each source; nobody works through more in a day. */
const mostOfOne = 50
const failedForDays = 14
const staleAheadDays = 3
/** Whoever was away longer than that has left, or never will come. */
const absentDays = { from: 14, to: 45 } as const

function caseReason({ userName, comment, owner, acknowledged }: CaseView, now: Date): string {
  const said = comment === null ? `${userName} is Not Happy and left no words.` : `${userName}: “${comment}”`
  if (acknowledged !== null && Date.parse(acknowledged.untilAt) > now.getTime()) return `${said} ${acknowledged.name} is on it.`
  return `${said} ${owner === null ? 'Nobody has the case yet.' : `The case is with ${owner.name}.`}`
}

const statusAction = ({ health }: Account): 'review_status' | 'set_status' => (health.level === null ? 'set_status' : 'review_status')

function setUpSignals(standing: { failing: string[]; since: Date | null }, isCutOff: boolean): Signal[] {
  const about = { locationId: null, kind: 'set_up', action: 'open_set_up' } as const
  if (isCutOff) return [{ ...about, matter: 'connection', reason: 'The connection to the CRM has ended. An agency admin has to connect again; the work waits until then.', since: null }]
  const { failing: { length: count }, since } = standing
  if (count === 0) return []
  return [{ ...about, matter: 'set_up', reason: count === 1 ? 'A set-up check fails; the work that needs it waits.' : `${count} set-up checks fail; the work that needs them waits.`, since }]
}

/** Open cases, disagreements, falls, missing notes, failed payments and steps, and what is wrong with the set-up. */
export async function actNow(deps: SignalDeps, { companyId, owner, isListed, isCustomer }: Scope, now: Date): Promise<Found> {
  const among = owner?.locationIds ?? null
  const some = { among, limit: mostOfOne }
  const fromAt = new Date(now.getTime() - failedForDays * dayMs)
  const [cases, apart, accountFalls, userFalls, notes, runs, payments, standing, isCutOff] = await Promise.all([
    deps.cases.urgent(companyId, { of: owner === null ? null : { ownerId: owner.userId, locationIds: owner.locationIds }, limit: mostOfOne }),
    deps.accounts.figures.apart(companyId, { csm: owner?.userId, limit: mostOfOne }),
    deps.reports.needing(companyId, 'account_changed', some),
    deps.reports.needing(companyId, 'user_fell', some),
    deps.health.notesMissing(companyId, some),
    deps.failedFollowUps({ companyId, fromAt, ...some }),
    deps.billing.failed(companyId, some),
    deps.setup.standing(companyId),
    deps.needsReconnect(companyId),
  ])
  const falls = [...accountFalls, ...userFalls].filter(({ locationId }) => isCustomer(locationId))
  const oldestFall = falls.reduce((oldest, { at }) => (at < oldest ? at : oldest), now)
  const fallen = [...new Set(falls.map(({ locationId }) => locationId))]
  const [keptAt, closed] = fallen.length === 0 ? [new Map<string, Date>(), []] : await Promise.all([deps.accounts.figures.keptAt(companyId, fallen), deps.cases.closedAfter(companyId, fallen, oldestFall)])

  const signals = setUpSignals(standing, isCutOff)
  for (const one of cases.filter(({ locationId }) => isListed(locationId))) {
    signals.push({ locationId: one.locationId, kind: 'case', matter: `user:${one.userId}`, reason: caseReason(one, now), since: new Date(one.openedAt), dueAt: new Date(one.dueAt), action: 'open_case', targetId: one.caseId, order: Date.parse(one.dueAt) })
  }
  for (const { locationId, at } of payments.filter((one) => isCustomer(one.locationId))) {
    signals.push({ locationId, kind: 'payment_failed', matter: 'payment', reason: 'A payment failed and has not gone through since.', since: at, action: 'open_account' })
  }
  for (const { locationId, kind, levelsApart, since, keptAt: kept, happinessFellAt } of apart.filter((one) => isCustomer(one.locationId))) {
    // Reviewed: somebody said since then that the status is what it is.
    if (since !== null && kept !== null && kept >= since) continue
    signals.push({
      locationId, since, kind: kind === 'levels_apart' ? 'apart' : 'fell', matter: 'readings', action: statusAction, order: (since?.getTime() ?? 0) - levelsApart * 1e14,
      reason: (account) => `${disagreementReason(account, kind, levelsApart, happinessFellAt)} ${account.happiness.coverage.answered} of ${account.happiness.coverage.eligible} users answered.`,
    })
  }
  for (const { locationId, kind, at, userId, reason } of falls) {
    const isReviewed = (keptAt.get(locationId) ?? at) > at
    const isClosed = kind === 'user_fell' && closed.some((one) => one.locationId === locationId && one.userId === userId && one.closedAt >= at)
    if (!isReviewed && !isClosed) signals.push({ locationId, kind: kind === 'user_fell' ? 'user_fell' : 'fell', matter: kind === 'user_fell' ? `user:${String(userId)}` : 'readings', reason, since: at, action: statusAction })
  }
  for (const { runId, locationId, name, at } of runs.filter((one) => isCustomer(one.locationId))) {
    signals.push({ locationId, kind: 'step_failed', matter: `run:${runId}`, reason: `The follow-up ${name === null ? '' : `“${name}” `}stopped at a step that failed. Look at it and have it repeated.`, since: at, action: 'open_run', targetId: runId })
  }
  for (const { locationId, level, at } of notes.filter((one) => isCustomer(one.locationId))) {
    signals.push({ locationId, kind: 'note_missing', matter: 'note', reason: `Set to ${healthLabels[level]} in the CRM without a note: what was learned?`, since: new Date(at), action: 'add_note' })
  }
  return { signals, isCut: [cases, apart, accountFalls, userFalls, notes, runs, payments].some(({ length }) => length >= mostOfOne) }
}

/** Statuses past their days or about to be, silent accounts, absent users, accounts that nobody gave a status. */
export async function goingStale(deps: SignalDeps, { companyId, owner, isCustomer }: Scope, now: Date): Promise<Found> {
  const among = owner?.locationIds ?? null
  const csm = owner?.userId
  const day = (days: number) => new Date(now.getTime() + days * dayMs)
  const [stale, unset, silent, absent] = await Promise.all([
    deps.accounts.figures.staleBy(companyId, { csm, untilAt: day(staleAheadDays), limit: mostOfOne }),
    deps.accounts.figures.withoutStatus(companyId, { csm, limit: mostOfOne }),
    deps.reports.needing(companyId, 'silence', { among, limit: mostOfOne }),
    deps.activity.lastSeenBetween(companyId, { fromAt: day(-absentDays.to), toAt: day(-absentDays.from), among, limit: mostOfOne }),
  ])
  const people = absent.length === 0 ? [] : await deps.accounts.present(companyId, absent.map(({ userId }) => userId))
  const signals: Signal[] = []
  for (const { locationId, staleAt } of stale) {
    signals.push({ locationId, kind: staleAt <= now ? 'stale' : 'soon_stale', matter: 'status', reason: ({ health }) => staleReason(health, now), since: staleAt, action: 'still_true' })
  }
  for (const { locationId, reason, at } of silent.filter((one) => isCustomer(one.locationId))) signals.push({ locationId, kind: 'silent', matter: 'silence', reason, since: at, action: 'open_account' })
  const byUser = new Map(people.map((person) => [person.userId, person]))
  for (const { locationId, userId, lastSeenAt } of absent) {
    const person = byUser.get(userId)
    if (!isCustomer(locationId) || person?.locationIds.includes(locationId) !== true) continue
    signals.push({ locationId, kind: 'absent', matter: `user:${userId}`, reason: `${person.name} has not been seen for ${daysInWords(lastSeenAt.getTime(), now.getTime())}.`, since: lastSeenAt, action: 'open_account' })
  }
  for (const [order, locationId] of unset.entries()) signals.push({ locationId, kind: 'no_status', matter: 'status', reason: 'Its users answer, and nobody has set a Health Status yet.', since: null, action: 'set_status', order })
  return { signals, isCut: [stale, unset, silent, absent].some(({ length }) => length >= mostOfOne) }
}
