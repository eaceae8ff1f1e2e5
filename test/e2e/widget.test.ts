import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { dayMs, type Clock } from '../../src/kernel/clock.ts'
import { until } from '../support/until.ts'
import { openStage, picture, type Person, type Stage } from './support/stage.ts'

/** Real time, moved forward by whole cycles between tests so that everybody is due again. */
let shiftMs = 0
const clock: Clock = { now: () => new Date(Date.now() + shiftMs), nowMs: () => Date.now() + shiftMs }

let stage: Stage
let here: { locationId: string; userIds: string[] }
let someone: Person

beforeAll(async () => {
  stage = await openStage({ clock, sandbox: { seed: { accounts: 3, usersPerAccount: 8 } } })
  await stage.product.setUp()
  here = await stage.product.enableFeedback(0)
}, 120_000)
afterAll(() => stage.close())

let next = 0
/** A window of somebody who was never asked. */
async function asksSomeone(options: Parameters<Stage['open']>[0] = {}): Promise<Person> {
  someone = await stage.open({ viewport: { width: 1000, height: 720 }, userId: here.userIds[next++]!, ...options })
  await someone.widget.step('ask')
  return someone
}

const answersOf = (userId: string) => stage.product.connection.collection('answers').countDocuments({ userId })
const focusInWidget = () => someone.page.evaluate<string | null>(`document.activeElement.shadowRoot?.activeElement?.dataset.testid ?? null`)

describe('leaving the prompt', () => {
  afterEach(() => someone.context.close())

  it('takes "ask me later" for an answer to the question, and does not ask again after a walk through the CRM', async () => {
    const { widget, page } = await asksSomeone()
    await widget.part('later').click()
    await widget.step('later')
    await picture(page, 'widget-later')
    await widget.part('close').click()
    await widget.button.waitFor()
    await someone.visit('contacts')
    await someone.visit('dashboard')
    await page.reload()
    await widget.button.waitFor()
    expect(await widget.card.count()).toBe(0)
    expect(someone.noise).toEqual([])
  })

  it('closes on Escape from inside only, and stays closed', async () => {
    const { widget, page } = await asksSomeone()
    await page.keyboard.press('Escape')
    await page.getByTestId('main').press('Escape')
    expect(await widget.card.count()).toBe(1)
    await widget.face('neutral').focus()
    await page.keyboard.press('Escape')
    await widget.button.waitFor()
    expect(await widget.card.count()).toBe(0)
    await someone.visit('contacts')
    await page.reload()
    await widget.button.waitFor()
    expect(await widget.card.count()).toBe(0)
  })

  it('opens again from the button whenever the person wants', async () => {
    const { widget } = await asksSomeone()
    await widget.part('close').click()
    await widget.button.click()
    await widget.step('ask')
    expect(await widget.part('later').count()).toBe(0)
  })
})

describe('without a mouse', () => {
  beforeEach(() => asksSomeone())
  afterEach(() => someone.context.close())

  it('never takes the focus from what the person is doing in the page', async () => {
    const { page } = someone
    await someone.context.close()
    await stage.open({ userId: here.userIds[next]! }).then((opened) => (someone = opened))
    await someone.page.evaluate(`document.body.insertAdjacentHTML('afterbegin', '<label>Host field <input id="host-field"></label>')`)
    await someone.page.locator('#host-field').pressSequentially('typing while it appears', { delay: 30 })
    await someone.widget.step('ask')
    await someone.page.locator('#host-field').pressSequentially(' and after')
    expect(await someone.page.locator('#host-field').inputValue()).toBe('typing while it appears and after')
    expect(await someone.page.evaluate('document.activeElement.id')).toBe('host-field')
    expect(page.isClosed()).toBe(true)
    next++
  })

  it('reaches the answers with one Tab, browses them with arrows without choosing, and chooses with Space', async () => {
    const { page, widget } = someone
    const userId = here.userIds[next - 1]!
    await page.evaluate(`window.heard = []; for (const type of ['keydown', 'keyup', 'keypress']) document.addEventListener(type, (event) => window.heard.push(event.key))`)
    await page.getByTestId('main').focus()
    await until('focus is on the first face', async () => {
      await page.keyboard.press('Tab')
      return (await focusInWidget()) === 'feedback-level-not_happy'
    })
    await page.evaluate('window.heard = []')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowDown')
    expect(await focusInWidget()).toBe('feedback-level-happy')
    await page.keyboard.press('End')
    expect(await focusInWidget()).toBe('feedback-level-very_happy')
    await page.keyboard.press('ArrowRight')
    expect(await focusInWidget()).toBe('feedback-level-not_happy')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowLeft')
    expect(await focusInWidget()).toBe('feedback-level-very_happy')
    await picture(page, 'widget-focus')
    expect(await widget.group.locator('[aria-checked=true]').count()).toBe(0)
    expect(await answersOf(userId)).toBe(0)
    await page.keyboard.press('Tab')
    expect(await focusInWidget()).toBe('feedback-later')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('ArrowLeft')
    const chosen = await focusInWidget()
    await page.keyboard.press('Space')
    await widget.step('comment')
    expect(await focusInWidget()).toBe('feedback-comment')
    await page.keyboard.type('Said with keys alone')
    await page.keyboard.press('Control+Enter')
    await widget.step('thanks')
    await widget.part('saved').waitFor()
    expect(await focusInWidget()).toBe('feedback-title')
    expect(await page.evaluate('window.heard')).toEqual([])
    const stored = await until('the comment', async () => {
      const answer = await stage.product.connection.collection('answers').findOne({ userId })
      return answer?.['comment'] === 'Said with keys alone' && answer
    })
    expect(`feedback-level-${String(stored['level'])}`).toBe(chosen)
    expect(someone.noise).toEqual([])
  })
})

describe('every tap counts once', () => {
  afterEach(() => someone.context.close())

  it('a double click on a face is one answer', async () => {
    const { widget } = await asksSomeone()
    await widget.face('very_happy').dblclick()
    await widget.step('comment')
    await widget.part('saved').waitFor()
    expect(await answersOf(here.userIds[next - 1]!)).toBe(1)
  })

  it('a reload in between keeps the answer and lets the person change it', async () => {
    const { widget, page } = await asksSomeone()
    await widget.face('neutral').click()
    await widget.part('saved').waitFor()
    await page.reload()
    await widget.button.waitFor()
    expect(await widget.card.count()).toBe(0)
    await widget.button.click()
    await widget.step('thanks')
    await widget.part('change').click()
    await widget.step('ask')
    expect(await widget.face('neutral').getAttribute('aria-checked')).toBe('true')
    await widget.face('happy').click()
    await widget.part('saved').waitFor()
    expect(await answersOf(here.userIds[next - 1]!)).toBe(1)
    const levelNow = async () => (await stage.product.connection.collection<{ level: string }>('answers').findOne({ userId: here.userIds[next - 1]! }))?.level
    await until('the change', async () => (await levelNow()) === 'happy')
    shiftMs += 31 * dayMs
  })
})
