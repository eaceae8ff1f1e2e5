export { createInstallations } from './service.ts'
export { installationRoutes } from './routes.ts'
export type { InstallationStatus } from './model.ts'
export type { CallbackOutcome, InstallEvent, Installation, Installations, InstallationsDeps, PlanChangeEvent, PurgeFunction, UninstallEvent } from './types.ts'
