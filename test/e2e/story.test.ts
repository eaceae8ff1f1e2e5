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
  stage = await openStage({ sandbox: { seed: { accounts: 6, usersPerAccount: 3 } } })
  const view = stage.product.sandbox.company()
  account = view.accounts[0]!
  headquartersId = view.headquarters.id
  users = stage.product.sandbox.accountUsersOf(account.id)
  someone = await stage.open({ viewport: { width: 1200, height: 780 } })
}, 120_000)
afterAll(() => stage.close())

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
    await widget.face('neutral').click()
    await widget.step('comment')
    await widget.part('saved').waitFor()
    await widget.part('change').click()
    await widget.step('ask')
    await widget.face('happy').click()
    await widget.step('comment')
    await widget.part('saved').waitFor()
    expect(await widget.title.textContent()).toBe('Happy')
    await widget.comment.fill('The new reports save us a day a month.')
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
    await textOf(cell('Happiness Level'), (text) => text === 'Happy')
    await textOf(cell('Last Feedback Comment'), (text) => text === 'The new reports save us a day a month.')
    expect(await cell('Company Happiness Level').textContent()).toBe('Happy')
    expect(await page.getByTestId(`contact-row-${user.email.toLowerCase()}`).getByText('happiness: happy').count()).toBe(1)
    await page.getByTestId(`contact-link-${user.email.toLowerCase()}`).click()
    await page.getByTestId('tag-happiness: happy').waitFor()
    await picture(page, '04-contact')
    await someone.visit('opportunities')
    const stageNow = page.locator('[data-pipeline-name="Happiness Level"] [data-stage-name="Happy"]')
    await stageNow.getByTestId('card').waitFor()
    expect(await page.locator('[data-pipeline-name="Happiness Level"]').getByTestId('card').count()).toBe(1)
  })

  it('shows the level with its coverage in the workspace', async () => {
    const frame = await someone.workspace('#/accounts')
    const row = frame.getByTestId(`account-${account.id}`)
    const words = await textOf(row, (text) => text.includes('Happy'))
    expect(words).toContain('1 of 3')
    await picture(someone.page, '03-accounts')
    expect(someone.noise).toEqual([])
  })
})
