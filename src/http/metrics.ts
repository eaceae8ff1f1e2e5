import { Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { RequestHandler } from 'express'
import { timingSafeEqual } from 'node:crypto'
import { sendError } from './errors.ts'

/** A figure that is read when somebody asks: name, help and how to get its labelled values. */
export interface GaugeSource {
  name: string
  help: string
  labelNames: string[]
  read(): Promise<{ labels: Record<string, string>; value: number }[]>
}

/** Prometheus figures of one app instance. */
export interface Metrics {
  observeRequests: RequestHandler
  /** Answers `GET /metrics` to holders of the token; without a configured token the route does not exist. */
  endpoint: RequestHandler
}

/** @param token `METRICS_TOKEN`; undefined → 404 */
export function createMetrics(token: string | undefined, sources: readonly GaugeSource[]): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  })
  for (const source of sources) {
    new Gauge({
      name: source.name,
      help: source.help,
      labelNames: source.labelNames,
      registers: [registry],
      async collect() {
        this.reset()
        for (const { labels, value } of await source.read()) this.set(labels, value)
      },
    })
  }
  return {
    observeRequests(request, response, next) {
      const end = duration.startTimer()
      response.on('finish', () => {
        // How long somebody kept a page open is no time to answer.
        if (String(response.getHeader('content-type')).startsWith('text/event-stream')) return
        // The route's pattern, not the address: ids in labels would grow without bound.
        const route = (request.route as { path?: unknown } | undefined)?.path
        end({ method: request.method, route: typeof route === 'string' ? route : 'none', status: String(response.statusCode) })
      })
      next()
    },
    async endpoint(request, response) {
      if (token === undefined) {
        sendError(response, 404, 'not_found', 'Metrics are off. Set METRICS_TOKEN to turn them on.')
        return
      }
      const given = Buffer.from(request.get('authorization') ?? '')
      const wanted = Buffer.from(`Bearer ${token}`)
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
        sendError(response, 401, 'unauthorized', 'Send the metrics token as a bearer token.')
        return
      }
      response.type(registry.contentType).send(await registry.metrics())
    },
  }
}
