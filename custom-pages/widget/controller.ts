import type { Api } from './api.ts'
import { type Effect, type Event, type State, initialState, next } from '../shared/answer/machine.ts'
import { readPromptInfo } from './prompt-info.ts'

/** Everything the controller needs from outside; a test passes plain objects. */
export interface ControllerPorts {
  /** The sub-account that the page shows now; null outside of one; undefined when the page does not say. */
  locationId(): Promise<string | null | undefined>
  createApi(): Api
  view: {
    render(state: State): void
    announce(text: string): void
  }
  setTimer(run: () => void, delayMs: number): unknown
  clearTimer(handle: unknown): void
  nowMs(): number
  random(): number
  /** False while the tab is in the background: nobody is asked there. */
  isVisible(): boolean
}

export interface Controller {
  /** Reads the location and starts, or starts over when it changed. */
  routeChanged(): void
  /** The tab came to the front, or the network came back. */
  woke(): void
  dispatch(event: Event): void
}

/** Looks at the server at least this often while the page is open, so that a switch-off and the next prompt arrive without a reload. */
const recheckMs = 20 * 60_000
const staleMs = 5 * 60_000
/** A change of page looks again after this long: a switch-off takes the button away then, and quick clicking costs one call. */
const pageStaleMs = 30_000
const mismatchDelayMs = 1_500

interface Visit {
  locationId: string | null | undefined
  api: Api
  state: State
  timers: Set<unknown>
  /** The session was opened for this sub-account. */
  opened: boolean
  /** Zero means: look again as soon as the tab is in front. */
  checkedAtMs: number
  checking: boolean
  recheck: unknown
  failures: number
}

/** One visit per sub-account; a change of sub-account ends the visit and everything it showed. */
export function createController(ports: ControllerPorts): Controller {
  let visit: Visit | null = null
  let reading = 0

  async function read(): Promise<void> {
    const mine = ++reading
    const locationId = await ports.locationId()
    if (mine !== reading) return
    if (visit !== null && visit.locationId === locationId) {
      checkAfter(visit, pageStaleMs)
      return
    }
    leave()
    if (locationId === null) return
    visit = { locationId, api: ports.createApi(), state: initialState, timers: new Set(), opened: false, checkedAtMs: 0, checking: false, recheck: null, failures: 0 }
    await check(visit)
  }

  /** The old visit shows nothing more; an answer under way still finishes with the session it has, which is never renewed. */
  function leave(): void {
    if (visit === null) return
    const old = visit
    visit = null
    old.api.seal()
    for (const timer of old.timers) ports.clearTimer(timer)
    old.timers.clear()
    apply(old, { type: 'gone' })
    apply(old, { type: 'retry' })
    ports.view.render(initialState)
  }

  /** Looks again unless it just did. */
  function checkAfter(of: Visit, ageMs: number): void {
    if (ports.nowMs() - of.checkedAtMs > ageMs) void check(of)
  }

  async function check(of: Visit): Promise<void> {
    if (of !== visit || of.checking) return
    if (of.recheck !== null) ports.clearTimer(of.recheck)
    of.timers.delete(of.recheck)
    of.checking = true
    of.checkedAtMs = ports.nowMs()
    const pauseMs = await ask(of)
    of.checking = false
    if (of === visit) of.recheck = wait(of, pauseMs, () => void check(of))
  }

  /** Session and prompt; gives the pause until the next look. */
  async function ask(of: Visit): Promise<number> {
    let { firstName } = of.state
    if (!of.opened) {
      const opened = await of.api.open()
      if (of !== visit) return recheckMs
      if (!opened.ok) return failed(of, opened.retry)
      const { person } = opened
      // The page may still hand out the context of the sub-account it is just leaving.
      if (typeof of.locationId === 'string' && person.locationId !== null && person.locationId !== of.locationId) return failed(of, true, mismatchDelayMs)
      firstName = person.firstName
      of.opened = true
    }
    const answer = await of.api.prompt()
    if (of !== visit) return recheckMs
    if (!answer.ok) return failed(of, answer.retry)
    of.failures = 0
    const info = readPromptInfo(answer.body)
    const due = info.due && ports.isVisible()
    if (info.due && !due) of.checkedAtMs = 0
    apply(of, { type: 'told', info: { ...info, due }, firstName, nowMs: ports.nowMs() })
    return info.due || info.nextAtMs === null ? recheckMs : Math.min(Math.max(info.nextAtMs - ports.nowMs(), 60_000), recheckMs)
  }

  function failed(of: Visit, retry: boolean, firstMs = 10_000): number {
    of.failures++
    return retry ? Math.min(firstMs * 2 ** (of.failures - 1), recheckMs) : recheckMs
  }

  function wait(of: Visit, delayMs: number, run: () => void): unknown {
    const handle = ports.setTimer(() => {
      of.timers.delete(handle)
      run()
    }, delayMs)
    of.timers.add(handle)
    return handle
  }

  function apply(of: Visit, event: Event): void {
    const { state, effects } = next(of.state, event)
    of.state = state
    if (of === visit) ports.view.render(state)
    for (const effect of effects) perform(of, effect)
  }

  function perform(of: Visit, effect: Effect): void {
    switch (effect.type) {
      case 'announce':
        if (of === visit) ports.view.announce(effect.text)
        return
      case 'outcome':
        void of.api.outcome(effect.promptId, effect.outcome)
        return
      case 'call':
        void of.api.send(effect.call).then((result) => {
          apply(of, { type: 'called', call: effect.call, result, nowMs: ports.nowMs(), random: ports.random() })
        })
        return
      case 'retryIn':
        wait(of, effect.delayMs, () => apply(of, { type: 'retry' }))
        return
      case 'changeExpiresIn':
        wait(of, effect.delayMs, () => apply(of, { type: 'changeExpired', nowMs: ports.nowMs() }))
    }
  }

  return {
    routeChanged() {
      if (visit !== null) ports.view.render(visit.state)
      void read()
    },
    woke() {
      const of = visit
      if (of === null) return
      apply(of, { type: 'retry' })
      if (ports.isVisible()) checkAfter(of, of.failures > 0 ? 1_000 : staleMs)
    },
    dispatch(event) {
      if (visit !== null) apply(visit, event)
    },
  }
}
