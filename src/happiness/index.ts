export { createHappiness, type AnswerFacts, type Happiness } from './service.ts'
