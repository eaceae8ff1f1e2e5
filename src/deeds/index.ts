export { createDeeds, type Deeds } from './service.ts'
export { deedRoutes } from './routes.ts'
