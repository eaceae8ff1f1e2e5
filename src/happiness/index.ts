export { createHappiness, type AnswerFacts, type Happiness } from './service.ts'
export { happinessRoutes } from './routes.ts'
export { plainLevel } from './rules.ts'
export { contactOf } from './crm.ts'
