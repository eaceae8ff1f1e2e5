import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { languages } from '../../src/feedback/words/index.ts'
import { customerLanguages } from '../../src/http/contract/settings.ts'
import { until } from '../support/until.ts'
import { accessibilityFaults, widgetLayout } from './support/checks.ts'
import { openStage, picture, textOf, type Stage } from './support/stage.ts'

/** What a customer sees whose browser speaks another language, on the smallest window there is. */
let stage: Stage
let users: string[]

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 2, usersPerAccount: customerLanguages.length } } })
  await stage.product.setUp()
  ;({ userIds: users } = await stage.product.enableFeedback(0))
}, 120_000)
afterAll(() => stage.close())

it.each(customerLanguages.map((language, index) => [language, index] as const))('the widget speaks %s, fits, and takes an answer', async (language, index) => {
  const words = languages[language]
  const someone = await stage.open({ userId: users[index]!, locale: language, viewport: { width: 320, height: 640 }, bypassCSP: true })
  const { widget, page } = someone
  await widget.step('ask')
  expect(await widget.title.textContent()).toContain(words.widget.question)
  expect(await widget.host.evaluate((host) => [(host.shadowRoot?.querySelector('.root') as HTMLElement | null)?.lang, (host.shadowRoot?.querySelector('.root') as HTMLElement | null)?.dir])).toEqual([language, words.direction])
  expect(await widgetLayout(page)).toEqual({ cut: [], small: [] })
  expect(await accessibilityFaults(page, '[data-testid=feedback-widget]')).toEqual([])
  await picture(page, `widget-${language}`)
  await widget.face('happy').click()
  await widget.step('comment')
  expect(await widget.card.textContent()).toContain(words.levels.happy)
  expect(await widgetLayout(page)).toEqual({ cut: [], small: [] })
  await picture(page, `widget-${language}-comment`)
  await widget.part('send').click()
  await widget.step('thanks')
  expect(await textOf(widget.card, (text) => text.includes('30'))).toContain(words.widget.thanksNext.replace('{days}', '30'))
  expect(await widgetLayout(page)).toEqual({ cut: [], small: [] })
  await until('the answer', async () => (await stage.product.connection.collection('answers').countDocuments({ userId: users[index] })) === 1)
  expect(someone.noise).toEqual([])
  await someone.context.close()
})
