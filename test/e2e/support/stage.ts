import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, BrowserContextOptions, FrameLocator, Locator, Page } from 'playwright-core'
import { startProduct, type Product, type ProductOptions } from '../../support/product.ts'
import { until } from '../../support/until.ts'
import { launchBrowser } from './browser.ts'

/** One agency with the product, and a browser to look at it. */
export interface Stage {
  product: Product
  browser: Browser
  /** A window of its own, opened as somebody; by default as the agency's admin. */
  open(options?: WindowOptions): Promise<Person>
  close(): Promise<void>
}

export interface WindowOptions extends BrowserContextOptions {
  userId?: string
  /** Path in the stand-in's interface. */
  path?: string
  /** Before anything is loaded. */
  prepare?: (context: BrowserContext) => Promise<unknown>
}

/** A person in front of a window of the stand-in interface. */
export interface Person {
  page: Page
  context: BrowserContext
  /** What the window's console and its unhandled faults said, except the browser's own lines about failed requests. */
  noise: string[]
  /** Another login: the stand-in starts afresh. */
  become(userId: string): Promise<void>
  /** Another sub-account, without a reload. */
  goToLocation(locationId: string): Promise<void>
  /** A page of the stand-in by its entry in the left menu. */
  visit(entry: string): Promise<void>
  /** Our workspace inside the stand-in, at a hash such as `#/cases`. */
  workspace(hash?: string): Promise<FrameLocator>
  widget: WidgetParts
}

export interface WidgetParts {
  host: Locator
  button: Locator
  card: Locator
  title: Locator
  live: Locator
  group: Locator
  comment: Locator
  face(level: string): Locator
  part(name: string): Locator
  /** Waits for the card in a step: `ask`, `comment`, `thanks`, `later`. */
  step(name: string): Promise<void>
}

export async function openStage(options: ProductOptions = {}): Promise<Stage> {
  const [product, browser] = await Promise.all([startProduct({ publicDir: process.env['E2E_PUBLIC_DIR']!, ...options }), launchBrowser()])
  return {
    product,
    browser,
    async open({ userId, path = '/', prepare, ...contextOptions } = {}) {
      const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, locale: 'en-GB', ...contextOptions })
      context.setDefaultTimeout(20_000)
      if (prepare !== undefined) await prepare(context)
      const page = await context.newPage()
      const noise = listenTo(page)
      await page.goto(`${product.sandbox.url}${path}${userId === undefined ? '' : `?as=${userId}`}`)
      await ready(page)
      return person(page, context, noise)
    },
    async close() {
      await browser.close()
      await product.stop()
    },
  }
}

function listenTo(page: Page): string[] {
  const noise: string[] = []
  page.on('console', (message) => {
    // Written by the browser itself for every failed request; no script can prevent it.
    if (!message.text().startsWith('Failed to load resource')) noise.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => noise.push(`fault: ${error.message}`))
  return noise
}

const ready = (page: Page) => page.waitForSelector('html[data-ready=yes]', { state: 'attached' })

function person(page: Page, context: BrowserContext, noise: string[]): Person {
  const byId = (id: string) => page.getByTestId(id)
  const host = byId('feedback-widget')
  const part = (name: string) => byId(`feedback-${name}`)
  const card = part('card')
  return {
    page,
    context,
    noise,
    async become(userId) {
      const loaded = page.waitForEvent('load')
      await byId('person-select').selectOption(userId)
      await loaded
      await ready(page)
    },
    async goToLocation(locationId) {
      await byId('location-select').selectOption(locationId)
      await page.waitForURL(`**/location/${locationId}/**`)
    },
    async visit(entry) {
      await byId(`nav-${entry}`).click()
    },
    async workspace(hash = '') {
      const frame = page.frameLocator('[data-testid=frame-workspace]')
      if ((await byId('frame-workspace').count()) === 0) await byId('nav-app-workspace').click()
      await frame.locator('main').waitFor()
      const inner = page.frames().find((one) => one.url().includes('/pages/workspace'))
      if (hash !== '') await inner!.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      return frame
    },
    widget: {
      host,
      card,
      part,
      button: part('button'),
      title: part('title'),
      live: part('live'),
      group: part('levels'),
      comment: part('comment'),
      face: (level) => part(`level-${level}`),
      async step(name) {
        await page.locator(`[data-testid=feedback-card][data-step=${name}]`).waitFor()
      },
    },
  }
}

/** Keeps a picture if a folder for pictures is named. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOT_DIR']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  // Passing words of the stand-in would hide what the picture is about.
  await page.evaluate(`document.getElementById('status')?.replaceChildren()`)
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
}

/** The text of an element once it satisfies `wanted`. */
export async function textOf(locator: Locator, wanted: (text: string) => boolean): Promise<string> {
  return until('a text', async () => {
    const text = (await locator.textContent()) ?? ''
    return wanted(text) && text
  })
}
