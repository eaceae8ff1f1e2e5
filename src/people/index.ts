export { createPeople, type People, type PeopleDeps } from './service.ts'
export { peopleRoutes } from './routes.ts'
