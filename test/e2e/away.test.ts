import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { BrowserContext } from 'playwright-core'
import { until } from '../support/until.ts'
import { openStage, type Person, type Stage } from './support/stage.ts'

/** The page around the widget never notices it: not when the server is gone, not when it is switched off, not in another sub-account. */
let stage: Stage
let accounts: { id: string }[]
let someone: Person
let traveller: string

/** One person of the first account also works in the second, and in the third, where feedback is off. */
beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 4, usersPerAccount: 6 } } })
  ;({ accounts } = stage.product.sandbox.company())
  const { users } = stage.product.sandbox.state
  traveller = userOf(0, 3)
  users.put({ ...users.get(traveller)!, locationIds: accounts.slice(0, 3).map(({ id }) => id) })
  await stage.product.setUp()
  await stage.product.enableFeedback(0)
}, 120_000)
afterEach(() => someone.context.close())
afterAll(() => stage.close())

const userOf = (account: number, at: number) => stage.product.sandbox.accountUsersOf(accounts[account]!.id)[at]!.id
const anyApi = (url: URL) => url.pathname.startsWith('/api/')

describe('a server that is away', () => {
  const ways: [name: string, prepare: (context: BrowserContext) => Promise<unknown>][] = [
    ['answers 500', (context) => context.route(anyApi, (route) => route.fulfill({ status: 500, body: 'Internal Server Error' }))],
    ['cannot be reached', (context) => context.route(anyApi, (route) => route.abort('connectionrefused'))],
    ['answers with a page of a proxy', (context) => context.route(anyApi, (route) => route.fulfill({ status: 200, contentType: 'text/html', body: '<h1>Login</h1>' }))],
    ['answers nonsense', (context) => context.route(anyApi, (route) => route.fulfill({ status: 200, json: { token: 7, due: 'yes', copy: [] } }))],
  ]
  for (const [name, prepare] of ways) {
    it(`that ${name} leaves the page silent and untouched`, async () => {
      const asked: string[] = []
      someone = await stage.open({
        userId: userOf(0, 0),
        prepare: async (context) => {
          context.on('request', (request) => anyApi(new URL(request.url())) && asked.push(request.url()))
          await prepare(context)
        },
      })
      await until('the server was asked', () => asked.length > 0)
      await someone.visit('contacts')
      await someone.visit('dashboard')
      expect(await someone.widget.host.count()).toBe(0)
      expect(someone.noise).toEqual([])
    })
  }

  it('is asked again by itself once it is back, and an answer given in between arrives once', async () => {
    const userId = userOf(0, 1)
    someone = await stage.open({ userId })
    const { widget, page, context } = someone
    await widget.step('ask')
    const answers = (url: URL) => url.pathname.startsWith('/api/answers')
    await context.route(answers, (route) => route.abort('connectionrefused'))
    await widget.face('neutral').click()
    await widget.part('problem').waitFor()
    expect(await widget.part('problem').textContent()).toBe('Not sent yet. Your answer is kept here and goes out when you are back online.')
    await widget.comment.fill('Kept while offline')
    await context.unroute(answers)
    await page.evaluate(`window.dispatchEvent(new Event('online'))`)
    await widget.part('saved').waitFor()
    expect(await widget.comment.inputValue()).toBe('Kept while offline')
    expect(await stage.product.connection.collection('answers').countDocuments({ userId })).toBe(1)
    expect(someone.noise).toEqual([])
  })
})

describe('the switch of the account', () => {
  it('takes the button away at the next page once feedback is off, and brings it back', async () => {
    const admin = stage.product.admin()
    const path = `/api/accounts/${accounts[0]!.id}/feedback`
    someone = await stage.open({ userId: userOf(0, 2), prepare: (context) => context.clock.install() })
    await someone.widget.step('ask')
    await someone.widget.part('close').click()
    await someone.widget.button.waitFor()
    expect((await admin.send('PUT', path, { enabled: false })).status).toBe(200)
    await someone.context.clock.fastForward(31_000)
    await someone.visit('contacts')
    await someone.widget.host.waitFor({ state: 'detached' })
    expect((await admin.send('PUT', path, { enabled: true })).status).toBe(200)
    await someone.context.clock.fastForward(31_000)
    await someone.visit('dashboard')
    await someone.widget.button.waitFor()
    expect(someone.noise).toEqual([])
  })
})

describe('another sub-account, without a reload', () => {
  it('takes nothing along: prompt, draft and session of the old one are gone, and an answer goes to the account that is open', async () => {
    const { product } = stage
    await product.enableFeedback(1)
    const userId = traveller
    const sessions: string[] = []
    someone = await stage.open({
      userId,
      path: `/v2/location/${accounts[0]!.id}/dashboard`,
      prepare: async (context) => void context.on('request', (request) => request.url().endsWith('/api/session') && sessions.push(request.url())),
    })
    const { widget } = someone
    await widget.step('ask')
    await widget.face('happy').click()
    await widget.part('saved').waitFor()
    await widget.comment.fill('Words for the first account only')
    await someone.goToLocation(accounts[1]!.id)
    await widget.step('ask')
    expect(await widget.group.locator('[aria-checked=true]').count()).toBe(0)
    expect(sessions).toHaveLength(2)
    await widget.face('neutral').click()
    await widget.part('saved').waitFor()
    expect(await widget.comment.inputValue()).toBe('')
    const stored = await product.connection.collection<{ locationId: string; level: string }>('answers').find({ userId }).toArray()
    expect(stored.map(({ locationId, level }) => [locationId, level]).sort()).toEqual([[accounts[0]!.id, 'happy'], [accounts[1]!.id, 'neutral']].sort())

    await someone.goToLocation(accounts[2]!.id)
    await until('the widget is gone where feedback is off', async () => (await widget.host.count()) === 0)
    await someone.goToLocation(accounts[0]!.id)
    await widget.button.waitFor()
    expect(await widget.card.count()).toBe(0)
    expect(someone.noise).toEqual([])
  })
})
