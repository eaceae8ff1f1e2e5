import { DateTime } from 'luxon'
import type { AgencySettings } from '../http/contract/settings.ts'
import type { PromptGate, PromptReason } from '../http/contract/feedback.ts'
import { dayMs } from '../kernel/clock.ts'

/** The numbers of the prompt's clock. */
export type PromptSettings = AgencySettings['prompt']

/** What a user's current waiting time counts from. An answer is not kept here: the newest answer itself is the fact. */
export type Anchor = { kind: 'later' | 'closed' | 'requested' | 'skipped'; at: Date }

/** One invitation that was shown. `final`: how the user dismissed it. */
export interface ShownPrompt {
  promptId: string
  at: Date
  final: 'later' | 'closed' | null
}

/** The server-side clock of one account user. */
export interface PromptClock {
  anchor: Anchor | null
  /** First showing on each distinct day since the anchor, oldest first: the days on which the prompt was ignored so far. */
  shownAt: Date[]
  /** Cycles in a row that ended without any reaction. */
  skippedCycles: number
  /** The last few invitations, newest last. */
  prompts: ShownPrompt[]
}

export const freshClock: PromptClock = { anchor: null, shownAt: [], skippedCycles: 0, prompts: [] }

/** Everything the decision depends on. */
export interface PromptState {
  /** The agency's master switch and the account's toggle are both on. */
  feedbackEnabled: boolean
  isAgencyStaff: boolean
  /** null: the person is not among the account's users. */
  user: { joinedAt: Date | null; removedAt: Date | null } | null
  accountChurned: boolean
  /** When the user's open Not Happy case was opened. */
  openCaseAt: Date | null
  lastAnswerAt: Date | null
  clock: PromptClock
  /** IANA zone of the account: "tomorrow" is its tomorrow. */
  zone: string
}

export interface PromptDecision {
  due: boolean
  /** Why the user is asked, or the first gate that did not open. */
  reason: PromptReason
  /** When the user is asked next if nothing else happens: now if due; null if it waits for a person (a closed case, the toggle). */
  nextAt: Date | null
  /** What the clock alone says, whatever the other gates say. */
  clockDueAt: Date | null
  gates: (Omit<PromptGate, 'at'> & { at: Date | null })[]
}

type EffectiveAnchor = Anchor | { kind: 'answered'; at: Date }

interface EffectiveClock {
  anchor: EffectiveAnchor | null
  shownAt: Date[]
  skippedCycles: number
}

const keptPrompts = 6

/** The clock with the newest answer taken in: an answer starts a new cycle and forgives skipped ones. */
function withAnswer(clock: PromptClock, lastAnswerAt: Date | null): EffectiveClock {
  if (lastAnswerAt === null || (clock.anchor !== null && clock.anchor.at.getTime() > lastAnswerAt.getTime())) return clock
  return {
    anchor: { kind: 'answered', at: lastAnswerAt },
    shownAt: clock.shownAt.filter((at) => at.getTime() > lastAnswerAt.getTime()),
    skippedCycles: 0,
  }
}

/** Pause in days before the cycle that follows `skippedCycles` skipped ones. */
export function pauseDays(skippedCycles: number, settings: PromptSettings): number {
  const step = skippedCycles - settings.skippedCyclesBeforeBackOff
  if (step < 0) return settings.answeredDays
  return settings.backOffDays[Math.min(step, settings.backOffDays.length - 1)] ?? settings.answeredDays
}

function plusDays(at: Date, days: number): Date {
  return new Date(at.getTime() + days * dayMs)
}

/** Midnight in the zone, `days` calendar days after the day of `at`; an unknown zone counts as UTC. */
function startOfLaterDay(at: Date, days: number, zone: string): Date {
  const local = DateTime.fromJSDate(at, { zone })
  return (local.isValid ? local : DateTime.fromJSDate(at, { zone: 'utc' })).startOf('day').plus({ days }).toJSDate()
}

/** The calendar day of an instant in a zone, as YYYY-MM-DD. */
export function dayOf(at: Date, zone: string): string {
  const local = DateTime.fromJSDate(at, { zone })
  return (local.isValid ? local : DateTime.fromJSDate(at, { zone: 'utc' })).toFormat('yyyy-MM-dd')
}

function anchorDueAt(anchor: EffectiveAnchor, skippedCycles: number, settings: PromptSettings): Date {
  switch (anchor.kind) {
    case 'answered':
      return plusDays(anchor.at, settings.answeredDays)
    case 'later':
      return plusDays(anchor.at, settings.laterDays)
    case 'closed':
      return plusDays(anchor.at, settings.closedDays)
    case 'requested':
      return anchor.at
    case 'skipped':
      return plusDays(anchor.at, pauseDays(skippedCycles, settings))
  }
}

/** When an ignored prompt comes back: tomorrow, or, after the last of its days, a cycle later. */
function ignoredDueAt(clock: EffectiveClock, settings: PromptSettings, zone: string): { at: Date; exhausted: boolean } | null {
  const last = clock.shownAt.at(-1)
  if (last === undefined) return null
  if (clock.shownAt.length >= settings.maxIgnoredDays)
    return { at: plusDays(last, pauseDays(clock.skippedCycles + 1, settings)), exhausted: true }
  return { at: startOfLaterDay(last, settings.ignoredDays, zone), exhausted: false }
}

/**
 * Should this user be asked now, and why, or why not? Pure: the same state gives the same answer.
 * Gates are judged all, in the order in which a person would check them; the first closed one is the reason.
 */
export function decidePrompt(state: PromptState, settings: PromptSettings, at: Date): PromptDecision {
  const clock = withAnswer(state.clock, state.lastAnswerAt)
  const { anchor } = clock
  const isPast = (instant: Date | null) => instant === null || instant.getTime() <= at.getTime()
  const requested = anchor?.kind === 'requested'

  const joinedAt = state.user?.joinedAt ?? null
  const graceEndsAt = joinedAt === null || requested ? null : plusDays(joinedAt, settings.newUserGraceDays)
  const waitsUntil = anchor === null ? null : anchorDueAt(anchor, clock.skippedCycles, settings)
  const ignored = ignoredDueAt(clock, settings, state.zone)
  const snoozed = anchor?.kind === 'later' || anchor?.kind === 'closed'
  const cycleAt = anchor?.kind === 'answered' ? waitsUntil : null
  const snoozeAt = snoozed ? waitsUntil : null
  const skippedAt = anchor?.kind === 'skipped' ? waitsUntil : null
  const repeatAt = ignored?.at ?? skippedAt

  const gates: PromptDecision['gates'] = [
    { key: 'feedback_on', passed: state.feedbackEnabled, reason: 'feedback_off', at: null },
    { key: 'account_user', passed: !state.isAgencyStaff, reason: 'agency_staff', at: null },
    {
      key: 'user_present',
      passed: state.isAgencyStaff || (state.user !== null && state.user.removedAt === null),
      reason: 'user_removed',
      at: state.user?.removedAt ?? null,
    },
    { key: 'not_new', passed: isPast(graceEndsAt), reason: 'new_user', at: graceEndsAt },
    { key: 'not_churned', passed: !state.accountChurned, reason: 'account_churned', at: null },
    { key: 'no_open_case', passed: state.openCaseAt === null, reason: 'case_open', at: state.openCaseAt },
    { key: 'cycle_over', passed: isPast(cycleAt), reason: 'answered_recently', at: cycleAt },
    { key: 'not_snoozed', passed: isPast(snoozeAt), reason: anchor?.kind === 'closed' ? 'closed_recently' : 'asked_later', at: snoozeAt },
    {
      key: 'not_ignored',
      passed: isPast(repeatAt),
      reason: ignored === null || ignored.exhausted ? 'cycle_skipped' : 'shown_today',
      at: repeatAt,
    },
  ]
  const closed = gates.filter((gate) => !gate.passed)
  const [first] = closed
  const clockDueAt = latest([graceEndsAt, waitsUntil, repeatAt])
  const opensByItself = closed.every((gate) => ['not_new', 'cycle_over', 'not_snoozed', 'not_ignored'].includes(gate.key))
  return {
    due: first === undefined,
    reason: first?.reason ?? dueReason(anchor, ignored),
    nextAt: first === undefined ? at : opensByItself ? latest(closed.map((gate) => gate.at)) : null,
    clockDueAt,
    gates,
  }
}

function dueReason(anchor: EffectiveAnchor | null, ignored: { exhausted: boolean } | null): PromptReason {
  if (ignored !== null && !ignored.exhausted) return 'asked_again'
  switch (anchor?.kind) {
    case undefined:
      return ignored === null ? 'first_time' : 'cycle_over'
    case 'requested':
      return ignored === null ? 'requested' : 'cycle_over'
    case 'later':
    case 'closed':
      return ignored === null ? 'asked_again' : 'cycle_over'
    case 'answered':
    case 'skipped':
      return 'cycle_over'
  }
}

function latest(instants: (Date | null)[]): Date | null {
  const times = instants.flatMap((instant) => (instant === null ? [] : [instant.getTime()]))
  return times.length === 0 ? null : new Date(Math.max(...times))
}

/** What identifies the invitation of this day and cycle, so that asking twice gives the same prompt. */
export function promptSeed(state: Pick<PromptState, 'clock' | 'lastAnswerAt' | 'zone'>, at: Date): string {
  const { anchor } = withAnswer(state.clock, state.lastAnswerAt)
  return `${dayOf(at, state.zone)}|${anchor?.kind ?? 'first'}|${anchor?.at.getTime() ?? 0}`
}

/**
 * Takes an outcome in, once per prompt and outcome. Shown and nothing after it is "ignored": nobody has to report that.
 * @returns null if it changes nothing: reported before, dismissed before, or answered in the meantime
 */
export function applyOutcome(
  clock: PromptClock,
  outcome: { kind: 'shown' | 'later' | 'closed'; promptId: string; at: Date },
  lastAnswerAt: Date | null,
  settings: PromptSettings,
  zone: string,
): PromptClock | null {
  const known = clock.prompts.find((prompt) => prompt.promptId === outcome.promptId)
  if (known !== undefined && (outcome.kind === 'shown' || known.final !== null)) return null
  // Closing the thank-you panel is not a dismissal.
  if (known !== undefined && lastAnswerAt !== null && lastAnswerAt.getTime() >= known.at.getTime()) return null

  const { anchor, shownAt, skippedCycles } = withAnswer(clock, lastAnswerAt)
  const kept = anchor?.kind === 'answered' ? null : anchor
  const prompts = clock.prompts.filter((prompt) => prompt.promptId !== outcome.promptId)
  if (outcome.kind !== 'shown') {
    const dismissed = { promptId: outcome.promptId, at: known?.at ?? outcome.at, final: outcome.kind }
    return {
      anchor: { kind: outcome.kind, at: outcome.at },
      shownAt: [],
      skippedCycles,
      prompts: [...prompts, dismissed].slice(-keptPrompts),
    }
  }
  const shown = [...prompts, { promptId: outcome.promptId, at: outcome.at, final: null }].slice(-keptPrompts)
  const last = shownAt.at(-1)
  if (last !== undefined && dayOf(last, zone) === dayOf(outcome.at, zone)) return { anchor: kept, shownAt, skippedCycles, prompts: shown }
  if (last !== undefined && shownAt.length >= settings.maxIgnoredDays) {
    return { anchor: { kind: 'skipped', at: last }, shownAt: [outcome.at], skippedCycles: skippedCycles + 1, prompts: shown }
  }
  return { anchor: kept, shownAt: [...shownAt, outcome.at], skippedCycles, prompts: shown }
}

/** Somebody on the team asks now: due at once, as a new cycle. */
export function applyRequest(clock: PromptClock, at: Date, lastAnswerAt: Date | null): PromptClock {
  return { ...clock, skippedCycles: withAnswer(clock, lastAnswerAt).skippedCycles, anchor: { kind: 'requested', at }, shownAt: [] }
}
