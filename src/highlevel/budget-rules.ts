import { secondMs } from '../kernel/clock.ts'
import type { Priority } from './types.ts'

/** Limits of one resource (a location or a company). Durations in milliseconds. */
export interface BudgetLimits {
  /** HighLevel counts requests over this sliding window. */
  windowMs: number
  /** Requests in any window. HighLevel: 100 in production, 25 for a sandbox agency. */
  maxPerWindow: number
  /** Part of the window that each priority may fill; the rest is kept for more urgent work. */
  shares: Record<Priority, number>
  /** A leased permit must be used within this time. */
  permitLifeMs: number
  /** Allowance for the clocks of processes, and for requests that travel at different speeds. */
  marginMs: number
  /** Permits leased at once while there is plenty. */
  blockSize: number
  /** Permits leased at once at most. */
  maxBlockSize: number
  /** Requests per day: 200,000 in production, 10,000 for a sandbox agency. */
  maxPerDay: number
  /** Below this part of the day's rest, only interactive work goes on. */
  dayReserveShare: number
  /** How long a call waits for its turn before it gives up with a time to come back. */
  maxWaitMs: Record<Priority, number>
}

export const productionLimits: BudgetLimits = {
  windowMs: 10 * secondMs,
  maxPerWindow: 100,
  shares: { interactive: 1, webhook: 0.8, bulk: 0.6 },
  permitLifeMs: secondMs,
  marginMs: 500,
  blockSize: 4,
  maxBlockSize: 25,
  maxPerDay: 200_000,
  dayReserveShare: 0.05,
  maxWaitMs: { interactive: 5 * secondMs, webhook: secondMs, bulk: secondMs },
}

/** HighLevel's fair-use limits for sandbox agencies. */
export const sandboxAgencyLimits: BudgetLimits = { ...productionLimits, maxPerWindow: 25, maxPerDay: 10_000, blockSize: 2, maxBlockSize: 8 }

/** A block of permits that some process leased. */
export interface Block {
  id: string
  atMs: number
  permits: number
}

/** What the store knows of a resource's use. */
export interface BudgetState {
  blocks: Block[]
  pausedUntilMs: number
  /** Limits learned from HighLevel's headers; null until seen. */
  learnedMax: number | null
  learnedWindowMs: number | null
  day: string
  usedToday: number
  dailyLimit: number | null
  dailyRemaining: number | null
  dailySeenAtMs: number
}

export type BudgetDecision =
  | { kind: 'granted'; permits: number }
  | { kind: 'wait'; untilMs: number; reason: 'window' | 'paused' | 'day' }

/** How long a reading of the day's rest is believed before one call may find out anew. */
const dayReadingMs = 15 * 60 * secondMs

/** Day of HighLevel's daily quota; its reset hour is undocumented, UTC midnight is assumed and corrected by its headers. */
export function dayOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10)
}

/**
 * How long a block counts. A permit leased at t is used at some u in [t, t + permitLife]. A window (s − window, s] that contains
 * u therefore has t in (s − window − permitLife, s]. So if all blocks of the last window + permitLife sum to at most the limit,
 * then no sliding window holds more than the limit, whichever processes leased and whenever they used. The margin is added for
 * clocks that differ between processes and for requests that overtake each other on the way.
 */
export function blockSpanMs(limits: BudgetLimits, state: Pick<BudgetState, 'learnedWindowMs'>): number {
  return Math.max(limits.windowMs, state.learnedWindowMs ?? 0) + limits.permitLifeMs + limits.marginMs
}

/** The configured limit, or a lower one that HighLevel's headers named. */
export function windowLimit(limits: BudgetLimits, state: Pick<BudgetState, 'learnedMax'>): number {
  return Math.max(1, Math.min(limits.maxPerWindow, state.learnedMax ?? limits.maxPerWindow))
}

/** Blocks that still count. */
export function liveBlocks(limits: BudgetLimits, state: BudgetState, nowMs: number): Block[] {
  const since = nowMs - blockSpanMs(limits, state)
  return state.blocks.filter((block) => block.atMs > since && block.permits > 0)
}

/**
 * Grants up to `wanted` permits, or says when to ask again.
 * @param wanted how many calls wait right now, from 1
 * @param expected how many more are likely within a permit's life, from the pace so far
 */
export function decide(limits: BudgetLimits, state: BudgetState, nowMs: number, priority: Priority, wanted: number, expected = 0): BudgetDecision {
  if (state.pausedUntilMs > nowMs) return { kind: 'wait', untilMs: state.pausedUntilMs, reason: 'paused' }
  const dayWaitMs = dayWait(limits, state, nowMs, priority)
  if (dayWaitMs > 0) return { kind: 'wait', untilMs: nowMs + dayWaitMs, reason: 'day' }

  const max = windowLimit(limits, state)
  const cap = Math.max(1, Math.floor(max * limits.shares[priority]))
  const live = liveBlocks(limits, state, nowMs)
  const used = live.reduce((sum, block) => sum + block.permits, 0)
  const free = cap - used
  if (free >= 1) {
    // A few permits ahead save store writes, but only while they cannot keep anybody else waiting.
    const ahead = used < cap / 2 ? Math.max(limits.blockSize, expected) : 1
    return { kind: 'granted', permits: Math.min(free, limits.maxBlockSize, Math.max(wanted, ahead)) }
  }
  // Oldest blocks leave first: the instant at which the first permit is free again.
  let excess = used - cap + 1
  let untilMs = nowMs + 1
  for (const block of [...live].sort((a, b) => a.atMs - b.atMs)) {
    excess -= block.permits
    untilMs = block.atMs + blockSpanMs(limits, state)
    if (excess <= 0) break
  }
  return { kind: 'wait', untilMs: Math.max(untilMs, nowMs + 1), reason: 'window' }
}

function dayWait(limits: BudgetLimits, state: BudgetState, nowMs: number, priority: Priority): number {
  const limit = Math.min(limits.maxPerDay, state.dailyLimit ?? limits.maxPerDay)
  const today = state.day === dayOf(nowMs)
  const fresh = state.dailyRemaining !== null && nowMs - state.dailySeenAtMs < dayReadingMs
  const rest = fresh ? (state.dailyRemaining ?? 0) : limit - (today ? state.usedToday : 0)
  const needed = priority === 'interactive' ? 1 : Math.ceil(limit * limits.dayReserveShare)
  if (rest >= needed) return 0
  // Come back when the reading is too old to believe, or with the new day.
  const newDayMs = Date.parse(`${dayOf(nowMs)}T00:00:00Z`) + 24 * 60 * 60 * secondMs - nowMs
  return fresh ? Math.max(secondMs, Math.min(state.dailySeenAtMs + dayReadingMs - nowMs, dayReadingMs)) : newDayMs
}
