import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, type Person, type Stage } from './support/stage.ts'

/** Ways to look at the list of accounts that people keep. */
let stage: Stage
let admin: Person

const inner = () => admin.page.frames().find((one) => one.url().includes('/pages/workspace'))!
const hash = () => inner().evaluate<string>('location.hash')

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 5, usersPerAccount: 2 } } })
  await stage.product.setUp()
  const { accounts } = stage.product.sandbox.company()
  for (const at of [0, 1]) await stage.product.admin().send('PUT', `/api/accounts/${accounts[at]!.id}/health`, { level: 'struggling', note: 'They lost a customer.' })
  admin = await stage.open()
}, 180_000)
afterAll(() => stage.close())

describe('a saved view', () => {
  it('keeps filters, order and columns under a name, and is a tab from then on', async () => {
    const frame = await admin.workspace('#/accounts?health=struggling&sort=-name')
    await until('two accounts', async () => (await frame.locator('[data-row]').count()) === 2)
    await frame.getByTestId('columns').click()
    await frame.getByTestId('column-users').uncheck()
    await frame.getByTestId('column-owner').uncheck()
    await admin.page.keyboard.press('Escape')
    expect(await frame.getByRole('columnheader', { name: 'Users' }).count()).toBe(0)
    await frame.getByTestId('view-save').click()
    await frame.getByTestId('view-save-go').click()
    await frame.getByText('Give it a name.').waitFor()
    await frame.getByTestId('view-name').fill('Worries')
    await frame.getByTestId('view-shared').check()
    await admin.page.keyboard.press('Tab')
    await frame.getByTestId('view-save-go').click()
    await frame.getByTestId('view-Worries').waitFor()
    await until('the tab is the present one', async () => (await frame.getByTestId('view-Worries').getAttribute('aria-current')) === 'true')

    await frame.getByTestId('view-all').click()
    await until('all accounts', async () => (await frame.locator('[data-row]').count()) === 5)
    await frame.getByRole('columnheader', { name: 'Users' }).waitFor()
    await frame.getByTestId('view-Worries').click()
    await until('two accounts', async () => (await frame.locator('[data-row]').count()) === 2)
    expect(await frame.getByRole('columnheader', { name: 'Users' }).count()).toBe(0)
    expect(await hash()).toContain('sort=-name')
  }, 60_000)

  it('holds up at every width, light and dark', async () => {
    const faults: string[] = []
    for (const [width, colorScheme] of [[1_608, 'light'], [1_608, 'dark'], [1_100, 'light'], [375, 'light'], [375, 'dark']] as const) {
      await admin.page.setViewportSize({ width, height: 1_000 })
      await admin.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      faults.push(...(await accessibilityFaults(inner())).map((fault) => `${width} ${colorScheme}: ${fault}`))
      if ((await sidewaysScroll(inner())) > 0) faults.push(`${width} ${colorScheme}: scrolls sideways`)
      await picture(admin.page, `views-${width}-${colorScheme}`)
    }
    await admin.page.setViewportSize({ width: 1_608, height: 1_000 })
    await admin.page.emulateMedia({ colorScheme: 'light' })
    expect(faults).toEqual([])
  }, 60_000)

  it('is changed on purpose only, and comes back when it was deleted by mistake', async () => {
    const frame = await admin.workspace('#/accounts')
    await frame.getByTestId('view-Worries').click()
    await frame.getByTestId('filter-health-struggling').click()
    await frame.getByTestId('view-keep').waitFor()
    await frame.getByTestId('filter-health-healthy').click()
    await frame.getByTestId('view-keep').click()
    await until('it is kept', async () => (await frame.getByTestId('view-keep').count()) === 0)
    expect((await stage.product.admin().get('/api/views')).body.items).toMatchObject([{ name: 'Worries', shared: true, look: { filters: { health: 'healthy' } } }])
    await frame.getByTestId('view-remove').click()
    await until('it is gone', async () => (await frame.getByTestId('view-Worries').count()) === 0)
    await frame.getByTestId('toast-action').click()
    await frame.getByTestId('view-Worries').waitFor()
    expect(admin.noise).toEqual([])
  }, 60_000)
})
