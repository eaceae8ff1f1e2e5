import { happinessLabels, healthLabels } from '../kernel/levels.ts'
import type { Difference, WeeklyAccount } from './message.ts'
import type { NoticeRecord } from './model.ts'

/** One account at two instants. Levels as they travel; null is no reading. */
export interface Then {
  happiness: { before: string | null; after: string | null }
  health: { before: string | null; after: string | null }
  openCases: { before: number; after: number }
}

/** Reads what an account was like at two instants. */
export type ThenAndNow = (companyId: string, locationId: string, before: Date, after: Date) => Promise<Then>

/** What these tell is seen in the readings themselves: only whether they differ from a week ago is said. */
const seenInReadings = new Set(['happiness_changed', 'feedback_received', 'health_changed', 'health_struggling', 'health_note_wanted', 'health_value_refused', 'case_opened', 'case_overdue', 'case_escalated'])

const labels: Readonly<Record<string, string>> = { ...happinessLabels, ...healthLabels }
const labelOf = (level: string | null): string => (level === null ? 'no reading' : (labels[level] ?? level))

/** Readings that differ; a level that fell and recovered within the week does not. */
export function differencesOf({ happiness, health, openCases }: Then): Difference[] {
  return [
    ...(happiness.before === happiness.after ? [] : [{ what: 'Happiness Level', before: labelOf(happiness.before), after: labelOf(happiness.after) }]),
    ...(health.before === health.after ? [] : [{ what: 'Health Status', before: labelOf(health.before), after: labelOf(health.after) }]),
    ...(openCases.before === openCases.after ? [] : [{ what: 'Open Not Happy cases', before: String(openCases.before), after: String(openCases.after) }]),
  ]
}

type Told = Pick<NoticeRecord, 'kind' | 'title' | 'body' | 'locationId' | 'at'>

/** What is said of one account: the readings that differ, and of every other kind the newest line alone. */
export function weeklyAccount(name: string, notices: readonly Told[], then: Then | null): WeeklyAccount {
  const newest = new Map<string, Told>()
  for (const notice of notices) {
    if (seenInReadings.has(notice.kind)) continue
    const known = newest.get(notice.kind)
    if (known === undefined || known.at < notice.at) newest.set(notice.kind, notice)
  }
  return { name, differences: then === null ? [] : differencesOf(then), news: [...newest.values()].sort((a, b) => a.at.getTime() - b.at.getTime()) }
}
