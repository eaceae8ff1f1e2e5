import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { dayMs, minuteMs } from '../../src/kernel/clock.ts'
import { createRunningClock } from '../flows/support/running-clock.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, type Stage } from './support/stage.ts'

/** A one-tap link that has done its work, or came too late: what the person reads, and what they can do instead. */
const clock = createRunningClock(new Date())
let stage: Stage
let users: string[]
let locationId: string

beforeAll(async () => {
  stage = await openStage({ clock, sandbox: { seed: { accounts: 2, usersPerAccount: 4 } } })
  await stage.product.setUp()
  ;({ locationId, userIds: users } = await stage.product.enableFeedback(0))
  await admin().send('PATCH', '/api/settings', { brand: { name: 'Northlight' } })
}, 120_000)
afterAll(() => stage.close())

/** Sessions end while the clock is put forward. */
const admin = () => stage.product.as({ userId: stage.product.sandbox.company().admin.id })
const linkFor = async (userId: string) => (await admin().send('POST', `/api/accounts/${locationId}/users/${userId}/feedback-link`)).body.url as string
const answersOf = (userId: string) => stage.product.connection.collection<{ level: string }>('answers').find({ userId }).toArray()

/** A small window without scripts, as a mail app opens it. */
async function phone(): Promise<Page> {
  const context = await stage.browser.newContext({ javaScriptEnabled: false, viewport: { width: 320, height: 640 } })
  context.setDefaultTimeout(20_000)
  return context.newPage()
}

async function expectReadable(url: string, name: string): Promise<void> {
  const context = await stage.browser.newContext({ viewport: { width: 320, height: 640 }, bypassCSP: true })
  const page = await context.newPage()
  await page.goto(url)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    expect(await accessibilityFaults(page)).toEqual([])
  }
  expect(await sidewaysScroll(page)).toBe(0)
  expect(await page.textContent('body')).not.toMatch(/highlevel|leadconnector|barometer/i)
  await picture(page, `link-${name}`)
  await context.close()
}

describe('a link that was used', () => {
  it('shows the answer and lets it be changed for some minutes; then it says that the answer is in, and where a new one can be given', async () => {
    const [userId] = users as [string]
    const url = await linkFor(userId)
    const page = await phone()
    await page.goto(url)
    await page.getByRole('radio', { name: 'Neutral' }).check()
    await page.getByRole('button', { name: 'Send my answer' }).click()
    await page.goto(url)
    expect(await page.getByRole('status').textContent()).toBe('Your answer is saved: Neutral.')
    await page.getByRole('radio', { name: 'Very Happy' }).check()
    await page.getByRole('button', { name: 'Send the change' }).click()
    expect(await page.getByRole('status').textContent()).toBe('Your answer is saved: Very Happy.')

    // The form is still open in this window while its time runs out.
    clock.advanceMs(11 * minuteMs)
    await page.getByRole('radio', { name: 'Not Happy' }).check()
    await page.getByRole('button', { name: 'Send the change' }).click()
    await page.getByRole('heading', { name: 'Your answer is already in' }).waitFor()
    await page.goto(url)
    await page.getByRole('heading', { name: 'Your answer is already in' }).waitFor()
    expect(await page.getByRole('status').textContent()).toBe('Your answer is saved: Very Happy.')
    await page.getByText('You can give a new answer with the feedback button in your account.').waitFor()
    expect(await page.locator('form').count()).toBe(0)
    expect((await answersOf(userId)).map(({ level }) => level)).toEqual(['very_happy'])
    await expectReadable(url, 'used')
    await page.context().close()

    // The way out that the page names is there.
    const someone = await stage.open({ userId })
    await someone.widget.button.waitFor()
    await someone.context.close()
  })
})

describe('a link that has expired', () => {
  it('says so in the agency\'s name, takes nothing, and names the way to answer all the same', async () => {
    const userId = users[1]!
    const url = await linkFor(userId)
    const page = await phone()
    await page.goto(url)
    clock.advanceMs(15 * dayMs)
    await page.getByRole('radio', { name: 'Neutral' }).check()
    await page.getByRole('button', { name: 'Send my answer' }).click()
    await page.getByRole('heading', { name: 'This link has expired' }).waitFor()
    const response = await page.goto(url)
    expect(response!.status()).toBe(410)
    await page.getByText('Northlight').first().waitFor()
    await page.getByText('You can still answer with the feedback button in your account, or ask us for a new link.').waitFor()
    expect(await answersOf(userId)).toEqual([])
    await expectReadable(url, 'expired')

    // Both ways out work: a new link, and the button in the account.
    await page.goto(await linkFor(userId))
    await page.getByRole('button', { name: 'Send my answer' }).waitFor()
    await page.context().close()
    const someone = await stage.open({ userId })
    await someone.widget.step('ask')
    await someone.context.close()
  })
})
