import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { LiveHint } from '../../../src/http/contract/live.ts'
import { createLive, gatherMs, pollMs } from '../../../custom-pages/shared/live.ts'
import type { Sessions } from '../../../custom-pages/shared/session.ts'
import { rowsToRefresh } from '../../../custom-pages/workspace/accounts/fresh.ts'

interface Connection {
  headers: Record<string, string>
  say(text: string): void
  end(): void
  aborted(): boolean
}

const ready = (id: number) => `event: ready\nid: ${id}\ndata: {}\n\n`
const message = (id: number, hint: LiveHint) => `id: ${id}\ndata: ${JSON.stringify(hint)}\n\n`
const account = (locationId: string): LiveHint => ({ type: 'account', locationId })

/** A page, a server that can refuse, and time that moves when told. */
function setUp() {
  const page = { visible: true, online: true }
  const server = { status: 200 as number | 'unreachable', headers: {} as Record<string, string> }
  const connections: Connection[] = []
  const forgotten: string[] = []
  let turned = (): void => undefined
  let tokens = 1
  const sessions: Sessions = {
    get: () => Promise.resolve({ ok: true, token: `t${tokens}`, location: null, user: { userId: 'u1', name: 'Priya', role: 'agency_user', rights: { role: 'lead', accounts: 'all', workflows: false, settings: false } } }),
    forget(token) {
      forgotten.push(token)
      tokens += 1
    },
  }
  const live = createLive(sessions, {
    fetch(_path, { headers, signal }) {
      if (server.status === 'unreachable') return Promise.reject(new TypeError('no answer'))
      if (server.status !== 200) {
        const { status } = server
        if (status === 401) server.status = 200
        return Promise.resolve(new Response('{}', { status, headers: server.headers }))
      }
      let controller: ReadableStreamDefaultController<Uint8Array> | undefined
      const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) })
      signal.addEventListener('abort', () => controller?.error(new DOMException('aborted', 'AbortError')))
      connections.push({
        headers,
        say: (text) => controller?.enqueue(new TextEncoder().encode(text)),
        end: () => controller?.close(),
        aborted: () => signal.aborted,
      })
      return Promise.resolve(new Response(body))
    },
    isVisible: () => page.visible,
    isOnline: () => page.online,
    onTurn: (listener) => (turned = listener),
    random: () => 1,
  })
  return { live, page, server, connections, forgotten, turn: () => turned() }
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms)
/** Streams hand on what they hold in turns of their own. */
async function flow(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
async function connected(set: ReturnType<typeof setUp>, at = 0): Promise<Connection> {
  await flow()
  const connection = set.connections[at]!
  connection.say(ready(1_000 + at))
  await flow()
  return connection
}

describe('a page that is told of changes', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick', 'performance'] }))
  afterEach(() => void jest.useRealTimers())

  it('holds one connection for all its parts, and none without a part', async () => {
    const set = setUp()
    await flow()
    expect(set.connections).toHaveLength(0)
    const off = [set.live.listen(() => true, () => undefined), set.live.listen(() => true, () => undefined)]
    const connection = await connected(set)
    expect([set.connections.length, set.live.isConnected(), connection.headers['authorization']]).toEqual([1, true, 'Bearer t1'])
    for (const stop of off) stop()
    expect([connection.aborted(), set.live.isConnected()]).toEqual([true, false])
  })

  it('tells each part what it listens for, once for what comes together, also in pieces', async () => {
    const set = setUp()
    const told: (readonly LiveHint[])[] = []
    let others = 0
    set.live.listen((hint) => hint.type === 'account', (hints) => told.push(hints))
    set.live.listen((hint) => hint.type === 'cases', () => (others += 1))
    const connection = await connected(set)
    const text = message(1, account('a')) + message(2, account('b'))
    connection.say(text.slice(0, 25))
    await flow()
    connection.say(text.slice(25))
    await flow()
    await pass(gatherMs)
    expect([told, others]).toEqual([[[account('a'), account('b')]], 0])
  })

  it('reads no faster than its rest, and loses nothing that comes while it reads', async () => {
    const set = setUp()
    const told: number[] = []
    let finish = (): void => undefined
    set.live.listen(() => true, (hints) => {
      told.push(hints.length)
      return new Promise<void>((resolve) => (finish = resolve))
    })
    const connection = await connected(set)
    connection.say(message(1, account('a')))
    await flow()
    await pass(gatherMs)
    connection.say(message(2, account('b')) + message(3, account('c')))
    await flow()
    await pass(10_000)
    expect(told).toEqual([1])
    finish()
    await flow()
    await pass(1_900)
    expect(told).toEqual([1])
    await pass(200)
    expect(told).toEqual([1, 2])
  })

  it('comes back with the id of what it heard last, with a new session if need be', async () => {
    const set = setUp()
    set.live.listen(() => true, () => undefined)
    const connection = await connected(set)
    connection.say(`id: 77\n: still here\n\n`)
    await flow()
    set.server.status = 401
    connection.end()
    await flow()
    await pass(1_000)
    await flow()
    expect(set.forgotten).toEqual(['t1'])
    expect(set.connections[1]!.headers).toMatchObject({ authorization: 'Bearer t2', 'last-event-id': '77' })
  })

  it('reads everything every half minute while it cannot be told, and stops that when it can', async () => {
    const set = setUp()
    let reads = 0
    set.live.listen((hint) => hint.type === 'cases', () => (reads += 1))
    set.server.status = 429
    set.server.headers = { 'retry-after': '45' }
    await flow()
    set.live.listen(() => false, () => undefined)
    await flow()
    await pass(pollMs + gatherMs)
    expect(reads).toBe(1)
    set.server.status = 200
    await pass(15_000)
    const connection = await connected(set)
    for (let count = 0; count < 2; count += 1) {
      await pass(pollMs)
      connection.say('id: 2000\n: still here\n\n')
      await flow()
    }
    expect([reads, set.live.isConnected()]).toEqual([1, true])
  })

  it('takes a silent connection for a broken one', async () => {
    const set = setUp()
    set.live.listen(() => true, () => undefined)
    const connection = await connected(set)
    await pass(51_000)
    await flow()
    expect([connection.aborted(), set.live.isConnected()]).toEqual([true, false])
    await pass(2_000)
    await flow()
    expect(set.connections).toHaveLength(2)
  })

  it('rests while the tab is hidden, and is told what it missed when it is shown', async () => {
    const set = setUp()
    let reads = 0
    set.live.listen(() => true, () => (reads += 1))
    const connection = await connected(set)
    set.page.visible = false
    set.turn()
    await pass(4_000)
    expect(connection.aborted()).toBe(false)
    await pass(2_000)
    expect(connection.aborted()).toBe(true)
    await pass(600_000)
    expect([set.connections.length, reads]).toEqual([1, 0])
    set.page.visible = true
    set.turn()
    await flow()
    expect(set.connections[1]!.headers['last-event-id']).toBe('1000')
  })

  it('reads everything after it was offline', async () => {
    const set = setUp()
    const told: (readonly LiveHint[])[] = []
    set.live.listen(() => false, (hints) => told.push(hints))
    await connected(set)
    set.page.online = false
    set.turn()
    await pass(60_000)
    set.page.online = true
    set.turn()
    await flow()
    await pass(gatherMs)
    expect([told, set.connections.length]).toEqual([[[{ type: 'everything' }]], 2])
  })
})

describe('the accounts list', () => {
  const list = { shown: ['a', 'b'], total: 40, inOrder: true }

  it.each([
    ['exchanges the row that changed', [account('a'), account('a')], list, ['a']],
    ['leaves alone what is on other pages', [account('z')], list, []],
    ['reads the list for an account that is new', [account('z')], { ...list, total: 2 }, null],
    ['reads the list where a change can move rows', [account('a')], { ...list, inOrder: false }, null],
    ['reads the list when it cannot know what changed', [{ type: 'everything' }], list, null],
  ] as const)('%s', (_name, hints, shown, rows) => {
    expect(rowsToRefresh(hints, shown)).toEqual(rows)
  })
})
