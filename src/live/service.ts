import type { Connection } from 'mongoose'
import type { Events } from '../events/index.ts'
import { hourMs, secondMs, type Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Session, StreamOut, StreamSource } from '../kernel/route.ts'
import { positionOf } from '../store/index.ts'
import type { LiveHint } from '../http/contract/live.ts'
import { hintsFor } from './hints.ts'
import { createMarks, type Topic } from './marks.ts'
import { createTail, overlapMs, type Tail } from './tail.ts'

/** Tells open pages that something changed. */
export interface Live {
  /** Something changed that has no event of its own. */
  mark(companyId: string, topic: Topic): void
  /** What one session hears. @param lastEventId id of the last message that arrived, null on a first connection */
  stream(session: Session, lastEventId: string | null): StreamSource
  /** Agencies that this process looks after at the moment. */
  tails(): number
  purge(companyId: string): Promise<void>
  stop(): Promise<void>
}

export interface LiveDeps {
  connection: Connection
  clock: Clock
  logger: Logger
  events: Pick<Events, 'storedAfter' | 'onStored'>
  /** How often a tail looks for what other processes stored. */
  pollMs?: number
}

/** Who was away for longer reads everything again. */
const longestReplayMs = hourMs

export function createLive({ connection, clock, logger, events, pollMs = 3 * secondMs }: LiveDeps): Live {
  const marks = createMarks({ connection, clock, logger })
  const tails = new Map<string, Tail>()
  const poke = (companyId: string): void => tails.get(companyId)?.poke()
  const off = events.onStored(poke)
  marks.onStored(poke)

  function tailOf(companyId: string): Tail {
    const known = tails.get(companyId)
    if (known !== undefined) return known
    const tail = createTail(companyId, { events, marks, clock, logger, pollMs })
    tails.set(companyId, tail)
    return tail
  }

  const messageOf = (hint: LiveHint, position: number): string => `id: ${position}\ndata: ${JSON.stringify(hint)}\n\n`

  return {
    mark: (companyId, topic) => marks.mark(companyId, topic),

    stream(session, lastEventId) {
      const { companyId } = session
      let tail: Tail | null = null

      /** What was missed, and what is told before anything else. */
      async function missed(from: Tail): Promise<LiveHint[]> {
        const nowMs = clock.nowMs()
        // Also on a first connection: what the page shows was read a moment before.
        const after = (lastEventId === null ? positionOf(nowMs) : Number(lastEventId)) - positionOf(overlapMs)
        const told = after < positionOf(nowMs - longestReplayMs) ? null : await from.since(after)
        return told === null ? [{ type: 'everything' }] : hintsFor(told, session)
      }

      async function begin(out: StreamOut): Promise<() => void> {
        const mine = tailOf(companyId)
        tail = mine
        const stop = await mine.listen((told, position) => {
          for (const hint of hintsFor(told, session)) out.write(messageOf(hint, position))
        })
        const leave = (): void => {
          stop()
          if (mine.listeners() === 0 && tails.get(companyId) === mine) tails.delete(companyId)
        }
        try {
          const position = mine.position()
          for (const hint of await missed(mine)) out.write(messageOf(hint, position))
          // The reader knows from here on that it hears everything.
          out.write(`event: ready\nid: ${position}\ndata: {}\n\n`)
        } catch (error) {
          leave()
          throw error
        }
        return leave
      }

      return {
        open(out) {
          const begun = begin(out).catch((error: unknown) => {
            logger.warn({ companyId, code: describeError(error).code }, 'a page could not be told of changes')
            out.close()
            return () => undefined
          })
          return () => void begun.then((leave) => leave())
        },
        // Moves the reader's place on, so that it is not told old things again.
        heartbeat: () => `${tail === null ? '' : `id: ${tail.position()}\n`}: still here\n\n`,
      }
    },

    tails: () => tails.size,
    purge: (companyId) => marks.purge(companyId),

    async stop() {
      off()
      for (const tail of tails.values()) tail.stop()
      tails.clear()
      await marks.stop()
    },
  }
}
