export { createHappiness, type AnswerFacts, type Happiness } from './service.ts'
export { contactOf } from './crm.ts'
