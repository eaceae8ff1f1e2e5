export { createHighLevelGateway, type HighLevelGatewayDeps, type RunningGateway } from './gateway.ts'
export { productionLimits, sandboxAgencyLimits, type BudgetLimits } from './budget-rules.ts'
export { endpoints } from './endpoints.ts'
export type * from './types.ts'
