import { dayMs } from '../kernel/clock.ts'
import type { BillingFactRecord, BillingRecord } from './model.ts'

/** Days ahead of a renewal that are told, far ones first. */
export const aheadDays = [30, 7] as const

/** The nearest number of days ahead that is reached; null while it is further away, or past. */
export function aheadReached(renewalAt: Date, now: Date): number | null {
  const leftDays = (renewalAt.getTime() - now.getTime()) / dayMs
  if (leftDays <= 0) return null
  return aheadDays.filter((days) => leftDays <= days).at(-1) ?? null
}

/** When the next number of days ahead is reached; null after the last. */
export function nextAheadAt(renewalAt: Date, toldDays: number): Date | null {
  const next = aheadDays.find((days) => toldDays === 0 || days < toldDays)
  return next === undefined ? null : new Date(renewalAt.getTime() - next * dayMs)
}

/** What a fact makes of the state; null if a newer fact has said so already. */
export function fold(state: BillingRecord, { fact, at, renewalAt }: BillingFactRecord): { next: BillingRecord; told: boolean } | null {
  if (fact === 'renewal_at') {
    if (state.renewalFactAt !== null && at < state.renewalFactAt) return null
    const same = state.renewalAt?.getTime() === renewalAt?.getTime()
    const toldDays = same ? state.toldDays : 0
    const dueAt = same ? state.dueAt : renewalAt === null ? null : nextAheadAt(renewalAt, 0)
    return { next: { ...state, renewalAt, renewalFactAt: at, toldDays, dueAt }, told: !same }
  }
  const payment = fact === 'payment_failed' ? 'failed' : 'recovered'
  if (state.paymentAt !== null && at < state.paymentAt) return null
  // A failure is told each time; a recovery only after a failure.
  return { next: { ...state, payment, paymentAt: at }, told: payment === 'failed' || state.payment === 'failed' }
}
