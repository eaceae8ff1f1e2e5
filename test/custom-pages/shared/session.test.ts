import { describe, expect, it, jest } from '@jest/globals'
import { type FramePage, createSessions } from '../../../custom-pages/shared/session.ts'

type Listener = (event: { source: unknown; data: unknown }) => void

/** A page in a frame; `answer` is what the window around it does when it is asked. */
function setUp(answer: (tell: (source: unknown, data: unknown) => void, parent: unknown) => void, statuses: number[] = [200]) {
  const listeners = new Set<Listener>()
  const exchanged: string[] = []
  let tokens = 0
  const parent = {
    postMessage(message: unknown, targetOrigin: string) {
      expect(message).toEqual({ message: 'REQUEST_USER_DATA' })
      expect(targetOrigin).toBe('*')
      answer((source, data) => {
        for (const listener of [...listeners]) listener({ source, data })
      }, parent)
    },
  }
  const page: FramePage = {
    parent,
    fetch(url, init) {
      exchanged.push(`${url} ${init.body}`)
      const status = statuses[exchanged.length - 1] ?? 200
      const user = { userId: 'u1', name: 'Priya Nair', email: null, role: 'agency_admin' }
      return Promise.resolve({ ok: status === 200, status, json: () => Promise.resolve({ token: `t${++tokens}`, expiresInSeconds: 1_800, user, location: null }) })
    },
    addEventListener: (_type, listener) => listeners.add(listener),
    removeEventListener: (_type, listener) => listeners.delete(listener),
  }
  return { sessions: createSessions(page), exchanged, listeners }
}

const response = { message: 'REQUEST_USER_DATA_RESPONSE', payload: 'blob' }

describe('the session of a page', () => {
  it('comes from the window around it, and is shared by calls that come together', async () => {
    const { sessions, exchanged, listeners } = setUp((tell, parent) => tell(parent, response))
    const [one, two] = await Promise.all([sessions.get(), sessions.get()])
    expect(one).toMatchObject({ ok: true, token: 't1', user: { role: 'agency_admin' } })
    expect(two).toEqual(one)
    expect(exchanged).toEqual(['/api/session {"encryptedData":"blob"}'])
    expect(listeners.size).toBe(0)
  })

  it('is kept until the server no longer takes it', async () => {
    const { sessions, exchanged } = setUp((tell, parent) => tell(parent, response))
    await sessions.get()
    await sessions.get()
    expect(exchanged).toHaveLength(1)
    sessions.forget('t1')
    expect(await sessions.get()).toMatchObject({ token: 't2' })
    sessions.forget('t1')
    expect(await sessions.get()).toMatchObject({ token: 't2' })
  })

  it('ignores answers of any other window and of another shape', async () => {
    jest.useFakeTimers()
    try {
      const { sessions, exchanged } = setUp((tell, parent) => {
        tell({ other: 'window' }, response)
        tell(parent, { message: 'REQUEST_USER_DATA_RESPONSE', payload: 7 })
        tell(parent, null)
      })
      const outcome = sessions.get()
      await jest.advanceTimersByTimeAsync(20_000)
      expect(await outcome).toEqual({ ok: false, why: 'outside' })
      expect(exchanged).toEqual([])
    } finally {
      jest.useRealTimers()
    }
  })

  it('says whether the server refuses or cannot be reached, and tries anew when asked again', async () => {
    const { sessions } = setUp((tell, parent) => tell(parent, response), [401, 503, 200])
    expect(await sessions.get()).toEqual({ ok: false, why: 'refused' })
    expect(await sessions.get()).toEqual({ ok: false, why: 'offline' })
    expect(await sessions.get()).toMatchObject({ ok: true })
  })

  it('does not exist outside of a frame', async () => {
    const page = { fetch: () => Promise.reject(new Error('not to be called')), addEventListener() {}, removeEventListener() {} } as unknown as { parent: unknown }
    page.parent = page
    expect(await createSessions(page as unknown as FramePage).get()).toEqual({ ok: false, why: 'outside' })
  })
})
