export { createCases, type CaseAnswer, type Cases, type CasesDeps, type OpenCase } from './service.ts'
export { caseRoutes } from './routes.ts'
