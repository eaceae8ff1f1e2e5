export { createSmtpMailer, type Mail } from './mailer.ts'
export { notificationRoutes } from './routes.ts'
export { createNotifications, type Notifications, type NotificationsDeps } from './service.ts'
export type { Notice } from './notice.ts'
