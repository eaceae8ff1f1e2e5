export { createSetup } from './service.ts'
export { setupRoutes } from './routes.ts'
export type { Setup, SetupDeps } from './types.ts'
