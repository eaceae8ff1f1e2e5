import type { Activity } from '../activity/index.ts'
import type { Account, Accounts } from '../accounts/index.ts'
import type { Billing } from '../billing/index.ts'
import type { Cases } from '../cases/index.ts'
import type { Health } from '../health/index.ts'
import type { CaseView } from '../http/contract/cases.ts'
import { dayMs } from '../kernel/clock.ts'
import { healthLabels } from '../kernel/levels.ts'
import type { Reports } from '../reports/index.ts'
import type { Setup } from '../setup/index.ts'
import { daysInWords, isCustomer, lookedAtSince, staleReason, type Signal } from './rules.ts'

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
  reports: Pick<Reports, 'disagreements' | 'needing'>
  setup: Pick<Setup, 'standing'>
  failedFollowUps: (query: { companyId: string; fromAt: Date; among: readonly string[] | null; limit: number }) => Promise<FailedFollowUp[]>
  needsReconnect: (companyId: string) => Promise<boolean>
}

/** Whose accounts are looked at. */
export interface Scope {
  companyId: string
  /** One owner's, with the ids of the accounts; null for everybody's. */
  owner: { userId: string; locationIds: readonly string[] } | null
}

/** What was found, with the accounts that were read on the way. */
export interface Found {
  signals: Signal[]
  accounts: Account[]
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

/** Open cases, disagreements, falls, missing notes, failed payments and steps, and what is wrong with the set-up. */
export async function actNow(deps: SignalDeps, { companyId, owner }: Scope, now: Date): Promise<Found> {
  const among = owner?.locationIds ?? null
  const some = { among, limit: mostOfOne }
  const fromAt = new Date(now.getTime() - failedForDays * dayMs)
  const [cases, apart, accountFalls, userFalls, notes, runs, payments, standing, isCutOff] = await Promise.all([
    deps.cases.urgent(companyId, { of: owner === null ? null : { ownerId: owner.userId, locationIds: owner.locationIds }, limit: mostOfOne }),
    deps.reports.disagreements(companyId, { ...(owner === null ? {} : { csm: owner.userId }), page: 1, pageSize: mostOfOne }),
    deps.reports.needing(companyId, 'account_changed', some),
    deps.reports.needing(companyId, 'user_fell', some),
    deps.health.notesMissing(companyId, some),
    deps.failedFollowUps({ companyId, fromAt, ...some }),
    deps.billing.failed(companyId, some),
    deps.setup.standing(companyId),
    deps.needsReconnect(companyId),
  ])
  const falls = [...accountFalls, ...userFalls]
  const known = new Map(apart.items.map(({ account }) => [account.locationId, account]))
  const wanted = [...cases, ...falls, ...notes, ...runs, ...payments].map(({ locationId }) => locationId)
  const oldestFall = userFalls.reduce((oldest, { at }) => (at < oldest ? at : oldest), now)
  const [others, closed] = await Promise.all([
    deps.accounts.figures.byIds(companyId, [...new Set(wanted)].filter((locationId) => !known.has(locationId))),
    userFalls.length === 0 ? [] : deps.cases.closedAfter(companyId, [...new Set(userFalls.map(({ locationId }) => locationId))], oldestFall),
  ])
  for (const account of others) known.set(account.locationId, account)
  const customer = (locationId: string): Account | null => {
    const account = known.get(locationId)
    return account !== undefined && isCustomer(account) ? account : null
  }
  const signals: Signal[] = []
  if (isCutOff) signals.push({ locationId: null, kind: 'set_up', matter: 'connection', reason: 'The connection to the CRM has ended. An agency admin has to connect again; the work waits until then.', since: null, action: 'open_set_up' })
  else if (standing.failing.length > 0) {
    const count = standing.failing.length
    signals.push({ locationId: null, kind: 'set_up', matter: 'set_up', reason: `${count === 1 ? 'A set-up check fails' : `${count} set-up checks fail`}; the work that needs ${count === 1 ? 'it' : 'them'} waits.`, since: standing.since, action: 'open_set_up' })
  }
  for (const one of cases) {
    if (known.has(one.locationId)) signals.push({ locationId: one.locationId, kind: 'case', matter: `user:${one.userId}`, reason: caseReason(one, now), since: new Date(one.openedAt), dueAt: new Date(one.dueAt), action: 'open_case', targetId: one.caseId, order: Date.parse(one.dueAt) })
  }
  for (const { locationId, at } of payments) {
    if (customer(locationId) !== null) signals.push({ locationId, kind: 'payment_failed', matter: 'payment', reason: 'A payment failed and has not gone through since.', since: at, action: 'open_account' })
  }
  for (const { account, kind, levelsApart, since, reason } of apart.items) {
    // Reviewed: somebody said since then that the status is what it is.
    if (!isCustomer(account) || (since !== null && lookedAtSince(account.health, new Date(since)))) continue
    const { answered, eligible } = account.happiness.coverage
    signals.push({
      locationId: account.locationId, kind: kind === 'levels_apart' ? 'apart' : 'fell', matter: 'readings', reason: `${reason} ${answered} of ${eligible} users answered.`,
      since: since === null ? null : new Date(since), action: statusAction(account), order: (since === null ? 0 : Date.parse(since)) - levelsApart * 1e14,
    })
  }
  for (const { locationId, kind, at, userId, reason } of falls) {
    const account = customer(locationId)
    const isOver = account === null || lookedAtSince(account.health, at) || (kind === 'user_fell' && closed.some((one) => one.locationId === locationId && one.userId === userId && one.closedAt >= at))
    if (!isOver) signals.push({ locationId, kind: kind === 'user_fell' ? 'user_fell' : 'fell', matter: kind === 'user_fell' ? `user:${String(userId)}` : 'readings', reason, since: at, action: statusAction(account) })
  }
  for (const { runId, locationId, name, at } of runs) {
    if (customer(locationId) !== null) signals.push({ locationId, kind: 'step_failed', matter: `run:${runId}`, reason: `The follow-up ${name === null ? '' : `“${name}” `}stopped at a step that failed. Look at it and have it repeated.`, since: at, action: 'open_run', targetId: runId })
  }
  for (const { locationId, level, at } of notes) {
    if (customer(locationId) !== null) signals.push({ locationId, kind: 'note_missing', matter: 'note', reason: `Set to ${healthLabels[level]} in the CRM without a note: what was learned?`, since: new Date(at), action: 'add_note' })
  }
  const isCut = [cases, accountFalls, userFalls, notes, runs, payments].some(({ length }) => length >= mostOfOne) || apart.total > apart.items.length
  return { signals, accounts: [...known.values()], isCut }
}

/** Statuses past their days or about to be, silent accounts, absent users, accounts that nobody gave a status. */
export async function goingStale(deps: SignalDeps, { companyId, owner }: Scope, now: Date): Promise<Found> {
  const among = owner?.locationIds ?? null
  const csm = owner?.userId
  const day = (days: number) => new Date(now.getTime() + days * dayMs)
  const [stale, unset, silent, absent] = await Promise.all([
    deps.accounts.figures.staleBy(companyId, { csm, untilAt: day(staleAheadDays), limit: mostOfOne }),
    deps.accounts.figures.withoutStatus(companyId, { csm, limit: mostOfOne }),
    deps.reports.needing(companyId, 'silence', { among, limit: mostOfOne }),
    deps.activity.lastSeenBetween(companyId, { fromAt: day(-absentDays.to), toAt: day(-absentDays.from), among, limit: mostOfOne }),
  ])
  const known = new Map([...stale, ...unset].map((account) => [account.locationId, account]))
  const wanted = [...silent, ...absent].map(({ locationId }) => locationId)
  const [others, people] = await Promise.all([
    deps.accounts.figures.byIds(companyId, [...new Set(wanted)].filter((locationId) => !known.has(locationId))),
    absent.length === 0 ? [] : deps.accounts.present(companyId, absent.map(({ userId }) => userId)),
  ])
  for (const account of others) known.set(account.locationId, account)
  const isOurs = (locationId: string): boolean => {
    const account = known.get(locationId)
    return account !== undefined && isCustomer(account)
  }
  const signals: Signal[] = []
  for (const account of stale.filter(isCustomer)) {
    const { health, locationId } = account
    signals.push({
      locationId, kind: health.stale ? 'stale' : 'soon_stale', matter: 'status', reason: staleReason(health, now), since: health.staleAt === null ? null : new Date(health.staleAt), action: 'still_true',
    })
  }
  for (const { locationId, reason, at } of silent) if (isOurs(locationId)) signals.push({ locationId, kind: 'silent', matter: 'silence', reason, since: at, action: 'open_account' })
  const byUser = new Map(people.map((person) => [person.userId, person]))
  for (const { locationId, userId, lastSeenAt } of absent) {
    const person = byUser.get(userId)
    if (!isOurs(locationId) || person?.locationIds.includes(locationId) !== true) continue
    signals.push({ locationId, kind: 'absent', matter: `user:${userId}`, reason: `${person.name} has not been seen for ${daysInWords(lastSeenAt.getTime(), now.getTime())}.`, since: lastSeenAt, action: 'open_account' })
  }
  for (const account of unset.filter(isCustomer)) {
    signals.push({ locationId: account.locationId, kind: 'no_status', matter: 'status', reason: 'Its users answer, and nobody has set a Health Status yet.', since: null, action: 'set_status' })
  }
  return { signals, accounts: [...known.values()], isCut: [stale, unset, silent, absent].some(({ length }) => length >= mostOfOne) }
}
