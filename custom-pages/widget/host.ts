/** What we use of the page around us; every part may be missing, and may one day behave differently. */
interface HostWindow extends Window {
  exposeSessionDetails?: (appId: string) => unknown
  AppUtils?: { Utilities?: { getCurrentLocation?: () => unknown } }
}

export interface Host {
  /** Sub-account that is open; null outside of one; undefined when the page does not say. */
  locationId(): Promise<string | null | undefined>
  /** Encrypted context of the person; null when the page has none to give. */
  context(appId: string): Promise<string | null>
}

export function createHost(page: HostWindow): Host {
  return {
    async locationId() {
      const fromPath = /\/location\/([\w-]+)/.exec(page.location.pathname)?.[1]
      const read = page.AppUtils?.Utilities?.getCurrentLocation
      if (read === undefined) return fromPath
      const location = await ask(() => read())
      const id = (location as { id?: unknown } | null)?.id
      return typeof id === 'string' && id !== '' ? id : (fromPath ?? null)
    },
    async context(appId) {
      const expose = page.exposeSessionDetails
      if (typeof expose !== 'function') return null
      const details = await ask(() => expose.call(page, appId))
      return typeof details === 'string' && details !== '' ? details : null
    },
  }
}

const patienceMs = 10_000

/** The answer of a function of the page; null if it fails or never answers: its faults are not ours to show. */
async function ask(read: () => unknown): Promise<unknown> {
  try {
    return await Promise.race([read(), new Promise((resolve) => setTimeout(resolve, patienceMs, null))])
  } catch {
    return null
  }
}
