import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Frame, Locator } from 'playwright-core'
import { languages } from '../../src/feedback/words/index.ts'
import { customerLanguages } from '../../src/http/contract/settings.ts'
import { accessibilityFaults, sidewaysScroll, widgetLayout } from './support/checks.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** You said, we did: from the case to the customer's card and the feedback card; and the card in every language. */
let stage: Stage
let customer: { locationId: string; userId: string; userIds: string[] }
const said = 'Reminders went out on Sundays.'
const did = 'Reminders now wait for <Monday> 08:00.'

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 2, usersPerAccount: 3 } } })
  await stage.product.setUp()
  customer = await stage.product.enableFeedback()
  await stage.product.answer(customer, 'not_happy', { comment: said })
}, 120_000)
afterAll(() => stage.close())

const path = () => `/v2/location/${customer.locationId}/dashboard`
const innerOf = ({ page }: Person, address: string): Frame => page.frames().find((one) => one.url().includes(address))!

async function holdsUp(someone: Person, inner: Frame, name: string, at?: Locator): Promise<void> {
  for (const width of [1_400, 375]) {
    await someone.page.setViewportSize({ width, height: 900 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await someone.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      expect(await sidewaysScroll(inner)).toBe(0)
      expect(await accessibilityFaults(inner)).toEqual([])
      await at?.scrollIntoViewIfNeeded()
      await picture(someone.page, `deeds-${name}-${width}-${colorScheme}`)
    }
  }
  await someone.page.emulateMedia({ colorScheme: 'light' })
  await someone.page.setViewportSize({ width: 1_400, height: 900 })
}

async function openCard(someone: Person) {
  await someone.page.getByTestId('nav-app-health-card').click()
  const card = someone.page.frameLocator('[data-testid=frame-health-card]')
  await card.locator('h1').waitFor()
  return { card, inner: innerOf(someone, '/pages/health-card') }
}

describe('you said, we did', () => {
  it('is written with the case, ticked on purpose, and read by whom it is for', async () => {
    const reader = await stage.open({ userId: customer.userId, path: path() })
    const { card, inner } = await openCard(reader)
    expect(await card.getByTestId('deeds').count()).toBe(0)

    const admin = await stage.open()
    const workspace = await admin.workspace('#/cases')
    await workspace.getByTestId('case-close').click()
    await workspace.getByTestId('outcome-resolved').check({ force: true })
    await workspace.getByTestId('case-note').fill('Called them.')
    await workspace.getByTestId('deed-text').fill(did)
    expect(await workspace.getByTestId('deed-shown').isChecked()).toBe(false)
    await workspace.getByTestId('deed-shown').check()
    await workspace.getByTestId('deed-who').waitFor()
    await holdsUp(admin, innerOf(admin, '/pages/workspace'), 'closing')
    await workspace.getByTestId('case-close-go').click()

    const text = await textOf(card.getByTestId('deeds'), (shown) => shown.includes(did))
    expect(text).toContain(said)
    await holdsUp(reader, inner, 'card')
    const colleague = await stage.open({ userId: customer.userIds[1]!, path: path() })
    const theirs = (await openCard(colleague)).card
    expect(await textOf(theirs.getByTestId('deeds'), (shown) => shown.includes(did))).not.toContain(said)
    expect([reader.noise, colleague.noise]).toEqual([[], []])
    await reader.context.close()

    // In the feedback card it is never beside the question.
    await colleague.page.reload()
    await colleague.widget.button.click()
    expect(await colleague.widget.card.innerText()).not.toContain(did)
    await colleague.context.close()
    await admin.context.close()
  }, 180_000)

  it('is said after an answer in the feedback card, once', async () => {
    const another = { locationId: customer.locationId, userId: customer.userIds[2]! }
    await stage.product.admin().send('POST', `/api/accounts/${customer.locationId}/deeds`, { text: 'The report comes on the first.', shown: true })
    const someone = await stage.open({ userId: another.userId, path: path() })
    await someone.widget.step('ask')
    expect(await someone.widget.part('did').count()).toBe(0)
    await someone.widget.face('happy').click()
    await someone.widget.step('comment')
    expect(await someone.widget.part('did').count()).toBe(0)
    await someone.widget.part('skip').click()
    expect(await textOf(someone.widget.part('did'), (text) => text !== '')).toBe('We did: The report comes on the first.')
    for (const width of [1_400, 375]) {
      await someone.page.setViewportSize({ width, height: 700 })
      expect(await widgetLayout(someone.page)).toEqual({ cut: [], small: [] })
      expect(await accessibilityFaults(someone.page, '[data-testid=feedback-widget]')).toEqual([])
      await picture(someone.page, `deeds-widget-${width}`)
    }
    await someone.page.reload()
    await someone.widget.button.click()
    await someone.widget.step('thanks')
    expect(await someone.widget.part('did').isVisible()).toBe(false)
    expect(someone.noise).toEqual([])
    await someone.context.close()
  }, 90_000)

  it('can be said about a comment in the account, changed and withdrawn', async () => {
    const admin = await stage.open()
    const workspace = await admin.workspace(`#/accounts?account=${customer.locationId}`)
    const deeds = workspace.getByTestId('deeds')
    await deeds.getByTestId('deed-add').click()
    await workspace.getByTestId('deed-save').click()
    await textOf(workspace.getByTestId('panel'), (text) => text.includes('Say in a sentence what was done.'))
    await workspace.getByTestId('deed-text').fill('We look at the calendar on Friday.')
    await holdsUp(admin, innerOf(admin, '/pages/workspace'), 'dialog')
    await workspace.getByTestId('deed-save').click()
    await textOf(deeds, (text) => text.includes('We look at the calendar on Friday.') && text.includes('Only the team'))
    await holdsUp(admin, innerOf(admin, '/pages/workspace'), 'account', deeds.locator('li').first())
    await deeds.getByTestId('deed-withdraw').first().click()
    await textOf(deeds, (text) => !text.includes('We look at the calendar'))
    await textOf(workspace.getByTestId('timeline-card'), (text) => text.includes('withdrew'))
    expect(admin.noise).toEqual([])
    await admin.context.close()
  }, 120_000)
})

describe.each([...customerLanguages])('the card in %s', (language) => {
  const locales = { en: 'en-GB', es: 'es-ES', de: 'de-DE', fr: 'fr-FR', pt: 'pt-BR', it: 'it-IT', nl: 'nl-NL', ar: 'ar-EG' } as const

  it('speaks it throughout, in its direction, and names neither host nor product', async () => {
    const someone = await stage.open({ userId: customer.userId, path: path(), locale: locales[language] })
    const { card, inner } = await openCard(someone)
    await card.getByTestId('earlier').waitFor()
    const words = languages[language]
    const text = await card.locator('main').innerText()
    for (const sentence of [words.card.deeds, words.card.contactTitle, words.card.earlier, words.card.nextTitle, words.levels.not_happy]) expect(text).toContain(sentence)
    expect(await inner.evaluate('[document.documentElement.lang, document.documentElement.dir]')).toEqual([language, words.direction])
    expect(text.toLowerCase()).not.toMatch(/barometer|highlevel|\bcrm\b/)
    await holdsUp(someone, inner, `card-${language}`)
    expect(someone.noise).toEqual([])
    await someone.context.close()
  }, 90_000)
})
