export { createScores, type ScoreEntry, type Scores } from './service.ts'
export { scoreRoutes } from './routes.ts'
