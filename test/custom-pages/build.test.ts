import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
let outDir: string
let said: string

const build = async () => (await run(process.execPath, ['--import', 'tsx', 'scripts/build-pages.ts', outDir], { cwd: root })).stdout

beforeAll(async () => {
  outDir = await mkdtemp(join(tmpdir(), 'barometer-pages-'))
  said = await build()
}, 120_000)
afterAll(() => rm(outDir, { recursive: true, force: true }))

interface Built {
  page: string
  /** Files of what opens first. */
  firstPart: RegExp
}

/** Every script and style that the entry pulls in before anything shows, plus the first page's own. */
async function firstView({ page, firstPart }: Built): Promise<string[]> {
  const html = await readFile(join(outDir, page, 'index.html'), 'utf8')
  const linked = [...html.matchAll(/\/pages\/[\w-]+\/(assets\/[^"]+)/g)].map(([, file]) => file ?? '')
  const assets = await readdir(join(outDir, page, 'assets'))
  const firstPage = assets.filter((file) => firstPart.test(file)).map((file) => `assets/${file}`)
  const queue = [...linked, ...firstPage]
  const seen = new Set<string>()
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    if (seen.has(file)) continue
    seen.add(file)
    if (!file.endsWith('.js')) continue
    const text = await readFile(join(outDir, page, file), 'utf8')
    for (const [, name] of text.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) queue.push(`assets/${name ?? ''}`)
  }
  return [...seen]
}

describe.each<Built>([
  { page: 'workspace', firstPart: /^AccountsPage-.*\.(js|css)$/ },
  { page: 'health-card', firstPart: /^(CustomerCard|AgencyCard)-.*\.(js|css)$/ },
])('the files of $page', ({ page, firstPart }) => {
  it('open with less than 150 KB gzipped, the typeface included', async () => {
    const files = await firstView({ page, firstPart })
    const latin = (await readdir(join(outDir, page, 'assets'))).filter((file) => file.startsWith('inter-latin-wght'))
    expect(latin).toHaveLength(1)
    let bytes = gzipSync(await readFile(join(outDir, page, 'index.html'))).length
    for (const file of [...files, ...latin.map((name) => `assets/${name}`)]) bytes += gzipSync(await readFile(join(outDir, page, file))).length
    expect(files.length).toBeGreaterThan(2)
    expect(bytes).toBeLessThan(150_000)
  })

  it('load nothing from other places and run under a strict content policy', async () => {
    const html = await readFile(join(outDir, page, 'index.html'), 'utf8')
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=/)
    expect(html).not.toMatch(/https?:\/\//)
    for (const file of (await readdir(join(outDir, page, 'assets'))).filter((name) => /\.(js|css)$/.test(name))) {
      const text = await readFile(join(outDir, page, 'assets', file), 'utf8')
      expect(text).not.toMatch(/\beval\(|new Function\(|url\(["']?https?:/)
    }
  })

  it('carry no host or product wording', async () => {
    for (const file of (await readdir(join(outDir, page, 'assets'))).filter((name) => name.endsWith('.js'))) {
      const text = await readFile(join(outDir, page, 'assets', file), 'utf8')
      expect(text).not.toMatch(/highlevel|leadconnector|barometer/i)
    }
  })
})

describe('the built pages', () => {
  it('are not built again while their sources are the same', async () => {
    expect(said).toContain('workspace built, health-card built')
    expect(await build()).toContain('workspace unchanged, health-card unchanged')
  }, 60_000)

  it('come with the widget, and with the same script in readable form for pasting', async () => {
    const pasted = await readFile(join(outDir, 'custom-js.html'), 'utf8')
    expect(pasted).toMatch(/^<script>\n[\s\S]+<\/script>\n$/)
    expect(pasted).toContain('function createController')
    expect(pasted.slice(8, -10)).not.toContain('</script')
  })
})
