import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Frame } from 'playwright-core'
import { until } from '../support/until.ts'
import { openStage, textOf, type Person, type Stage } from './support/stage.ts'

/** What happens elsewhere appears on an open page, without a reload and without taking anything out of somebody's hands. */
let stage: Stage
let customer: { locationId: string; userId: string; userIds: string[] }

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 3, usersPerAccount: 3 } } })
  await stage.product.setUp()
  customer = await stage.product.enableFeedback()
}, 120_000)
afterAll(() => stage.close())

/** Sooner than any page looks by itself. */
const soonMs = 10_000

const innerOf = ({ page }: Person, path: string): Frame => page.frames().find((one) => one.url().includes(path))!

/** Answers with the widget, in a browser of their own. */
async function answerAs(userId: string, level: string): Promise<void> {
  const someone = await stage.open({ userId, path: `/v2/location/${customer.locationId}/dashboard` })
  await someone.widget.step('ask')
  await someone.widget.face(level).click()
  await someone.widget.step('comment')
  await someone.context.close()
}

describe('an open workspace', () => {
  it('shows an answer that is given elsewhere in the list and at the bell; place, focus, selection and a form stay', async () => {
    const admin = await stage.open({ viewport: { width: 1_400, height: 900 } })
    const workspace = await admin.workspace('#/accounts')
    const inner = innerOf(admin, '/pages/workspace')
    const row = workspace.getByTestId(`account-${customer.locationId}`)
    await row.waitFor()
    await inner.evaluate('window.isSamePage = true')
    const other = stage.product.sandbox.company().accounts[1]!.id
    await workspace.getByTestId(`account-${other}`).getByRole('checkbox').first().check()
    await row.locator('[data-open]').focus()
    expect(await workspace.getByTestId('bell').locator('.badge').count()).toBe(0)

    await answerAs(customer.userId, 'very_happy')
    await until('the reading in the row', async () => (await row.locator('.c-h').innerText()).includes('Very Happy'), soonMs)
    await until('the bell', async () => Number(await workspace.getByTestId('bell').locator('.badge').textContent({ timeout: 1_000 }).catch(() => '0')) > 0, soonMs)
    expect(await inner.evaluate('[window.isSamePage, document.activeElement?.closest("[data-row]")?.dataset.row]')).toEqual([true, customer.locationId])
    expect(await workspace.getByTestId(`account-${other}`).getByRole('checkbox').first().isChecked()).toBe(true)

    await row.getByTestId(`set-health-${customer.locationId}`).click()
    const panel = workspace.getByRole('dialog')
    await panel.getByTestId('health-level-struggling').check({ force: true })
    const note = panel.getByTestId('health-note')
    await note.fill('They are about to move offices.')
    await answerAs(customer.userIds[1]!, 'not_happy')
    await textOf(panel.getByTestId('people'), (text) => text.includes('Not Happy'))
    await textOf(panel.getByTestId('account-facts'), (text) => text.includes('2 of 3'))
    expect(await note.inputValue()).toBe('They are about to move offices.')
    expect(await inner.evaluate('window.isSamePage')).toBe(true)
    expect(admin.noise).toEqual([])
    await admin.context.close()
  }, 120_000)

  it('shows what a colleague does: a case that is taken, a status that is set', async () => {
    await stage.product.answer({ userId: customer.userIds[1]!, locationId: customer.locationId }, 'not_happy')
    const one = await stage.open()
    const cases = await one.workspace('#/cases')
    await cases.getByTestId('case-close').waitFor()
    const staff = stage.product.sandbox.company().staff[0]!
    const [open] = (await stage.product.admin().get('/api/cases')).body.items as { caseId: string }[]
    const assigned = await stage.product.admin().send('POST', `/api/cases/${open!.caseId}/assign`, { userId: staff.id })
    expect(assigned.body).toMatchObject({ owner: { userId: staff.id } })
    await textOf(cases.getByTestId(`case-${open!.caseId}`), (text) => text.includes(staff.firstName))
    await one.workspace(`#/accounts?account=${customer.locationId}`)
    await cases.getByTestId('page-account').waitFor()
    await stage.product.as({ userId: staff.id }).send('PUT', `/api/accounts/${customer.locationId}/health`, { level: 'steady', note: 'Hiring slowed down.' })
    await textOf(cases.getByTestId('health-now'), (text) => text.includes('Steady'))
    await textOf(cases.getByTestId('timeline-card'), (text) => text.includes('Steady'))
    expect(one.noise).toEqual([])
    await one.context.close()
  }, 60_000)

  it('goes on without the stream, and without a word about it', async () => {
    const one = await stage.open({ prepare: (context) => context.route('**/api/stream*', (route) => route.fulfill({ status: 429, json: { error: { code: 'too_many_streams', message: 'x' } } })) })
    const workspace = await one.workspace('#/accounts')
    await workspace.getByTestId(`account-${customer.locationId}`).waitFor()
    const { id } = stage.product.sandbox.company().accounts[2]!
    await stage.product.admin().send('PUT', `/api/accounts/${id}/health`, { level: 'thriving', note: 'A very good year.' })
    await until('the status, by looking', async () => (await workspace.getByTestId(`account-${id}`).innerText()).includes('Thriving'), 45_000)
    expect(one.noise).toEqual([])
    await one.context.close()
  }, 90_000)
})

describe('the health card', () => {
  it('shows the agency a new answer while it is open', async () => {
    const one = await stage.open({ path: `/v2/location/${customer.locationId}/dashboard` })
    await one.page.getByTestId('nav-app-health-card').click()
    const card = one.page.frameLocator('[data-testid=frame-health-card]')
    await textOf(card.getByTestId('people'), (text) => text.includes('No answer yet'))
    await answerAs(customer.userIds[2]!, 'neutral')
    await textOf(card.getByTestId('people'), (text) => text.includes('Neutral') && !text.includes('No answer yet'))
    await textOf(card.getByTestId('reading'), (text) => text.includes('3 of 3'))
    await one.context.close()
  }, 60_000)

  it('shows a customer what changes about themselves', async () => {
    const mine = { userId: customer.userIds[2]!, locationId: customer.locationId }
    const one = await stage.open({ userId: mine.userId, path: `/v2/location/${customer.locationId}/dashboard` })
    await one.page.getByTestId('nav-app-health-card').click()
    const card = one.page.frameLocator('[data-testid=frame-health-card]')
    await card.getByTestId('newest').waitFor()
    await stage.product.answer(mine, 'happy', { comment: 'Said on another device.' })
    await card.getByTestId('newest').getByText('Said on another device.').waitFor({ timeout: soonMs })
    expect(one.noise).toEqual([])
    await one.context.close()
  }, 60_000)
})
