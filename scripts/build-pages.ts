import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build as bundle, transform, type Plugin } from 'esbuild'
import type { Plugin as VitePlugin } from 'vite'

const root = join(import.meta.dirname, '..')

/** What a build wrote. Sizes are bytes after gzip. */
export interface PagesBuild {
  outDir: string
  widgetBytes: number
  /** Page → false when its inputs were the same as at the last build. */
  pagesBuilt: Record<Page, boolean>
}

const pages = ['workspace', 'health-card'] as const
type Page = (typeof pages)[number]

/**
 * Builds what the browser gets into `outDir`: `widget.js`, `custom-js.html` (the same script, readable, for pasting) and one folder per page.
 * A page is built only if its inputs changed since the last build into the same folder.
 */
export async function buildPages(options: { outDir?: string } = {}): Promise<PagesBuild> {
  const outDir = options.outDir ?? join(root, 'dist', 'public')
  await mkdir(outDir, { recursive: true })
  const widget = await buildWidget(true)
  await writeFile(join(outDir, 'widget.js'), widget)
  await writeFile(join(outDir, 'custom-js.html'), `<script>\n${fillIn(await buildWidget(false))}</script>\n`)
  const pagesBuilt = { workspace: await buildPage('workspace', outDir), 'health-card': await buildPage('health-card', outDir) }
  return { outDir, widgetBytes: gzipSync(widget, { level: 9 }).length, pagesBuilt }
}

/** The widget as one script. Not compact: names and layout stay readable, as reviewers of pasted code expect. */
export async function buildWidget(compact: boolean): Promise<string> {
  const result = await bundle({
    entryPoints: [join(root, 'custom-pages/widget/main.ts')],
    bundle: true,
    minify: compact,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    write: false,
    logLevel: 'silent',
    plugins: [cssAsText],
  })
  return result.outputFiles[0]?.text ?? ''
}

/** What `*.css?text` stands for, in the widget and in the page that draws it as a preview. */
async function minifiedCss(path: string): Promise<string> {
  const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true })
  return code.trim()
}

const cssAsText: Plugin = {
  name: 'css-as-text',
  setup(on) {
    on.onResolve({ filter: /\.css\?text$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.replace('?text', '')), namespace: 'css-text' }))
    on.onLoad({ filter: /.*/, namespace: 'css-text' }, async ({ path }) => ({ contents: await minifiedCss(path), loader: 'text' }))
  },
}

const vueCssAsText: VitePlugin = {
  name: 'css-as-text',
  enforce: 'pre',
  resolveId: (source, importer) => (source.endsWith('.css?text') && importer !== undefined ? `\0${join(dirname(importer), source.replace('.css?text', '.css-text'))}` : null),
  load: async (id) => (id.startsWith('\0') && id.endsWith('.css-text') ? `export default ${JSON.stringify(await minifiedCss(id.slice(1).replace(/-text$/, '')))}` : null),
}

/** In the file for pasting the address and the app's id are filled in where this machine knows them. */
function fillIn(script: string): string {
  const { PUBLIC_URL, HIGHLEVEL_APP_ID } = process.env
  const url = PUBLIC_URL === undefined || PUBLIC_URL === '' ? '__BAROMETER_APP_URL__' : PUBLIC_URL
  const id = HIGHLEVEL_APP_ID === undefined || HIGHLEVEL_APP_ID === '' ? '__BAROMETER_APP_ID__' : HIGHLEVEL_APP_ID
  return script.replaceAll('__BAROMETER_APP_URL__', url).replaceAll('__BAROMETER_APP_ID__', id)
}

async function buildPage(page: Page, outDir: string): Promise<boolean> {
  const folder = join(outDir, page)
  const stampFile = join(outDir, `.${page}-inputs`)
  const stamp = await inputsStamp(page)
  if ((await textOf(stampFile)) === stamp && (await textOf(join(folder, 'index.html'))) !== null) return false
  const [{ build }, { default: vue }] = await Promise.all([import('vite'), import('@vitejs/plugin-vue')])
  await rm(folder, { recursive: true, force: true })
  await build({
    configFile: false,
    root: join(root, 'custom-pages', page),
    base: `/pages/${page}/`,
    logLevel: 'warn',
    plugins: [vueCssAsText, vue()],
    build: { outDir: folder, emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0, rolldownOptions: { checks: { bundlerTimings: false } } },
  })
  await writeFile(stampFile, stamp)
  return true
}

/** Hash over everything a page is built from. */
async function inputsStamp(page: Page): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of [`custom-pages/${page}`, 'custom-pages/shared', 'custom-pages/widget', 'src/http/contract', 'src/kernel']) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    for (const file of files.sort()) hash.update(file.slice(root.length)).update(await readFile(file))
  }
  for (const file of ['scripts/build-pages.ts', 'package-lock.json']) hash.update((await textOf(join(root, file))) ?? '')
  return hash.digest('hex')
}

async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , outDir] = process.argv
  const built = await buildPages(outDir === undefined ? {} : { outDir })
  const made = pages.map((page) => `${page} ${built.pagesBuilt[page] ? 'built' : 'unchanged'}`).join(', ')
  process.stdout.write(`Pages: widget.js ${built.widgetBytes} bytes gzipped; ${made}. Script to paste as custom code: ${join(built.outDir, 'custom-js.html')}\n`)
}
