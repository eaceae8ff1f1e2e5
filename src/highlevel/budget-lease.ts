import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import { CodedError } from '../kernel/errors.ts'
import { newToken } from '../kernel/ids.ts'
import { isDuplicateKey } from '../store/index.ts'
import { budgetModel, type BudgetRecord } from './budget-model.ts'
import { dayOf, decide, liveBlocks, windowLimit, type Block, type BudgetDecision, type BudgetLimits, type BudgetState } from './budget-rules.ts'
import { locationIdOf, resourceKey, type Resource } from './resource.ts'
import type { Priority } from './types.ts'

/** What HighLevel's headers said since the last write. */
export interface Learned {
  max?: number
  windowMs?: number
  dailyLimit?: number
  dailyRemaining?: number
}

/** A leased block as its process sees it. */
export interface OwnBlock {
  id: string
  /** Work of this priority or a more urgent one may use it. */
  priority: Priority
  atMs: number
  usableUntilMs: number
  left: number
}

export type LeaseResult = { kind: 'leased'; block: OwnBlock } | (BudgetDecision & { kind: 'wait' })

/** The stored side of one resource's budget, in one process. */
export interface BudgetLedger {
  lease(priority: Priority, wanted: number, expected: number): Promise<LeaseResult>
  /** @param usedInWindow requests in HighLevel's own window right now, if it said so */
  learn(learned: Learned, usedInWindow?: number): void
  /** All processes stop until then. */
  pause(untilMs: number): Promise<void>
  giveBack(block: OwnBlock): void
}

/** HighLevel's count may run ahead of ours by requests that were under way; only more than this is somebody else's use. */
const countTolerance = 2

/**
 * One compare-and-set per block: the ledger keeps the document it wrote last and tries to extend it without reading.
 * Only when another process wrote in between does it read again. A stale copy can only lack newer blocks of others, and
 * then the compare-and-set fails; so a grant is always based on everything that was granted before.
 */
export function createBudgetLedger({ connection, clock, limits, resource }: { connection: Connection; clock: Clock; limits: BudgetLimits; resource: Resource }): BudgetLedger {
  const model = budgetModel(connection)
  const scope = { _id: resourceKey(resource), companyId: resource.companyId }
  let known: BudgetRecord | null = null
  let learned: Learned = {}
  /** Requests that HighLevel counts and we did not make (another tool of the agency's app installation, a lost record of ours). */
  let foreign: Block | null = null
  /** Permits of own blocks that expired unused: given back with the next write. */
  const unused = new Map<string, number>()

  async function load(): Promise<BudgetRecord> {
    const found = await model.findOne(scope).lean<BudgetRecord | null>()
    if (found !== null) return found
    const fresh: BudgetRecord = {
      ...scope, locationId: locationIdOf(resource), version: 1, blocks: [], pausedUntilMs: 0, learnedMax: null, learnedWindowMs: null,
      day: dayOf(clock.nowMs()), usedToday: 0, dailyLimit: null, dailyRemaining: null, dailySeenAtMs: 0, touchedAt: clock.now(),
    }
    try {
      await model.insertOne(fresh)
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
    }
    return (await model.findOne(scope).lean<BudgetRecord | null>()) ?? fresh
  }

  /** The stored state with what this process knows better. */
  function current(record: BudgetRecord, nowMs: number): BudgetState {
    const blocks = record.blocks.map((block) => ({ ...block, permits: block.permits - (unused.get(block.id) ?? 0) }))
    const givenBack = record.blocks.reduce((sum, block) => sum + (unused.get(block.id) ?? 0), 0)
    const today = dayOf(nowMs)
    const state: BudgetState = {
      blocks,
      pausedUntilMs: record.pausedUntilMs,
      learnedMax: learned.max ?? record.learnedMax,
      learnedWindowMs: learned.windowMs ?? record.learnedWindowMs,
      day: today,
      usedToday: record.day === today ? Math.max(0, record.usedToday - givenBack) : 0,
      dailyLimit: learned.dailyLimit ?? record.dailyLimit,
      dailyRemaining: learned.dailyRemaining ?? record.dailyRemaining,
      dailySeenAtMs: learned.dailyRemaining === undefined ? record.dailySeenAtMs : nowMs,
    }
    state.blocks = liveBlocks(limits, { ...state, blocks: foreign === null ? blocks : [...blocks, foreign] }, nowMs)
    return state
  }

  return {
    async lease(priority, wanted, expected) {
      for (let attempt = 1; attempt <= 12; attempt++) {
        known ??= await load()
        const nowMs = clock.nowMs()
        const state = current(known, nowMs)
        const decision = decide(limits, state, nowMs, priority, wanted, expected)
        if (decision.kind === 'wait') return decision
        const block: OwnBlock = { id: newToken(), priority, atMs: nowMs, usableUntilMs: nowMs + limits.permitLifeMs, left: decision.permits }
        const next: BudgetState = {
          ...state,
          blocks: [...state.blocks, { id: block.id, atMs: nowMs, permits: decision.permits }],
          usedToday: state.usedToday + decision.permits,
          // Between two readings of the headers the day's rest is counted down by what is leased.
          dailyRemaining: state.dailyRemaining === null ? null : Math.max(0, state.dailyRemaining - decision.permits),
        }
        const sentLearned = learned
        const sentForeign = foreign
        const stored = await model
          .findOneAndUpdate({ ...scope, version: known.version }, { $set: { ...next, touchedAt: clock.now() }, $inc: { version: 1 } }, { returnDocument: 'after' })
          .lean<BudgetRecord | null>()
        known = stored
        if (stored !== null) {
          if (learned === sentLearned) learned = {}
          if (foreign === sentForeign) foreign = null
          unused.clear()
          return { kind: 'leased', block }
        }
        // Another process was faster: read what it wrote, after a little while if this goes on.
        if (attempt > 2) await sleep(Math.random() * 5 * attempt)
      }
      throw new CodedError('highlevel_budget_busy', 'Too many processes lease from the same HighLevel budget at this moment.')
    },

    learn(news, usedInWindow) {
      learned = { ...learned, ...news }
      if (usedInWindow === undefined || known === null) return
      const nowMs = clock.nowMs()
      const state = current(known, nowMs)
      const ours = state.blocks.reduce((sum, block) => sum + block.permits, 0)
      const excess = usedInWindow - ours
      if (excess > countTolerance) foreign = { id: 'other', atMs: nowMs, permits: Math.min(excess, windowLimit(limits, state)) }
    },

    async pause(untilMs) {
      known = null
      await model.updateOne(scope, { $max: { pausedUntilMs: untilMs }, $inc: { version: 1 }, $set: { touchedAt: clock.now() } })
    },

    giveBack(block) {
      if (block.left > 0) unused.set(block.id, block.left)
      block.left = 0
    },
  }
}
