import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { BookReport } from '../../src/http/contract/reports.ts'
import { dayMs, type Clock } from '../../src/kernel/clock.ts'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** Both readings over all accounts, as a leader looks at them: five weeks of history, then today. */
const historyDays = 35
let shiftMs = -historyDays * dayMs
const clock: Clock = { now: () => new Date(Date.now() + shiftMs), nowMs: () => Date.now() + shiftMs }

let stage: Stage
let leader: Person
let accounts: { id: string; name: string }[]
let owner: { id: string; name: string }
let admin: ReturnType<Stage['product']['as']>

const users = (at: number) => stage.product.sandbox.accountUsersOf(accounts[at]!.id)
const answer = async (at: number, user: number, level: string) => expect((await stage.product.answer({ userId: users(at)[user]!.id, locationId: accounts[at]!.id }, level)).status).toBeLessThan(300)

/** The prompt as a widget shows it, and the answer to it, if one is given. */
async function asked(at: number, user: number, level: string | null): Promise<void> {
  const who = stage.product.as({ userId: users(at)[user]!.id, locationId: accounts[at]!.id })
  const prompt = (await who.get('/api/prompt')).body as { due: boolean; promptId: string }
  expect(prompt.due).toBe(true)
  await who.send('POST', '/api/prompt/outcome', { promptId: prompt.promptId, outcome: 'shown' })
  if (level !== null) await who.send('POST', '/api/answers', { level, idempotencyKey: `asked-${at}-${user}`, source: 'widget' })
}

async function setStatus(at: number, level: string): Promise<void> {
  const set = await admin.send('PUT', `/api/accounts/${accounts[at]!.id}/health`, { level, note: 'What we saw in the last call.' })
  expect(set.status).toBe(200)
}

beforeAll(async () => {
  stage = await openStage({ clock, sandbox: { seed: { accounts: 8, usersPerAccount: 6 } } })
  const { product } = stage
  const company = product.sandbox.company()
  accounts = company.accounts
  await product.setUp()
  admin = product.admin()
  for (const at of [0, 1, 2, 3]) await product.enableFeedback(at)
  for (const user of [0, 1, 2, 3, 4]) await asked(2, user, 'happy')
  await asked(2, 5, null)
  for (const user of [0, 1, 2]) await answer(0, user, 'very_happy')
  await answer(3, 0, 'very_happy')
  await setStatus(2, 'healthy')
  await product.settled()

  shiftMs = 0
  admin = product.as({ userId: company.admin.id })
  owner = ((await admin.get('/api/csms')).body.items as { userId: string; name: string }[]).map(({ userId, name }) => ({ id: userId, name }))[0]!
  await setStatus(0, 'struggling')
  await setStatus(1, 'thriving')
  await setStatus(4, 'steady')
  await answer(0, 3, 'very_happy')
  await asked(1, 0, 'not_happy')
  await asked(1, 1, null)
  await answer(3, 1, 'not_happy')
  await admin.send('PUT', `/api/accounts/${accounts[0]!.id}/csm`, { csmUserId: owner.id })
  await admin.send('POST', `/api/accounts/${accounts[0]!.id}/hours`, { minutes: 90 })
  await until('the readings of all accounts', async () => {
    const { cells } = (await admin.get('/api/reports/grid')).body as { cells: { health: string | null; happiness: string | null; count: number }[] }
    const countOf = (health: string | null, happiness: string | null) => cells.find((cell) => cell.health === health && cell.happiness === happiness)?.count
    return countOf('struggling', 'very_happy') === 1 && countOf('thriving', 'not_happy') === 1 && countOf('healthy', 'happy') === 1 && countOf(null, 'neutral') === 1 && countOf('steady', null) === 1
  })
  leader = await stage.open({ acceptDownloads: true })
}, 180_000)
afterAll(() => stage.close())

const inner = () => leader.page.frames().find((one) => one.url().includes('/pages/workspace'))!

async function holdsUp(name: string): Promise<void> {
  const faults: string[] = []
  for (const [width, colorScheme] of [[1_608, 'light'], [1_000, 'dark'], [375, 'light']] as const) {
    await leader.page.setViewportSize({ width, height: 1_000 })
    await leader.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const sideways = await sidewaysScroll(inner())
    if (sideways > 0) faults.push(`${name} at ${width}: scrolls ${sideways} px sideways`)
    faults.push(...(await accessibilityFaults(inner())).map((fault) => `${name} at ${width}: ${fault}`))
    await picture(leader.page, `readings-${name}-${width}`)
  }
  await leader.page.emulateMedia({ colorScheme: 'light' })
  await leader.page.setViewportSize({ width: 1_400, height: 900 })
  expect(faults).toEqual([])
}

/** A view, once its card shows figures. */
async function view(name: string, params = ''): Promise<Awaited<ReturnType<Person['workspace']>>> {
  const frame = await leader.workspace(`#/readings?view=${name}${params}`)
  await frame.getByTestId(`report-${name === 'trends' ? 'distribution' : name}`).waitFor()
  return frame
}

describe('owners', () => {
  it('each have a row that adds up, and every number opens exactly its accounts', async () => {
    const frame = await view('books')
    const { items } = (await admin.get('/api/reports/books')).body as BookReport
    expect(await frame.locator('[data-testid^=book-]').count()).toBe(items.length)
    const book = items.find(({ health }) => health.struggling > 0)!
    const row = frame.getByTestId(`book-${book.csm?.userId ?? 'none'}`)
    expect(await row.getByRole('cell').nth(1).textContent()).toContain(`${book.accounts}`)
    await holdsUp('books')
    await row.getByRole('link', { name: `Struggling: ${book.health.struggling}`, exact: true }).click()
    await until('its accounts', async () => (await frame.locator('[data-row]').count()) === book.health.struggling)
  })
})

describe('the grid', () => {
  it('opens from its tab and says whose accounts it counts, and as of when', async () => {
    const frame = await leader.workspace()
    await frame.getByTestId('tab-readings').click()
    await frame.getByTestId('grid').waitFor()
    expect(await textOf(frame.getByTestId('report-scope'), (text) => text.includes('as of'))).toMatch(/^All accounts · as of \d\d:\d\d$/)
    expect(await frame.getByTestId('grid-says').textContent()).toContain('8 accounts. 2 of them have readings two or more levels apart.')
    for (const cell of ['struggling-very_happy', 'thriving-not_happy']) expect(await frame.getByTestId(`cell-${cell}`).textContent()).toContain('apart')
    expect(await frame.getByTestId('cell-healthy-happy').locator('b').textContent()).toBe('1')
    await frame.getByRole('link', { name: '1 apart account with health Struggling and happiness Very Happy', exact: true }).waitFor()
    expect(await frame.locator('[data-testid=grid] th[scope=row]').count()).toBe(5)
    expect(await frame.locator('[data-testid=grid] th[scope=col]').count()).toBe(6)
    await holdsUp('grid')
  })

  it('opens exactly the accounts of a cell, and of a whole row', async () => {
    for (const [cell, count] of [['none-none', 3], ['struggling-very_happy', 1]] as const) {
      const frame = await view('grid')
      await frame.getByTestId(`cell-${cell}`).getByRole('link').click()
      await frame.locator('[data-row]').first().waitFor()
      await until(`${count} accounts`, async () => (await frame.locator('[data-row]').count()) === count)
    }
    expect(await (await leader.workspace()).locator('[data-row]').getAttribute('data-row')).toBe(accounts[0]!.id)
    const frame = await view('grid')
    await frame.getByRole('link', { name: '4 accounts with health No reading' }).click()
    await until('4 accounts', async () => (await frame.locator('[data-row]').count()) === 4)
  })

  it('is walked with arrow keys, over the empty cells, and opened with Enter', async () => {
    const frame = await view('grid')
    const focused = () => inner().evaluate<string>(`document.activeElement.closest('[data-at]')?.dataset.testid ?? ''`)
    await frame.getByTestId('cell-thriving-not_happy').getByRole('link').focus()
    const { keyboard } = leader.page
    await keyboard.press('ArrowRight')
    expect(await focused()).toBe('cell-thriving-not_happy')
    await frame.getByTestId('cell-none-neutral').getByRole('link').focus()
    await keyboard.press('ArrowRight')
    expect(await focused()).toBe('cell-none-none')
    await keyboard.press('ArrowUp')
    expect(await focused()).toBe('cell-steady-none')
    await keyboard.press('Enter')
    await until('the account', async () => (await frame.locator('[data-row]').count()) === 1)
    expect(await frame.locator('[data-row]').getAttribute('data-row')).toBe(accounts[4]!.id)
  })

  it('counts one owner’s accounts when asked to, says so, keeps it in the next view, and comes back', async () => {
    const frame = await view('grid')
    await frame.getByTestId('scope-csm').selectOption(owner.id)
    await textOf(frame.getByTestId('report-scope'), (text) => text.startsWith(`Accounts of ${owner.name} ·`))
    expect(await frame.getByTestId('grid-says').textContent()).toContain('1 account.')
    await frame.getByTestId('readings-ranking').click()
    await frame.getByTestId('report-ranking').waitFor()
    expect(await frame.locator('[data-testid^=rank-]').count()).toBe(1)
    await frame.getByTestId('readings-grid').click()
    await frame.getByTestId('grid').waitFor()
    await frame.getByTestId('scope-group-churned').click()
    await textOf(frame.getByTestId('empty-state'), (text) => text.includes(`Churned accounts of ${owner.name}`))
    await holdsUp('grid-fits-nothing')
    await frame.getByTestId('nothing-clear').click()
    await textOf(frame.getByTestId('report-scope'), (text) => text.startsWith('All accounts ·'))
  })

  it('gives the same figures as a file', async () => {
    const frame = await view('grid')
    const [file] = await Promise.all([leader.page.waitForEvent('download'), frame.getByTestId('report-csv').click()])
    expect(file.suggestedFilename()).toBe('grid.csv')
    const chunks: Buffer[] = []
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString('utf8')).toContain('Struggling')
  })

  it('keeps what it shows when it cannot be read again, and says so', async () => {
    const frame = await view('grid')
    await leader.context.route('**/api/reports/grid*', (route) => route.abort())
    await frame.getByTestId('scope-group-saas').click()
    await frame.getByTestId('load-error').waitFor()
    expect(await frame.getByTestId('grid').count()).toBe(1)
    expect(await textOf(frame.getByTestId('report-scope'), (text) => text.includes('as of'))).toMatch(/^All accounts/)
    await holdsUp('grid-error')
    await leader.context.unroute('**/api/reports/grid*')
    await frame.getByTestId('scope-clear').click()
    await frame.getByTestId('load-error').waitFor({ state: 'detached' })
  })
})

describe('the other views', () => {
  it('disagreements: why, by kind, with both readings', async () => {
    const frame = await view('disagreements')
    await frame.getByTestId(`apart-${accounts[0]!.id}`).waitFor()
    expect(await frame.locator('[data-testid^=apart-]').count()).toBe(2)
    expect(await textOf(frame.getByTestId('kind-levels_apart'), (text) => /\d/.test(text))).toMatch(/Levels apart\s+2/)
    expect(await frame.getByTestId(`apart-${accounts[1]!.id}`).textContent()).toContain('3 levels apart')
    await holdsUp('disagreements')
    await frame.getByTestId('kind-happiness_fell').click()
    await frame.getByTestId('empty-state').waitFor()
    await holdsUp('disagreements-none')
  })

  it('trends: as many columns as there is history for, with a word on what will appear, and the same as a table', async () => {
    const frame = await view('trends')
    const chart = frame.getByTestId('trend-chart')
    await chart.waitFor()
    expect(await chart.locator('g[data-known=false]').count()).toBe(0)
    const columns = await chart.locator('g[data-known=true]').count()
    expect(columns).toBeGreaterThan(3)
    expect(await frame.getByTestId('trend-begins').textContent()).toMatch(/History begins with the week to .*Each week adds a column/)
    expect(await chart.getAttribute('aria-label')).toContain('1 Not Happy')
    await holdsUp('trends')
    await leader.page.setViewportSize({ width: 375, height: 900 })
    await leader.page.setViewportSize({ width: 1_400, height: 900 })
    // The frame takes its new width a moment later.
    const shown = await until('all columns again', async () => {
      const count = await chart.locator('g[data-known]').count()
      return count === columns ? count : false
    })
    await frame.getByTestId('trend-table').click()
    const rows = frame.locator('[data-testid=trend-as-table] tbody tr')
    await rows.first().waitFor()
    expect(await rows.count()).toBe(shown)
    expect(await rows.last().textContent()).not.toContain('not asked')
    await holdsUp('trends-table')
    await frame.getByTestId('trend-health').click()
    await textOf(frame.getByTestId('report-distribution').getByRole('heading'), (text) => text.includes('Health over time'))
    await frame.getByTestId('step-month').click()
    await frame.getByTestId('trend-table').click()
    await until('months', async () => (await chart.getAttribute('aria-label'))?.startsWith('Health over time') === true)
    await holdsUp('trends-months')
  })

  it('participation: by the month of the prompt, counts first, a range beside a percentage, and none of too few', async () => {
    const frame = await view('trends')
    await frame.getByTestId('funnel').waitFor()
    const row = (shown: string) => frame.locator('[data-testid=cycles] tbody tr', { hasText: shown })
    await row('12 of 14').waitFor()
    expect(await row('12 of 14').textContent()).toMatch(/12 of 24.*50 %, 95 % range 31 to 69 %.*12 of 14.*86 %, 95 % range 60 to 96 %/)
    await frame.getByTestId('scope-csm').selectOption(owner.id)
    await textOf(frame.locator('[data-testid=report-response] .foot'), (text) => text.includes('fit the filter today'))
    expect(await row('4 of 4').textContent()).toMatch(/4 of 6.*67 %.*4 of 4\s*No percentage: fewer than five\./)
    await frame.getByTestId('scope-clear').click()
  })

  it('ranking: an order from either end, and a word that it changes no level', async () => {
    const frame = await view('ranking')
    await frame.getByTestId('rank-1').waitFor()
    expect(await frame.getByTestId('rank-1').textContent()).toContain(accounts[1]!.name)
    expect(await frame.getByTestId('ranking-says').textContent()).toContain('Levels are never changed by that')
    await holdsUp('ranking')
    await frame.getByTestId('order-top').click()
    await textOf(frame.getByTestId('rank-1'), (text) => text.includes(accounts[0]!.name))
  })

  it('alerts: what happened, and where to', async () => {
    const frame = await view('alerts')
    const alert = frame.locator('[data-testid=alert][data-kind=account_changed]')
    await alert.waitFor()
    expect(await alert.textContent()).toContain('from Very Happy to Neutral')
    await textOf(frame.getByTestId('kind-account_changed'), (text) => /Level changed\s+1/.test(text))
    await holdsUp('alerts')
    await alert.getByRole('link', { name: /^Open/ }).click()
    await textOf(frame.getByTestId('panel'), (text) => text.includes(accounts[3]!.name))
    const history = frame.getByTestId('level-history')
    await history.waitFor()
    expect(await history.locator('figcaption').textContent()).toMatch(/^Neutral since .+, down from Very Happy\.$/)
    await frame.getByTestId('confidence').waitFor()
    await holdsUp('panel')
    await frame.getByTestId('panel-close').click()
  })

  it('hours: per person and per account', async () => {
    const frame = await view('hours')
    expect(await textOf(frame.getByTestId('hours-says'), (text) => text.includes('in all'))).toContain('1 h 30 min in all')
    await holdsUp('hours')
    await frame.getByTestId('hours-by-account').click()
    await textOf(frame.getByTestId('hours-rows'), (text) => text.includes(accounts[0]!.name))
  })

  it('say what will appear while there is nothing yet', async () => {
    const { context } = leader
    const nothing = { grid: { cells: [] }, distribution: { points: [{ on: '2026-01-04', counts: null, total: null }] }, response: { cycles: [] }, ranking: { items: [], total: 0, mean: null } }
    for (const [name, change] of Object.entries(nothing)) {
      await context.route(`**/api/reports/${name}*`, async (route) => {
        const response = await route.fetch()
        await route.fulfill({ response, json: { ...((await response.json()) as object), ...change } })
      })
    }
    const frame = await view('grid')
    await frame.getByTestId('grid-none').waitFor()
    await holdsUp('grid-none')
    await frame.getByTestId('readings-trends').click()
    await textOf(frame.getByTestId('report-distribution'), (text) => text.includes('No history yet'))
    await textOf(frame.getByTestId('report-response'), (text) => text.includes('Nobody was asked yet, and that is expected'))
    await holdsUp('trends-none')
    await frame.getByTestId('readings-ranking').click()
    await textOf(frame.getByTestId('empty-state'), (text) => text.includes('Nothing to rank yet'))
    await context.unrouteAll()
  })

  it('were quiet in the console', () => {
    expect(leader.noise).toEqual([])
  })
})
