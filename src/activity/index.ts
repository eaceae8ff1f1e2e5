export { createActivity, type Activity } from './service.ts'
