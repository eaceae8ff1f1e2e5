export { createHappiness, type AnswerFacts, type AnswerOpinion, type Happiness, type HappinessDeps } from './service.ts'
export { foldAccount, type AccountFold, type HappinessFact, type HappinessSettings } from './rules.ts'
export { contactOf } from './crm.ts'
export type { Cause } from './changes.ts'
