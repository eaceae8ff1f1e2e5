import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { ApiError } from './api/api-error.ts'
import type { PageHandler } from './api/server.ts'
import { createChooser } from './chooser.ts'
import type { PagesParts } from './pages-parts.ts'
import { createUiApi } from './ui-api.ts'

export interface Pages {
  handle: PageHandler
  stop(): void
}

const folder = join(import.meta.dirname, 'ui')
const contentTypes: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8' }

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** The interface that stands in for the CRM's: static files, its own JSON calls, live changes, and the page that chooses where to install. */
export function createPages(parts: PagesParts): Pages {
  const uiApi = createUiApi(parts)
  const chooser = createChooser(parts.world)
  const streams = new Set<ServerResponse>()

  async function file(response: ServerResponse, name: string): Promise<void> {
    const content = await readFile(join(folder, name))
    response.writeHead(200, { 'content-type': contentTypes[extname(name)] ?? 'text/plain', 'cache-control': 'no-store' })
    response.end(content)
  }

  function json(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
    response.end(JSON.stringify(body))
  }

  function stream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write('event: ready\ndata: {}\n\n')
    streams.add(response)
    const end = parts.changes.listen(() => response.write('event: change\ndata: {}\n\n'))
    request.on('close', () => {
      end()
      streams.delete(response)
    })
  }

  return {
    async handle(request, response, url) {
      const method = request.method ?? 'GET'
      const path = url.pathname
      if (path === '/v2/oauth/chooselocation') {
        chooser(method, url, method === 'POST' ? new URLSearchParams(await readText(request)) : url.searchParams, request.headers.accept ?? '', response)
        return true
      }
      if (path === '/ui-api/events') {
        stream(request, response)
        return true
      }
      if (path.startsWith('/ui-api/')) {
        const text = method === 'GET' ? '' : await readText(request)
        try {
          json(response, 200, await uiApi(method, url, text === '' ? {} : JSON.parse(text)))
        } catch (error) {
          if (!(error instanceof ApiError)) throw error
          json(response, error.status, error.body)
        }
        return true
      }
      if (method !== 'GET') return false
      const asset = /^\/ui\/([\w-]+\.(?:js|css))$/.exec(path)
      if (asset?.[1] !== undefined) {
        await file(response, asset[1])
        return true
      }
      // The host is a single page: every one of its own addresses gets the same document.
      if (path === '/' || path === '/agency_dashboard' || path.startsWith('/v2/location/') || path.startsWith('/v2/agency/')) {
        await file(response, 'index.html')
        return true
      }
      return false
    },
    stop() {
      for (const response of streams) response.end()
    },
  }
}
