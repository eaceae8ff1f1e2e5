import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** The README's story, by one person, in order. */
let stage: Stage
let someone: Person
let account: { id: string; name: string }
let users: { id: string; email: string; firstName: string }[]
let headquartersId: string

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 8, usersPerAccount: 3 } } })
  const view = stage.product.sandbox.company()
  account = view.accounts[0]!
  headquartersId = view.headquarters.id
  users = stage.product.sandbox.accountUsersOf(account.id)
  someone = await stage.open({ viewport: { width: 1200, height: 780 } })
}, 120_000)
afterAll(() => stage.close())

const status = async () => (await stage.product.admin().get(`/api/accounts/${account.id}`)).body.health
const board = (level: string) => someone.page.locator(`[data-pipeline-name="Company Health Status"] [data-stage-name="${level}"]`)

async function visitHeadquarters(entry: string): Promise<void> {
  await someone.goToLocation(headquartersId)
  await someone.visit(entry)
}

/** Field, tag, card and list agree, once the CRM has all of it. */
async function shows(level: string, label: string): Promise<void> {
  const { page } = someone
  const email = users[0]!.email.toLowerCase()
  await stage.product.settled()
  await visitHeadquarters('contacts')
  await textOf(page.getByTestId(`contact-${email}-Health Status`), (text) => text === label)
  await page.getByTestId(`contact-row-${email}`).getByText(`health: ${level}`).waitFor()
  await someone.visit('opportunities')
  await board(label).getByTestId('card').waitFor()
  expect(await page.locator('[data-pipeline-name="Company Health Status"]').getByTestId('card').count()).toBe(1)
  const frame = await someone.workspace('#/accounts')
  await textOf(frame.getByTestId(`set-health-${account.id}`), (text) => text.includes(label))
}

/** A picture of a page that needs more room. */
async function large(look: () => Promise<void>): Promise<void> {
  await someone.page.setViewportSize({ width: 1400, height: 960 })
  const inner = someone.page.frames().find((one) => one.url().includes('/pages/workspace'))!
  await until('the room is there', () => inner.evaluate<boolean>('innerWidth > 1100'))
  // A frame of another origin paints on its own: once it did so twice, the new size is on the screen.
  await inner.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done(null)))))')
  await look()
  await someone.page.setViewportSize({ width: 1200, height: 780 })
}

/** What colleagues and customers said meanwhile about the other accounts. */
async function restOfThePortfolio(): Promise<void> {
  const { product } = stage
  const others = product.sandbox.company().accounts.slice(1)
  const readings = [['healthy', 'happy'], ['healthy', 'very_happy'], ['steady', 'neutral'], ['thriving', 'very_happy'], ['struggling', 'happy'], ['steady', null]] as const
  for (const [at, [health, happiness]] of readings.entries()) {
    const { id } = others[at]!
    await product.admin().send('PUT', `/api/accounts/${id}/health`, { level: health, note: 'From the last call.' })
    if (happiness === null) continue
    const { userId, locationId } = await product.enableFeedback(at + 1)
    expect((await product.answer({ userId, locationId }, happiness)).status).toBeLessThan(300)
  }
}

describe('the story', () => {
  it('installs from the stand-in, and the workspace appears in its menu without a reload', async () => {
    const { page } = someone
    expect(await page.getByTestId('nav-app-workspace').count()).toBe(0)
    await page.getByTestId('install').click()
    await page.getByTestId('nav-app-workspace').waitFor()
    expect(await page.getByTestId('install-state').textContent()).toContain('is installed')
  })

  it('sets up: choosing the success location turns every check to done', async () => {
    const frame = await someone.workspace('#/set-up')
    const pick = frame.getByTestId('location-select')
    await until('the location is offered', async () => (await pick.locator('option', { hasText: 'Northwind HQ' }).count()) === 1)
    expect(await frame.locator('[data-testid^=check-][data-ok=false]').count()).toBeGreaterThan(0)
    await pick.selectOption({ label: 'Northwind HQ' })
    await frame.getByTestId('location-choose').click()
    await frame.locator('[data-testid^=check-][data-ok=true]').first().waitFor()
    await until('every check passes', async () => (await frame.locator('[data-testid^=check-][data-ok=false]').count()) === 0)
    expect(await frame.locator('[data-testid^=check-]').count()).toBeGreaterThanOrEqual(10)
    expect(await textOf(frame.locator('.head p'), (text) => text.includes('checks pass'))).toMatch(/^(\d+) of \1 checks pass\.$/)
    await frame.getByRole('button', { name: 'Dismiss' }).first().click()
    await picture(someone.page, '02-set-up')
  })

  it('switches feedback on for an account', async () => {
    const frame = await someone.workspace('#/accounts')
    const toggle = frame.getByTestId(`feedback-${account.id}`)
    await toggle.waitFor()
    await toggle.check()
    await until('feedback is on', async () => (await stage.product.admin().get(`/api/accounts/${account.id}`)).body.feedbackEnabled === true)
    expect(await toggle.isChecked()).toBe(true)
  })

  it('asks a user of that account, saves on the tap, takes a comment and a change of mind, and says thank you', async () => {
    const { page, widget } = someone
    await someone.become(users[0]!.id)
    await widget.step('ask')
    expect(await widget.title.textContent()).toBe('How are we doing for you?')
    await picture(page, '01-prompt')
    await widget.face('happy').click()
    await widget.step('comment')
    await widget.part('saved').waitFor()
    await widget.part('change').click()
    await widget.step('ask')
    await widget.face('not_happy').click()
    await widget.step('comment')
    await widget.part('saved').waitFor()
    expect(await widget.title.textContent()).toBe('Not Happy')
    await widget.comment.fill('The calendar has dropped two bookings this week.')
    await widget.part('send').click()
    await widget.step('thanks')
    expect(await widget.title.textContent()).toBe(`Thank you, ${users[0]!.firstName}`)
    await widget.part('saved').waitFor()
    await widget.part('close').click()
    await widget.button.waitFor()
    expect(await widget.card.count()).toBe(0)
  })

  it('shows the answer in the contact, its fields and tag, and on the card in the pipeline', async () => {
    const { page } = someone
    const user = users[0]!
    const admin = stage.product.sandbox.company().admin
    await someone.become(admin.id)
    await someone.goToLocation(headquartersId)
    await someone.visit('contacts')
    const cell = (field: string) => page.getByTestId(`contact-${user.email.toLowerCase()}-${field}`)
    await textOf(cell('Happiness Level'), (text) => text === 'Not Happy')
    await textOf(cell('Last Feedback Comment'), (text) => text === 'The calendar has dropped two bookings this week.')
    expect(await cell('Company Happiness Level').textContent()).toBe('Not Happy')
    expect(await page.getByTestId(`contact-row-${user.email.toLowerCase()}`).getByText('happiness: not happy').count()).toBe(1)
    await page.getByTestId(`contact-link-${user.email.toLowerCase()}`).click()
    await page.getByTestId('tag-happiness: not happy').waitFor()
    await someone.visit('opportunities')
    const stageNow = page.locator('[data-pipeline-name="Happiness Level"] [data-stage-name="Not Happy"]')
    await stageNow.getByTestId('card').waitFor()
    expect(await page.locator('[data-pipeline-name="Happiness Level"]').getByTestId('card').count()).toBe(1)
  })

  it('shows the level with its coverage in the workspace', async () => {
    const frame = await someone.workspace('#/accounts')
    const row = frame.getByTestId(`account-${account.id}`)
    const words = await textOf(row, (text) => text.includes('Not Happy'))
    expect(words).toContain('1 of 3')
    expect(someone.noise).toEqual([])
  })

  it('sets the Health Status on the page, and the contact, its tag and the card follow', async () => {
    const frame = await someone.workspace('#/accounts')
    await frame.getByTestId(`set-health-${account.id}`).click()
    await frame.getByTestId('health-level-healthy').check()
    await frame.getByTestId('health-form').getByTestId('health-note').fill('They open a second clinic in March.')
    await frame.getByTestId('reason-expansion_plans').check()
    await frame.getByTestId('health-save').click()
    await textOf(frame.getByTestId('health-now'), (text) => text.includes('Healthy'))
    await shows('healthy', 'Healthy')
  })

  it('takes the contact’s field as the new status', async () => {
    const { page } = someone
    await visitHeadquarters('contacts')
    await page.getByTestId(`contact-link-${users[0]!.email.toLowerCase()}`).click()
    await page.getByTestId('field-Health Status').selectOption('Thriving')
    await page.getByTestId('fields-save').click()
    await until('the status', async () => (await status()).level === 'thriving')
    await page.getByTestId('tag-health: thriving').waitFor()
    await picture(page, '04-contact')
    await shows('thriving', 'Thriving')
  })

  it('asks for the note that the field could not take', async () => {
    const frame = await someone.workspace('#/accounts')
    await frame.getByTestId('to-open-items').click()
    const item = frame.getByTestId(`open-item-${account.id}`)
    await item.getByTestId('health-note').fill('The second clinic is booked out already.')
    await item.getByTestId('note-save').click()
    await item.waitFor({ state: 'detached' })
    expect(await status()).toMatchObject({ level: 'thriving', source: 'field', noteWanted: false, note: 'The second clinic is booked out already.' })
  })

  it('takes the card’s stage as the new status, and one press takes a wrong move back everywhere', async () => {
    await visitHeadquarters('opportunities')
    await board('Thriving').getByTestId('card').dragTo(board('Steady'))
    await until('the status', async () => (await status()).level === 'steady')
    const frame = await someone.workspace(`#/accounts?account=${account.id}`)
    await textOf(frame.getByTestId('health-undo'), (text) => text.includes('back to Thriving'))
    await frame.getByTestId('health-undo').click()
    await textOf(frame.getByTestId('health-now'), (text) => text.includes('Thriving'))
    await frame.getByTestId('still-true').click()
    await until('a confirmation', async () => (await status()).confirmedAt !== null)
    expect(await status()).toMatchObject({ level: 'thriving', source: 'undo' })
    await shows('thriving', 'Thriving')
  })

  it('shows both readings side by side, opens a cell, and names who is far apart', async () => {
    const frame = await someone.workspace('#/accounts')
    await restOfThePortfolio()
    await someone.page.reload()
    await someone.workspace('#/accounts')
    await frame.getByTestId(`set-health-${account.id}`).waitFor()
    await picture(someone.page, '03-accounts')
    await someone.workspace('#/readings')
    const cell = frame.getByTestId('cell-thriving-not_happy')
    await textOf(cell, (text) => text.includes('apart'))
    await large(() => picture(someone.page, '06-grid'))
    await cell.getByRole('link').click()
    await until('the account of the cell', async () => (await frame.locator('[data-row]').count()) === 1)
    expect(await frame.locator('[data-row]').getAttribute('data-row')).toBe(account.id)
    await someone.page.evaluate('history.back()')
    await frame.getByTestId('grid').waitFor()
    await frame.getByTestId('readings-disagreements').click()
    const row = frame.getByTestId(`apart-${account.id}`)
    expect(await textOf(row, (text) => text.includes('apart'))).toContain(account.name)
    await row.getByRole('link', { name: account.name }).click()
    await frame.getByTestId('page-account').waitFor()
  })

  it('tells the whole story in the timeline, each line with the event behind it', async () => {
    const frame = await someone.workspace(`#/accounts?account=${account.id}`)
    await frame.getByRole('link', { name: 'Show the event from the CRM' }).first().click()
    await frame.getByTestId('cause-delivery').waitFor()
    await frame.getByTestId('panel-close').click()
  })

  it('gives the account an owner and the owner a brief', async () => {
    const frame = await someone.workspace(`#/accounts?account=${account.id}`)
    await frame.getByTestId('owner-change').click()
    await frame.getByTestId('owner-select').selectOption({ index: 1 })
    await frame.getByTestId('owner-note').fill('Call before the clinic opens.')
    await frame.getByTestId('owner-save').click()
    await frame.getByTestId('panel').waitFor({ state: 'detached' })
    await textOf(frame.getByTestId('owner'), (text) => !text.includes('Nobody'))
    await frame.getByRole('button', { name: 'Dismiss' }).first().click()
    await large(() => picture(someone.page, '05-account'))
    await frame.getByTestId('to-brief').click()
    const brief = await textOf(frame.getByTestId('page-brief'), (text) => text.includes('Thriving'))
    expect(brief).toContain('Call before the clinic opens.')
    expect(someone.noise).toEqual([])
  })
})
