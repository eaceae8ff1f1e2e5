import type { Response } from 'express'
import { secondMs } from '../kernel/clock.ts'
import { RequestError } from '../kernel/errors.ts'
import type { Session, StreamOut, StreamSource } from '../kernel/route.ts'
import type { SessionReader } from './mount.ts'

export interface StreamLimits {
  /** A sign of life every so often. */
  beatMs: number
  /** At every so-manieth beat it is asked whether the person may still be here. */
  beatsPerCheck: number
  perPerson: number
  perProcess: number
  /** What may wait for one reader. */
  maxWaitingBytes: number
}

const usual: StreamLimits = { beatMs: 20 * secondMs, beatsPerCheck: 3, perPerson: 4, perProcess: 2_000, maxWaitingBytes: 64 * 1_024 }
const retryAfterSeconds = 30

/** The open answers without an end of one process. */
export interface Streams {
  /** @throws RequestError 429 `too_many_streams` before anything was sent */
  open(response: Response, answer: { stream: StreamSource; contentType: string }, who: { session: Session | null; token: string | undefined }): void
  count(): number
  /** Ends them all and takes no more; pages ask another process, or the next. */
  end(): void
}

interface OpenStream {
  out: StreamOut
  source: StreamSource
  session: Session | null
  token: string | undefined
}

/**
 * @param verify looks at the token alone, at every beat
 * @param readSession also asks whether agency, account and person are still there
 */
export function createStreams({ verify, readSession, ...given }: { verify: (token: string) => Session | null; readSession: SessionReader } & Partial<StreamLimits>): Streams {
  const limits = { ...usual, ...given }
  const open = new Set<OpenStream>()
  let ended = false
  let beats = 0
  let timer: NodeJS.Timeout | undefined

  /** Expired, gone, or another role than the stream was opened with: the page asks for a new one. */
  async function isGood({ session, token }: OpenStream): Promise<boolean> {
    if (session === null || token === undefined) return true
    if (verify(token) === null) return false
    if (beats % limits.beatsPerCheck !== 0) return true
    const now = await readSession(token)
    return now !== null && now.role === session.role && now.companyId === session.companyId && now.locationId === session.locationId
  }

  async function beat(stream: OpenStream): Promise<void> {
    try {
      if (await isGood(stream)) stream.out.write(stream.source.heartbeat())
      else stream.out.close()
    } catch {
      // Whoever cannot be checked right now is not told any more; the page comes back.
      stream.out.close()
    }
  }

  function beatAll(): void {
    beats += 1
    for (const stream of open) void beat(stream)
  }

  function demandRoom(response: Response, session: Session | null): void {
    const own = session === null ? 0 : [...open].filter((one) => one.session?.userId === session.userId && one.session.companyId === session.companyId).length
    if (!ended && own < limits.perPerson && open.size < limits.perProcess) return
    response.set('Retry-After', String(retryAfterSeconds))
    throw new RequestError(429, 'too_many_streams', 'This page is open too often. It is still kept fresh, a little slower; close other tabs to have changes at once.')
  }

  return {
    count: () => open.size,

    open(response, { stream: source, contentType }, { session, token }) {
      demandRoom(response, session)
      if (response.destroyed) return
      let isOpen = true
      const stream: OpenStream = {
        source, session, token,
        out: {
          write(text) {
            if (!isOpen || text === '') return
            response.write(text)
            if (response.writableLength > limits.maxWaitingBytes) response.destroy()
          },
          close() {
            if (isOpen) response.end()
          },
        },
      }
      // Nothing on the way may gather what is to arrive at once.
      response.status(200).set({ 'Content-Type': `${contentType}; charset=utf-8`, 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' })
      response.flushHeaders()
      open.add(stream)
      timer ??= setInterval(beatAll, limits.beatMs).unref()
      const stop = source.open(stream.out)
      response.on('close', () => {
        isOpen = false
        open.delete(stream)
        stop()
        if (open.size > 0) return
        clearInterval(timer)
        timer = undefined
      })
    },

    end() {
      ended = true
      for (const { out } of open) out.close()
    },
  }
}
