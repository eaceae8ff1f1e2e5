import type { Account } from '../http/contract/accounts.ts'
import type { TodayAction, TodayRow } from '../http/contract/today.ts'
import { dayMs } from '../kernel/clock.ts'

/** One reason why an account, or the agency's set-up, is on a list. */
export interface Signal {
  /** Null for the set-up. */
  locationId: string | null
  kind: TodayRow['kind']
  /** What it is about: two signals of one matter are one reason. */
  matter: string
  /** A sentence, or how it is made once the account has been read. */
  reason: string | ((account: Account) => string)
  since: Date | null
  dueAt?: Date
  action: TodayAction | ((account: Account) => TodayAction)
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

type Ranked = ReturnType<typeof rowsOf>[number]

/** Rows with the accounts that were read for them; an account that went in the meantime has none. */
export function viewsOf(rows: readonly Ranked[], accounts: ReadonlyMap<string, Account>): TodayRow[] {
  return rows.flatMap(({ locationId, kind, reason, since, dueAt, action, targetId, more }): TodayRow[] => {
    const rest = { kind, more, since: since?.toISOString() ?? null, dueAt: dueAt?.toISOString() ?? null, targetId: targetId ?? null }
    if (locationId === null) return typeof reason === 'string' && typeof action === 'string' ? [{ ...rest, account: null, reason, action }] : []
    const account = accounts.get(locationId)
    if (account === undefined) return []
    return [{ ...rest, account, reason: typeof reason === 'string' ? reason : reason(account), action: typeof action === 'string' ? action : action(account) }]
  })
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
