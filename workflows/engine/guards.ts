import { DateTime } from 'luxon'
import { happinessLevels, healthLevels } from '../../src/kernel/levels.ts'
import type { AgencySettings } from '../../src/http/contract/settings.ts'
import type { WorkflowDefinition } from '../definition.ts'
import type { EventFacts } from './facts.ts'

/** What is known at the moment before a message to a customer. */
export interface GuardFacts {
  workflowState: 'draft' | 'published' | 'paused' | 'archived'
  live: boolean
  messages: AgencySettings['messages']
  /** Null once the user was removed. */
  person: { email: string | null } | null
  /** The level now, of the reading that the run is about: the user's answer, or the account's status; null → none. */
  level: string | null
  hasOpenCase: boolean
  /** When the step was due, and now. */
  dueAt: Date
  now: Date
  /** Recipient's IANA zone. */
  zone: string
}

/** Go on; wait until then; or end the run. Reasons are stable words. */
export type GuardVerdict = { kind: 'go' } | { kind: 'wait'; untilAt: Date; reason: 'quiet_hours' } | { kind: 'stop'; reason: GuardStop }
export type GuardStop =
  | 'not_published' | 'paused' | 'all_paused' | 'uninstalled' | 'user_removed' | 'no_email' | 'recovered' | 'level_changed' | 'open_case' | 'too_late'

/** A message that is this late (after an outage) would read as a mistake. */
const maxLateMs = 7 * 86_400_000

/**
 * Decides about one message to a customer, everything but the cap. Pure.
 * The order is the order in which a person would give the reason: theirs first, then ours.
 */
export function guardMessage(guards: WorkflowDefinition['guards'], run: Pick<EventFacts, 'level'>, facts: GuardFacts): GuardVerdict {
  const stop = (reason: GuardStop): GuardVerdict => ({ kind: 'stop', reason })
  if (!facts.live) return stop('uninstalled')
  if (facts.workflowState === 'paused') return stop('paused')
  if (facts.workflowState !== 'published') return stop('not_published')
  if (facts.messages.paused) return stop('all_paused')
  if (facts.person === null) return stop('user_removed')
  if (facts.person.email === null || facts.person.email === '') return stop('no_email')
  if (guards.exitOn.includes('recovery') && isBetter(facts.level, run.level)) return stop('recovered')
  if (guards.exitOn.includes('level_changed') && facts.level !== run.level) return stop('level_changed')
  if (guards.noOpenCase && facts.hasOpenCase) return stop('open_case')
  if (facts.now.getTime() - facts.dueAt.getTime() > maxLateMs) return stop('too_late')
  const untilAt = quietUntil(facts.messages.quietHours, facts.now, facts.zone)
  return untilAt === null ? { kind: 'go' } : { kind: 'wait', untilAt, reason: 'quiet_hours' }
}

function isBetter(now: string | null, then: string | null): boolean {
  const scale: readonly (string | null)[] = then !== null && (healthLevels as readonly string[]).includes(then) ? healthLevels : happinessLevels
  return then !== null && scale.indexOf(now) > scale.indexOf(then)
}

/** End of the quiet hours that `now` lies in, by the wall clock of the zone (daylight saving included); null outside of them. */
export function quietUntil(quiet: AgencySettings['messages']['quietHours'], now: Date, zone: string): Date | null {
  if (!quiet.enabled || quiet.from === quiet.to) return null
  const zoned = DateTime.fromJSDate(now, { zone })
  const local = zoned.isValid ? zoned : DateTime.fromJSDate(now, { zone: 'utc' })
  const clockTime = local.toFormat('HH:mm')
  const overnight = quiet.from > quiet.to
  const inside = overnight ? clockTime >= quiet.from || clockTime < quiet.to : clockTime >= quiet.from && clockTime < quiet.to
  if (!inside) return null
  const [hour, minute] = quiet.to.split(':').map(Number)
  const end = local.set({ hour: hour ?? 0, minute: minute ?? 0, second: 0, millisecond: 0 })
  const next = end > local ? end : local.plus({ days: 1 }).set({ hour: hour ?? 0, minute: minute ?? 0, second: 0, millisecond: 0 })
  return next.toJSDate()
}
