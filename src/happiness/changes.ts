import type { Actor, DomainEvent, EventSource } from '../events/index.ts'
import { dayMs } from '../kernel/clock.ts'
import { happinessLabels, happinessLevels, type HappinessLevel } from '../kernel/levels.ts'
import type { PersonReading, ReadingRecord } from './model.ts'
import { foldAccount, type AccountFold, type Checkpoint, type HappinessFact, type HappinessSettings } from './rules.ts'

/** What made a recompute necessary. */
export interface Cause {
  /** When it happened, by the fact's own clock. */
  at: Date
  actor: Actor
  source: EventSource
  /** The user whose answer it was: their contact and card are written too. */
  userId: string | null
  /** Ids for the event's data, for example the answer's. */
  data?: Record<string, unknown>
  /** The fact itself as events: appended before those that follow from it, with the same write. */
  events?: readonly DomainEvent[]
}

/** Names for the sentences of events. */
export interface Names {
  accountName: string
  userName: (userId: string) => string
}

const checkpointSlackDays = 30
const checkpointStepDays = 60

/** Each user's newest answer: what was known before, what the fold knows now, without those who left. */
export function peopleOf(
  before: readonly PersonReading[],
  fold: AccountFold,
  removals: readonly { userId: string; at: Date }[],
): PersonReading[] {
  const people = new Map(before.map((person) => [person.userId, person]))
  for (const { userId, answerId, at, level } of fold.opinions) {
    const known = people.get(userId)
    // A tie in time is an answer of the same instant or a correction of the same answer: the fold has decided it.
    if (known === undefined || known.at.getTime() <= at.getTime()) people.set(userId, { userId, answerId, at, level })
  }
  for (const removal of removals) {
    const known = people.get(removal.userId)
    if (known !== undefined && known.at.getTime() <= removal.at.getTime()) people.delete(removal.userId)
  }
  return [...people.values()].sort((a, b) => (a.userId < b.userId ? -1 : 1))
}

/**
 * Moves the checkpoint forward once it is old enough, so that the facts to be read stay bounded.
 * @returns the checkpoint to keep
 */
export function nextCheckpoint(
  current: Checkpoint | null,
  facts: readonly HappinessFact[],
  now: Date,
  settings: HappinessSettings,
): Checkpoint | null {
  const at = new Date(now.getTime() - (settings.validDays + checkpointSlackDays) * dayMs)
  const oldestMs = current?.at.getTime() ?? facts.reduce((oldest, fact) => Math.min(oldest, fact.at.getTime()), Number.POSITIVE_INFINITY)
  if (oldestMs > at.getTime() - checkpointStepDays * dayMs) return current
  return { at, level: foldAccount(facts, at, settings, [], current).level }
}

/** True if nothing that is stored differs, apart from versions and times of writing. */
export function sameReading(a: ReadingRecord, b: ReadingRecord): boolean {
  return fingerprint(a) === fingerprint(b)
}

function fingerprint(record: ReadingRecord): string {
  const ms = (at: Date | null) => at?.getTime() ?? null
  return JSON.stringify([
    record.level,
    record.score,
    record.answered,
    record.eligible,
    ms(record.newestAt),
    record.dissent,
    ms(record.levelSinceAt),
    ms(record.nextExpiryAt),
    record.people.map((person) => [person.userId, person.answerId, ms(person.at), person.level]),
    record.removals.map((removal) => [removal.userId, ms(removal.at)]),
    ms(record.checkpointAt),
    record.checkpointLevel,
  ])
}

function direction(before: HappinessLevel, after: HappinessLevel): string {
  return happinessLevels.indexOf(after) < happinessLevels.indexOf(before) ? 'fell' : 'rose'
}

function accountSummary(
  before: HappinessLevel | null,
  after: HappinessLevel | null,
  coverage: { answered: number; eligible: number },
): string {
  const users = `${coverage.answered} of ${coverage.eligible} ${coverage.eligible === 1 ? 'user' : 'users'}`
  if (after === null)
    return `No current reading: no answer is young enough any more${before === null ? '' : ` (was ${happinessLabels[before]})`}.`
  if (before === null) return `Happiness is ${happinessLabels[after]} (${users}).`
  return `Happiness ${direction(before, after)} from ${happinessLabels[before]} to ${happinessLabels[after]} (${users}).`
}

/** The events that lead from one stored reading to the next. The version in the key makes each of them unique. */
export function eventsBetween(before: ReadingRecord, after: ReadingRecord, cause: Cause, names: Names): DomainEvent[] {
  const { companyId, locationId } = after
  const base = { companyId, locationId, at: cause.at, actor: cause.actor, source: cause.source }
  const stamp = `${companyId}:${locationId}:${after.version}`
  const events: DomainEvent[] = []
  for (const person of after.people) {
    const known = before.people.find((other) => other.userId === person.userId)?.level ?? null
    if (known === person.level) continue
    const name = names.userName(person.userId)
    events.push({
      ...base,
      key: `happiness.user_level_changed:${stamp}:${person.userId}`,
      userId: person.userId,
      type: 'happiness.user_level_changed',
      summary:
        known === null
          ? `${name} is ${happinessLabels[person.level]}.`
          : `${name} went from ${happinessLabels[known]} to ${happinessLabels[person.level]}.`,
      before: known,
      after: person.level,
      data: {
        accountName: names.accountName,
        userName: name,
        before: known,
        after: person.level,
        beforeLabel: known === null ? null : happinessLabels[known],
        afterLabel: happinessLabels[person.level],
        steps: known === null ? null : happinessLevels.indexOf(person.level) - happinessLevels.indexOf(known),
        answerId: person.answerId,
      },
    })
  }
  if (before.level !== after.level) {
    const coverage = { answered: after.answered, eligible: after.eligible }
    events.push({
      ...base,
      key: `happiness.account_level_changed:${stamp}`,
      userId: null,
      type: 'happiness.account_level_changed',
      summary: accountSummary(before.level, after.level, coverage),
      before: before.level,
      after: after.level,
      data: {
        accountName: names.accountName,
        before: before.level,
        after: after.level,
        beforeLabel: before.level === null ? null : happinessLabels[before.level],
        afterLabel: after.level === null ? null : happinessLabels[after.level],
        score: after.score,
        ...coverage,
        dissent: after.dissent,
        steps:
          before.level === null || after.level === null
            ? null
            : happinessLevels.indexOf(after.level) - happinessLevels.indexOf(before.level),
        causedByUserId: cause.userId,
        ...cause.data,
      },
    })
  }
  return events
}
