export { createSettings, type Settings, type SettingsDeps } from './service.ts'
export { settingsRoutes } from './routes.ts'
