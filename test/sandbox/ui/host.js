import { api } from './dom.js'

/**
 * What the real host offers to Custom JS and to custom pages: AppUtils, session details, route events, and the answer to REQUEST_USER_DATA.
 * @param view { person(), location(), company(), appId(), route(), navigate(path) }
 */
export function offerHost(view) {
  const context = async () => {
    const location = view.location()
    const query = new URLSearchParams({ userId: view.person().id, ...(location === undefined ? {} : { locationId: location.id }) })
    return (await api(`context?${query}`)).payload
  }
  const entryLimit = 5 * 1024
  const stored = new Map()

  window.AppUtils = {
    Utilities: {
      getCurrentUser: async () => {
        const { id, name, firstName, lastName, email, type, role } = view.person()
        return { id, name, firstName, lastName, email, type, role }
      },
      getCurrentLocation: async () => {
        const location = view.location()
        return location === undefined ? {} : { id: location.id, name: location.name, address: location.address }
      },
      getCompany: async () => ({ id: view.company().id, name: view.company().name }),
    },
    RouteHelper: {
      getCurrentRoute: () => view.route(),
      navigate: (target) => view.navigate(typeof target === 'string' ? target : target.path),
    },
    Storage: {
      setData(key, value) {
        const text = JSON.stringify(value)
        if (text.length > entryLimit) throw new Error('An entry may hold 5 KB')
        stored.set(`custom_${key}`, text)
      },
      getData: (key) => (stored.has(`custom_${key}`) ? JSON.parse(stored.get(`custom_${key}`)) : null),
      setCookie(key, value, days = 2) {
        if (String(value).length > entryLimit) throw new Error('An entry may hold 5 KB')
        document.cookie = `custom_${key}=${encodeURIComponent(value)};path=/;max-age=${Math.min(days, 2) * 86_400}`
      },
      getCookie: (key) => document.cookie.split('; ').filter((one) => one.startsWith(`custom_${key}=`)).map((one) => decodeURIComponent(one.split('=').slice(1).join('=')))[0] ?? null,
    },
  }

  window.exposeSessionDetails = async (appId) => {
    if (appId !== view.appId()) throw new Error('Unknown app')
    return context()
  }

  window.addEventListener('message', async (event) => {
    if (event.data?.message !== 'REQUEST_USER_DATA') return
    const frame = document.querySelector('iframe[data-custom-page]')
    if (frame === null || event.source !== frame.contentWindow) return
    frame.contentWindow.postMessage({ message: 'REQUEST_USER_DATA_RESPONSE', payload: await context() }, '*')
  })
}

/** Tells Custom JS that the page moved: `routeLoaded` the first time, `routeChangeEvent` each time after. */
export function tellRoute(first, route) {
  window.dispatchEvent(new CustomEvent(first ? 'routeLoaded' : 'routeChangeEvent', { detail: route }))
}

/** Pastes the app's script into the page, as the host does with approved Custom JS. Runs once per page load. */
export async function runCustomJs() {
  const { script, reason } = await api('custom-js')
  document.documentElement.dataset.customJs = script === null ? `missing${reason === undefined ? '' : `: ${reason}`}` : 'running'
  if (script === null) return
  const element = document.createElement('script')
  element.dataset.testid = 'custom-js'
  element.textContent = script
  document.body.append(element)
}
