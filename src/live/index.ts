export { createLive, type Live } from './service.ts'
export { liveRoutes } from './routes.ts'
