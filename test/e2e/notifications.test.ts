import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** What reaches a person of the team, and how they choose it. */
let stage: Stage
let admin: Person
const posts: { url: string; body: unknown }[] = []
let status = 200
let names: string[]

beforeAll(async () => {
  stage = await openStage({
    sandbox: { seed: { accounts: 3, usersPerAccount: 2 } },
    outbound: { post: async (url, body) => { posts.push({ url, body }); return { status, retryAfterMs: null, text: '' } } },
  })
  await stage.product.setUp()
  names = stage.product.sandbox.company().accounts.map(({ name }) => name)
  for (const [index, level] of (['not_happy', 'happy'] as const).entries()) {
    const who = await stage.product.enableFeedback(index)
    await stage.product.answer(who, level, index === 0 ? { comment: 'Leads arrive twice since the new form.' } : {})
  }
  await stage.product.settled()
  await until('notifications', async () => (await stage.product.admin().get('/api/notifications/groups')).body.total >= 2)
  admin = await stage.open()
}, 120_000)
afterAll(() => stage.close())

const own = (path: string) => stage.product.admin().get(path)
const inner = (person: Person) => person.page.frames().find((frame) => frame.url().includes('/pages/workspace'))!

describe('the inbox', () => {
  it('shows what happened by account, says why each line came, and is read line by line, by account and whole, by keyboard', async () => {
    const frame = await admin.workspace('#/notifications')
    await frame.getByTestId('notification-group').first().waitFor()
    const headings = await frame.getByTestId('notification-group').locator('h2').allTextContents()
    expect(headings.map((heading) => heading.trim())).toEqual(expect.arrayContaining([names[0], names[1]]))
    await picture(admin.page, 'notifications-inbox')

    const first = frame.getByTestId('notification-group').filter({ hasText: names[0]! })
    await first.getByTestId('notification-case_opened').getByTestId('why').focus()
    await admin.page.keyboard.press('Enter')
    await textOf(frame.getByTestId('traces'), (text) => text.includes('In the app: shown, by the default.') && text.includes('E-mail:'))
    await picture(admin.page, 'notifications-why')
    await admin.page.keyboard.press('Escape')
    await until('the panel is closed', async () => (await frame.getByTestId('panel').count()) === 0)

    const unread = async (): Promise<number> => (await own('/api/notifications')).body.unread as number
    const before = await unread()
    await first.getByTestId('read-one').first().click()
    await until('one is read', async () => (await unread()) < before)
    await first.getByTestId('read-group').click()
    await until('the account is read', async () => (await first.getByTestId('read-group').count()) === 0)
    await frame.getByTestId('show-unread').click()
    await until('only the unread are left', async () => (await frame.getByTestId('notification-group').filter({ hasText: names[0]! }).count()) === 0)
    await frame.getByTestId('read-all').click()
    await frame.getByText('Everything is read', { exact: true }).first().waitFor()
    await frame.getByTestId('kind-filter').selectOption('payment_failed')
    await frame.getByText('Nothing of this kind').waitFor()
    await admin.workspace('#/notifications')
    await frame.getByTestId('missed').click()
    await textOf(frame.getByTestId('traces'), (text) => text.includes('Told:'))
    await frame.getByTestId('panel-close').click()
    expect(admin.noise).toEqual([])
  })
})

describe('the choices', () => {
  it('of a person are kept by kind and channel, with quiet hours, hour, zone and a chat that can be tested', async () => {
    const frame = await admin.workspace('#/notifications')
    const row = frame.getByTestId('choice-feedback_received')
    await row.getByRole('combobox', { name: 'Feedback received: E-mail' }).waitFor()
    expect(await row.getByRole('combobox', { name: 'Feedback received: My chat' }).isDisabled()).toBe(true)
    await row.getByRole('combobox', { name: 'Feedback received: Task' }).selectOption('at_once')
    await row.getByRole('checkbox', { name: 'Feedback received: Also at night' }).check()
    await frame.getByTestId('digest-at').fill('06:45')
    await frame.getByTestId('digest-at').blur()
    await frame.getByTestId('zone').selectOption('Europe/Berlin')
    await frame.getByTestId('quiet-from').fill('21:30')
    await frame.getByTestId('quiet-from').blur()
    await until('all of it is kept', async () => {
      const { items, timing } = (await own('/api/notifications/preferences')).body
      const kept = (items as { kind: string; urgent: boolean; channels: { task: string } }[]).find(({ kind }) => kind === 'feedback_received')!
      return kept.channels.task === 'at_once' && kept.urgent && timing.digestAt === '06:45' && timing.zone === 'Europe/Berlin' && timing.quietHours.from === '21:30'
    })

    const chat = frame.getByTestId('chat').first()
    await chat.getByTestId('chat-url').fill('http://hooks.slack.com/services/T/B/x')
    await chat.getByTestId('chat-save').click()
    await textOf(chat.getByRole('alert'), (text) => text.includes('must be an https address'))
    await chat.getByTestId('chat-url').fill('https://hooks.slack.com/services/T/B/x')
    await admin.page.keyboard.press('Enter')
    await textOf(chat.getByTestId('chat-host'), (text) => text === 'Set: hooks.slack.com')
    await chat.getByTestId('chat-test').click()
    await frame.getByText('The chat took it.').waitFor()
    expect(posts).toHaveLength(1)
    status = 404
    await chat.getByTestId('chat-test').click()
    await frame.getByText('The chat answered 404.').waitFor()
    status = 200
    expect(await row.getByRole('combobox', { name: 'Feedback received: My chat' }).isDisabled()).toBe(false)
    await row.getByRole('combobox', { name: 'Feedback received: My chat' }).selectOption('weekly')
    await picture(admin.page, 'notifications-choices')
    await admin.page.reload()
    await admin.workspace('#/notifications')
    await until('it is still there', async () => (await row.getByRole('combobox', { name: 'Feedback received: My chat' }).inputValue()) === 'weekly')
    expect(await frame.locator('body').textContent()).not.toContain('/services/T/B/x')
    await frame.getByTestId('timing-back').click()
    await until('as the agency has it', async () => (await own('/api/notifications/preferences')).body.timing.own.length === 0)
  })

  it('of the agency hold for whoever did not choose', async () => {
    const frame = await admin.workspace('#/notifications')
    await frame.getByTestId('choices-agency').click()
    const row = frame.getByTestId('agency-preferences').getByTestId('choice-health_stale')
    await row.getByRole('combobox', { name: 'Health Status is stale: E-mail' }).selectOption('weekly')
    await row.getByRole('combobox', { name: 'Health Status is stale: Shared chat' }).selectOption('daily')
    await until('it is the agency’s', async () => {
      const { notices } = (await own('/api/settings')).body.settings
      return notices.kinds.health_stale.email === 'weekly' && notices.agencyChat.health_stale === 'daily'
    })
    await frame.getByTestId('choices-mine').click()
    await until('and mine', async () => (await frame.getByTestId('preferences').getByTestId('choice-health_stale').getByRole('combobox', { name: 'Health Status is stale: E-mail' }).inputValue()) === 'weekly')
  })

  it('can be read by everybody and fit a small window', async () => {
    const small = await stage.open({ viewport: { width: 375, height: 800 }, bypassCSP: true })
    const frame = await small.workspace('#/notifications')
    await frame.getByTestId('preferences').waitFor()
    expect(await accessibilityFaults(inner(small))).toEqual([])
    expect(await sidewaysScroll(inner(small))).toBe(0)
    await picture(small.page, 'notifications-375')
    await frame.getByTestId('choices-agency').click()
    await frame.getByTestId('agency-preferences').waitFor()
    expect(await sidewaysScroll(inner(small))).toBe(0)
    await small.context.close()
  })

  it('say that they could not be loaded, and are loaded on demand', async () => {
    const person = await stage.open({ prepare: (context) => context.route('**/api/notifications/preferences', (route) => route.fulfill({ status: 503, contentType: 'application/json', body: '{"error":{"code":"store_away","message":"The store does not answer."}}' })) })
    const frame = await person.workspace('#/notifications')
    await textOf(frame.getByTestId('load-error'), (text) => text.includes('What reaches me could not be loaded.'))
    await person.context.unroute('**/api/notifications/preferences')
    await frame.getByTestId('load-retry').click()
    await frame.getByTestId('preferences').waitFor()
    await person.context.close()
  })
})
