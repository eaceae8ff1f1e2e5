export { createSessions } from './service.ts'
export { sessionRoutes } from './routes.ts'
export type { Sessions, SessionsDeps } from './types.ts'
