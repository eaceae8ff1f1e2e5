import type { Account } from '../http/contract/accounts.ts'
import type { TodayAction, TodayList, TodayRow } from '../http/contract/today.ts'
import { dayMs } from '../kernel/clock.ts'

/** One reason why an account, or the agency's set-up, is on a list. */
export interface Signal {
  /** Null for the set-up. */
  locationId: string | null
  kind: TodayRow['kind']
  /** What it is about: two signals of one matter are one reason. */
  matter: string
  reason: string
  since: Date | null
  dueAt?: Date
  action: TodayAction
  targetId?: string
  /** Within its kind, the smallest first; by default what has waited longest. */
  order?: number
}

/** The strongest first. */
const ranks: Record<TodayRow['kind'], number> = {
  set_up: 0, case: 1, payment_failed: 2, apart: 3, fell: 4, user_fell: 5, step_failed: 6, note_missing: 7,
  stale: 10, silent: 11, soon_stale: 12, absent: 13, no_status: 14,
  thriving: 20, recovered: 21, rose: 22, health_rose: 23, case_closed: 24, first_answer: 25,
}

const orderOf = (signal: Signal): number => signal.order ?? signal.since?.getTime() ?? 0

function stronger(one: Signal, other: Signal): number {
  return ranks[one.kind] - ranks[other.kind] || orderOf(one) - orderOf(other) || ((one.locationId ?? '') < (other.locationId ?? '') ? -1 : 1)
}

/** Somebody looked at the status at, or after, the instant: set it, or said that it is still true. */
export function lookedAtSince({ setAt, confirmedAt }: Pick<Account['health'], 'setAt' | 'confirmedAt'>, at: Date): boolean {
  return [setAt, confirmedAt].some((when) => when !== null && Date.parse(when) >= at.getTime())
}

/** Whether it is a customer whom one looks after; cases of others still have to be closed. */
export function isCustomer(account: Account): boolean {
  return account.removedAt === null && account.group !== 'churned' && (!account.isSuccessLocation || account.feedbackEnabled)
}

/** A testimonial is asked only of those who are happy throughout and wait for nothing. */
export function mayAskTestimonial({ happiness }: Account, hasOpenCase: boolean): boolean {
  return !hasOpenCase && !happiness.dissent && (happiness.level === 'happy' || happiness.level === 'very_happy')
}

/** One row per account, with its strongest reason and how many more there are. */
export function rowsOf(signals: readonly Signal[]): (Signal & { more: number })[] {
  const byAccount = new Map<string, Signal[]>()
  for (const signal of signals) {
    const key = signal.locationId ?? ''
    byAccount.set(key, [...(byAccount.get(key) ?? []), signal])
  }
  return [...byAccount.values()]
    .flatMap((own) => {
      const [first] = [...own].sort(stronger)
      return first === undefined ? [] : [{ ...first, more: new Set(own.map(({ matter }) => matter)).size - 1 }]
    })
    .sort(stronger)
}

/** @param isCut some source had more than was read */
export function listOf(signals: readonly Signal[], accounts: ReadonlyMap<string, Account>, { limit, isCut }: { limit: number; isCut: boolean }): TodayList {
  const rows = rowsOf(signals)
  return {
    total: rows.length,
    atLeast: isCut,
    rows: rows.slice(0, limit).map(({ locationId, kind, reason, since, dueAt, action, targetId, more }) => ({
      kind, reason, action, more,
      account: locationId === null ? null : (accounts.get(locationId) ?? null),
      since: since?.toISOString() ?? null,
      dueAt: dueAt?.toISOString() ?? null,
      targetId: targetId ?? null,
    })),
  }
}

/** `1 day`, `33 days`. */
export function daysInWords(fromMs: number, toMs: number): string {
  const days = Math.floor(Math.abs(toMs - fromMs) / dayMs)
  return days === 1 ? '1 day' : `${days} days`
}

/** `Set 33 days ago, asks to be confirmed after 30 days.` */
export function staleReason({ setAt, confirmedAt, staleAt }: Pick<Account['health'], 'setAt' | 'confirmedAt' | 'staleAt'>, now: Date): string {
  const isConfirmed = confirmedAt !== null && (setAt === null || confirmedAt > setAt)
  const keptMs = Date.parse((isConfirmed ? confirmedAt : setAt) ?? now.toISOString())
  const staleMs = staleAt === null ? now.getTime() : Date.parse(staleAt)
  const ago = now.getTime() - keptMs < dayMs ? 'today' : `${daysInWords(keptMs, now.getTime())} ago`
  const said = `${isConfirmed ? 'Confirmed' : 'Set'} ${ago}`
  if (staleMs <= now.getTime()) return `${said}, asks to be confirmed after ${daysInWords(keptMs, staleMs)}.`
  const hours = (staleMs - now.getTime()) / (dayMs / 24)
  return `${said}, goes stale ${hours < 24 ? 'within a day' : `in ${daysInWords(now.getTime(), staleMs)}`}.`
}
