export { createReports, reasonOf as disagreementReason, type ReportsDeps } from './service.ts'
export { reportRoutes } from './routes.ts'
export type { Reports } from './types.ts'
export type { PromptReaction } from './cycles.ts'
