import type { Events } from '../events/index.ts'
import { secondMs, type Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { positionOf } from '../store/index.ts'
import { toldBy, type Told } from './hints.ts'
import type { Marks } from './marks.ts'

export interface TailDeps {
  events: Pick<Events, 'storedAfter'>
  marks: Pick<Marks, 'after'>
  clock: Clock
  logger: Logger
  /** How often it looks for what other processes stored. */
  pollMs: number
}

/** One stored record and what it tells. */
interface Read {
  key: string
  position: number
  told: Told[]
}

type Listener = (told: Told[], position: number) => void

/** What an agency's records say since a position, once for each process. */
export interface Tail {
  /** Resolves when whatever is stored from now on will be told. @returns a function that stops listening */
  listen(listener: Listener): Promise<() => void>
  /** What was stored after a position; null if that is too much to say. */
  since(position: number): Promise<Told[] | null>
  /** Looks soon: this process stored something. */
  poke(): void
  listeners(): number
  /** Everything that was stored before is told, as far as clocks agree. */
  position(): number
  stop(): void
}

/** How far the clocks of processes may be apart, and how long a write may be on its way, without being missed. */
export const overlapMs = 10 * secondMs
/** What is stored in the same moment is told together, when all that follows from it is stored, too. */
const gatherMs = 150
const pageLength = 500
/** Of a reader who comes back. */
const maxMissed = 2_000

export function createTail(companyId: string, { events, marks, clock, logger, pollMs }: TailDeps): Tail {
  const listeners = new Set<Listener>()
  /** What was told already of the span that is looked at again and again; by key, with its position. */
  const seen = new Map<string, number>()
  let floor = 0
  let lookedAt = 0
  let looking: Promise<void> | undefined
  let begun: Promise<void> | undefined
  let again = false
  let gathering: NodeJS.Timeout | undefined
  let polling: NodeJS.Timeout | undefined

  /** Everything after a position, up to a number of events. */
  async function read(after: number, limit: number): Promise<Read[] | null> {
    const marked = await marks.after(companyId, after)
    const read: Read[] = marked.map(({ hint, position }) => ({ key: `mark:${JSON.stringify(hint)}:${position}`, position, told: [{ to: 'team', hint }] }))
    for (let from = after, count = 0; ; ) {
      const page = await events.storedAfter({ companyId, after: from, limit: pageLength })
      for (const event of page) read.push({ key: event.key, position: event.position, told: toldBy(event) })
      count += page.length
      if (page.length < pageLength) return read
      if (count >= limit) return null
      from = page.at(-1)?.position ?? from
    }
  }

  async function look(isFirst: boolean): Promise<void> {
    const beganAt = positionOf(clock.nowMs())
    const found = (await read(floor, Infinity)) ?? []
    const fresh = found.filter(({ key }) => !seen.has(key))
    for (const { key, position } of fresh) seen.set(key, position)
    lookedAt = beganAt
    floor = beganAt - positionOf(overlapMs)
    for (const [key, position] of seen) if (position <= floor) seen.delete(key)
    const told = fresh.flatMap((one) => one.told)
    if (isFirst || told.length === 0) return
    for (const listener of listeners) listener(told, beganAt)
  }

  function schedule(): void {
    clearTimeout(polling)
    polling = listeners.size === 0 ? undefined : setTimeout(run, pollMs).unref()
  }

  function run(): void {
    if (looking !== undefined) {
      again = true
      return
    }
    looking = look(false)
      .catch((error: unknown) => logger.warn({ companyId, code: describeError(error).code }, 'could not look for what open pages should be told; it is looked again'))
      .finally(() => {
        looking = undefined
        schedule()
        if (again && listeners.size > 0) run()
        again = false
      })
  }

  async function begin(): Promise<void> {
    floor = positionOf(clock.nowMs() - overlapMs)
    seen.clear()
    await look(true)
    schedule()
  }

  return {
    async listen(listener) {
      listeners.add(listener)
      const off = (): void => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        clearTimeout(polling)
        clearTimeout(gathering)
        gathering = undefined
        begun = undefined
      }
      try {
        await (begun ??= begin())
      } catch (error) {
        off()
        begun = undefined
        throw error
      }
      return off
    },

    async since(position) {
      const found = await read(position, maxMissed)
      return found === null ? null : found.flatMap(({ told }) => told)
    },

    poke() {
      if (listeners.size === 0 || gathering !== undefined) return
      gathering = setTimeout(() => {
        gathering = undefined
        run()
      }, gatherMs)
    },

    listeners: () => listeners.size,
    position: () => lookedAt,

    stop() {
      listeners.clear()
      clearTimeout(polling)
      clearTimeout(gathering)
    },
  }
}
