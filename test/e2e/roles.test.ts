import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { FrameLocator, Page } from 'playwright-core'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, type Person, type Stage } from './support/stage.ts'

/** What the pages offer to somebody who only reads, and to a CSM on their own account and on a colleague's. */
let stage: Stage
let accounts: { own: string; colleagues: string }
let colleagueName: string
let csmId: string
let readerId: string

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 4, usersPerAccount: 2 } } })
  const { product } = stage
  await product.setUp()
  const { staff, accounts: all } = product.sandbox.company()
  csmId = staff[0]!.id
  readerId = product.sandbox.createUser({ companyId: product.companyId, firstName: 'Rhea', lastName: 'Reads', email: 'rhea@agency.example' }).id
  accounts = { own: all[0]!.id, colleagues: all[1]!.id }
  const admin = product.admin()
  for (const [at, [locationId, csmUserId]] of [[accounts.own, csmId], [accounts.colleagues, staff[1]!.id]].entries()) {
    await product.answer(await product.enableFeedback(at), 'not_happy', { comment: 'The reports come late.' })
    expect((await admin.send('PUT', `/api/accounts/${locationId}/csm`, { csmUserId })).status).toBe(200)
    expect((await admin.send('PUT', `/api/accounts/${locationId}/health`, { level: 'steady', note: 'As agreed in May.' })).status).toBe(200)
  }
  colleagueName = (await admin.get(`/api/accounts/${accounts.colleagues}`)).body.csm.name
  const cases = await until('both cases', async () => {
    const { items } = (await admin.get('/api/cases')).body as { items: { caseId: string; locationId: string }[] }
    return items.length === 2 && items
  })
  for (const one of cases) await admin.send('POST', `/api/cases/${one.caseId}/assign`, { userId: one.locationId === accounts.own ? csmId : staff[1]!.id })
  expect((await admin.send('PATCH', '/api/settings', { team: { everybodyElse: 'csm', people: [{ userId: readerId, role: 'read_only' }] } })).status).toBe(200)
  await product.settled()
}, 120_000)
afterAll(() => stage.close())

const menuWidth = 208

/** Faults of what is shown, at a desk and on a phone, light and dark. */
async function faultsOf(page: Page, part: string, name: string): Promise<string[]> {
  const document = page.frames().find((one) => one.url().includes(`/pages/${part}`))!
  const faults: string[] = []
  for (const [width, colorScheme] of [[1400, 'light'], [1400, 'dark'], [375, 'light'], [375, 'dark']] as const) {
    await page.setViewportSize({ width: width + (width > 700 ? menuWidth : 0), height: 1100 })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    faults.push(...(await accessibilityFaults(document)).map((fault) => `${name} at ${width}, ${colorScheme}: ${fault}`))
    const sideways = await sidewaysScroll(document)
    if (sideways > 0) faults.push(`${name} at ${width}, ${colorScheme}: scrolls ${sideways} px sideways`)
    await picture(page, `roles-${name}-${width}-${colorScheme}`)
  }
  await page.setViewportSize({ width: 1400, height: 900 })
  return faults
}

/** What changes an account or what customers get; being told about an account, and which columns one sees, is everybody's own choice. */
const waysToChange = 'form, textarea:not([readonly]), [role=switch]:not([data-testid=account-watch]), input[type=checkbox]:not([data-testid=account-watch]):not([data-testid^=column-]), [data-testid=still-true], [data-testid=health-undo], [data-testid=owner-change], [data-testid=account-request], [data-testid=case-close], [data-testid^=workflow-publish], [data-testid=send-test], [data-testid=sending-stop]'

async function healthCardAt(person: Person, settledBy: string): Promise<FrameLocator> {
  await person.page.getByTestId('nav-app-health-card').click()
  const frame = person.page.frameLocator('[data-testid=frame-health-card]')
  await frame.locator(settledBy).first().waitFor()
  return frame
}

describe('somebody who only reads', () => {
  it('sees everything, no way to change it, and one line that says why', async () => {
    const reader = await stage.open({ userId: readerId })
    const sent: string[] = []
    reader.page.on('request', (request) => {
      const { pathname } = new URL(request.url())
      if (request.method() !== 'GET' && pathname.startsWith('/api/') && !/^\/api\/(session$|workflows\/[^/]+\/(preview|dry-run)$)/.test(pathname)) sent.push(`${request.method()} ${pathname}`)
    })
    const places: [name: string, hash: string, settledBy: string][] = [
      ['accounts', '#/accounts', '[data-row]'],
      ['panel', `#/accounts?open=${accounts.own}&set=1`, '[data-testid=account-facts]'],
      ['account', `#/accounts?account=${accounts.own}`, '[data-testid=health-history] li'],
      ['cases', '#/cases', '[data-testid^=case-]'],
      ['follow-ups', '#/follow-ups', '[data-testid=workflow-banner]'],
    ]
    for (const [name, hash, settledBy] of places) {
      const frame = await reader.workspace(hash)
      await frame.locator(settledBy).first().waitFor()
      expect([name, await frame.locator('main, [role=dialog]').locator(waysToChange).count()]).toEqual([name, 0])
      if (name !== 'follow-ups') expect(await frame.getByTestId('look-only').first().textContent()).toBe('You can look, not change: your role is read-only.')
      expect(await faultsOf(reader.page, 'workspace', `reader-${name}`)).toEqual([])
    }
    // The keys of the list do nothing either.
    const frame = await reader.workspace('#/accounts')
    await frame.locator('[data-row] [data-open]').first().focus()
    await reader.page.keyboard.press('x')
    await reader.page.keyboard.press('h')
    expect(await frame.locator('[data-testid=bulk-bar].on').count()).toBe(0)
    expect(await frame.getByTestId('health-form').count()).toBe(0)
    expect(sent).toEqual([])
    expect(reader.noise).toEqual([])
    await reader.context.close()
  }, 120_000)
})

describe('a CSM', () => {
  let csm: Person
  beforeAll(async () => {
    csm = await stage.open({ userId: csmId })
  })
  afterAll(() => csm.context.close())

  it('has the form of their own account, and of a colleague\'s a line that names the colleague', async () => {
    const frame = await csm.workspace(`#/accounts?account=${accounts.own}`)
    await frame.getByTestId('health-form').waitFor()
    expect(await frame.getByTestId('look-only').count()).toBe(0)
    expect(await frame.getByTestId('owner-change').count()).toBe(1)
    await csm.workspace(`#/accounts?account=${accounts.colleagues}`)
    await frame.getByTestId('look-only').waitFor()
    expect(await frame.getByTestId('look-only').textContent()).toBe(`You can look, not change: ${colleagueName} looks after this account. Ask them or a lead.`)
    await frame.locator('[data-testid=health-history] li').first().waitFor()
    expect(await frame.locator('main').locator(waysToChange).count()).toBe(0)
    expect(await faultsOf(csm.page, 'workspace', 'csm-colleague')).toEqual([])
  })

  it('can choose and switch their own in the list, and no other', async () => {
    const frame = await csm.workspace('#/accounts')
    await frame.locator('[data-row]').first().waitFor()
    expect(await frame.locator('[data-row] input[type=checkbox]:not([role=switch])').count()).toBe(1)
    expect(await frame.getByTestId(`feedback-${accounts.own}`).count()).toBe(1)
    expect(await frame.getByTestId(`feedback-${accounts.colleagues}`).count()).toBe(0)
    expect(await frame.getByTestId(`feedback-said-${accounts.colleagues}`).textContent()).toBe('On')
    await frame.getByTestId('select-page').check()
    expect(await frame.getByTestId('bulk-bar').textContent()).toContain('1')
    expect(await faultsOf(csm.page, 'workspace', 'csm-accounts')).toEqual([])
  })

  it('closes their own case and reads a colleague\'s; follow-ups can be tried out, not changed', async () => {
    const frame = await csm.workspace('#/cases')
    await until('the button of one case', async () => (await frame.getByTestId('case-close').count()) === 1)
    expect(await frame.locator('tbody tr').count()).toBe(2)
    expect(await faultsOf(csm.page, 'workspace', 'csm-cases')).toEqual([])
    await csm.workspace('#/follow-ups')
    await frame.getByTestId('send-test').waitFor()
    expect(await frame.getByTestId('workflow-publish').count()).toBe(0)
    expect(csm.noise).toEqual([])
  })

  it('sees the same on the card inside a sub-account', async () => {
    const inside = await stage.open({ userId: csmId, path: `/v2/location/${accounts.colleagues}/dashboard` })
    const card = await healthCardAt(inside, '[data-testid=health-now]')
    expect(await card.getByTestId('look-only').textContent()).toContain(colleagueName)
    expect(await card.locator(waysToChange).count()).toBe(0)
    expect(await faultsOf(inside.page, 'health-card', 'csm-card')).toEqual([])
    await inside.goToLocation(accounts.own)
    const own = await healthCardAt(inside, '[data-testid=health-form]')
    expect(await own.getByTestId('look-only').count()).toBe(0)
    expect(inside.noise).toEqual([])
    await inside.context.close()
  })
})
