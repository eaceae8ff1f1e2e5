export { createHealth, type By, type Health, type HealthDeps } from './service.ts'
export { healthRoutes } from './routes.ts'
