export { createSmtpMailer, type Mail, type Mailer } from './mailer.ts'
export { notificationRoutes } from './routes.ts'
export { createNotifications, type Notice, type Notifications, type NotificationsDeps, type Reader } from './service.ts'
