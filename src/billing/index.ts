export { createBilling, type Billing } from './service.ts'
export { billingRoutes } from './routes.ts'
