export { createHttpServer, type HttpServerOptions, type ReadinessCheck } from './server.ts'
export { operatedEffects, operatedQueue, operationsRoutes } from './operations.ts'
export { createStreams, type StreamLimits } from './streams.ts'
export { timelineRoutes } from './timeline.ts'
