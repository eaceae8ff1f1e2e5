import type { LiveHint } from '../../src/http/contract/live.ts'
import { until } from '../support/until.ts'

/** An open stream and what it said. */
export interface Listening {
  status: number
  headers: Headers
  /** Body of a refusal. */
  refusal: { error: { code: string } } | null
  hints: LiveHint[]
  /** Id of the last message. */
  lastId(): string
  heartbeats(): number
  isOver(): boolean
  /** Until a hint like this has come. */
  heard(hint: Partial<LiveHint>): Promise<void>
  close(): void
}

/** Opens a stream and waits until everything missed was said. */
export async function listen(url: string, token: string, lastEventId?: string, how: 'header' | 'query' = 'header'): Promise<Listening> {
  const stop = new AbortController()
  const asked = lastEventId === undefined || how === 'header' ? '' : `?lastEventId=${lastEventId}`
  const headers = { authorization: `Bearer ${token}`, ...(lastEventId === undefined || how === 'query' ? {} : { 'last-event-id': lastEventId }) }
  const response = await fetch(`${url}/api/stream${asked}`, { headers, signal: stop.signal })
  const hints: LiveHint[] = []
  let lastId = ''
  let heartbeats = 0
  let over = false
  let ready = false
  let reader: ReadableStreamDefaultReader<string> | undefined
  const listening: Listening = {
    status: response.status,
    headers: response.headers,
    refusal: null,
    hints,
    lastId: () => lastId,
    heartbeats: () => heartbeats,
    isOver: () => over,
    heard: async (hint) => {
      await until(`the hint ${JSON.stringify(hint)} among ${JSON.stringify(hints)}`, () => hints.some((one) => Object.entries(hint).every(([name, value]) => (one as Record<string, unknown>)[name] === value)))
    },
    close() {
      stop.abort()
      // Behind the guard against the outside world the signal does not reach the connection once the request object was collected as garbage.
      reader?.cancel().catch(() => undefined)
    },
  }
  if (!response.ok || response.body === null) return { ...listening, refusal: (await response.json()) as { error: { code: string } } }

  const { body } = response
  async function read(): Promise<void> {
    const open = body.pipeThrough(new TextDecoderStream()).getReader()
    reader = open
    let text = ''
    try {
      for (;;) {
        const { done, value } = await open.read()
        if (done) break
        text += value
        const messages = text.split('\n\n')
        text = messages.pop() ?? ''
        for (const message of messages) {
          const lines = message.split('\n')
          lastId = lines.find((line) => line.startsWith('id: '))?.slice(4) ?? lastId
          if (lines.includes('event: ready')) ready = true
          else if (lines.some((line) => line.startsWith(':'))) heartbeats += 1
          else hints.push(JSON.parse(lines.find((line) => line.startsWith('data: '))?.slice(6) ?? '') as LiveHint)
        }
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error
    } finally {
      over = true
    }
  }
  // A stream that breaks off is over, whatever the reason.
  void read().catch(() => undefined)
  await until('the stream ready', () => ready || over)
  return listening
}
