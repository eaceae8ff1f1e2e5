import type { LiveHint } from '../../src/http/contract/live.ts'
import type { Sessions } from './session.ts'

/** What a part of the page wants to hear of. `everything` passes always. */
export type LiveFilter = (hint: LiveHint) => boolean
/** Reads again what is shown; told what changed in the meantime. */
export type Refresh = (hints: readonly LiveHint[]) => unknown

/** Tells the parts of a page when to read again. One connection, however many parts; none while there is no part. */
export interface Live {
  /** @returns stops it */
  listen: (filter: LiveFilter, refresh: Refresh, restMs?: number) => () => void
  /** Changes come at once; if not, everything is read again every half minute. */
  isConnected(): boolean
}

/** The parts of the browser that are used. */
export interface LivePage {
  fetch(path: string, init: { headers: Record<string, string>; credentials: 'omit'; cache: 'no-store'; signal: AbortSignal }): Promise<Response>
  isVisible(): boolean
  isOnline(): boolean
  /** Calls back whenever the page is shown or hidden, or the connection comes or goes. */
  onTurn(listener: () => void): void
  random(): number
}

/** What changes together is read once. */
export const gatherMs = 300
/** Pause between two reads of one part, however much happens, unless it asks for a longer one. */
const usualRestMs = 2_000
export const pollMs = 30_000
/** What time alone changes (ages, what is due) is read again so often. */
const slowMs = 300_000
/** The server shows a sign of life every 20 seconds. */
const silenceMs = 50_000
/** A tab that is only looked past keeps its connection. */
const hiddenGraceMs = 5_000
const connectPatienceMs = 15_000
const firstRetryMs = 1_000
const longestRetryMs = 60_000
const everything: readonly LiveHint[] = [{ type: 'everything' }]

interface Part {
  filter: LiveFilter
  refresh: Refresh
  waiting: LiveHint[]
  timer: ReturnType<typeof setTimeout> | undefined
  restMs: number
  restsUntilMs: number
}

/** How a connection ended. `over`: it was there and ended, as at the end of a session. */
type End = { kind: 'over' } | { kind: 'failed'; retryAfterMs: number | null }

export function createLive(sessions: Sessions, page: LivePage): Live {
  const parts = new Set<Part>()
  let lastId: string | null = null
  let under: AbortController | null = null
  let connected = false
  let failures = 0
  let retry: ReturnType<typeof setTimeout> | undefined
  let hiding: ReturnType<typeof setTimeout> | undefined
  let polling: ReturnType<typeof setInterval> | undefined
  let slow: ReturnType<typeof setInterval> | undefined
  let wasOnline = page.isOnline()

  function tell(hints: readonly LiveHint[]): void {
    for (const part of parts) {
      const wanted = hints.filter((hint) => hint.type === 'everything' || part.filter(hint))
      if (wanted.length > 0) wake(part, wanted)
    }
  }

  function wake(part: Part, hints: readonly LiveHint[]): void {
    part.waiting.push(...hints)
    part.timer ??= setTimeout(() => void run(part), Math.max(gatherMs, part.restsUntilMs - Date.now()))
  }

  async function run(part: Part): Promise<void> {
    const hints = part.waiting.splice(0)
    try {
      await part.refresh(hints)
    } finally {
      // Only now: what happens while it reads is read afterwards.
      part.restsUntilMs = Date.now() + part.restMs
      part.timer = undefined
      if (part.waiting.length > 0 && parts.has(part)) wake(part, [])
    }
  }

  const mayRun = () => parts.size > 0 && page.isVisible() && page.isOnline()

  function poll(): void {
    polling ??= setInterval(() => mayRun() && tell(everything), pollMs)
  }

  function settle(): void {
    clearInterval(polling)
    polling = undefined
    failures = 0
    connected = true
  }

  async function connect(): Promise<void> {
    if (under !== null || !mayRun()) return
    clearTimeout(retry)
    const mine = new AbortController()
    under = mine
    const end = await follow(mine)
    // Stopped on purpose: whoever stopped it begins again.
    if (under !== mine) return
    under = null
    connected = false
    if (end.kind === 'failed') poll()
    const waitMs = end.kind === 'over' ? firstRetryMs : (end.retryAfterMs ?? Math.min(longestRetryMs, firstRetryMs * 2 ** failures++))
    // Not all pages at once, when a server comes back.
    retry = setTimeout(() => void connect(), waitMs * (0.5 + page.random() / 2))
  }

  async function ask(mine: AbortController, isSecond = false): Promise<Response | null> {
    const session = await sessions.get()
    if (!session.ok) return null
    const headers = { authorization: `Bearer ${session.token}`, ...(lastId === null ? {} : { 'last-event-id': lastId }) }
    const response = await page.fetch('/api/stream', { headers, credentials: 'omit', cache: 'no-store', signal: mine.signal })
    if (response.status !== 401 || isSecond) return response
    sessions.forget(session.token)
    return ask(mine, true)
  }

  /** Holds one connection until it ends. */
  async function follow(mine: AbortController): Promise<End> {
    let watch = setTimeout(() => mine.abort(), connectPatienceMs)
    try {
      const response = await ask(mine)
      if (response === null || !response.ok || response.body === null) {
        const seconds = Number(response?.headers.get('retry-after') ?? Number.NaN)
        return { kind: 'failed', retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : null }
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      for (;;) {
        clearTimeout(watch)
        watch = setTimeout(() => mine.abort(), silenceMs)
        const { done, value } = await reader.read()
        if (done) return connected ? { kind: 'over' } : { kind: 'failed', retryAfterMs: null }
        const messages = (text + value).split('\n\n')
        text = messages.pop() ?? ''
        tell(messages.flatMap(heard))
      }
    } catch {
      // Broken off or never there: the same to whoever waits.
      return { kind: 'failed', retryAfterMs: null }
    } finally {
      clearTimeout(watch)
    }
  }

  /** One message of the stream; keeps its id. */
  function heard(message: string): LiveHint[] {
    const fields = new Map(message.split('\n').map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
    lastId = fields.get('id') ?? lastId
    if (fields.get('event') === 'ready') settle()
    const data = fields.get('data')
    return data === undefined || fields.has('event') ? [] : [JSON.parse(data) as LiveHint]
  }

  function stop(): void {
    clearTimeout(retry)
    under?.abort()
    under = null
    connected = false
  }

  function turned(): void {
    clearTimeout(hiding)
    const isOnline = page.isOnline()
    const isBack = isOnline && !wasOnline
    wasOnline = isOnline
    if (!isOnline) stop()
    else if (!page.isVisible()) hiding = setTimeout(() => !page.isVisible() && stop(), hiddenGraceMs)
    else {
      if (isBack || (polling !== undefined && under === null)) tell(everything)
      failures = 0
      void connect()
    }
  }
  page.onTurn(turned)

  return {
    isConnected: () => connected,
    listen(filter, refresh, restMs = usualRestMs) {
      const part: Part = { filter, refresh, restMs, waiting: [], timer: undefined, restsUntilMs: 0 }
      parts.add(part)
      slow ??= setInterval(() => mayRun() && tell(everything), slowMs)
      void connect()
      return () => {
        parts.delete(part)
        clearTimeout(part.timer)
        if (parts.size > 0) return
        stop()
        clearInterval(polling)
        clearInterval(slow)
        polling = slow = undefined
      }
    },
  }
}
