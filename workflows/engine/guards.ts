import { happinessLevels, healthLevels } from '../../src/kernel/levels.ts'
import type { AgencySettings } from '../../src/http/contract/settings.ts'
import type { Guards } from '../shapes.ts'
import type { EventFacts } from './facts.ts'
import { endOfSpan } from './zoned-time.ts'

/** What is known at the moment before a message to a customer. */
export interface GuardFacts {
  workflowState: 'draft' | 'published' | 'paused'
  live: boolean
  messages: AgencySettings['messages']
  /** Null once the user was removed. */
  person: { email: string | null; phone: string | null } | null
  /** What the person must have to be reached. */
  needs: 'email' | 'phone'
  /** The level now, of the reading that the run is about: the user's answer, or the account's status; null → none. */
  level: string | null
  hasOpenCase: boolean
  /** The person asked not to be written to. */
  optedOut: boolean
  /** When the step was due, and now. */
  dueAt: Date
  now: Date
  /** Recipient's IANA zone. */
  zone: string
}

/** Go on; wait until then; or end the run. Reasons are stable words. */
export type GuardVerdict = { kind: 'go' } | { kind: 'wait'; untilAt: Date; reason: 'quiet_hours' } | { kind: 'stop'; reason: GuardStop }
export type GuardStop =
  | 'not_published' | 'paused' | 'all_paused' | 'uninstalled' | 'user_removed' | 'no_email' | 'no_phone' | 'opted_out' | 'recovered' | 'level_changed' | 'open_case' | 'too_late'

/** A message that is this late (after an outage) would read as a mistake. */
const maxLateMs = 7 * 86_400_000

/**
 * Decides about one message to a customer, everything but the cap. Pure.
 * The order is the order in which a person would give the reason: theirs first, then ours.
 */
export function guardMessage(guards: Guards, run: Pick<EventFacts, 'level'>, facts: GuardFacts): GuardVerdict {
  const stop = (reason: GuardStop): GuardVerdict => ({ kind: 'stop', reason })
  if (!facts.live) return stop('uninstalled')
  if (facts.workflowState === 'paused') return stop('paused')
  if (facts.workflowState !== 'published') return stop('not_published')
  if (facts.messages.paused) return stop('all_paused')
  if (facts.person === null) return stop('user_removed')
  if ((facts.person[facts.needs] ?? '') === '') return stop(facts.needs === 'email' ? 'no_email' : 'no_phone')
  if (facts.optedOut) return stop('opted_out')
  const exit = exitOf(guards, run, facts)
  if (exit !== null) return stop(exit)
  if (guards.noOpenCase && facts.hasOpenCase) return stop('open_case')
  if (facts.now.getTime() - facts.dueAt.getTime() > maxLateMs) return stop('too_late')
  const untilAt = quietUntil(facts.messages.quietHours, facts.now, facts.zone)
  return untilAt === null ? { kind: 'go' } : { kind: 'wait', untilAt, reason: 'quiet_hours' }
}

/** Whether a run is over before its next step, whatever that is. Pure. */
export function exitOf(guards: Guards, run: Pick<EventFacts, 'level'>, facts: { live: boolean; level: string | null }): 'uninstalled' | 'recovered' | 'level_changed' | null {
  if (!facts.live) return 'uninstalled'
  if (guards.exitOn.includes('recovery') && isBetter(facts.level, run.level)) return 'recovered'
  if (guards.exitOn.includes('level_changed') && facts.level !== run.level) return 'level_changed'
  return null
}

function isBetter(now: string | null, then: string | null): boolean {
  const scale: readonly (string | null)[] = then !== null && (healthLevels as readonly string[]).includes(then) ? healthLevels : happinessLevels
  return then !== null && scale.indexOf(now) > scale.indexOf(then)
}

/** End of the quiet hours that `now` lies in, by the wall clock of the zone (daylight saving included); null outside of them. */
export function quietUntil(quiet: AgencySettings['messages']['quietHours'], now: Date, zone: string): Date | null {
  return quiet.enabled && quiet.from !== quiet.to ? endOfSpan(quiet, now, zone) : null
}
