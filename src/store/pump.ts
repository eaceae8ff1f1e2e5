import { secondMs, type Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { PumpName, Wake } from '../kernel/wake.ts'
import type { Claimed, LeasedQueue, Turns } from './queue-types.ts'

/** What became of a handled item: nothing or `done`, `ignored`, or it waits for a condition. Failures are thrown. */
export type HandleOutcome = 'done' | 'ignored' | { hold: { untilAt: Date; reason: string } }

/** Takes items from a queue and works on them. */
export interface Pump<T = never> {
  readonly name: string
  /**
   * Works until nothing is due. Calls while it runs join the run in progress, which then looks once more.
   * @returns how many items were handled
   * @throws the store's error if items cannot be claimed
   */
  drain(): Promise<number>
  /** True if this pump runs and has a hand free for one more item of the company: then `take` may be called at once, in the same turn. */
  hasRoom(companyId: string): boolean
  /** Works on an item that was leased for this pump elsewhere, together with the write that made it due. */
  take(claimed: Claimed<T>): void
  /** Listens to its wake signal and to the queue's next due time, looks every half a minute by itself, and drains. */
  start(): void
  /** Takes nothing new, gives back what it has not begun, and waits for what it has, at most `deadlineMs` (default 10 s). */
  stop(deadlineMs?: number): Promise<void>
}

/** The part of a queue that a pump needs. */
export type PumpQueue<T> = Pick<LeasedQueue<T>, 'look' | 'complete' | 'fail' | 'hold' | 'giveBack' | 'extend'>

export interface PumpOptions<T> {
  name: string
  queue: PumpQueue<T>
  handle: (claimed: Claimed<T>) => Promise<HandleOutcome | undefined> | Promise<void>
  clock: Clock
  logger: Logger
  /** Most items leased at once. */
  batch?: number
  /** Most items worked on at once. */
  concurrency?: number
  /** Most items of one company worked on at once; without it a company may have all hands. */
  perCompany?: number
  /** True if an item that is held for this reason speaks for its whole company: none of its items is begun before that time. */
  restsCompany?: (reason: string) => boolean
  wake?: Wake
  pumpName?: PumpName
  /** True if its items do not wait for each other and the queue reports those that fall due again: no look is needed after the last one. */
  laneless?: boolean
  /** After a signal it waits this long for more of them, so that a burst is claimed together. Default 0. */
  gatherMs?: number
  /** How often leases of items in work are lengthened; default 20 s. */
  heartbeatMs?: number
}

/** A lease is lengthened this often at most: a handler that hangs loses its item in the end. */
const maxHeartbeats = 15
const maxTimerMs = 30 * secondMs
/** After this a resting company's work is tried again in any case. */
const maxRestMs = 15 * secondMs

export function createPump<T>(options: PumpOptions<T>): Pump<T> {
  const { name, queue, handle, clock, logger, batch = 32, concurrency = 8, wake, pumpName, heartbeatMs = 20 * secondMs, perCompany, restsCompany, gatherMs = 0, laneless = false } = options
  const busy = new Map<string, number>()
  /** Items that are leased and not begun, and those in work. */
  const waiting: Claimed<T>[] = []
  const inWork = new Set<Promise<void>>()
  /** What the last look said of the items that it did not bring. */
  let left = false
  let nextDueMs = Number.POSITIVE_INFINITY
  const restingUntilMs = new Map<string, number>()
  let running: Promise<number> | undefined
  let again = false
  let nudge: () => void = () => undefined
  let started = false
  let stopping = false
  let timer: NodeJS.Timeout | undefined
  let gathering: NodeJS.Timeout | undefined
  let stopListening: (() => void) | undefined

  async function settle(claimed: Claimed<T>): Promise<void> {
    try {
      const outcome = await handle(claimed)
      if (typeof outcome === 'object' && claimed.companyId !== null && restsCompany?.(outcome.hold.reason) === true) {
        restingUntilMs.set(claimed.companyId, Math.min(outcome.hold.untilAt.getTime(), clock.nowMs() + maxRestMs))
      }
      const kept = typeof outcome === 'object' ? await queue.hold(claimed, outcome.hold.untilAt, outcome.hold.reason) : await queue.complete(claimed, outcome ?? 'done')
      if (!kept) logger.warn({ pump: name, key: claimed.key }, 'lease lost: another worker has this item')
    } catch (error) {
      const described = describeError(error)
      try {
        const next = await queue.fail(claimed, error)
        logger[next === 'dead' ? 'error' : 'warn']({ pump: name, key: claimed.key, attempt: claimed.attempt, code: described.code, reason: described.message, next }, 'item failed')
      } catch (storeError) {
        // The lease will run out and another attempt be made.
        logger.error({ pump: name, key: claimed.key, code: describeError(storeError).code }, 'failure of an item could not be recorded')
      }
    }
  }

  async function work(claimed: Claimed<T>): Promise<void> {
    let beats = 0
    const heartbeat = setInterval(() => {
      beats += 1
      if (beats > maxHeartbeats) return
      queue.extend(claimed).catch((error: unknown) => {
        logger.warn({ pump: name, key: claimed.key, code: describeError(error).code }, 'lease could not be lengthened')
      })
    }, heartbeatMs)
    heartbeat.unref()
    const { companyId } = claimed
    if (companyId !== null) busy.set(companyId, (busy.get(companyId) ?? 0) + 1)
    try {
      await settle(claimed)
    } finally {
      clearInterval(heartbeat)
      const left = companyId === null ? 0 : (busy.get(companyId) ?? 1) - 1
      if (companyId !== null && left > 0) busy.set(companyId, left)
      else if (companyId !== null) busy.delete(companyId)
    }
  }

  function turns(): Turns | undefined {
    if (perCompany === undefined) return undefined
    const taken = new Map(busy)
    for (const [companyId, untilMs] of restingUntilMs) {
      if (untilMs > clock.nowMs()) taken.set(companyId, Number.POSITIVE_INFINITY)
      else restingUntilMs.delete(companyId)
    }
    return { perCompany, taken }
  }

  /**
   * Works until a look finds nothing and no item is in work. It looks when it was signalled, when an item ended while due ones were left for its lane or
   * its company's share, and once more after the last item: what another process inserted behind it in its lane was nobody else's to claim.
   */
  async function run(): Promise<number> {
    let handled = 0
    let ended = 0
    let fault: { error: unknown } | undefined
    for (;;) {
      if (isStopping()) await giveBack(waiting.splice(0))
      while (inWork.size < concurrency) {
        const next = waiting.shift()
        if (next === undefined) break
        handled += 1
        const item: Promise<void> = work(next).finally(() => {
          inWork.delete(item)
          ended += 1
        })
        inWork.add(item)
      }
      const idle = inWork.size === 0
      const due = again || (ended > 0 && (left || (idle && !(laneless && started))))
      // Looks when half of the hands are free, so that claims stay few and a slow item does not hold up the rest.
      if (due && !isStopping() && fault === undefined && waiting.length === 0 && inWork.size <= concurrency / 2) {
        again = false
        ended = 0
        try {
          const look = await queue.look(batch, turns())
          waiting.push(...look.claims)
          left = look.left
          nextDueMs = look.nextDueAt?.getTime() ?? Number.POSITIVE_INFINITY
        } catch (error) {
          fault = { error }
        }
        continue
      }
      if (idle && waiting.length === 0) break
      if (!again || isStopping() || fault !== undefined || inWork.size > concurrency / 2) {
        const nudged = new Promise<void>((resolve) => {
          nudge = resolve
        })
        await Promise.race([...inWork, nudged])
      }
    }
    if (fault !== undefined) throw fault.error
    return handled
  }

  async function giveBack(items: Claimed<T>[]): Promise<void> {
    for (const claimed of items) {
      try {
        await queue.giveBack(claimed)
      } catch (error) {
        logger.warn({ pump: name, key: claimed.key, code: describeError(error).code }, 'item could not be given back; its lease will run out')
      }
    }
  }

  /** Set from outside while a run waits. */
  function isStopping(): boolean {
    return stopping
  }

  function drain(): Promise<number> {
    again = true
    nudge()
    running ??= drainAgain()
    return running
  }

  async function drainAgain(): Promise<number> {
    let handled = 0
    try {
      do handled += await run()
      while (again && !isStopping())
      return handled
    } finally {
      running = undefined
    }
  }

  async function drainAndSetTimer(first?: Promise<number>): Promise<void> {
    try {
      await (first ?? drain())
    } catch (error) {
      logger.error({ pump: name, code: describeError(error).code, reason: describeError(error).message }, 'pump could not claim')
    }
    if (!isStarted()) return
    // Also when nothing is due: what a dead process had leased, and what became due while the store was away, nobody signals.
    const nextMs = Math.min(nextDueMs, ...restingUntilMs.values())
    const waitMs = Math.min(maxTimerMs, Math.max(10, nextMs - clock.nowMs()))
    clearTimeout(timer)
    timer = setTimeout(poke, waitMs)
    timer.unref()
  }

  function signalled(): void {
    if (gatherMs === 0) poke()
    else if (gathering === undefined) {
      gathering = setTimeout(() => {
        gathering = undefined
        if (started) poke()
      }, gatherMs)
      gathering.unref()
    }
  }

  function isStarted(): boolean {
    return started
  }

  function poke(): void {
    if (running === undefined) void drainAndSetTimer()
    else {
      again = true
      nudge()
    }
  }

  return {
    name,
    drain,
    hasRoom(companyId) {
      if (!started || stopping || waiting.length + inWork.size >= concurrency) return false
      const share = waiting.filter((claimed) => claimed.companyId === companyId).length + (busy.get(companyId) ?? 0)
      return (perCompany === undefined || share < perCompany) && (restingUntilMs.get(companyId) ?? 0) <= clock.nowMs()
    },
    take(claimed) {
      waiting.push(claimed)
      if (running === undefined) {
        running = drainAgain()
        void drainAndSetTimer(running)
      } else nudge()
    },
    start() {
      if (started) return
      started = true
      stopping = false
      if (wake !== undefined && pumpName !== undefined) stopListening = wake.on(pumpName, signalled)
      poke()
    },
    async stop(deadlineMs = 10 * secondMs) {
      started = false
      stopping = true
      nudge()
      stopListening?.()
      clearTimeout(timer)
      clearTimeout(gathering)
      gathering = undefined
      if (running === undefined) return
      let deadline: NodeJS.Timeout | undefined
      const tooLate = new Promise<'late'>((resolve) => {
        deadline = setTimeout(() => resolve('late'), deadlineMs)
      })
      const ended = await Promise.race([running.then(() => 'ended' as const, () => 'ended' as const), tooLate])
      clearTimeout(deadline)
      if (ended === 'late') logger.warn({ pump: name }, 'stopped before all work in progress was finished; its leases will run out')
    },
  }
}
