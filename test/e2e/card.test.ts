import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Frame, FrameLocator } from 'playwright-core'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** The health card as the two kinds of people see it. */
let stage: Stage
let customer: { locationId: string; userId: string; userIds: string[] }

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 2, usersPerAccount: 3 } } })
  await stage.product.setUp()
  customer = await stage.product.enableFeedback()
}, 120_000)
afterAll(() => stage.close())

const entry = 'nav-app-health-card'
const pathOf = (locationId: string) => `/v2/location/${locationId}/dashboard`

async function openCard({ page }: Person): Promise<{ card: FrameLocator; inner: Frame }> {
  await page.getByTestId(entry).click()
  const card = page.frameLocator('[data-testid=frame-health-card]')
  await card.locator('h1').waitFor()
  return { card, inner: page.frames().find((one) => one.url().includes('/pages/health-card'))! }
}

async function holdsUp(someone: Person, inner: Frame, name: string): Promise<void> {
  for (const width of [1_400, 900, 375]) {
    await someone.page.setViewportSize({ width, height: 800 })
    expect(await sidewaysScroll(inner)).toBe(0)
    for (const colorScheme of ['light', 'dark'] as const) {
      await someone.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      expect(await accessibilityFaults(inner)).toEqual([])
      await picture(someone.page, `card-${name}-${width}-${colorScheme}`)
    }
  }
  await someone.page.emulateMedia({ colorScheme: 'light' })
  await someone.page.setViewportSize({ width: 1_400, height: 900 })
}

describe("a customer's user", () => {
  it('answers by keyboard, adds a comment, sees it saved, and changes it', async () => {
    const someone = await stage.open({ userId: customer.userId, path: pathOf(customer.locationId) })
    await someone.widget.step('ask')
    const { card, inner } = await openCard(someone)
    await someone.widget.part('close').click()
    expect(await card.locator('h1').textContent()).toBe('How are we doing for you?')
    const faces = card.getByRole('radio')
    await faces.first().waitFor()
    await holdsUp(someone, inner, 'ask')
    await faces.first().focus()
    await someone.page.keyboard.press('ArrowRight')
    await someone.page.keyboard.press('ArrowRight')
    expect(await card.locator('[role=radio][aria-checked=true]').count()).toBe(0)
    await someone.page.keyboard.press('Enter')
    await card.getByTestId('saved').waitFor()
    expect(await inner.evaluate(`document.activeElement?.closest('[data-testid=answer-form]') !== null`)).toBe(true)
    await card.getByTestId('comment').fill('The reports save us a day a month.')
    await holdsUp(someone, inner, 'comment')
    await card.getByTestId('send').click()
    await card.getByTestId('done').click()
    await card.getByTestId('newest').getByText('The reports save us a day a month.').waitFor()
    expect(await card.getByTestId('newest').locator('h2').textContent()).toBe('You told us: Happy')
    expect(await textOf(card.getByTestId('next'), (text) => text.includes('next on'))).toContain('We will ask you next on')
    await card.getByTestId('change').click()
    await card.getByTestId('level-very_happy').click()
    await card.getByTestId('saved').waitFor()
    await card.getByTestId('skip').click()
    await card.getByTestId('done').click()
    await until('the new level', async () => (await card.getByTestId('newest').locator('h2').textContent()) === 'You told us: Very Happy')
    const { body } = await stage.product.as({ userId: customer.userId, locationId: customer.locationId }).get('/api/me/feedback')
    expect(body.answers).toMatchObject({ total: 1, items: [{ level: 'very_happy', comment: 'The reports save us a day a month.' }] })
    await holdsUp(someone, inner, 'answered')
    expect(someone.noise).toEqual([])
    await someone.context.close()
  }, 120_000)

  it('reads nothing but their own, in the agency’s name', async () => {
    const [, colleague] = customer.userIds
    await stage.product.answer({ userId: colleague!, locationId: customer.locationId }, 'not_happy', { comment: 'words of a colleague' })
    const someone = await stage.open({ userId: customer.userId, path: pathOf(customer.locationId) })
    const { card } = await openCard(someone)
    await card.getByTestId('earlier').waitFor()
    const text = (await card.locator('body').innerText()).toLowerCase()
    expect(text).not.toMatch(/colleague|health|points|\bcase\b|dissent|barometer|highlevel/)
    expect(text).toContain('northwind')
    await someone.context.close()
  }, 60_000)

  it('is told when the card cannot be loaded, and can try again', async () => {
    const someone = await stage.open({ userId: customer.userId, path: pathOf(customer.locationId) })
    let asked = 0
    await someone.context.route('**/api/me/feedback*', (route) => {
      asked += 1
      return route.abort()
    })
    await someone.page.getByTestId(entry).click()
    const card = someone.page.frameLocator('[data-testid=frame-health-card]')
    await card.getByTestId('load-error').waitFor()
    const inner = someone.page.frames().find((one) => one.url().includes('/pages/health-card'))!
    expect((await accessibilityFaults(inner)).filter((fault) => !fault.startsWith('page-has-heading-one'))).toEqual([])
    const before = asked
    await card.getByTestId('load-retry').click()
    await until('another try', () => asked > before)
    await card.getByTestId('load-error').waitFor()
    await someone.context.unroute('**/api/me/feedback*')
    // The page may be faster: it looks again by itself, too.
    await card.getByTestId('load-retry').or(card.getByTestId('mine')).first().click()
    await card.getByTestId('mine').waitFor()
    await someone.context.close()
  }, 60_000)
})

describe("the agency's people", () => {
  it('see the account at a glance, switch feedback, and go on to the workspace', async () => {
    const admin = stage.product.sandbox.company().admin.id
    const someone = await stage.open({ userId: admin, path: pathOf(customer.locationId) })
    const { card, inner } = await openCard(someone)
    await textOf(card.getByTestId('people'), (text) => text.includes('Very Happy') && text.includes('Not Happy') && text.includes('No answer yet'))
    await textOf(card.getByTestId('reading'), (text) => text.includes('2 of 3'))
    expect(await textOf(card.getByTestId('cases'), (text) => text.includes('Case:'))).toContain('words of a colleague')
    await card.getByTestId('timeline').waitFor()
    await holdsUp(someone, inner, 'agency')
    await card.getByTestId('feedback').uncheck()
    await until('feedback is off', async () => (await stage.product.admin().get(`/api/accounts/${customer.locationId}`)).body.feedbackEnabled === false)
    await card.getByTestId('to-workspace').click()
    await card.getByTestId('account-facts').waitFor()
    expect(someone.noise).toEqual([])
    await someone.context.close()
  }, 120_000)

  it('are told to open a sub-account where there is none', async () => {
    const someone = await stage.open()
    const link = someone.page.getByTestId(entry)
    if ((await link.count()) > 0) {
      await link.click()
      await someone.page.frameLocator('[data-testid=frame-health-card]').getByTestId('no-location').waitFor()
    }
    await someone.context.close()
  }, 60_000)
})
