export { createAccounts } from './service.ts'
export { accountRoutes } from './routes.ts'
export type {
  Accounts, AccountsDeps, AccountReading, AgencyUser, BulkHandler, LocationEvent, LocationInstallFact, MirrorProgress, MirrorScope, UserEvent,
} from './types.ts'
export type { Account, AccountUser, BulkResult } from '../http/contract/accounts.ts'
