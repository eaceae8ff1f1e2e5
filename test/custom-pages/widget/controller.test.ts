import { describe, expect, it } from '@jest/globals'
import type { Answer, Api } from '../../../custom-pages/widget/api.ts'
import { createController } from '../../../custom-pages/widget/controller.ts'
import type { Call, CallResult } from '../../../custom-pages/shared/answer/draft.ts'
import { type State, initialState } from '../../../custom-pages/shared/answer/machine.ts'
import { until } from '../../support/until.ts'

interface FakeApi extends Api {
  sealed: boolean
  sent: Call[]
  outcomes: string[]
}

/** A page with a sub-account, a server whose answers can be changed, and timers that run when told. */
function setUp() {
  const page = { locationId: 'loc1' as string | null, visible: true, nowMs: 1_000_000 }
  const server = {
    /** Sub-account that the context is for; normally the page's. */
    contextOf: (): string | null => page.locationId,
    up: true,
    prompt: { due: true, promptId: 'p1', button: true, copy: {} } as Record<string, unknown>,
    result: { ok: true, answerId: 'a1', changeWindowMs: 600_000 } as CallResult,
  }
  const apis: FakeApi[] = []
  const timers = new Map<number, { run: () => void; atMs: number }>()
  const view = { state: initialState, states: [] as State[], said: [] as string[] }
  let handles = 0
  const controller = createController({
    locationId: () => Promise.resolve(page.locationId),
    createApi() {
      const api: FakeApi = {
        sealed: false,
        sent: [],
        outcomes: [],
        open: () => Promise.resolve(server.up ? { ok: true, person: { firstName: 'Nate', locationId: server.contextOf() } } : { ok: false, retry: true }),
        prompt: () => Promise.resolve<Answer>(server.up ? { ok: true, body: server.prompt } : { ok: false, retry: true, status: 0 }),
        outcome(promptId, outcome) {
          api.outcomes.push(`${promptId} ${outcome}`)
          return Promise.resolve<Answer>({ ok: true, body: {} })
        },
        send(call) {
          api.sent.push(call)
          return Promise.resolve(server.result)
        },
        seal() {
          api.sealed = true
        },
      }
      apis.push(api)
      return api
    },
    view: {
      render(state) {
        view.state = state
        view.states.push(state)
      },
      announce: (text) => view.said.push(text),
    },
    setTimer(run, delayMs) {
      timers.set(++handles, { run, atMs: page.nowMs + delayMs })
      return handles
    },
    clearTimer: (handle) => timers.delete(handle as number),
    nowMs: () => page.nowMs,
    random: () => 0,
    isVisible: () => page.visible,
  })
  return {
    page,
    server,
    apis,
    view,
    timers,
    controller,
    /** Lets time pass and runs what is due. */
    advance: (ms: number) => {
      page.nowMs += ms
      for (const [handle, timer] of [...timers]) {
        if (timer.atMs > page.nowMs) continue
        timers.delete(handle)
        timer.run()
      }
    },
    settled: (step: State['step']) => until(`step ${step}`, () => view.state.step === step),
  }
}

/** Lets everything that is already promised happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve()
}

describe('the widget in the page', () => {
  it('shows nothing outside of a sub-account', async () => {
    const { page, controller, apis, view } = setUp()
    page.locationId = null
    controller.routeChanged()
    await settle()
    expect(apis).toHaveLength(0)
    expect(view.state.step).toBe('off')
  })

  it('asks a due person and reports it', async () => {
    const { controller, apis, settled } = setUp()
    controller.routeChanged()
    await settled('ask')
    expect(apis[0]?.outcomes).toEqual(['p1 shown'])
  })

  it('waits with a due prompt until the tab is in front', async () => {
    const { page, controller, apis, settled } = setUp()
    page.visible = false
    controller.routeChanged()
    await settled('idle')
    expect(apis[0]?.outcomes).toEqual([])
    page.visible = true
    controller.woke()
    await settled('ask')
  })

  it('shows nothing while the server is down and comes when it is back', async () => {
    const { server, controller, view, advance, settled } = setUp()
    server.up = false
    controller.routeChanged()
    await settle()
    expect(view.states.every((state) => state.step === 'off')).toBe(true)
    server.up = true
    advance(10_000)
    await settled('ask')
  })

  it('goes away when it is switched off, without a reload', async () => {
    const { server, controller, advance, settled } = setUp()
    controller.routeChanged()
    await settled('ask')
    server.prompt = { enabled: false, due: true, button: true }
    advance(20 * 60_000)
    await settled('off')
  })

  it('goes away at the next page once it is switched off, and quick clicking asks the server once', async () => {
    const { server, controller, advance, settled, view } = setUp()
    controller.routeChanged()
    await settled('ask')
    server.prompt = { enabled: false, due: true, button: true }
    controller.routeChanged()
    await settle()
    expect(view.state.step).toBe('ask')
    advance(31_000)
    controller.routeChanged()
    await settled('off')
  })

  it('asks when the next prompt falls due while the page stays open', async () => {
    const { page, server, controller, advance, settled } = setUp()
    server.prompt = { due: false, button: true, nextAt: new Date(page.nowMs + 5 * 60_000).toISOString() }
    controller.routeChanged()
    await settled('idle')
    server.prompt = { due: true, button: true, promptId: 'p2' }
    advance(5 * 60_000)
    await settled('ask')
  })

  it('has one look at the server planned at any time', async () => {
    const { page, controller, timers, settled } = setUp()
    controller.routeChanged()
    await settled('ask')
    for (let turn = 0; turn < 5; turn++) {
      page.nowMs += 6 * 60_000
      controller.woke()
      await settle()
    }
    expect(timers.size).toBe(1)
  })
})

describe('a change of sub-account', () => {
  it('drops everything of the old one and opens a session of its own', async () => {
    const { page, server, controller, apis, view, settled } = setUp()
    controller.routeChanged()
    await settled('ask')
    controller.dispatch({ type: 'chose', level: 'not_happy', newKey: 'key-0001', nowMs: page.nowMs })
    controller.dispatch({ type: 'typed', text: 'secret of the first account' })
    server.prompt = { due: false, button: true }
    page.locationId = 'loc2'
    controller.routeChanged()
    await settled('idle')
    expect(apis).toHaveLength(2)
    expect(apis[0]?.sealed).toBe(true)
    expect(view.state).toMatchObject({ text: '', draft: null, changeable: false })
  })

  it('finishes an answer that was under way, with the session it had', async () => {
    const { page, server, controller, apis, advance, settled } = setUp()
    server.result = { ok: false, retry: true }
    controller.routeChanged()
    await settled('ask')
    controller.dispatch({ type: 'chose', level: 'happy', newKey: 'key-0001', nowMs: page.nowMs })
    await settle()
    server.result = { ok: true, answerId: 'a1', changeWindowMs: 600_000 }
    page.locationId = 'loc2'
    controller.routeChanged()
    await settled('ask')
    advance(0)
    expect(apis[0]?.sent).toHaveLength(2)
    expect(apis[1]?.sent).toEqual([])
  })

  it('does not trust a context that is still the old one', async () => {
    const { page, server, controller, apis, view, advance, settled } = setUp()
    controller.routeChanged()
    await settled('ask')
    server.contextOf = () => 'loc1'
    page.locationId = 'loc2'
    controller.routeChanged()
    await settle()
    expect(view.state.step).toBe('off')
    expect(apis[1]?.outcomes).toEqual([])
    server.contextOf = () => 'loc2'
    advance(1_500)
    await settled('ask')
  })

  it('a route inside the same sub-account disturbs nothing', async () => {
    const { controller, apis, view, settled } = setUp()
    controller.routeChanged()
    await settled('ask')
    controller.dispatch({ type: 'chose', level: 'happy', newKey: 'key-0001', nowMs: 0 })
    controller.dispatch({ type: 'typed', text: 'half a sent' })
    controller.routeChanged()
    await settle()
    expect(apis).toHaveLength(1)
    expect(view.state).toMatchObject({ step: 'comment', text: 'half a sent' })
  })

  it('leaves when the person goes to the agency, and the last of several quick changes wins', async () => {
    const { page, controller, apis, settled, view } = setUp()
    controller.routeChanged()
    await settled('ask')
    page.locationId = 'loc2'
    controller.routeChanged()
    page.locationId = null
    controller.routeChanged()
    await settle()
    expect(view.state.step).toBe('off')
    expect(apis).toHaveLength(1)
  })
})
