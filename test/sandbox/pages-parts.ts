import type { Ledger } from './api/ledger.ts'
import type { Builder } from './builder.ts'
import type { Installer } from './installer.ts'
import type { Person } from './person.ts'
import type { ChangeFeed } from './state/change-feed.ts'
import type { Dispatcher } from './webhooks/dispatcher.ts'
import type { World } from './world.ts'

/** What the interface stands on. */
export interface PagesParts {
  world: World
  person: Person
  installer: Installer
  builder: Builder
  dispatcher: Dispatcher
  ledger: Ledger
  changes: ChangeFeed
}
