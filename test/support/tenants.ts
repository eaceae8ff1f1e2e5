import type { Connection } from 'mongoose'
import { createAccounts, type Accounts } from '../../src/accounts/index.ts'
import type { DomainEvent } from '../../src/events/index.ts'
import { createInstallations, type Installations } from '../../src/installations/index.ts'
import { createCryptoBox, type CryptoBox } from '../../src/kernel/crypto-box.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { createRoles } from '../../src/roles/index.ts'
import { createSessions, type Sessions } from '../../src/sessions/index.ts'
import { createSettings, type Settings } from '../../src/settings/index.ts'
import { createSetup, type Setup } from '../../src/setup/index.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'
import { createFakeCompanies, fakeGrant, type FakeCompanies } from './fake-company.ts'
import { openTestStore, type TestStore } from './store.ts'

export const sharedSecret = 'shared-secret-of-the-test'

/** The features that know agencies, wired as one process has them. */
export interface TenantProcess {
  settings: Settings
  accounts: Accounts
  installations: Installations
  setup: Setup
  sessions: Sessions
}

/** One or more processes over one store, one clock and one fake HighLevel. */
export interface Tenants extends TenantProcess {
  store: TestStore
  clock: FakeClock
  fake: FakeCompanies
  box: CryptoBox
  /** Appended events, each key once. */
  events: Map<string, DomainEvent>
  /** Agencies for which work was released. */
  released: string[]
  another(): Promise<TenantProcess>
  /** Installs an agency and reads its accounts and users. */
  install(companyId: string): Promise<void>
}

export async function openTenants(): Promise<Tenants> {
  const store = await openTestStore()
  const clock = createFakeClock()
  const fake = createFakeCompanies()
  const box = createCryptoBox('a'.repeat(40))
  const logger = createLogger('silent')
  const events = new Map<string, DomainEvent>()
  const released: string[] = []
  let codes = 0
  const sink = {
    append: (event: DomainEvent) => {
      if (!events.has(event.key)) events.set(event.key, event)
      return Promise.resolve()
    },
  }
  const release = (companyId: string): Promise<void> => {
    released.push(companyId)
    return Promise.resolve()
  }

  function process(connection: Connection): TenantProcess {
    const { gateway } = fake
    const settings = createSettings({ connection, clock, logger })
    const accounts = createAccounts({ connection, clock, gateway, events: sink, settings, logger, pageSize: 10 })
    const installations = createInstallations({
      connection, clock, gateway, accounts, settings, events: sink, box, logger, onLive: release,
      oauth: { clientId: 'app-1', installUrl: undefined, redirectUri: 'https://app.example.com/oauth/callback', scopes: ['contacts.readonly', 'users.readonly'] },
    })
    const setup = createSetup({ connection, clock, gateway, accounts, installations, settings, events: sink, logger, onReady: release })
    const roles = createRoles({ settings, accounts, cases: { get: async () => null } })
    const sessions = createSessions({ connection, clock, gateway, accounts, installations, box, sharedSecrets: [sharedSecret], logger, rights: (session) => roles.rights(session), refusalFloorMs: 0 })
    return { settings, accounts, installations, setup, sessions }
  }

  const first = process(store.connection)
  await store.ensureIndexes()
  return {
    ...first,
    store,
    clock,
    fake,
    box,
    events,
    released,
    another: async () => process(await store.another()),
    async install(companyId) {
      const code = `code-${(codes += 1)}`
      fake.grants.set(code, fakeGrant(companyId))
      const outcome = await first.installations.handleCallback({ code })
      if (outcome.kind !== 'installed') throw new Error(`Not installed: ${JSON.stringify(outcome)}`)
      await first.installations.completeDue(10)
    },
  }
}
