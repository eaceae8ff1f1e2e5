import type { Connection } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import { RetryAfterError } from '../kernel/errors.ts'
import type { Answer } from './answer.ts'
import { createBudgetLedger, type BudgetLedger, type Learned, type OwnBlock } from './budget-lease.ts'
import { budgetModel, type BudgetRecord } from './budget-model.ts'
import { liveBlocks, windowLimit, type BudgetLimits } from './budget-rules.ts'
import { numberHeader } from './error-mapping.ts'
import { resourceKey, type Resource } from './resource.ts'
import type { Priority } from './types.ts'

/** Turns of requests per resource: urgent before bulk, never more than HighLevel allows, shared by all processes. */
export interface RequestBudget {
  /**
   * Waits for a turn; the request must go out at once afterwards.
   * @throws RetryAfterError `highlevel_rate_limited` when the turn would come later than the priority may wait
   */
  acquire(resource: Resource, priority: Priority): Promise<void>
  /** Reads HighLevel's rate-limit headers. */
  learn(resource: Resource, answer: Answer): void
  /** After a 429: everybody stops calling this resource. Others are not touched. @returns the pause in milliseconds */
  pause(resource: Resource, intervalMs: number): Promise<number>
}

interface Waiter {
  priority: Priority
  deadlineMs: number
  resolve(): void
  reject(error: unknown): void
}

interface Desk {
  ledger: BudgetLedger
  blocks: OwnBlock[]
  waiters: Waiter[]
  running: boolean
  usedAtMs: number
  refusals: number
  /** Turns given since the last lease, and when that was: the pace at which permits are used. */
  given: number
  leasedAtMs: number
  wake: (() => void) | undefined
}

const urgency: Record<Priority, number> = { bulk: 0, webhook: 1, interactive: 2 }
const idleDeskMs = 120_000

export function createRequestBudget({ connection, clock, limits, random = Math.random }: { connection: Connection; clock: Clock; limits: BudgetLimits; random?: () => number }): RequestBudget {
  const desks = new Map<string, Desk>()

  function deskOf(resource: Resource): Desk {
    const key = resourceKey(resource)
    const known = desks.get(key)
    if (known !== undefined) return known
    if (desks.size >= 1_000) sweep()
    const desk: Desk = { ledger: createBudgetLedger({ connection, clock, limits, resource }), blocks: [], waiters: [], running: false, usedAtMs: clock.nowMs(), refusals: 0, given: 0, leasedAtMs: 0, wake: undefined }
    desks.set(key, desk)
    return desk
  }

  function sweep(): void {
    const since = clock.nowMs() - idleDeskMs
    for (const [key, desk] of desks) if (!desk.running && desk.waiters.length === 0 && desk.usedAtMs < since) desks.delete(key)
  }

  /** A permit at hand that this priority may use. */
  function takePermit(desk: Desk, priority: Priority): boolean {
    const nowMs = clock.nowMs()
    for (const block of desk.blocks) if (block.usableUntilMs <= nowMs) desk.ledger.giveBack(block)
    desk.blocks = desk.blocks.filter((block) => block.left > 0)
    const block = desk.blocks.find((candidate) => urgency[candidate.priority] <= urgency[priority])
    if (block === undefined) return false
    block.left--
    desk.given++
    return true
  }

  /** Turns that will be asked for within a permit's life if the pace since the last lease goes on. */
  function expectedTurns(desk: Desk): number {
    const nowMs = clock.nowMs()
    const expected = Math.ceil((desk.given * limits.permitLifeMs) / Math.max(nowMs - desk.leasedAtMs, limits.permitLifeMs / 4))
    desk.given = 0
    desk.leasedAtMs = nowMs
    return expected
  }

  function tooLate(untilMs: number, reason: string): RetryAfterError {
    return new RetryAfterError('highlevel_rate_limited', `HighLevel's request limit is reached (${reason}).`, Math.max(1, Math.ceil(untilMs - clock.nowMs())), { details: { reason } })
  }

  /** Serves the waiters of one desk, the most urgent first, until none is left. */
  async function serve(desk: Desk): Promise<void> {
    desk.running = true
    try {
      while (desk.waiters.length > 0) {
        desk.waiters.sort((a, b) => urgency[b.priority] - urgency[a.priority])
        const [first] = desk.waiters
        if (first === undefined) break
        if (takePermit(desk, first.priority)) {
          desk.waiters.shift()
          first.resolve()
          continue
        }
        const wanted = desk.waiters.filter((waiter) => waiter.priority === first.priority).length
        const result = await desk.ledger.lease(first.priority, wanted, expectedTurns(desk))
        if (result.kind === 'leased') {
          desk.blocks.push(result.block)
          continue
        }
        // What is refused to the most urgent is refused to all: who cannot wait that long is told when to come back.
        for (const waiter of desk.waiters.filter((candidate) => result.untilMs > candidate.deadlineMs)) waiter.reject(tooLate(result.untilMs, result.reason))
        desk.waiters = desk.waiters.filter((waiter) => result.untilMs <= waiter.deadlineMs)
        if (desk.waiters.length > 0) await rest(desk, result.untilMs - clock.nowMs())
      }
    } catch (error) {
      for (const waiter of desk.waiters.splice(0)) waiter.reject(error)
    } finally {
      desk.running = false
    }
  }

  /** Sleeps until the time, or until a newcomer (who may be more urgent) arrives. */
  function rest(desk: Desk, durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, Math.max(1, durationMs))
      function done(): void {
        clearTimeout(timer)
        desk.wake = undefined
        resolve()
      }
      desk.wake = done
    })
  }

  return {
    acquire(resource, priority) {
      const desk = deskOf(resource)
      desk.usedAtMs = clock.nowMs()
      if (desk.waiters.length === 0 && takePermit(desk, priority)) return Promise.resolve()
      return new Promise((resolve, reject) => {
        desk.waiters.push({ priority, deadlineMs: clock.nowMs() + limits.maxWaitMs[priority], resolve, reject })
        if (desk.running) desk.wake?.()
        else void serve(desk)
      })
    },

    learn(resource, answer) {
      const max = numberHeader(answer, 'x-ratelimit-max')
      const remaining = numberHeader(answer, 'x-ratelimit-remaining')
      const windowMs = numberHeader(answer, 'x-ratelimit-interval-milliseconds')
      const dailyLimit = numberHeader(answer, 'x-ratelimit-limit-daily')
      const dailyRemaining = numberHeader(answer, 'x-ratelimit-daily-remaining')
      const desk = deskOf(resource)
      if (answer.status > 0 && answer.status !== 429) desk.refusals = 0
      if (max === undefined && dailyRemaining === undefined) return
      const learned: Learned = {
        ...(max === undefined || max < 1 ? {} : { max }),
        ...(windowMs === undefined || windowMs === 0 ? {} : { windowMs }),
        ...(dailyLimit === undefined || dailyLimit === 0 ? {} : { dailyLimit }),
        ...(dailyRemaining === undefined ? {} : { dailyRemaining }),
      }
      desk.ledger.learn(learned, max === undefined || remaining === undefined ? undefined : max - remaining)
    },

    async pause(resource, intervalMs) {
      const desk = deskOf(resource)
      desk.refusals++
      // One window, longer when HighLevel keeps refusing, jittered so that processes do not come back together.
      const pauseMs = Math.ceil(intervalMs * Math.min(6, desk.refusals) * (1 + random() * 0.2))
      desk.blocks = []
      await desk.ledger.pause(clock.nowMs() + pauseMs)
      return pauseMs
    },
  }
}

/** One resource's use, for people who operate the product. */
export interface BudgetReading {
  locationId: string | null
  usedInWindow: number
  maxPerWindow: number
  usedToday: number
  dailyRemaining: number | null
  pausedUntil: Date | null
}

/** Reads the budgets of a company: its own and those of its locations, most used first. */
export function createBudgetGauge({ connection, clock, limits }: { connection: Connection; clock: Clock; limits: BudgetLimits }): { read(companyId: string): Promise<BudgetReading[]> } {
  return {
    async read(companyId) {
      const nowMs = clock.nowMs()
      const records = await budgetModel(connection).find({ companyId }).sort({ touchedAt: -1 }).limit(200).lean<BudgetRecord[]>()
      return records
        .map((record) => ({
          locationId: record.locationId,
          usedInWindow: liveBlocks(limits, record, nowMs).reduce((sum, block) => sum + block.permits, 0),
          maxPerWindow: windowLimit(limits, record),
          usedToday: record.usedToday,
          dailyRemaining: record.dailyRemaining,
          pausedUntil: record.pausedUntilMs > nowMs ? new Date(record.pausedUntilMs) : null,
        }))
        .sort((a, b) => b.usedInWindow - a.usedInWindow)
    },
  }
}
