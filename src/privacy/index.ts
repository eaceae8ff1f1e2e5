export { createPrivacy, type Forgetting, type Privacy } from './service.ts'
export { privacyRoutes } from './routes.ts'
