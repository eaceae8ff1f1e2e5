export { createCases, type Cases } from './service.ts'
export { caseRoutes } from './routes.ts'
