import { secondMs, type Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { PumpName, Wake } from '../kernel/wake.ts'
import type { Claimed, LeasedQueue, Turns } from './leased-queue.ts'

/** What became of a handled item: nothing or `done`, `ignored`, or it waits for a condition. Failures are thrown. */
export type HandleOutcome = 'done' | 'ignored' | { hold: { untilAt: Date; reason: string } }

/** Takes items from a queue and works on them. */
export interface Pump {
  readonly name: string
  /**
   * Works until nothing is due. Calls while it runs join the run in progress, which then looks once more.
   * @returns how many items were handled
   * @throws the store's error if items cannot be claimed
   */
  drain(): Promise<number>
  /** Listens to its wake signal and to the queue's next due time, looks every half a minute by itself, and drains. */
  start(): void
  /** Takes nothing new, gives back what it has not begun, and waits for what it has, at most `deadlineMs` (default 10 s). */
  stop(deadlineMs?: number): Promise<void>
}

/** The part of a queue that a pump needs. */
export type PumpQueue<T> = Pick<LeasedQueue<T>, 'claim' | 'complete' | 'fail' | 'hold' | 'giveBack' | 'extend' | 'nextDueAt'>

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
  /** How often leases of items in work are lengthened; default 20 s. */
  heartbeatMs?: number
}

/** A lease is lengthened this often at most: a handler that hangs loses its item in the end. */
const maxHeartbeats = 15
const maxTimerMs = 30 * secondMs
/** After this a resting company's work is tried again in any case. */
const maxRestMs = 15 * secondMs

export function createPump<T>(options: PumpOptions<T>): Pump {
  const { name, queue, handle, clock, logger, batch = 32, concurrency = 8, wake, pumpName, heartbeatMs = 20 * secondMs, perCompany, restsCompany } = options
  const busy = new Map<string, number>()
  let lookedAt = clock.now()
  const restingUntilMs = new Map<string, number>()
  let running: Promise<number> | undefined
  let again = false
  let nudge: () => void = () => undefined
  let started = false
  let stopping = false
  let timer: NodeJS.Timeout | undefined
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
      // The company has a hand free again: what a look left out because of its share is looked for once more.
      if (perCompany !== undefined) again = true
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

  /** Works until a claim finds nothing and no item is in work. */
  async function run(): Promise<number> {
    const waiting: Claimed<T>[] = []
    const inWork = new Set<Promise<void>>()
    let handled = 0
    let fault: { error: unknown } | undefined
    for (;;) {
      if (isStopping()) await giveBack(waiting.splice(0))
      while (inWork.size < concurrency) {
        const next = waiting.shift()
        if (next === undefined) break
        handled += 1
        const item: Promise<void> = work(next).finally(() => inWork.delete(item))
        inWork.add(item)
      }
      // Claims more when half of the hands are free, so that claims stay few and a slow item does not hold up the rest.
      if (!isStopping() && fault === undefined && waiting.length === 0 && inWork.size <= concurrency / 2) {
        again = false
        try {
          lookedAt = clock.now()
          const claims = await queue.claim(batch, turns())
          waiting.push(...claims)
          if (claims.length > 0) continue
        } catch (error) {
          fault = { error }
        }
      }
      if (inWork.size === 0 && waiting.length === 0) break
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

  async function drainAndSetTimer(): Promise<void> {
    let nextAt: Date | null = null
    try {
      await drain()
      // What fell due since the last look, while the pump was busy ending, is looked for at once.
      if (started) nextAt = await queue.nextDueAt(lookedAt)
    } catch (error) {
      logger.error({ pump: name, code: describeError(error).code, reason: describeError(error).message }, 'pump could not claim')
    }
    if (!isStarted()) return
    // Also when nothing is due: what a dead process had leased, and what became due while the store was away, nobody signals.
    const nextMs = Math.min(nextAt?.getTime() ?? Number.POSITIVE_INFINITY, ...restingUntilMs.values())
    const waitMs = Math.min(maxTimerMs, Math.max(10, nextMs - clock.nowMs()))
    clearTimeout(timer)
    timer = setTimeout(poke, waitMs)
    timer.unref()
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
    start() {
      if (started) return
      started = true
      stopping = false
      if (wake !== undefined && pumpName !== undefined) stopListening = wake.on(pumpName, poke)
      poke()
    },
    async stop(deadlineMs = 10 * secondMs) {
      started = false
      stopping = true
      nudge()
      stopListening?.()
      clearTimeout(timer)
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
