import { describe, expect, it } from '@jest/globals'
import { type Fetch, createApi } from '../../../custom-pages/widget/api.ts'

type Reply = { status: number; body?: unknown } | 'offline' | 'html'

/** A server made of a list of replies per path; remembers what it was asked. */
function fakeServer(script: Record<string, Reply[]>) {
  const asked: { method: string; path: string; body: unknown; authorization: string | undefined }[] = []
  const fetch: Fetch = (url, init) => {
    const path = url.replace('https://app.example', '').replace(/\?.*/, '')
    asked.push({ method: init.method, path, body: init.body === undefined ? undefined : JSON.parse(init.body), authorization: init.headers['authorization'] })
    const reply = script[path]?.shift() ?? { status: 404, body: {} }
    if (reply === 'offline') return Promise.reject(new TypeError('Failed to fetch'))
    if (reply === 'html') return Promise.resolve({ status: 200, json: () => Promise.reject(new SyntaxError('Unexpected token <')) })
    return Promise.resolve({ status: reply.status, json: () => Promise.resolve(reply.body) })
  }
  return { asked, fetch }
}

const session = (token: string, expiresInSeconds = 1_800): Reply => ({
  status: 200,
  body: { token, expiresInSeconds, user: { userId: 'u1', name: 'Nate Cole', email: null, role: 'account_user' }, location: { locationId: 'loc1', name: null, timezone: null } },
})

function setUp(script: Record<string, Reply[]>, context: () => Promise<string | null> = () => Promise.resolve('blob')) {
  const server = fakeServer(script)
  const clock = { nowMs: 1_000 }
  const api = createApi({ baseUrl: 'https://app.example', fetch: server.fetch, context, nowMs: () => clock.nowMs })
  return { api, clock, asked: server.asked }
}

describe('the session', () => {
  it('is opened with the context and carried as a bearer, never as a cookie', async () => {
    const { api, asked } = setUp({ '/api/session': [session('t1')], '/api/prompt': [{ status: 200, body: { due: false } }] })
    expect(await api.open()).toEqual({ ok: true, person: { firstName: 'Nate', locationId: 'loc1' } })
    await api.prompt()
    expect(asked.map((one) => one.authorization)).toEqual([undefined, 'Bearer t1'])
    expect(asked[0]?.body).toEqual({ encryptedData: 'blob' })
  })

  it('is renewed before it ends', async () => {
    const { api, clock, asked } = setUp({ '/api/session': [session('t1', 600), session('t2', 600)], '/api/prompt': [{ status: 200, body: {} }] })
    await api.open()
    clock.nowMs += 560_000
    await api.prompt()
    expect(asked.map((one) => one.path)).toEqual(['/api/session', '/api/session', '/api/prompt'])
    expect(asked[2]?.authorization).toBe('Bearer t2')
  })

  it('is renewed once when the server no longer takes it, and the call is repeated', async () => {
    const { api, asked } = setUp({ '/api/session': [session('t1'), session('t2')], '/api/prompt': [{ status: 401 }, { status: 200, body: { due: true } }] })
    await api.open()
    expect(await api.prompt()).toEqual({ ok: true, body: { due: true } })
    expect(asked.map((one) => one.authorization)).toEqual([undefined, 'Bearer t1', undefined, 'Bearer t2'])
  })

  it('is never renewed once it is sealed: the context may belong to another sub-account by then', async () => {
    const { api, asked } = setUp({ '/api/session': [session('t1')], '/api/answers': [{ status: 401 }] })
    await api.open()
    api.seal()
    expect(await api.send({ kind: 'create', level: 'happy', idempotencyKey: 'key-0001', source: 'widget' })).toEqual({ ok: false, retry: false })
    expect(asked.filter((one) => one.path === '/api/session')).toHaveLength(1)
  })

  it('is not tried without a context, and a refused context is not tried again at once', async () => {
    expect(await setUp({}, () => Promise.resolve(null)).api.open()).toEqual({ ok: false, retry: true })
    expect(await setUp({ '/api/session': [{ status: 401 }] }).api.open()).toEqual({ ok: false, retry: false })
  })
})

describe('every failure is a value', () => {
  it.each<[string, Reply, boolean]>([
    ['offline', 'offline', true],
    ['an HTML page', 'html', true],
    ['a server fault', { status: 502, body: {} }, true],
    ['too many requests', { status: 429, body: {} }, true],
    ['bad input', { status: 400, body: {} }, false],
    ['gone', { status: 404, body: {} }, false],
    ['too late to change', { status: 409, body: {} }, false],
  ])('%s', async (_name, reply, retry) => {
    const { api } = setUp({ '/api/session': [session('t1')], '/api/answers': [reply] })
    await api.open()
    expect(await api.send({ kind: 'create', level: 'happy', idempotencyKey: 'key-0001', source: 'widget' })).toEqual({ ok: false, retry })
  })
})

describe('an answer', () => {
  it('is created with its key, and changed with only what differs', async () => {
    const view = { answerId: 'a/1', level: 'happy', comment: null, at: '2026-11-02T09:00:00.000Z', editableUntil: '2026-11-02T09:10:00.000Z' }
    const { api, asked } = setUp({ '/api/session': [session('t1')], '/api/answers': [{ status: 201, body: { ...view, did: ['We did: called.'] } }], '/api/answers/a%2F1': [{ status: 200, body: view }] })
    expect(await api.send({ kind: 'create', level: 'happy', idempotencyKey: 'key-0001', source: 'button' })).toEqual({ ok: true, answerId: 'a/1', changeWindowMs: 600_000, did: ['We did: called.'] })
    expect(await api.send({ kind: 'change', answerId: 'a/1', level: undefined, comment: 'Good' })).toEqual({ ok: true, answerId: 'a/1', changeWindowMs: 600_000, did: [] })
    expect(asked.slice(1).map((one) => [one.method, one.body])).toEqual([
      ['POST', { level: 'happy', idempotencyKey: 'key-0001', source: 'button' }],
      ['PATCH', { comment: 'Good' }],
    ])
  })
})
