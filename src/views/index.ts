export { createViews } from './service.ts'
export { viewRoutes } from './routes.ts'
