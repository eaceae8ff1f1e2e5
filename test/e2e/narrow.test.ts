import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { BrowserContext, BrowserContextOptions } from 'playwright-core'
import { accessibilityFaults, sidewaysScroll, widgetLayout } from './support/checks.ts'
import { openStage, picture, type Person, type Stage } from './support/stage.ts'

/** The widget in small windows, zoomed, mirrored, without motion, in forced colours, light and dark. */
let stage: Stage
let users: string[]
let someone: Person
let next = 0

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 3, usersPerAccount: 12 } } })
  await stage.product.setUp()
  ;({ userIds: users } = await stage.product.enableFeedback(0))
}, 120_000)
afterEach(() => someone.context.close())
afterAll(() => stage.close())

async function asksSomeone(options: BrowserContextOptions & { prepare?: (context: BrowserContext) => Promise<unknown> } = {}): Promise<Person> {
  someone = await stage.open({ userId: users[next++]!, ...options })
  await someone.widget.step('ask')
  return someone
}

async function expectToFit(name: string): Promise<void> {
  const { cut, small } = await widgetLayout(someone.page)
  await picture(someone.page, name)
  expect({ cut, small, sideways: await sidewaysScroll(someone.page) }).toEqual({ cut: [], small: [], sideways: 0 })
}

/** Every state of the card in turn; `look` sees each. */
async function walk(look: (name: string) => Promise<void>): Promise<void> {
  const { widget } = someone
  await look('ask')
  await widget.part('later').click()
  await widget.step('later')
  await look('later')
  await widget.part('answer-now').click()
  await widget.face('not_happy').click()
  await widget.step('comment')
  await widget.part('saved').waitFor()
  await look('comment')
  await widget.comment.fill('A long word: Feedbackfragebogenbeantwortungsunterstützungsmechanismus')
  await widget.part('send').click()
  await widget.step('thanks')
  await widget.part('saved').waitFor()
  await look('thanks')
  await widget.part('close').click()
  await widget.button.waitFor()
  await look('button')
}

describe('the widget fits', () => {
  it('a window of 320 px: nothing is cut, every target is 44 px, nothing scrolls sideways', async () => {
    await asksSomeone({ viewport: { width: 320, height: 568 } })
    await walk((name) => expectToFit(`widget-320-${name}`))
  })

  it('200 % zoom, also where the window is low', async () => {
    await asksSomeone({ viewport: { width: 640, height: 300 }, deviceScaleFactor: 2 })
    await walk((name) => expectToFit(`widget-zoom-${name}`))
    const box = (await someone.widget.button.boundingBox())!
    expect(box.y).toBeGreaterThanOrEqual(0)
  })

  it('a low window lets the person reach the top and the end of the card', async () => {
    await asksSomeone({ viewport: { width: 320, height: 256 } })
    await someone.widget.face('happy').click()
    await someone.widget.step('comment')
    for (const part of [someone.widget.title, someone.widget.part('skip'), someone.widget.part('close')]) {
      await part.scrollIntoViewIfNeeded()
      const box = (await part.boundingBox())!
      expect(box.y).toBeGreaterThanOrEqual(0)
      expect(box.y + box.height).toBeLessThanOrEqual(256)
    }
    await picture(someone.page, 'widget-low')
  })

  it('right to left: the order mirrors, arrows follow the reading direction, nothing is cut', async () => {
    await asksSomeone({
      viewport: { width: 360, height: 640 },
      prepare: (context) =>
        context.route('**/api/prompt', async (route) => {
          const response = await route.fetch()
          const body = (await response.json()) as { copy: object }
          await route.fulfill({ response, json: { ...body, copy: { ...body.copy, language: 'ar', direction: 'rtl', question: 'ما رأيك في خدمتنا؟', later: 'لاحقًا' } } })
        }),
    })
    const { widget, page } = someone
    const xOf = async (level: string) => (await widget.face(level).boundingBox())!.x
    expect(await xOf('not_happy')).toBeGreaterThan(await xOf('very_happy'))
    await widget.face('not_happy').focus()
    await page.keyboard.press('ArrowLeft')
    expect(await page.evaluate(`document.activeElement.shadowRoot.activeElement.dataset.testid`)).toBe('feedback-level-neutral')
    await expectToFit('widget-rtl')
    const brokenOnes = await accessibilityFaults(page, '[data-testid=feedback-widget]')
    expect(brokenOnes).toEqual([])
  })
})

describe('the widget respects', () => {
  it('a wish for less motion', async () => {
    await asksSomeone({ reducedMotion: 'reduce' })
    const moving = await someone.page.evaluate<string[]>(`[...document.querySelector('[data-testid=feedback-widget]').shadowRoot.querySelectorAll('*')].filter((element) => {
      const { animationName, animationDuration, transitionDuration } = getComputedStyle(element)
      return (animationName !== 'none' && parseFloat(animationDuration) > 0.01) || transitionDuration.split(',').some((one) => parseFloat(one) > 0.01)
    }).map((element) => element.className)`)
    expect(moving).toEqual([])
  })

  it('forced colours: every answer keeps an edge and the focused one shows it', async () => {
    await asksSomeone({ forcedColors: 'active', colorScheme: 'dark', viewport: { width: 420, height: 640 } })
    await someone.widget.face('neutral').focus()
    await someone.page.keyboard.press('ArrowRight')
    await picture(someone.page, 'widget-forced-colours')
    const outline = await someone.widget.face('happy').evaluate((element) => getComputedStyle(element).outlineStyle)
    expect(outline).not.toBe('none')
  })
})

describe('a reader of the screen', () => {
  it('finds a polite region before there are words in it, then hears the question', async () => {
    someone = await stage.open({
      userId: users[next++]!,
      prepare: (context) =>
        context.addInitScript(`
          window.heard = []
          new MutationObserver(() => {
            const live = document.querySelector('[data-testid=feedback-widget]')?.shadowRoot.querySelector('[aria-live=polite]')
            if (live && !window.watching) {
              window.watching = true
              window.heard.push(live.textContent)
              new MutationObserver(() => window.heard.push(live.textContent)).observe(live, { childList: true, characterData: true, subtree: true })
            }
          }).observe(document, { childList: true, subtree: true })`),
    })
    await someone.widget.step('ask')
    await someone.page.waitForFunction(`window.heard.at(-1) === 'How are we doing for you?'`)
    expect(await someone.page.evaluate('window.heard[0]')).toBe('')
  })

  it('gets one group named by the question, and answers that are words', async () => {
    await asksSomeone()
    const { page } = someone
    const group = page.getByRole('radiogroup', { name: 'How are we doing for you?' })
    await group.waitFor()
    expect(await group.getByRole('radio').count()).toBe(4)
    for (const name of ['Not Happy', 'Neutral', 'Happy', 'Very Happy']) expect(await group.getByRole('radio', { name, exact: true }).count()).toBe(1)
    await page.getByRole('button', { name: 'Close', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Ask me later' }).waitFor()
  })

  for (const scheme of ['light', 'dark'] as const) {
    it(`meets no fault in any state of the widget, ${scheme}`, async () => {
      const dark = (context: BrowserContext) => context.addInitScript(`addEventListener('DOMContentLoaded', () => (document.documentElement.style.colorScheme = 'dark'))`)
      await asksSomeone(scheme === 'dark' ? { prepare: dark } : {})
      const faults: string[] = []
      await walk(async (name) => {
        for (const width of [1400, 900, 375]) {
          await someone.page.setViewportSize({ width, height: 700 })
          faults.push(...(await accessibilityFaults(someone.page, '[data-testid=feedback-widget]')).map((fault) => `${name} at ${width}: ${fault}`))
          await picture(someone.page, `widget-${scheme}-${name}-${width}`)
        }
      })
      expect(faults).toEqual([])
    })
  }
})
