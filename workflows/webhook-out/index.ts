export type { WebhookNetwork } from './network.ts'
export { webhookRoutes } from './routes.ts'
export { createWebhookOut, type WebhookDelivery, type WebhookOut } from './service.ts'
export { targetOf } from './target.ts'
