export { actions, samplePayloadOf, triggers, type Action, type Trigger } from './catalog.ts'
export { marketplaceRoutes } from './routes.ts'
export { derivedHeaderSecret, headerName, headerSecrets } from './secret.ts'
export { createMarketplace, type Marketplace } from './service.ts'
