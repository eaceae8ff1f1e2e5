export { createAccounts } from './service.ts'
export { tellChurn } from './churn.ts'
export { accountRoutes } from './routes.ts'
export { accountColumns } from './export.ts'
export type { AccountFigures, AccountStanding, DisagreeingAccount, FigureFilter } from './figures.ts'
export type {
  Accounts, AccountsDeps, AccountReading, AccountStatus, AgencyUser, Assignment, BulkHandler, ChangedBy, LocationEvent, LocationInstallFact, MirrorProgress, MirrorScope, UserEvent,
} from './types.ts'
export type { Account, AccountUser, BulkResult } from '../http/contract/accounts.ts'
