export { publicInternet, type WebhookNetwork } from './network.ts'
export { webhookRoutes } from './routes.ts'
export { createWebhookOut, type WebhookDelivery, type WebhookItem, type WebhookOut, type WebhookOutDeps } from './service.ts'
export { targetOf } from './target.ts'
