export { createRoles, type Roles } from './service.ts'
