export { createToday, type Today } from './service.ts'
export { todayRoutes } from './routes.ts'
