import type { Response } from 'express'
import { secondMs } from '../kernel/clock.ts'
import { RequestError } from '../kernel/errors.ts'
import type { Session, StreamOut, StreamSource } from '../kernel/route.ts'

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
export function createStreams({ verify, readSession, ...given }: { verify: (token: string) => Session | null; readSession: (token: string) => Promise<Session | null> } & Partial<StreamLimits>): Streams {
  const limits = { ...usual, ...given }
  const open = new Set<OpenStream>()
  let ended = false
  let beats = 0
  let checking = false
  let timer: NodeJS.Timeout | undefined

  /** Gone, or with another role than the stream was opened with: the page asks for a new one. */
  async function isStillThere({ session, token }: OpenStream): Promise<boolean> {
    if (session === null || token === undefined) return true
    try {
      const now = await readSession(token)
      return now !== null && now.role === session.role && now.companyId === session.companyId && now.locationId === session.locationId
    } catch {
      // Whoever cannot be checked right now is not told any more; the page comes back.
      return false
    }
  }

  /** One after the other: people of one agency share what is known of it for a moment. */
  async function check(): Promise<void> {
    if (checking) return
    checking = true
    for (const stream of open) if (!(await isStillThere(stream))) stream.out.close()
    checking = false
  }

  function beat(): void {
    beats += 1
    for (const { out, source, token } of open) {
      if (token !== undefined && verify(token) === null) out.close()
      else out.write(source.heartbeat())
    }
    if (beats % limits.beatsPerCheck === 0) void check()
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
      timer ??= setInterval(beat, limits.beatMs).unref()
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
