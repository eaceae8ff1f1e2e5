import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import request from 'supertest'
import { defaultCopy } from '../../custom-pages/shared/answer/copy.ts'
import { widgetCopyOf } from '../../src/feedback/copy.ts'
import { myFeedback, promptView } from '../../src/http/contract/feedback.ts'
import { defaultAgencySettings } from '../../src/http/contract/settings.ts'
import { dayMs } from '../../src/kernel/clock.ts'
import { account, companyId, customer, locationId, newKey, openRig, respondent, type Rig } from './rig.ts'
import { webOf } from './web.ts'

let rig: Rig
let web: Express
beforeEach(async () => {
  rig = await openRig()
  web = webOf(rig)
})
afterEach(() => rig.close())

const get = (who: string, path = '/api/me/feedback') => request(web).get(path).set({ Authorization: `Bearer u.${who}.s` })
const mine = async (who: string, path?: string) => myFeedback.parse((await get(who, path)).body)
const give = (userId: string, level: 'very_happy' | 'happy' | 'neutral' | 'not_happy', comment?: string) =>
  rig.feedback.answers.give(respondent(userId), { level, comment, idempotencyKey: newKey(), source: 'widget' })

describe("a customer's user sees", () => {
  it('their own answers only, newest first and in pages', async () => {
    await give('b', 'not_happy', 'the words of a colleague')
    for (const level of ['happy', 'neutral', 'very_happy'] as const) {
      await give('a', level)
      rig.clock.advanceMs(31 * dayMs)
    }
    const first = await mine('a', '/api/me/feedback?pageSize=2')
    expect(first.answers).toMatchObject({ page: 1, pageSize: 2, total: 3, items: [{ level: 'very_happy' }, { level: 'neutral' }] })
    expect((await mine('a', '/api/me/feedback?pageSize=2&page=2')).answers.items).toMatchObject([{ level: 'happy' }])
  })

  it('nothing that the team concludes: no status, points, notes, cases or colleagues', async () => {
    rig.world.accounts.set(locationId, account({ health: { level: 'struggling', setAt: null, setBy: null, source: 'page', note: 'they may leave', reasonCodes: [], confirmedAt: null, staleAt: null, stale: false, changeId: null, noteWanted: false, restored: null } }))
    await give('b', 'not_happy', 'the words of a colleague')
    await give('a', 'not_happy', 'too slow')
    const text = (await get('a')).text
    expect(text).not.toMatch(/struggling|they may leave|colleague|case|points|score|dissent|Barometer's|User b/)
    expect(text).toContain('too slow')
  })

  it('when they are asked next, and whom they reach', async () => {
    expect(await mine('a')).toMatchObject({ next: { reason: 'now' }, team: { name: 'Our team', contactName: 'Priya Nair' }, canAnswer: true })
    const { promptId } = await rig.feedback.prompts.view(customer('a'))
    await rig.feedback.prompts.record(customer('a'), { outcome: 'shown', promptId: promptId! })
    expect((await mine('a')).next.reason).toBe('now')
    await give('a', 'happy')
    expect((await mine('a')).next).toEqual({ reason: 'scheduled', at: new Date(rig.clock.nowMs() + 30 * dayMs).toISOString() })
    await give('b', 'not_happy')
    expect((await mine('b')).next).toEqual({ reason: 'talking', at: null })
    rig.world.accounts.set(locationId, account({ feedbackEnabled: false, csm: null }))
    expect(await mine('a')).toMatchObject({ next: { reason: 'off', at: null }, team: { contactName: null }, canAnswer: false, answers: { total: 1 } })
  })

  it("the agency's own words, also for the levels", async () => {
    await rig.settings.update(companyId, { widget: { levels: { happy: 'Content' }, copy: { answerNow: 'Now after all', refused: 'Not taken.' } }, brand: { teamName: 'The Northwind team' } }, 'csm1')
    const { copy, team } = await mine('a')
    expect(copy).toMatchObject({ levels: { happy: 'Content' }, answerNow: 'Now after all', refused: 'Not taken.' })
    expect(team.name).toBe('The Northwind team')
  })
})

it("only a customer's user has feedback of their own, and another agency's session finds no account", async () => {
  expect((await get('csm')).status).toBe(403)
  expect((await request(web).get('/api/me/feedback')).status).toBe(401)
  expect((await get('other')).status).toBe(404)
  expect((await get('a', '/api/me/feedback?locationId=loc2')).status).toBe(400)
})

it('the master switch is told to the widget, with nothing to show', async () => {
  const told = async () => promptView.parse(await rig.feedback.prompts.view(customer('a')))
  expect(await told()).toMatchObject({ enabled: true, button: true, due: true })
  await rig.settings.update(companyId, { prompt: { enabled: false } }, 'csm1')
  expect(await told()).toMatchObject({ enabled: false, button: false, due: false, promptId: null, answer: null, copy: null })
})

it("every word that the widget can show comes from the agency's settings", () => {
  expect(Object.keys(widgetCopyOf(defaultAgencySettings, false, undefined))).toEqual(expect.arrayContaining(Object.keys(defaultCopy)))
})
