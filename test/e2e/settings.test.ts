import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** What an agency's admin changes, and what stands in the way. */
let stage: Stage
let admin: Person
let who: { locationId: string; userId: string; userIds: string[] }
let personName: string
let accountName: string

const sections = ['cadence', 'inspector', 'happiness', 'health', 'cases', 'messages', 'words', 'team', 'crm', 'privacy']

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 3, usersPerAccount: 2 } } })
  await stage.product.setUp()
  who = await stage.product.enableFeedback(0)
  await stage.product.answer(who, 'not_happy', { comment: 'Leads arrive twice since the new form.' })
  await stage.product.settled()
  accountName = stage.product.sandbox.company().accounts[0]!.name
  personName = ((await own(`/api/accounts/${who.locationId}/users`)).body.items as { userId: string; name: string }[]).find(({ userId }) => userId === who.userId)!.name
  admin = await stage.open()
}, 120_000)
afterAll(() => stage.close())

const own = (path: string) => stage.product.admin().get(path)
const customised = async () => (await own('/api/settings')).body.customised as string[]
const settings = async () => (await own('/api/settings')).body.settings
const inner = (person: Person) => person.page.frames().find((frame) => frame.url().includes('/pages/workspace'))!

describe('a section', () => {
  it('is changed and saved by keyboard; the default stands beside it and leads back', async () => {
    const frame = await admin.workspace('#/settings/cadence')
    const days = frame.getByLabel('After an answer, ask again in', { exact: true })
    await days.focus()
    await admin.page.keyboard.press('Control+A')
    await admin.page.keyboard.type('45')
    await frame.getByLabel('After closing the card, in', { exact: true }).fill('21')
    await textOf(frame.getByTestId('save-bar'), (text) => text.includes('2 changes are not saved.') && text.includes('Save 2 changes'))
    await textOf(frame.getByTestId('section-cadence'), (text) => text.includes('not saved'))
    await picture(admin.page, 'settings-unsaved')
    await days.focus()
    await admin.page.keyboard.press('Enter')
    await until('it is saved', async () => (await settings()).prompt.answeredDays === 45 && (await settings()).prompt.closedDays === 21)
    await until('nothing waits', async () => (await frame.getByTestId('save-bar').count()) === 0)
    await textOf(frame.getByTestId('field-prompt.answeredDays'), (text) => text.includes('Default: 30 days'))
    await frame.getByTestId('back-prompt.answeredDays').focus()
    await admin.page.keyboard.press('Enter')
    expect(await days.inputValue()).toBe('30')
    await frame.getByTestId('save').focus()
    await admin.page.keyboard.press('Enter')
    await until('it follows the default again', async () => !(await customised()).includes('prompt.answeredDays'))
    expect(await customised()).toContain('prompt.closedDays')
  })

  it('shows what the server refuses at the member, goes there, and keeps everything that was typed', async () => {
    const frame = await admin.workspace('#/settings/cadence')
    await frame.getByLabel('After “Ask me later”, in', { exact: true }).fill('900')
    await frame.getByLabel('Longest comment', { exact: true }).fill('')
    await frame.getByTestId('save').click()
    await textOf(frame.getByTestId('problem-prompt.laterDays'), (text) => text === 'Must be at most 365.')
    await textOf(frame.getByTestId('problem-answers.maxCommentLength'), (text) => text.startsWith('Must be'))
    await until('the first is in focus', async () => (await inner(admin).evaluate('document.activeElement.id')) === 'set-prompt-laterDays')
    await picture(admin.page, 'settings-refused')
    await frame.getByTestId('section-health').click()
    await frame.getByTestId('settings-health').waitFor()
    await frame.getByTestId('tab-accounts').click()
    await frame.getByTestId('tab-settings').click()
    expect(await frame.getByLabel('After “Ask me later”, in', { exact: true }).inputValue()).toBe('900')
    await frame.getByTestId('discard').click()
    expect(await frame.getByLabel('After “Ask me later”, in', { exact: true }).inputValue()).toBe('3')
    expect((await settings()).prompt.laterDays).toBe(3)
  })

  it('with members that must fit together says so at the first of them', async () => {
    const frame = await admin.workspace('#/settings/happiness')
    await frame.getByLabel('Happy from', { exact: true }).fill('80')
    await frame.getByTestId('save').click()
    await textOf(frame.getByTestId('problem-happiness.cuts.very_happy'), (text) => text.includes('must fall') || text.includes('Must fall'))
    await frame.getByTestId('discard').click()
  })

  it('of happiness shows what three answers would make, with figures that are not saved', async () => {
    const frame = await admin.workspace('#/settings/happiness')
    await frame.getByTestId('try-answer-2').selectOption('')
    await frame.getByTestId('try-answer-1').selectOption('')
    await textOf(frame.getByTestId('try-result'), (text) => text.includes('Very Happy') && text.includes('Figure 50'))
    await frame.getByTestId('field-happiness.points.very_happy').locator('input').fill('30')
    await textOf(frame.getByTestId('try-result'), (text) => text.includes('Happy') && text.includes('Figure 30'))
    await picture(admin.page, 'settings-happiness')
    await frame.getByTestId('discard').click()
    expect((await settings()).happiness.points.very_happy).toBe(50)
  })

  it('of Health Status adds, renames, moves and removes reasons', async () => {
    const frame = await admin.workspace('#/settings/health')
    await frame.getByTestId('add-reason').click()
    await admin.page.keyboard.type('Moved office')
    await frame.getByRole('button', { name: 'Move Moved office up' }).focus()
    await admin.page.keyboard.press('Enter')
    await frame.getByRole('button', { name: 'Remove Cost cutting' }).click()
    await frame.getByLabel('Reason 1', { exact: true }).fill('New funding')
    await frame.getByTestId('save').click()
    await until('they are kept', async () => {
      const { reasonCodes } = (await settings()).health as { reasonCodes: { code: string; label: string }[] }
      return JSON.stringify(reasonCodes.map(({ code, label }) => `${code}:${label}`)) === JSON.stringify(['funding_round:New funding', 'budget_constraints:Budget constraints', 'expansion_plans:Expansion plans', 'market_challenges:Market challenges', 'moved_office:Moved office', 'revenue_growth:Revenue growth'])
    })
  })

  it('of words shows the card in the words and the colour that are being typed', async () => {
    const frame = await admin.workspace('#/settings/words')
    await frame.getByLabel('First question', { exact: true }).fill('How was this month?')
    await frame.getByLabel('Colour', { exact: true }).fill('#ffd400')
    await textOf(frame.getByTestId('preview-card').getByTestId('feedback-card'), (text) => text.includes('How was this month?'))
    await textOf(frame.getByTestId('colour-check'), (text) => text.includes('hard to read') && text.includes('near-black'))
    await picture(admin.page, 'settings-words')
    await frame.getByTestId('save').click()
    await until('it is kept', async () => (await settings()).widget.copy.question === 'How was this month?' && (await settings()).brand.accentColour === '#ffd400')
    await until('nothing waits', async () => (await frame.getByTestId('save-bar').count()) === 0)
    for (const step of ['ask', 'comment', 'thanks']) {
      await frame.getByTestId(`preview-${step}`).click()
      for (const theme of ['dark', 'light']) {
        await frame.getByTestId(`preview-${theme}`).click()
        // The card alone: what the window's edge cuts while the page is scrolled is looked at elsewhere.
        expect({ step, theme, faults: await accessibilityFaults(inner(admin), '[data-testid=widget-preview]') }).toEqual({ step, theme, faults: [] })
      }
    }
    await frame.getByTestId('back-brand.accentColour').click()
    await frame.getByTestId('back-widget.copy.question').click()
    await frame.getByTestId('save').click()
    await until('it is back', async () => !(await customised()).some((path) => path.startsWith('widget') || path.startsWith('brand')))
  })

  it('of cases chooses leads among the team', async () => {
    const frame = await admin.workspace('#/settings/cases')
    const lead = stage.product.sandbox.company().admin.id
    await frame.getByTestId('field-cases.leadUserIds').getByTestId(`staff-${lead}`).check()
    await frame.getByTestId('add-plan').click()
    await admin.page.keyboard.type('Starter')
    await frame.getByTestId('save').click()
    await textOf(frame.getByTestId('problem-groups.plans'), (text) => text.includes('must not be empty') || text.includes('Must not be empty'))
    await frame.getByLabel('Plan id in your CRM', { exact: true }).fill('plan_1')
    await frame.getByTestId('save').click()
    await until('they are kept', async () => JSON.stringify((await settings()).cases.leadUserIds) === JSON.stringify([lead]) && (await settings()).groups.plans[0]?.planId === 'plan_1')
  })
})

describe('roles', () => {
  it('are given to people and to everybody else', async () => {
    const frame = await admin.workspace('#/settings/team')
    const somebody = stage.product.sandbox.company().staff[0]!.id
    await frame.getByTestId(`role-${somebody}`).selectOption('lead')
    await frame.getByLabel('Everybody of your team', { exact: true }).selectOption('csm')
    await frame.getByTestId('save').click()
    await until('they are kept', async () => JSON.stringify((await settings()).team) === JSON.stringify({ everybodyElse: 'csm', people: [{ userId: somebody, role: 'lead' }] }))
    await frame.getByTestId('back-team.people').click()
    await frame.getByTestId('back-team.everybodyElse').click()
    await frame.getByTestId('save').click()
    await until('they are as before', async () => !(await customised()).some((path) => path.startsWith('team')))
  })
})

describe('the inspector', () => {
  it('says why a person is not asked, what they saw, and leads to the case', async () => {
    const frame = await admin.workspace('#/settings/inspector')
    await frame.getByTestId('inspect-find-account').fill(accountName)
    await admin.page.keyboard.press('Enter')
    await frame.getByTestId('inspect-account').selectOption(who.locationId)
    await frame.getByTestId('inspect-find-person').fill(personName.slice(0, 4))
    await frame.getByTestId('inspect-person').selectOption(who.userId)
    await textOf(frame.getByTestId('verdict'), (text) => text.includes(`${personName} is not asked now`) && text.includes('case is still open') && text.includes('And now, how are we doing?'))
    expect(await frame.getByTestId('gates').locator('[data-passed=false]').count()).toBeGreaterThan(0)
    await picture(admin.page, 'settings-inspector')
    await admin.page.reload()
    await admin.workspace(`#/settings/inspector?account=${who.locationId}&user=${who.userIds[1]!}`)
    await textOf(frame.getByTestId('verdict'), (text) => text.includes('is asked at the next visit'))
  })
})

describe('privacy', () => {
  it('gives everything of an account, and the answers, as files', async () => {
    const frame = await admin.workspace('#/settings/privacy')
    await frame.getByTestId('export-of').selectOption(who.locationId)
    const [copyFile] = await Promise.all([admin.page.waitForEvent('download'), frame.getByTestId('export-json').click()])
    expect(copyFile.suggestedFilename()).toBe('account.json')
    const copy = JSON.parse(await readFile(await copyFile.path(), 'utf8')) as { accounts: { answers: { comment: string }[] }[] }
    expect(copy.accounts[0]!.answers[0]!.comment).toContain('Leads arrive twice')
    const [table] = await Promise.all([admin.page.waitForEvent('download'), frame.getByTestId('export-csv').click()])
    expect(await readFile(await table.path(), 'utf8')).toContain('Leads arrive twice')
    // Another search: what was chosen cannot be seen any more, so it is not chosen any more.
    await frame.getByTestId('export-find').fill('nobody is called this')
    await admin.page.keyboard.press('Enter')
    await textOf(frame.getByTestId('export'), (text) => text.includes('No account has this in its name.'))
    expect(await frame.getByTestId('export-of').inputValue()).toBe('')
  })

  it('forgets a person after naming them and what goes, by keyboard, and not when one thinks better of it', async () => {
    const frame = await admin.workspace('#/settings/privacy')
    await frame.getByTestId('forget-account').selectOption(who.locationId)
    await frame.getByTestId('forget-person').selectOption(who.userId)
    await frame.getByTestId('forget-ask').focus()
    await admin.page.keyboard.press('Enter')
    await textOf(frame.getByTestId('panel'), (text) => text.includes(`Forget ${personName}?`) && text.includes('Everything in your CRM'))
    expect(await accessibilityFaults(inner(admin), '[data-testid=panel]')).toEqual([])
    await picture(admin.page, 'settings-forget')
    await admin.page.keyboard.press('Escape')
    await until('closed', async () => (await frame.getByTestId('panel').count()) === 0)
    expect((await own('/api/privacy/erasures')).body.items).toEqual([])
    await frame.getByTestId('forget-ask').click()
    await frame.getByTestId('forget-go').focus()
    await admin.page.keyboard.press('Enter')
    await textOf(frame.getByTestId('erasures'), (text) => text.includes('in 1 account'))
    expect(await frame.getByTestId('forget-person').locator('option', { hasText: personName }).count()).toBe(0)
    expect(JSON.stringify((await own(`/api/privacy/export?locationId=${who.locationId}`)).body)).not.toContain('Leads arrive twice')
  })
})

/** What stands below the retention, and the question before somebody is forgotten. */
async function lookAtForgetting(person: Person, name: string): Promise<void> {
  const frame = await person.workspace('#/settings/privacy')
  await frame.getByTestId('erasures').waitFor()
  await frame.getByTestId('forget-account').selectOption(who.locationId)
  await frame.getByTestId('forget-person').selectOption(who.userIds[1]!)
  expect({ name, faults: await accessibilityFaults(inner(person)), sideways: await sidewaysScroll(inner(person)) }).toEqual({ name, faults: [], sideways: 0 })
  await frame.getByTestId('forget').scrollIntoViewIfNeeded()
  await picture(person.page, `settings-privacy-tools-${name}`)
  await frame.getByTestId('erasures').scrollIntoViewIfNeeded()
  await picture(person.page, `settings-privacy-past-${name}`)
  await frame.getByTestId('forget-ask').click()
  await frame.getByTestId('forget-go').waitFor()
  expect({ name, faults: await accessibilityFaults(inner(person), '[data-testid=panel]'), sideways: await sidewaysScroll(inner(person)) }).toEqual({ name, faults: [], sideways: 0 })
  await picture(person.page, `settings-privacy-question-${name}`)
  await person.page.keyboard.press('Escape')
}

describe('the page', () => {
  it('can be read and used by everybody, light and dark, wide and narrow', async () => {
    for (const [width, colorScheme] of [[1400, 'dark'], [375, 'light'], [375, 'dark'], [1400, 'light']] as const) {
      const person = await stage.open({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true })
      const frame = await person.workspace('#/settings')
      for (const section of sections) {
        await person.workspace(section === 'inspector' ? `#/settings/inspector?account=${who.locationId}&user=${who.userIds[1]!}` : `#/settings/${section}`)
        await frame.getByTestId(`settings-${section}`).waitFor()
        await frame.getByTestId(section === 'inspector' ? 'verdict' : 'field-' + { cadence: 'prompt.enabled', happiness: 'happiness.halfLifeDays', health: 'health.reasonCodes', cases: 'cases.dueHours', messages: 'messages.paused', words: 'brand.name', team: 'team.everybodyElse', crm: 'crm.recreateDeletedCards', privacy: 'data.retentionDays' }[section]!).waitFor()
        expect({ width, colorScheme, section, faults: await accessibilityFaults(inner(person)) }).toEqual({ width, colorScheme, section, faults: [] })
        expect({ width, section, sideways: await sidewaysScroll(inner(person)) }).toEqual({ width, section, sideways: 0 })
        await picture(person.page, `settings-${section}-${width}-${colorScheme}`)
        if (section === 'privacy') await lookAtForgetting(person, `${width}-${colorScheme}`)
      }
      await person.context.close()
    }
    expect(admin.noise).toEqual([])
  }, 240_000)

  it('is for agency admins', async () => {
    const person = await stage.open({ userId: stage.product.sandbox.company().staff[0]!.id })
    const frame = await person.workspace('#/settings')
    await frame.getByTestId('settings-admins-only').waitFor()
    expect(await frame.getByTestId('tab-settings').count()).toBe(0)
    await person.context.close()
  })
})
