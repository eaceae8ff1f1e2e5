import { recordInstall, emitInstall } from './install.ts'
import type { Ledger } from './api/ledger.ts'
import type { PageHandler } from './api/server.ts'
import type { Installer } from './installer.ts'
import type { Person } from './person.ts'
import type { Dispatcher } from './webhooks/dispatcher.ts'
import type { World } from './world.ts'

export interface PagesParts {
  world: World
  person: Person
  installer: Installer
  dispatcher: Dispatcher
  ledger: Ledger
}

export interface Pages {
  handle: PageHandler
  stop(): void
}

export function createPages({ world }: PagesParts): Pages {
  return {
    handle(request, response, url) {
      if (request.method !== 'GET' || url.pathname !== '/v2/oauth/chooselocation') return Promise.resolve(false)
      const companyId = world.state.companies.values()[0]?.id ?? ''
      const { code, installation } = recordInstall(world, { companyId })
      emitInstall(world, installation, Object.keys(installation.locations))
      const target = new URL(url.searchParams.get('redirect_uri') ?? world.settings.app.redirectUri ?? 'http://localhost')
      target.searchParams.set('code', code)
      const state = url.searchParams.get('state')
      if (state !== null) target.searchParams.set('state', state)
      response.writeHead(302, { location: target.href })
      response.end()
      return Promise.resolve(true)
    },
    stop() {
      // Nothing is open yet.
    },
  }
}
