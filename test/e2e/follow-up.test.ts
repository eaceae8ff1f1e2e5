import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** What the agency does with an answer: follow-ups, cases, news; and the one-tap link. */
let stage: Stage
let admin: Person
let users: string[]
let locationId: string
let headquartersId: string

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 3, usersPerAccount: 8 } } })
  ;({ headquartersId } = await stage.product.setUp())
  ;({ locationId, userIds: users } = await stage.product.enableFeedback(0))
  const changed = await stage.product.admin().send('PATCH', '/api/settings', { messages: { holdSeconds: 0, quietHours: { enabled: false } } })
  if (changed.status !== 200) throw new Error(`The settings answered ${changed.status}: ${JSON.stringify(changed.body)}`)
  admin = await stage.open()
}, 120_000)
afterAll(() => stage.close())

async function answersAs(userId: string, level: string, comment?: string): Promise<void> {
  const someone = await stage.open({ userId })
  const { widget } = someone
  await widget.step('ask')
  await widget.face(level).click()
  await widget.part('saved').waitFor()
  if (comment !== undefined) {
    await widget.comment.fill(comment)
    await widget.part('send').click()
    await widget.step('thanks')
    await widget.part('saved').waitFor()
  }
  expect(someone.noise).toEqual([])
  await someone.context.close()
}

const contactOf = (userId: string) => {
  const email = stage.product.sandbox.state.users.get(userId)!.email.toLowerCase()
  return stage.product.sandbox.state.contacts.by('location', headquartersId).find((one) => one.email === email)
}

describe('a follow-up', () => {
  it('that is a draft says that nobody receives it, and nobody does', async () => {
    const frame = await admin.workspace('#/follow-ups?key=happy_next_step')
    await textOf(frame.getByTestId('workflow-banner'), (text) => text.includes('Draft: nobody receives this.'))
    await answersAs(users[0]!, 'happy')
    await until('the contact', () => contactOf(users[0]!))
    await stage.product.settled()
    expect(stage.product.sandbox.state.messages.by('contact', contactOf(users[0]!)!.id)).toEqual([])
  })

  it('whose words were edited and published reaches the conversation of the person who answers, once', async () => {
    const frame = await admin.workspace('#/follow-ups?key=happy_next_step')
    await frame.getByTestId('step-subject').first().fill('A next step for {{ account.name }}')
    await frame.getByTestId('step-delay').first().fill('0')
    await frame.getByTestId('step-delay').first().blur()
    expect(await frame.getByTestId('workflow-publish').count()).toBe(0)
    await frame.getByTestId('workflow-save').click()
    await frame.getByTestId('workflow-publish').click()
    await frame.getByTestId('publish-go').click()
    await textOf(frame.getByTestId('workflow-state'), (text) => text === 'Live')
    await picture(admin.page, 'follow-up-live')

    await answersAs(users[1]!, 'happy')
    const contact = await until('the contact', () => contactOf(users[1]!))
    await until('the message', () => stage.product.sandbox.state.messages.by('contact', contact.id).length > 0)
    await stage.product.settled()
    await admin.goToLocation(headquartersId)
    await admin.visit('contacts')
    await admin.page.getByTestId(`contact-link-${contact.email}`).click()
    await admin.page.getByTestId('message').waitFor()
    expect(await admin.page.getByTestId('message').count()).toBe(1)
    expect(await admin.page.getByTestId('message-subject').textContent()).toContain(`A next step for ${stage.product.sandbox.company().accounts[0]!.name}`)
    await picture(admin.page, 'conversation')
    expect(stage.product.sandbox.state.messages.by('contact', contactOf(users[0]!)!.id)).toEqual([])
  })
})

describe('a Not Happy answer', () => {
  it('rings the bell, opens a case, and the case is closed with an outcome and a note', async () => {
    await answersAs(users[2]!, 'not_happy', 'Invoices arrive twice.')
    await stage.product.settled()
    const frame = await admin.workspace('#/notifications')
    await frame.getByTestId('notification-case_opened').waitFor()
    await admin.page.reload()
    await admin.page.waitForSelector('html[data-ready=yes]', { state: 'attached' })
    await admin.workspace('#/notifications')
    await until('the bell counts', async () => /[1-9]/.test((await frame.getByTestId('bell').getAttribute('aria-label')) ?? ''))
    await frame.getByTestId('read-all').click()
    await until('the bell is quiet', async () => (await frame.getByTestId('bell').getAttribute('aria-label')) === 'Notifications, none unread')

    await admin.workspace('#/cases')
    const row = frame.locator('[data-testid^=case-]', { hasText: 'Invoices arrive twice.' }).first()
    await row.getByTestId('case-close').click()
    await frame.getByTestId('case-close-go').click()
    expect(await frame.getByText('Choose an outcome.').count()).toBe(1)
    expect(await frame.getByText('Say in a sentence what was done.').count()).toBe(1)
    await frame.getByText('Resolved', { exact: true }).click()
    await frame.getByTestId('case-note').fill('The second invoice run is switched off.')
    await frame.getByTestId('case-close-go').dblclick()
    await frame.getByText('No open case').waitFor()
    await frame.getByTestId('cases-closed').click()
    await frame.getByText('The second invoice run is switched off.').waitFor()
    await picture(admin.page, 'case-closed')
    expect(admin.noise).toEqual([])
  })
})

describe('the address of the page', () => {
  it('is kept for links and the back button inside the frame', async () => {
    const frame = await admin.workspace('#/accounts')
    await frame.locator('[data-open]').first().click()
    await frame.getByTestId('panel').waitFor()
    await admin.page.evaluate('history.back()')
    await until('the panel is closed', async () => (await frame.getByTestId('panel').count()) === 0)
    await frame.getByTestId('tab-cases').click()
    await frame.getByTestId('page-cases').waitFor()
    await frame.getByTestId('tab-follow-ups').click()
    await frame.getByTestId('page-follow-ups').waitFor()
    await admin.page.evaluate('history.back()')
    await frame.getByTestId('page-cases').waitFor()
    await admin.page.evaluate('history.forward()')
    await frame.getByTestId('page-follow-ups').waitFor()
    await admin.workspace('#/nowhere')
    await frame.getByTestId('page-today').waitFor()
    await admin.workspace(`#/accounts?open=${locationId}`)
    await frame.getByTestId('account-facts').waitFor()
    await admin.page.keyboard.press('Escape')
    await until('the panel is closed', async () => (await frame.getByTestId('panel').count()) === 0)
    await admin.workspace('#/accounts?happiness=none&sort=-name')
    await until('the filter is on', async () => (await frame.getByTestId('filter-happiness-none').getAttribute('aria-pressed')) === 'true')
  })

  it('a double click on a toggle ends where it began, on the page and on the server', async () => {
    const frame = await admin.workspace('#/accounts')
    const other = stage.product.sandbox.company().accounts[1]!
    const toggle = frame.getByTestId(`feedback-${other.id}`)
    await toggle.dblclick()
    const onServer = async () => (await stage.product.admin().get(`/api/accounts/${other.id}`)).body.feedbackEnabled as boolean
    await stage.product.settled()
    await until('page and server agree', async () => (await onServer()) === (await toggle.isChecked()))
    expect(await onServer()).toBe(false)
  })
})

describe('the one-tap link', () => {
  const linkFor = async (userId: string) => (await stage.product.admin().send('POST', `/api/accounts/${locationId}/users/${userId}/feedback-link`)).body.url as string
  const answersOf = (userId: string) => stage.product.connection.collection('answers').countDocuments({ userId })

  it('records nothing when it is opened, and once when its button is pressed, without any script', async () => {
    const url = await linkFor(users[3]!)
    const context = await stage.browser.newContext({ javaScriptEnabled: false, viewport: { width: 375, height: 800 } })
    const page = await context.newPage()
    await page.goto(url)
    await page.reload()
    expect(await answersOf(users[3]!)).toBe(0)
    expect(await page.textContent('body')).not.toMatch(/highlevel|leadconnector|barometer/i)
    await picture(page, 'link')
    await page.getByRole('radio', { name: 'Neutral' }).check()
    await page.getByLabel('Anything you want to tell us? (optional)').fill('By mail')
    await page.getByRole('button', { name: 'Send my answer' }).click()
    await page.getByRole('status').waitFor()
    expect(await page.getByRole('status').textContent()).toBe('Your answer is saved: Neutral.')
    await picture(page, 'link-saved')
    await page.goto(url)
    await page.goBack()
    expect(await answersOf(users[3]!)).toBe(1)
    await context.close()
  })

  it('can be read by everybody, and says what to do when it is forged or altered', async () => {
    const { accessibilityFaults, sidewaysScroll } = await import('./support/checks.ts')
    const url = await linkFor(users[4]!)
    const context = await stage.browser.newContext({ viewport: { width: 320, height: 640 }, bypassCSP: true })
    const page = await context.newPage()
    for (const [name, address, status] of [['question', url, 200], ['altered', `${url.slice(0, -3)}xyz`, 404], ['forged', `${stage.product.url}/a/nonsense`, 404]] as const) {
      const response = await page.goto(address)
      expect([name, response!.status()]).toEqual([name, status])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        expect(await accessibilityFaults(page)).toEqual([])
      }
      expect(await sidewaysScroll(page)).toBe(0)
      await picture(page, `link-${name}`)
    }
    await page.getByText('This link does not work').first().waitFor()
    expect(await answersOf(users[4]!)).toBe(0)
    await context.close()
  })
})
