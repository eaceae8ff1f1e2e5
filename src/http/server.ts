import express, { type Express, type Router } from 'express'
import helmet from 'helmet'
import type { Logger } from '../kernel/logger.ts'
import { defineRoute, type Route } from '../kernel/route.ts'
import { errorHandler, sendError } from './errors.ts'
import { createMetrics, type GaugeSource } from './metrics.ts'
import { mountRoutes, type Permits, type SessionReader } from './mount.ts'
import { openApiDocument } from './openapi.ts'
import { mountPages, type PagesOptions } from './pages.ts'
import type { Streams } from './streams.ts'

/** One thing that must work before this process takes traffic. */
export interface ReadinessCheck {
  name: string
  /** @returns null if ready, else the reason in plain words */
  check(): Promise<string | null>
}

export interface HttpServerOptions {
  routes: readonly Route[]
  /** The signed webhook edge; mounted before any body parser, because it verifies raw bytes. */
  webhooks: Router
  readSession: SessionReader
  permits: Permits
  /** Where answers without an end are kept. */
  streams: Streams
  pages: PagesOptions
  readiness: readonly ReadinessCheck[]
  gauges: readonly GaugeSource[]
  metricsToken: string | undefined
  version: string
  logger: Logger
}

/** Routes that the widget calls from inside the host's page, on whatever domain the agency uses. No cookies are involved. */
const widgetPaths = ['/api/session', '/api/prompt', '/api/answers']

/** The Express app, not listening. */
export function createHttpServer(options: HttpServerOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', 'loopback, linklocal, uniquelocal')
  app.set('query parser', 'simple')
  const metrics = createMetrics(options.metricsToken, options.gauges)
  app.use(metrics.observeRequests)
  // No browser reads these answers: they need no headers for one.
  app.use(options.webhooks)
  app.use(
    helmet({
      // Pages set their own policy with the agencies' domains; everything else may not be framed or run anything.
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      frameguard: false,
      crossOriginResourcePolicy: { policy: 'same-site' },
      crossOriginOpenerPolicy: false,
    }),
  )

  app.get('/healthz', (_request, response) => {
    response.json({ ok: true })
  })
  app.get('/readyz', async (_request, response) => {
    const reasons: Record<string, string> = {}
    for (const condition of options.readiness) {
      const reason = await condition.check()
      if (reason !== null) reasons[condition.name] = reason
    }
    const ready = Object.keys(reasons).length === 0
    response.status(ready ? 200 : 503).json({ ready, reasons })
  })
  app.get('/metrics', metrics.endpoint)

  app.use(widgetPaths, (request, response, next) => {
    response.set({ 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' })
    if (request.method !== 'OPTIONS') {
      next()
      return
    }
    response.set({ 'Access-Control-Allow-Methods': 'GET, POST, PATCH', 'Access-Control-Allow-Headers': 'authorization, content-type', 'Access-Control-Max-Age': '7200' })
    response.status(204).end()
  })
  app.use(['/api', '/a'], (_request, response, next) => {
    response.set('Cache-Control', 'no-store')
    next()
  })
  // A whole agency's workflows are one file; everything else is small.
  app.use('/api/workflows/import', express.json({ limit: '2mb', strict: true }))
  app.use(express.json({ limit: '64kb', strict: true }))
  app.use('/a', express.urlencoded({ extended: false, limit: '16kb' }))

  let document: unknown
  const described = defineRoute({
    method: 'GET',
    path: '/api/openapi.json',
    access: 'public',
    summary: 'This document.',
    responses: { 200: { description: 'The OpenAPI document of every route' } },
    async handler() {
      document ??= openApiDocument([...options.routes, described], { version: options.version, serverUrl: options.pages.publicUrl })
      return { status: 200, json: document }
    },
  })
  mountRoutes(app, [...options.routes, described], options.readSession, options.permits, options.streams)
  mountPages(app, options.pages)
  app.get('/', (_request, response) => {
    response.redirect('/pages/workspace')
  })
  app.use((request, response) => {
    sendError(response, 404, 'not_found', `There is nothing at ${request.method} ${request.path.slice(0, 200)}.`)
  })
  app.use(errorHandler(options.logger))
  return app
}
