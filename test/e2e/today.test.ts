import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { FrameLocator } from 'playwright-core'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** The page that a day begins with, with real accounts behind every row. */
let stage: Stage
let admin: Person
let accounts: { id: string; name: string }[]

const inner = () => admin.page.frames().find((one) => one.url().includes('/pages/workspace'))!
const focused = () => inner().evaluate<string>(`document.activeElement?.textContent?.trim() ?? ''`)
const row = (frame: FrameLocator, kind: string, at: number) => frame.getByTestId(`today-${kind}`).filter({ hasText: accounts[at]!.name })
const setHealth = (at: number, level: string, note: string) => stage.product.admin().send('PUT', `/api/accounts/${accounts[at]!.id}/health`, { level, note })

/** Looks at the page as it is at three widths, light and dark. */
async function holdsUp(name: string): Promise<void> {
  const faults: string[] = []
  for (const [width, colorScheme] of [[1_608, 'light'], [1_608, 'dark'], [1_100, 'light'], [1_100, 'dark'], [375, 'light'], [375, 'dark']] as const) {
    await admin.page.setViewportSize({ width, height: 1_000 })
    await admin.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    // Colours of the other scheme fade away first.
    await admin.page.waitForTimeout(250)
    faults.push(...(await accessibilityFaults(inner())).map((fault) => `${width} ${colorScheme}: ${fault}`))
    if ((await sidewaysScroll(inner())) > 0) faults.push(`${width} ${colorScheme}: scrolls sideways`)
    await picture(admin.page, `today-${name}-${width}-${colorScheme}`)
  }
  await admin.page.setViewportSize({ width: 1_608, height: 1_000 })
  await admin.page.emulateMedia({ colorScheme: 'light' })
  expect(faults).toEqual([])
}

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 8, usersPerAccount: 4 } } })
  accounts = stage.product.sandbox.company().accounts
  await stage.product.install()
  admin = await stage.open()
}, 180_000)
afterAll(() => stage.close())

describe('a new agency', () => {
  it('opens on Today and is told what to do next', async () => {
    const frame = await admin.workspace()
    await frame.getByTestId('page-today').waitFor()
    expect(await frame.getByTestId('tab-today').getAttribute('aria-current')).toBe('page')
    await frame.getByTestId('today-not-set-up').waitFor()
    await holdsUp('not-set-up')
    await frame.getByTestId('today-not-set-up').getByRole('link').click()
    await frame.getByTestId('page-set-up').waitFor()
  }, 120_000)

  it('has nothing to do once it is set up, and no account of one\'s own yet', async () => {
    await stage.product.setUp()
    const frame = await admin.workspace('#/today?whose=all')
    await until('all lists are empty', async () => (await frame.getByTestId('list-empty').count()) === 3)
    expect(await textOf(frame.getByTestId('today-lead'), (text) => text !== '')).toBe('Nothing waits for anybody.')
    await frame.getByTestId('today-mine').click()
    await frame.getByTestId('today-none-of-mine').waitFor()
    expect(await inner().evaluate<string>('location.hash')).toContain('whose=me')
    await holdsUp('none-of-mine')
    await frame.getByTestId('today-none-of-mine').getByRole('button').click()
    await frame.getByTestId('list-actNow').waitFor()
  }, 120_000)
})

describe('a day', () => {
  beforeAll(async () => {
    const { product } = stage
    const answer = async (at: number, user: number, level: string, comment?: string) => {
      const who = { locationId: accounts[at]!.id, userId: product.sandbox.accountUsersOf(accounts[at]!.id)[user]!.id }
      expect((await product.answer(who, level, comment === undefined ? {} : { comment })).status).toBeLessThan(300)
    }
    for (const at of [0, 1, 2, 3, 4, 5]) await product.enableFeedback(at)
    await product.admin().send('PATCH', '/api/settings', { health: { staleDays: { healthy: 1 } } })
    await answer(0, 0, 'not_happy', 'Nobody called back after the outage.')
    await answer(1, 0, 'very_happy')
    await answer(1, 1, 'not_happy', 'Two campaigns went out with the wrong phone number.')
    await answer(2, 0, 'neutral')
    await setHealth(2, 'thriving', 'Their numbers look fine.')
    await answer(3, 0, 'very_happy', 'You are quick.')
    await setHealth(3, 'healthy', 'A quiet month.')
    await setHealth(4, 'healthy', 'Renewed for a year.')
    await setHealth(5, 'steady', 'Waiting for the season.')
    await setHealth(5, 'thriving', 'Their second shop opens.')
    await product.settled()
    await until('every list has its rows', async () => {
      const { body } = await product.admin().get('/api/today')
      return body.actNow.total === 3 && body.goingStale.total >= 2 && body.goodNews.total >= 3
    })
  }, 120_000)

  it('shows each account with its reason and one button, the most urgent first', async () => {
    const frame = await admin.workspace('#/accounts')
    await frame.getByTestId('tab-today').click()
    await row(frame, 'case', 0).waitFor()
    expect(await row(frame, 'case', 0).textContent()).toContain('“Nobody called back after the outage.” Nobody has the case yet.')
    const act = frame.getByTestId('list-actNow').getByRole('listitem')
    expect(await act.evaluateAll((items) => items.map((item) => (item as { dataset: Record<string, string> }).dataset['kind']))).toEqual(['case', 'case', 'apart'])
    expect(await frame.getByTestId('list-actNow').getByTestId('list-total').textContent()).toContain('3 accounts')
    expect(await row(frame, 'first_answer', 3).textContent()).toContain('Ask for a review')
    expect(await row(frame, 'first_answer', 1).textContent()).not.toContain('Ask for a review')
    await holdsUp('day')
  }, 120_000)

  it('“Still true” ends a row at once, offers to change it, and the next row has the focus', async () => {
    const frame = await admin.workspace('#/today')
    const stale = row(frame, 'soon_stale', 4)
    await stale.getByRole('button').focus()
    await admin.page.keyboard.press('Enter')
    await until('the row is gone', async () => (await stale.count()) === 0)
    expect(await focused()).not.toBe('')
    await frame.getByTestId('toast-action').click()
    await frame.getByTestId('panel').getByText(accounts[4]!.name).first().waitFor()
    await admin.page.keyboard.press('Escape')
    await until('the panel is closed', async () => (await frame.getByTestId('panel').count()) === 0)
    const { body } = await stage.product.admin().get(`/api/accounts/${accounts[4]!.id}`)
    expect(body.health.confirmedAt).not.toBeNull()
  }, 60_000)

  it('a refused action brings its row back and says why', async () => {
    const frame = await admin.workspace('#/today')
    await row(frame, 'soon_stale', 3).waitFor()
    // Somebody else was faster, and the page does not know yet.
    await admin.page.route('**/api/today**', (route) => route.abort())
    await setHealth(3, 'steady', 'The season ended.')
    await row(frame, 'soon_stale', 3).getByRole('button').click()
    await frame.getByTestId('toasts').getByText(/changed the status/).waitFor()
    await row(frame, 'soon_stale', 3).waitFor()
    await admin.page.unroute('**/api/today**')
  }, 60_000)

  it('old rows stay, with their time, while the server does not answer', async () => {
    const frame = await admin.workspace('#/today')
    await admin.page.route('**/api/today**', (route) => route.abort())
    await frame.getByTestId('today-everybody').click()
    await frame.getByTestId('today-mine').click()
    await frame.getByTestId('load-error').waitFor()
    expect(await frame.getByTestId('load-error').textContent()).toMatch(/Today could not be refreshed\..*You are looking at \d\d:\d\d/)
    await row(frame, 'case', 0).waitFor()
    await holdsUp('stale-data')
    await admin.page.unroute('**/api/today**')
    await frame.getByTestId('today-everybody').click()
    await until('it is fresh again', async () => (await frame.getByTestId('load-error').count()) === 0)
  }, 120_000)

  it('is worked through by keyboard alone: J, K, Enter, the form, and back', async () => {
    const frame = await admin.workspace('#/today?whose=all')
    await row(frame, 'apart', 2).waitFor()
    await frame.getByTestId('today-everybody').focus()
    const { keyboard } = admin.page
    await keyboard.press('j')
    expect(await focused()).toContain('Open case')
    await keyboard.press('j')
    await keyboard.press('j')
    expect(await focused()).toBe(`Review status: ${accounts[2]!.name}`)
    await keyboard.press('k')
    expect(await focused()).toContain('Open case')
    await keyboard.press('j')
    await keyboard.press('Enter')
    await frame.getByTestId('panel').getByText(accounts[2]!.name).first().waitFor()
    await frame.getByTestId('panel').getByRole('button', { name: 'Still true' }).focus()
    await keyboard.press('Enter')
    await frame.getByTestId('dialog-toasts').getByText('Confirmed: still Thriving.').waitFor()
    await keyboard.press('Escape')
    await until('the row is gone', async () => (await row(frame, 'apart', 2).count()) === 0)
    await keyboard.press('j')
    await keyboard.press('k')
    await keyboard.press('k')
    await keyboard.press('Enter')
    await frame.getByTestId('page-cases').waitFor()
    await admin.page.evaluate('history.back()')
    await frame.getByTestId('page-today').waitFor()
  }, 60_000)

  it('offers whoever only reads a look at the account, and no change', async () => {
    const { product } = stage
    const reader = product.sandbox.createUser({ companyId: product.companyId, firstName: 'Rita', lastName: 'Reed', email: 'rita@agency.example' })
    await until('the reader is known', async () => ((await product.admin().get('/api/csms')).body.items as { userId: string }[]).some(({ userId }) => userId === reader.id))
    expect((await product.admin().send('PATCH', '/api/settings', { team: { people: [{ userId: reader.id, role: 'read_only' }] } })).status).toBe(200)
    const person = await stage.open({ userId: reader.id })
    const frame = await person.workspace('#/today?whose=all')
    await frame.getByTestId('list-goingStale').getByRole('listitem').first().waitFor()
    expect(await frame.getByTestId('list-goingStale').getByRole('button').count()).toBe(0)
    expect(await frame.getByTestId('list-goingStale').getByRole('link', { name: 'Open account' }).count()).toBeGreaterThan(0)
    await person.context.close()
  }, 60_000)

  it('asks for a review in words of one\'s own', async () => {
    const frame = await admin.workspace('#/today?whose=all')
    await row(frame, 'first_answer', 3).getByRole('button').click()
    await frame.getByTestId('ask-for-review').getByRole('link', { name: 'Write the e-mail' }).waitFor()
    expect(await frame.getByTestId('ask-for-review').getByRole('link', { name: 'Write the e-mail' }).getAttribute('href')).toMatch(/^mailto:.+%40.+subject=/)
    await holdsUp('review')
    await admin.page.keyboard.press('Escape')
    expect(admin.noise).toEqual([])
  }, 120_000)
})
