import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Frame, FrameLocator } from 'playwright-core'
import { dayMs, type Clock } from '../../src/kernel/clock.ts'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** The Health Status as a CSM keeps it: on our page, in the contact, on the board. */
let shiftMs = 0
const clock: Clock = { now: () => new Date(Date.now() + shiftMs), nowMs: () => Date.now() + shiftMs }

let stage: Stage
let csm: Person
let accounts: { id: string; name: string }[]
let headquartersId: string

beforeAll(async () => {
  stage = await openStage({ clock, sandbox: { seed: { accounts: 6, usersPerAccount: 2 } } })
  accounts = stage.product.sandbox.company().accounts
  headquartersId = (await stage.product.setUp()).headquartersId
  reader = stage.product.admin()
  csm = await stage.open()
}, 120_000)
afterAll(() => stage.close())

let reader: ReturnType<Stage['product']['as']>
const healthOf = async (at: number) => (await reader.get(`/api/accounts/${accounts[at]!.id}`)).body.health
const inner = (person: Person) => person.page.frames().find((one) => one.url().includes('/pages/workspace'))!
/** The primary contact by default: the longest-standing admin. */
const contactEmail = async (at: number) => {
  const { items } = (await stage.product.admin().get(`/api/accounts/${accounts[at]!.id}/people`)).body as { items: { email: string; primary: boolean }[] }
  return items.find((one) => one.primary)!.email.toLowerCase()
}

async function openPanel(at: number, hash = ''): Promise<FrameLocator> {
  const frame = await csm.workspace('#/accounts')
  await frame.getByTestId(`account-${accounts[at]!.id}`).waitFor()
  await csm.workspace(`#/accounts?open=${accounts[at]!.id}${hash}`)
  await frame.getByTestId('health-form').waitFor()
  return frame
}

async function setOn(frame: FrameLocator, level: string, note: string): Promise<void> {
  await frame.getByTestId(`health-level-${level}`).check()
  await frame.getByTestId('health-form').getByTestId('health-note').fill(note)
  await frame.getByTestId('health-save').click()
}

async function closePanel(frame: FrameLocator): Promise<void> {
  await frame.getByTestId('panel-close').click()
  await frame.getByTestId('panel').waitFor({ state: 'detached' })
}

async function visitHeadquarters(entry: string): Promise<void> {
  await csm.goToLocation(headquartersId)
  await csm.visit(entry)
}

const column = (level: string) => csm.page.locator(`[data-pipeline-name="Company Health Status"] [data-stage-name="${level}"]`)
const cardOf = (at: number) => csm.page.locator(`[data-pipeline-name="Company Health Status"] [data-testid=card][data-card-name*="${accounts[at]!.name}"]`)
const backToWorkspace = async () => {
  await csm.page.getByTestId('nav-app-workspace').click()
  return csm.workspace('#/accounts')
}

async function holdsUp(name: string): Promise<void> {
  const faults: string[] = []
  for (const [width, colorScheme] of [[1_608, 'light'], [1_108, 'light'], [375, 'dark']] as const) {
    await csm.page.setViewportSize({ width, height: 1_100 })
    await csm.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const sideways = await sidewaysScroll(inner(csm))
    if (sideways > 0) faults.push(`${name} at ${width}: scrolls ${sideways} px sideways`)
    faults.push(...(await accessibilityFaults(inner(csm))).map((fault) => `${name} at ${width}: ${fault}`))
    await picture(csm.page, `health-${name}-${width}`)
  }
  await csm.page.emulateMedia({ colorScheme: 'light' })
  await csm.page.setViewportSize({ width: 1_400, height: 900 })
  expect(faults).toEqual([])
}

describe('the Health Status, set on our page', () => {
  it('needs a sentence and says which, then reaches the contact, its tag and the card', async () => {
    const frame = await openPanel(0)
    expect(await frame.getByTestId('health-now').textContent()).toContain('No reading')
    await frame.getByTestId('health-level-steady').check()
    await frame.getByTestId('health-save').click()
    expect(await frame.getByTestId('health-note-fault').textContent()).toBe('Write one sentence about what you learned.')
    expect(await inner(csm).evaluate('document.activeElement.dataset.testid')).toBe('health-note')
    await holdsUp('panel-fault')
    await frame.getByTestId('reason-cost_cutting').check()
    await setOn(frame, 'steady', 'The second chair stays closed until January.')
    await textOf(frame.getByTestId('health-now'), (text) => text.includes('Steady'))
    expect(await healthOf(0)).toMatchObject({ level: 'steady', note: 'The second chair stays closed until January.', reasonCodes: ['cost_cutting'], source: 'page', noteWanted: false })
    await holdsUp('panel-set')
    await closePanel(frame)
    await stage.product.settled()
    const email = await contactEmail(0)
    await visitHeadquarters('contacts')
    await textOf(csm.page.getByTestId(`contact-${email}-Health Status`), (text) => text === 'Steady')
    await csm.page.getByTestId(`contact-link-${email}`).click()
    await csm.page.getByTestId('tag-health: steady').waitFor()
    await csm.visit('opportunities')
    await column('Steady').getByTestId('card').waitFor()
    expect(await column('Steady').getByTestId('card').count()).toBe(1)
  })

  it('is taken back by one press, on the card and in the contact, too', async () => {
    await backToWorkspace()
    const frame = await openPanel(0)
    await setOn(frame, 'thriving', 'A second site opens in March.')
    const undo = frame.getByTestId('health-undo')
    await textOf(undo, (text) => text.includes('back to Steady'))
    await frame.getByTestId('dialog-toasts').getByTestId('toast-action').waitFor()
    await undo.click()
    await until('the level before', async () => (await healthOf(0)).level === 'steady')
    await textOf(frame.getByTestId('health-now'), (text) => text.includes('Steady'))
    expect(await healthOf(0)).toMatchObject({ source: 'undo' })
    await closePanel(frame)
    await stage.product.settled()
    await visitHeadquarters('opportunities')
    await column('Steady').getByTestId('card').waitFor()
    expect(await column('Thriving').getByTestId('card').count()).toBe(0)
  })

  it('never overwrites what somebody else set meanwhile, and keeps the words', async () => {
    await backToWorkspace()
    const frame = await openPanel(0)
    await frame.getByTestId('health-level-struggling').check()
    await frame.getByTestId('health-form').getByTestId('health-note').fill('Two invoices are late.')
    const colleague = stage.product.as({ userId: stage.product.sandbox.company().staff[0]!.id })
    const other = await colleague.send('PUT', `/api/accounts/${accounts[0]!.id}/health`, { level: 'healthy', note: 'The chair reopens on 1 December.' })
    expect(other.status).toBe(200)
    await frame.getByTestId('health-save').click()
    expect(await textOf(frame.getByTestId('health-conflict'), (text) => text.includes('Healthy'))).toContain('The chair reopens on 1 December.')
    expect(await healthOf(0)).toMatchObject({ level: 'healthy' })
    expect(await frame.getByTestId('health-form').getByTestId('health-note').inputValue()).toBe('Two invoices are late.')
    await holdsUp('panel-conflict')
    await textOf(frame.getByTestId('health-save'), (text) => text.includes('all the same'))
    await frame.getByTestId('health-save').click()
    await until('the second will', async () => (await healthOf(0)).level === 'struggling')
    await closePanel(frame)
  })

  it('takes a CSM without a mouse from the list to a saved status', async () => {
    const frame = await csm.workspace('#/accounts')
    const { keyboard } = csm.page
    await frame.getByTestId(`account-${accounts[1]!.id}`).waitFor()
    await frame.locator('h1').click()
    const at = await frame.locator('[data-row]').evaluateAll((rows, id) => rows.findIndex((row) => row.getAttribute('data-row') === id), accounts[1]!.id)
    for (let step = 0; step <= at; step++) await keyboard.press('j')
    await keyboard.press('h')
    const focused = () => inner(csm).evaluate<string>('document.activeElement.dataset.testid ?? ""')
    await until('the first level has the focus', async () => (await focused()) === 'health-level-struggling')
    await keyboard.press('ArrowRight')
    await keyboard.press('ArrowRight')
    await keyboard.press('Tab')
    expect(await focused()).toBe('health-note')
    await keyboard.type('They renewed for a year on Monday.')
    await keyboard.press('Control+Enter')
    await until('the status', async () => (await healthOf(1)).level === 'healthy')
    await textOf(frame.getByTestId('health-now'), (text) => text.includes('Healthy'))
    await keyboard.press('Escape')
    await frame.getByTestId('panel').waitFor({ state: 'detached' })
    await until('the focus is back in the row', async () => inner(csm).evaluate<boolean>(`document.activeElement.closest('[data-row="${accounts[1]!.id}"]') !== null`))
  })
})

describe('the Health Status, changed in the CRM', () => {
  it('by the contact’s field: the page shows it and asks for the note', async () => {
    await stage.product.settled()
    const email = await contactEmail(1)
    await visitHeadquarters('contacts')
    await csm.page.getByTestId(`contact-link-${email}`).click()
    await csm.page.getByTestId('field-Health Status').selectOption('Struggling')
    await csm.page.getByTestId('fields-save').click()
    await until('the level', async () => (await healthOf(1)).level === 'struggling')
    const frame = await backToWorkspace()
    await frame.getByTestId(`account-${accounts[1]!.id}`).getByTestId('note-wanted').waitFor()
    await textOf(frame.getByTestId('to-open-items'), (text) => text.includes('1'))
    await frame.getByTestId('to-open-items').click()
    await frame.getByTestId(`open-item-${accounts[1]!.id}`).waitFor()
    await holdsUp('open-items')
    await frame.getByTestId('health-note').fill('Their biggest customer left.')
    await frame.getByTestId('note-save').click()
    await frame.getByTestId('empty-state').waitFor()
    expect(await healthOf(1)).toMatchObject({ level: 'struggling', note: 'Their biggest customer left.', noteWanted: false, source: 'field' })
    await holdsUp('open-items-none')
  })

  it('by dragging the card: the same, and the history says from where', async () => {
    await stage.product.settled()
    await visitHeadquarters('opportunities')
    await cardOf(1).first().waitFor()
    await cardOf(1).first().dragTo(column('Thriving'))
    await until('the level', async () => (await healthOf(1)).level === 'thriving')
    await backToWorkspace()
    const frame = await csm.workspace(`#/accounts?account=${accounts[1]!.id}`)
    await frame.getByTestId('health-wanted').waitFor()
    await frame.locator('[data-testid=timeline] li').first().waitFor()
    await holdsUp('account-wanted')
    await frame.getByRole('link', { name: 'Show the event from the CRM' }).first().click()
    await frame.getByTestId('cause-delivery').waitFor()
    await frame.getByTestId('panel-close').click()
    await frame.getByTestId('timeline-group-tasks').click()
    await frame.getByRole('link', { name: 'Show the follow-up’s steps' }).first().click()
    await frame.getByTestId('cause-run').waitFor()
    await holdsUp('account-cause')
    await frame.getByTestId('panel-close').click()
    await frame.getByTestId('timeline-group-tasks').click()
    await frame.getByTestId('note-form').getByTestId('health-note').fill('The new site doubled their bookings.')
    await frame.getByTestId('note-save').first().click()
    await frame.getByTestId('health-wanted').waitFor({ state: 'detached' })
    const newest = frame.getByTestId('health-history').locator('li[data-source]').first()
    expect(await textOf(newest, (text) => text.includes('doubled'))).toContain('by moving the card')
    await holdsUp('account')
  })
})

describe('the account’s own page', () => {
  it('keeps people, time and owner, and prints a hand-over brief', async () => {
    const frame = await csm.workspace(`#/accounts?account=${accounts[2]!.id}`)
    await frame.getByTestId('account-strip').waitFor()
    const other = frame.locator('[data-testid^=make-primary-]').first()
    await other.click()
    await frame.getByTestId('primary-clear').waitFor()
    await frame.getByTestId('hours-minutes').fill('no')
    await frame.getByTestId('hours-log').click()
    await frame.getByText('Give the minutes as a number from 1 to 1,440.').waitFor()
    await frame.getByTestId('hours-minutes').fill('45')
    await frame.getByTestId('hours-note').fill('Quarterly review')
    await frame.getByTestId('hours-log').click()
    await textOf(frame.getByTestId('hours-sum'), (text) => text === '45 min')
    await frame.getByTestId('account-watch').check()
    await until('watching', async () => ((await stage.product.admin().get('/api/notifications/watches')).body.locationIds as string[]).includes(accounts[2]!.id))
    await frame.getByTestId('owner-change').click()
    await frame.getByTestId('owner-select').selectOption({ index: 1 })
    await frame.getByTestId('owner-save').click()
    await until('an owner', async () => (await stage.product.admin().get(`/api/accounts/${accounts[2]!.id}`)).body.csm !== null)
    await frame.getByTestId('panel').waitFor({ state: 'detached' })
    await frame.getByTestId('premium').check()
    await until('premium', async () => (await stage.product.admin().get(`/api/accounts/${accounts[2]!.id}`)).body.premium === true)
    await frame.getByTestId('timeline-group-people').click()
    await until('the hash holds the filter', async () => inner(csm).evaluate<boolean>(`location.hash.includes('tgroups=people')`))
    await holdsUp('account-people')
    await frame.getByTestId('to-brief').click()
    await frame.getByTestId('brief-status').waitFor()
    await holdsUp('brief')
  })
})

describe('many accounts at once', () => {
  it('get one status with one shared note; what fails is named account by account', async () => {
    const frame = await csm.workspace('#/accounts?health=none')
    await frame.locator('[data-row]').first().waitFor()
    const ids = await frame.locator('[data-row]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-row')!))
    expect(ids.length).toBeGreaterThan(1)
    await textOf(frame.getByTestId('filter-health-none'), (text) => text.endsWith(String(ids.length)))
    const [file] = await Promise.all([csm.page.waitForEvent('download'), frame.getByTestId('accounts-export').click()])
    expect(file.suggestedFilename()).toBe('accounts.csv')
    const rows = (await readFile(await file.path(), 'utf8')).split('\r\n')
    expect(rows.filter((row) => ids.some((id) => row.includes(id)))).toHaveLength(ids.length)
    await frame.getByTestId('select-page').check()
    await frame.getByTestId('bulk-confirm_health').click()
    await frame.getByTestId('bulk-outcome').waitFor()
    expect(await frame.getByTestId('bulk-outcome').locator('li').count()).toBe(ids.length)
    await holdsUp('bulk-outcome')
    await frame.getByTestId('bulk-again').click()
    await frame.getByTestId('bulk-set_health').click()
    await frame.getByTestId('bulk-health-go').click()
    await frame.getByText('Choose a level first.').waitFor()
    await frame.getByTestId('health-level-healthy').check()
    await frame.getByTestId('bulk-health').getByTestId('health-note').fill('All of them came through the autumn well.')
    await holdsUp('bulk-health')
    await frame.getByTestId('bulk-health-go').click()
    await until('every status', async () => {
      const all = await Promise.all(ids.map(async (id) => (await stage.product.admin().get(`/api/accounts/${id}`)).body.health))
      return all.every((health) => health.level === 'healthy' && health.source === 'bulk' && health.note === 'All of them came through the autumn well.')
    })
  })

  it('are shared out by a rule after a look at who gets what', async () => {
    const frame = await csm.workspace('#/accounts?csm=none')
    await frame.locator('[data-row]').first().waitFor()
    await frame.getByTestId('select-page').check()
    await frame.getByTestId('bulk-assign_csm').click()
    await frame.getByTestId('owner-by-rule').check()
    const among = frame.locator('[data-testid^=owner-among-]')
    for (let at = 0; at < (await among.count()); at++) await among.nth(at).check()
    await frame.getByTestId('owner-go').click()
    await frame.getByTestId('owner-preview').waitFor()
    expect((await stage.product.admin().get('/api/accounts?csm=none')).body.total).toBeGreaterThan(0)
    await holdsUp('bulk-owner')
    await frame.getByTestId('owner-go').click()
    await until('everybody has an owner', async () => (await stage.product.admin().get('/api/accounts?csm=none')).body.total === 0)
  })
})

describe('a status that nobody looked at for long', () => {
  afterEach(() => {
    shiftMs = 0
    reader = stage.product.admin()
  })

  it('turns amber, is found by its filter, and is fresh again after one press', async () => {
    shiftMs = 22 * dayMs
    // The session of the others has ended by then.
    reader = stage.product.as({ userId: stage.product.sandbox.company().admin.id })
    const late = await stage.open()
    const frame = await late.workspace('#/accounts?stale=true')
    const row = frame.getByTestId(`account-${accounts[0]!.id}`)
    await row.getByTestId('stale').waitFor()
    await row.getByTestId(`set-health-${accounts[0]!.id}`).click()
    await frame.getByTestId('health-stale').waitFor()
    await frame.getByTestId('still-true').click()
    await frame.getByTestId('health-stale').waitFor({ state: 'detached' })
    expect(await healthOf(0)).toMatchObject({ level: 'struggling', stale: false })
    expect(late.noise).toEqual([])
    await late.context.close()
  })
})

describe('the card inside a sub-account', () => {
  const openCard = async (person: Person): Promise<{ card: FrameLocator; frame: Frame }> => {
    await person.page.getByTestId('nav-app-health-card').click()
    const card = person.page.frameLocator('[data-testid=frame-health-card]')
    await card.locator('h1').waitFor()
    return { card, frame: person.page.frames().find((one) => one.url().includes('/pages/health-card'))! }
  }

  it('sets the status for the team in two presses and a sentence', async () => {
    const person = await stage.open({ path: `/v2/location/${accounts[3]!.id}/dashboard` })
    const { card, frame } = await openCard(person)
    await card.getByTestId('health-level-thriving').check()
    await card.getByTestId('health-note').fill('Their reviews doubled since September.')
    expect(await accessibilityFaults(frame)).toEqual([])
    await picture(person.page, 'health-card-team')
    await card.getByTestId('health-save').click()
    await until('the status', async () => (await healthOf(3)).level === 'thriving')
    await textOf(card.getByTestId('health-now'), (text) => text.includes('Thriving'))
    expect(person.noise).toEqual([])
    await person.context.close()
  })

  it('shows and sends a customer nothing of it', async () => {
    const user = stage.product.sandbox.accountUsersOf(accounts[3]!.id)[0]!
    const seen: string[] = []
    const person = await stage.open({
      userId: user.id,
      path: `/v2/location/${accounts[3]!.id}/dashboard`,
      prepare: async (context) => context.on('response', (response) => void (response.url().includes('/api/') && response.text().then((text) => seen.push(text), () => seen.push('')))),
    })
    const { frame } = await openCard(person)
    await until('the card has its data', () => seen.length > 1)
    expect(await frame.evaluate<string>('document.body.textContent')).not.toMatch(/thriving|healthy|struggling|health status/i)
    expect(seen.join('\n')).not.toMatch(/thriving|doubled since September/i)
    const asCustomer = stage.product.as({ userId: user.id, locationId: accounts[3]!.id })
    expect((await asCustomer.get(`/api/accounts/${accounts[3]!.id}/health/history`)).status).toBe(403)
    await person.context.close()
  })

  it('keeps the console quiet throughout', () => {
    expect(csm.noise).toEqual([])
  })
})
