import { createApi } from './api.ts'
import { createController } from './controller.ts'
import { createHost } from './host.ts'
import { createView } from './view.ts'

/** Filled in by the server when it serves the script, or by whoever pastes it. */
const appUrl = '__BAROMETER_APP_URL__'
const appId = '__BAROMETER_APP_ID__'

const runningMark = Symbol.for('feedback-widget')

/**
 * Starts once per page. Nothing in here may reach the page around us: a fault of ours ends the widget, without a word.
 */
function start(): void {
  const page = window as typeof window & { [runningMark]?: boolean }
  const script = document.currentScript as HTMLScriptElement | null
  const baseUrl = isFilled(appUrl) ? appUrl : (script?.dataset['appUrl'] ?? originOf(script?.src))
  const id = isFilled(appId) ? appId : script?.dataset['appId']
  if (page[runningMark] === true || baseUrl === undefined || id === undefined) return
  page[runningMark] = true

  const host = createHost(window)
  let dead = false
  function guard<A extends unknown[]>(run: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (dead) return
      try {
        run(...args)
      } catch {
        dead = true
        document.querySelector('[data-testid=feedback-widget]')?.remove()
      }
    }
  }

  const view = createView(
    guard((event) => {
      if (event.type === 'tapped') controller.dispatch({ type: 'chose', level: event.level, newKey: crypto.randomUUID(), nowMs: Date.now() })
      else controller.dispatch(event)
    }),
  )
  const controller = createController({
    locationId: () => host.locationId(),
    createApi: () =>
      createApi({ baseUrl: baseUrl.replace(/\/+$/, ''), fetch: (url, init) => window.fetch(url, init as RequestInit), context: () => host.context(id), nowMs: () => Date.now() }),
    view: { render: guard(view.render), announce: guard(view.announce) },
    setTimer: (run, delayMs) => setTimeout(guard(run), delayMs),
    clearTimer: (handle) => clearTimeout(handle as number),
    nowMs: () => Date.now(),
    random: () => Math.random(),
    isVisible: () => document.visibilityState === 'visible',
  })

  const routeChanged = guard(() => controller.routeChanged())
  const woke = guard(() => controller.woke())
  window.addEventListener('routeLoaded', routeChanged)
  window.addEventListener('routeChangeEvent', routeChanged)
  window.addEventListener('popstate', routeChanged)
  window.addEventListener('online', woke)
  document.addEventListener('visibilitychange', woke)
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', routeChanged)
  else routeChanged()
}

function isFilled(text: string): boolean {
  return !text.startsWith('__')
}

function originOf(src: string | undefined): string | undefined {
  return src === undefined || src === '' ? undefined : new URL(src).origin
}

start()
