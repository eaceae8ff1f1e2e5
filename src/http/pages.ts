import { access, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import express, { type Express, type RequestHandler } from 'express'
import { sendError } from './errors.ts'

/** Where the built pages are and what the widget must know about this server. */
export interface PagesOptions {
  /** Folder with `widget.js` and one folder per page. */
  publicDir: string
  publicUrl: string
  appId: string
  /** Origins that may frame the pages: the CRM's own and the white-label domains of installed agencies. */
  frameAncestors(): Promise<string[]>
}

const pageNames = ['workspace', 'health-card'] as const

/** Serves `GET /pages/:page` and their assets, and `GET /widget.js`. */
export function mountPages(app: Express, options: PagesOptions): void {
  app.get('/widget.js', widgetHandler(options))
  for (const page of pageNames) {
    const folder = join(options.publicDir, page)
    app.get(`/pages/${page}`, async (_request, response) => {
      const file = join(folder, 'index.html')
      if (!(await exists(file))) {
        sendError(response, 404, 'not_built', 'This page is not built. Run: npm run build:pages')
        return
      }
      const ancestors = await options.frameAncestors()
      response.set('Content-Security-Policy', pagePolicy(ancestors, page))
      response.set('Cache-Control', 'no-cache')
      response.type('html').send(await readFile(file, 'utf8'))
    })
    app.use(`/pages/${page}/assets`, compressedAssets(join(folder, 'assets')))
    app.use(`/pages/${page}`, express.static(folder, { index: false, fallthrough: true, immutable: true, maxAge: '365d', redirect: false }))
  }
}

/** Scripts and styles leave compressed. Their names change with their contents, so each is compressed once and kept. */
function compressedAssets(folder: string): RequestHandler {
  const kept = new Map<string, Buffer>()
  return async (request, response, next) => {
    const name = basename(request.path)
    const type = /\.(js|css)$/.exec(name)?.[1]
    if (type === undefined || request.method !== 'GET' || request.path !== `/${name}` || request.acceptsEncodings('gzip') === false) {
      next()
      return
    }
    const file = join(folder, name)
    if (!kept.has(name) && (await exists(file))) kept.set(name, await promisify(gzip)(await readFile(file)))
    const body = kept.get(name)
    if (body === undefined) {
      next()
      return
    }
    response.set({ 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding', 'Cache-Control': 'public, max-age=31536000, immutable' })
    response.type(type).send(body)
  }
}

function pagePolicy(ancestors: string[], page: (typeof pageNames)[number]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    // The card shows the agency's logo, wherever the agency keeps it.
    page === 'health-card' ? "img-src 'self' data: https:" : "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${ancestors.join(' ')}`,
  ].join('; ')
}

function widgetHandler(options: PagesOptions): RequestHandler {
  let cached: string | undefined
  return async (_request, response) => {
    const file = join(options.publicDir, 'widget.js')
    if (cached === undefined) {
      if (!(await exists(file))) {
        sendError(response, 404, 'not_built', 'The widget is not built. Run: npm run build:pages')
        return
      }
      const source = await readFile(file, 'utf8')
      cached = source.replaceAll('__BAROMETER_APP_URL__', options.publicUrl).replaceAll('__BAROMETER_APP_ID__', options.appId)
    }
    response.set({ 'Cache-Control': 'public, max-age=300', 'Cross-Origin-Resource-Policy': 'cross-origin', 'Access-Control-Allow-Origin': '*' })
    response.type('text/javascript').send(cached)
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
