import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Frame, Page } from 'playwright-core'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, type Person, type Stage } from './support/stage.ts'

/** Every page in every state, at three widths, light and dark: no accessibility fault, and the page never scrolls sideways. */
let stage: Stage
let accounts: { id: string }[]
let admin: Person

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 12, usersPerAccount: [1, 4] } } })
  accounts = stage.product.sandbox.company().accounts
  await stage.product.install()
  admin = await stage.open()
}, 120_000)
afterAll(() => stage.close())

/** Width of the frame beside the stand-in's menu; below 700 px the menu is above it. */
const menuWidth = 208
const looks = [
  { width: 1400, colorScheme: 'light' },
  { width: 1400, colorScheme: 'dark' },
  { width: 900, colorScheme: 'light' },
  { width: 375, colorScheme: 'light' },
  { width: 375, colorScheme: 'dark' },
] as const

async function faultsOf(page: Page, document: Frame | Page, name: string): Promise<string[]> {
  const faults: string[] = []
  const framed = document !== page
  for (const { width, colorScheme } of looks) {
    await page.setViewportSize({ width: width + (framed && width > 700 ? menuWidth : 0), height: 1100 })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const at = `${name} at ${width}, ${colorScheme}`
    faults.push(...(await accessibilityFaults(document)).map((fault) => `${at}: ${fault}`))
    const sideways = await sidewaysScroll(document)
    if (sideways > 0) faults.push(`${at}: scrolls ${sideways} px sideways`)
    await picture(page, `${name}-${width}-${colorScheme}`)
  }
  await page.setViewportSize({ width: 1400, height: 900 })
  return faults
}

/** The health card inside the stand-in, as whoever is looking. */
async function healthCard(person: Person, settledBy: string): Promise<Frame> {
  await person.page.getByTestId('nav-app-health-card').click()
  await person.page.frameLocator('[data-testid=frame-health-card]').locator(settledBy).first().waitFor()
  return person.page.frames().find((frame) => frame.url().includes('/pages/health-card'))!
}

const inner = (person: Person) => person.page.frames().find((frame) => frame.url().includes('/pages/workspace'))!

/** The workspace at a hash, once `settledBy` is in it. */
async function faultsAt(person: Person, name: string, hash: string, settledBy: string): Promise<string[]> {
  const frame = await person.workspace(hash)
  await frame.locator(settledBy).first().waitFor()
  return faultsOf(person.page, inner(person), name)
}

describe('before the success location is chosen', () => {
  it('set-up says what is missing and the accounts have no reading', async () => {
    expect(await faultsAt(admin, 'set-up-first', '#/set-up', '[data-testid=location-choose]')).toEqual([])
    expect(await faultsAt(admin, 'cases-empty', '#/cases', '[data-testid=empty-state]')).toEqual([])
    expect(await faultsAt(admin, 'notifications-empty', '#/notifications', '[data-testid=preferences]')).toEqual([])
  })
})

describe('the workspace in use', () => {
  beforeAll(async () => {
    await stage.product.setUp()
    const levels = ['very_happy', 'happy', 'neutral', 'not_happy'] as const
    for (const [at, level] of levels.entries()) {
      const who = await stage.product.enableFeedback(at)
      await stage.product.answer(who, level, at === 3 ? { comment: 'Leads arrive twice since the new form, and nobody has told us why.' } : {})
    }
    await stage.product.settled()
    await until('a notification', async () => (await stage.product.admin().get('/api/notifications')).body.unread > 0)
    await until('a case', async () => (await stage.product.admin().get('/api/cases')).body.total > 0)
    await admin.context.close()
    admin = await stage.open()
  }, 60_000)

  const places: [name: string, hash: string, settledBy: string][] = [
    ['today', '#/today', '[data-act]'],
    ['accounts', '#/accounts', '[data-row]'],
    ['accounts-no-match', '#/accounts?q=zzz', '[data-testid=clear-filters]'],
    ['follow-ups', '#/follow-ups', '[data-testid=workflow-banner]'],
    ['cases', '#/cases', '[data-testid=case-close]'],
    ['notifications', '#/notifications', '[data-testid=notifications] li'],
    ['set-up', '#/set-up', '[data-ok=true]'],
    ['operations', '#/operations', '[data-testid=connection-status]'],
  ]
  for (const [name, hash, settledBy] of places) {
    it(`${name} can be read by everybody`, async () => {
      expect(await faultsAt(admin, name, hash, settledBy)).toEqual([])
    })
  }

  it('the panel of an account can be read by everybody', async () => {
    expect(await faultsAt(admin, 'account', `#/accounts?open=${accounts[3]!.id}`, '[data-testid=timeline] li')).toEqual([])
    const frame = await admin.workspace()
    await frame.getByTestId('panel-close').click()
  })

  it('the choice of several accounts and its question can be read by everybody', async () => {
    const frame = await admin.workspace('#/accounts')
    await frame.getByTestId('select-page').check()
    expect(await faultsOf(admin.page, inner(admin), 'bulk')).toEqual([])
    await frame.getByTestId('bulk-request_feedback').click()
    await frame.getByTestId('ask-go').waitFor()
    expect(await faultsOf(admin.page, inner(admin), 'bulk-ask')).toEqual([])
    await frame.getByTestId('panel-close').click()
  })

  it('the health card can be read by everybody, by a customer and by the team', async () => {
    const { sandbox } = stage.product
    const customer = await stage.open({ userId: sandbox.accountUsersOf(accounts[0]!.id)[0]!.id })
    const mine = await healthCard(customer, '[data-testid=mine]')
    expect(await faultsOf(customer.page, mine, 'health-card-customer')).toEqual([])
    expect(await mine.evaluate('document.body.textContent')).not.toMatch(/health status|points|highlevel|barometer|dissent/i)
    expect(customer.noise).toEqual([])
    await customer.context.close()
    const colleague = await stage.open({ path: `/v2/location/${accounts[3]!.id}/dashboard` })
    const card = await healthCard(colleague, 'h1, h2')
    expect(await faultsOf(colleague.page, card, 'health-card-team')).toEqual([])
    expect(colleague.noise).toEqual([])
    await colleague.context.close()
  })

  it('opens with less than 150 KB over the wire, the typeface included', async () => {
    const person = await stage.open()
    await person.workspace()
    const frame = person.page.frames().find((one) => one.url().includes('/pages/workspace'))!
    await frame.locator('[data-act]').first().waitFor()
    await frame.evaluate('document.fonts.ready')
    const sizes = await frame.evaluate<[string, number][]>(`[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map((one) => [new URL(one.name).pathname, one.transferSize])`)
    const total = sizes.filter(([path]) => !path.startsWith('/api/')).reduce((sum, [, bytes]) => sum + bytes, 0)
    process.stdout.write(`First view of the workspace: ${total} bytes over the wire in ${sizes.length} requests\n`)
    expect(total).toBeGreaterThan(10_000)
    expect(total).toBeLessThan(150_000)
    await person.context.close()
  })

  it('the question before publishing and the closing of a case can be read by everybody', async () => {
    const frame = await admin.workspace('#/follow-ups')
    await frame.getByTestId('workflow-publish').click()
    await frame.getByTestId('publish-go').waitFor()
    expect(await faultsOf(admin.page, inner(admin), 'publish-ask')).toEqual([])
    await frame.getByTestId('panel-close').click()
    await admin.workspace('#/cases')
    await frame.getByTestId('case-close').first().click()
    await frame.getByTestId('case-close-go').click()
    expect(await faultsOf(admin.page, inner(admin), 'case-close')).toEqual([])
    await frame.getByTestId('panel-close').click()
  })
})

describe('when something is in the way', () => {
  let person: Person
  afterEach(() => person.context.close())

  it('an error says what happened and keeps the way back', async () => {
    person = await stage.open()
    const refuse = (url: URL) => url.pathname.startsWith('/api/') && url.pathname !== '/api/session'
    await person.context.route(refuse, (route) => route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'The server could not do this.' } } }))
    for (const page of ['accounts', 'follow-ups', 'cases', 'set-up', 'notifications', 'operations']) {
      expect(await faultsAt(person, `${page}-error`, `#/${page}`, '[data-testid=load-error]')).toEqual([])
    }
    const frame = await person.workspace('#/accounts')
    await frame.getByTestId('load-error').waitFor()
    await person.context.unroute(refuse)
    await frame.getByTestId('load-retry').click()
    await frame.locator('[data-row]').first().waitFor()
    expect(await frame.getByTestId('load-error').count()).toBe(0)
  })

  it('what is for admins says so to a colleague', async () => {
    person = await stage.open({ userId: stage.product.sandbox.company().staff[0]!.id })
    expect(await faultsAt(person, 'operations-colleague', '#/operations', '[data-testid=empty-state]')).toEqual([])
    const frame = await person.workspace('#/set-up')
    expect(await frame.getByTestId('tab-operations').count()).toBe(0)
    expect(await faultsAt(person, 'set-up-colleague', '#/set-up', '[data-ok=true]')).toEqual([])
    expect(await faultsAt(person, 'follow-ups-colleague', '#/follow-ups', '[data-testid=workflow-banner]')).toEqual([])
    expect(await frame.getByTestId('workflow-publish').count()).toBe(0)
  })

  it('a customer who opens the workspace is told where to go, and the API refuses', async () => {
    const { sandbox } = stage.product
    const user = sandbox.accountUsersOf(accounts[0]!.id)[0]!
    person = await stage.open({ userId: user.id })
    expect(await faultsAt(person, 'team-only', '', '[data-testid=team-only]')).toEqual([])
    const asCustomer = stage.product.as({ userId: user.id, locationId: accounts[0]!.id })
    const paths = ['/api/accounts', `/api/accounts/${accounts[0]!.id}`, '/api/setup', '/api/cases', '/api/workflows', '/api/operations', '/api/settings', '/api/notifications']
    const statuses = await Promise.all(paths.map(async (path) => [path, (await asCustomer.get(path)).status]))
    expect(statuses).toEqual(paths.map((path) => [path, 403]))
  })

  it('a page opened outside the CRM, a refused session and a silent server are told apart', async () => {
    person = await stage.open()
    await person.page.goto(`${stage.product.url}/pages/workspace`)
    await person.page.getByTestId('no-session-outside').waitFor()
    expect(await faultsOf(person.page, person.page, 'outside')).toEqual([])
    await person.context.route('**/api/session', (route) => route.fulfill({ status: 401, json: { error: { code: 'unauthorized', message: 'No.' } } }))
    await person.page.goto(stage.product.sandbox.url)
    expect(await faultsAt(person, 'refused', '', '[data-testid=no-session-refused]')).toEqual([])
    await person.context.unroute('**/api/session')
    await person.context.route('**/api/session', (route) => route.abort())
    await person.page.goto(stage.product.sandbox.url)
    expect(await faultsAt(person, 'offline', '', '[data-testid=no-session-offline]')).toEqual([])
    await person.context.unroute('**/api/session')
    const frame = await person.workspace()
    await frame.getByRole('button', { name: 'Try again' }).click()
    await frame.locator('[data-act]').first().waitFor()
  })
})
