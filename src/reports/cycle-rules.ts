import { dayMs } from '../kernel/clock.ts'
import { monthOf } from './calendar.ts'

/** `waiting`: due, or not yet due, and not shown; `shown`: shown and nothing after it; `self`: an answer that nobody asked for. */
export type CycleState = 'waiting' | 'shown' | 'later' | 'closed' | 'answered' | 'self'

/** The cycle that a user is in. */
export interface Cycle {
  dueAt: Date
  openedAt: Date
  state: CycleState
  shownAt: Date | null
  commented: boolean
  answerId: string | null
}

/** Something that happened to a user and that concerns being asked. */
export type CycleFact =
  | { kind: 'eligible'; at: Date; dueAt: Date }
  | { kind: 'left'; at: Date }
  | { kind: 'requested'; at: Date }
  | { kind: 'shown' | 'later' | 'closed'; at: Date; dueAt: Date }
  | { kind: 'answered'; at: Date; answerId: string; asked: boolean; commented: boolean }

/** How a fact changes a user's cycles. */
export interface CycleStep {
  /** What the present cycle is now; null if there was none. */
  present: Cycle | null
  /** Whether the present one is over. */
  ends: boolean
  /** Whether it ends before it was due: nobody ever asked, or will ask, in it. */
  neverDue: boolean
  /** The cycle that begins. */
  next: Cycle | null
}

const fresh = (dueAt: Date, openedAt: Date): Cycle => ({ dueAt, openedAt, state: 'waiting', shownAt: null, commented: false, answerId: null })
const stays = (present: Cycle | null): CycleStep => ({ present, ends: false, neverDue: false, next: null })

/**
 * What a fact does to the cycle that a user is in. A cycle is due once and belongs to the month in which it was due, whenever its answer comes; an invitation that
 * is due again at least a cycle later is a cycle of its own. Source: peers-and-statistics 4.10.
 * @param cycleDays days from an answer to the next invitation
 */
export function stepOf(present: Cycle | null, fact: CycleFact, cycleDays: number): CycleStep {
  const isDue = present !== null && present.dueAt.getTime() <= fact.at.getTime()
  switch (fact.kind) {
    case 'eligible':
      return present === null ? { ...stays(null), next: fresh(fact.dueAt, fact.at) } : stays(present)
    case 'left':
      return present === null ? stays(null) : { present, ends: true, neverDue: !isDue, next: null }
    case 'requested':
      if (present !== null && isDue && present.shownAt === null) return stays(present)
      return { present, ends: present !== null, neverDue: present !== null && !isDue, next: fresh(fact.at, fact.at) }
    case 'shown':
    case 'later':
    case 'closed': {
      const shown = (cycle: Cycle): Cycle => ({ ...cycle, shownAt: cycle.shownAt ?? fact.at, state: fact.kind === 'shown' && cycle.state !== 'waiting' ? cycle.state : fact.kind })
      const dueAt = fact.dueAt.getTime() < fact.at.getTime() ? fact.dueAt : fact.at
      if (present === null) return { ...stays(null), next: shown(fresh(dueAt, fact.at)) }
      const isOver = present.shownAt !== null && fact.kind === 'shown' && fact.at.getTime() >= present.dueAt.getTime() + cycleDays * dayMs
      if (isOver) return { present, ends: true, neverDue: false, next: shown(fresh(dueAt.getTime() > present.dueAt.getTime() ? dueAt : fact.at, fact.at)) }
      // Shown before it was thought to be due: then it was due.
      return isDue ? stays(shown(present)) : { present, ends: true, neverDue: true, next: shown(fresh(dueAt, fact.at)) }
    }
    case 'answered': {
      const next = fresh(new Date(fact.at.getTime() + cycleDays * dayMs), fact.at)
      if (present?.answerId === fact.answerId) return stays(present)
      if (!fact.asked) return { present, ends: present !== null, neverDue: present !== null && !isDue, next }
      const base = present !== null && isDue ? present : fresh(fact.at, fact.at)
      const answered: Cycle = { ...base, state: 'answered', shownAt: base.shownAt ?? fact.at, commented: fact.commented, answerId: fact.answerId }
      return { present: answered, ends: true, neverDue: false, next }
    }
  }
}

const weight: Record<CycleState, number> = { waiting: 0, self: 0, shown: 1, closed: 2, later: 3, answered: 4 }

/** Two cycles of one user that were due in one month are one: users are counted, not displays. The better outcome stands. */
export function mergedCycle(first: Cycle, second: Cycle): Cycle {
  const better = weight[second.state] > weight[first.state] ? second : first
  const shown = [first.shownAt, second.shownAt].filter((at) => at !== null)
  return {
    ...better,
    dueAt: first.dueAt < second.dueAt ? first.dueAt : second.dueAt,
    openedAt: first.openedAt < second.openedAt ? first.openedAt : second.openedAt,
    shownAt: shown.length === 0 ? null : new Date(Math.min(...shown.map((at) => at.getTime()))),
    commented: first.commented || second.commented,
  }
}

/** What one account's users did in one month's cycle. */
export interface CycleCounts {
  due: number
  shown: number
  answered: number
  snoozed: number
  closed: number
  ignored: number
  commented: number
  selfInitiated: number
}

export const noCounts: CycleCounts = { due: 0, shown: 0, answered: 0, snoozed: 0, closed: 0, ignored: 0, commented: 0, selfInitiated: 0 }

/** Takes one cycle into the counts. */
export function withCycle(counts: CycleCounts, { state, commented, dueAt }: Pick<Cycle, 'state' | 'commented' | 'dueAt'>, now: Date): CycleCounts {
  if (state === 'self') return { ...counts, selfInitiated: counts.selfInitiated + 1 }
  if (dueAt.getTime() > now.getTime()) return counts
  const one = (is: boolean): number => (is ? 1 : 0)
  return {
    ...counts,
    due: counts.due + 1,
    shown: counts.shown + one(state !== 'waiting'),
    answered: counts.answered + one(state === 'answered'),
    snoozed: counts.snoozed + one(state === 'later'),
    closed: counts.closed + one(state === 'closed'),
    ignored: counts.ignored + one(state === 'shown'),
    commented: counts.commented + one(state === 'answered' && commented),
  }
}

/** The month that a cycle belongs to. */
export function cycleMonth(cycle: Pick<Cycle, 'dueAt'>): string {
  return monthOf(cycle.dueAt)
}
