import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { dayMs } from '../../src/kernel/clock.ts'
import { startProduct, type Client, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'
import { createRunningClock } from './support/running-clock.ts'

const clock = createRunningClock(new Date('2026-11-03T17:00:00Z'))

let product: Product
let headquartersId: string
let who: { locationId: string; userId: string }
let contactId: string
let planId: string
let pipelineId: string

const admin = (): Client => product.as({ userId: product.sandbox.company().admin.id })

interface Where { field: string; is: 'one_of' | 'at_least'; values: (string | number)[] }

function tells(key: string, events: string[], where: Where[], title: string): object {
  return {
    definition: {
      schemaVersion: 2, key, kind: 'notification', reading: 'account', level: null, name: key.replaceAll('_', ' '), reason: 'A test of what starts it.',
      trigger: { events, where }, conditions: [],
      steps: [{ id: 'tell', kind: 'notify', audience: 'everyone', topic: key, channels: ['in_app'], title, body: '{{ event.summary }}', link: 'account' }],
      guards: { dedupe: 'event', capDays: null, exitOn: [], noOpenCase: false, reentry: 'always' },
    },
  }
}

beforeAll(async () => {
  product = await startProduct({ clock, sandbox: { seed: { accounts: 2, usersPerAccount: 2 } } })
  ;({ headquartersId } = await product.setUp())
  who = await product.enableFeedback(0)
  await product.answer(who, 'happy')
  await product.settled()
  const { email } = product.sandbox.state.users.get(who.userId)!
  contactId = (await until('the contact', () => product.sandbox.state.contacts.by('location', headquartersId).find((contact) => contact.email === email))).id
  planId = product.sandbox.createField(headquartersId, { name: 'Plan', dataType: 'TEXT' }).id
  const pipeline = product.sandbox.createPipeline(headquartersId, 'Onboarding', ['Kick-off', 'Training', 'Live'])
  pipelineId = pipeline.id
  const file = {
    format: 'workflows', formatVersion: 1,
    workflows: [
      tells('vip_added', ['contact.tag_added'], [{ field: 'tag.name', is: 'one_of', values: ['vip'] }], 'Tag {{ tag.name }}'),
      tells('any_tag', ['contact.tag_added', 'contact.tag_removed'], [], 'Some tag {{ tag.name }}'),
      tells('plan_changed', ['contact.custom_field_changed'], [{ field: 'field.name', is: 'one_of', values: ['Plan'] }, { field: 'field.after', is: 'one_of', values: ['Pro'] }], '{{ field.name }}: {{ field.before }} to {{ field.after }}'),
      tells('any_field', ['contact.custom_field_changed'], [], '{{ field.name }}'),
      tells('card_live', ['card.stage_changed'], [{ field: 'card.pipeline', is: 'one_of', values: ['Onboarding'] }, { field: 'card.stage_after', is: 'one_of', values: ['Live'] }], '{{ card.stage_before }} to {{ card.stage_after }} in {{ card.pipeline }}'),
      tells('any_card', ['card.stage_changed'], [], '{{ card.pipeline }}'),
      tells('opted_out', ['contact.opted_out'], [], 'No messages to {{ user.name }}'),
      tells('absent', ['user.inactive'], [{ field: 'user.inactive_days', is: 'at_least', values: [14] }], '{{ user.inactive_days }} days'),
      tells('unpaid', ['billing.payment_failed'], [], 'Payment of {{ account.title }}'),
    ],
  }
  const imported = await admin().send('POST', '/api/workflows/import', file)
  expect([imported.status, imported.body]).toMatchObject([200, expect.anything()])
  for (const { definition } of file.workflows as { definition: { key: string } }[]) expect((await admin().send('POST', `/api/workflows/${definition.key}/publish`)).status).toBe(200)
  clock.advanceMs(60_000)
}, 300_000)

afterAll(() => product.stop())
// Past the window in which clocks alone do not tell what came first.
beforeEach(() => clock.advanceMs(20_000))

async function runsOf(key: string): Promise<number> {
  return (await admin().get(`/api/workflows/${key}/runs?pageSize=100`)).body.total as number
}
async function titlesOf(part: string): Promise<string[]> {
  const { body } = await admin().get('/api/notifications?pageSize=100')
  return (body.items as { title: string }[]).map(({ title }) => title).filter((title) => title.includes(part))
}
const delivered = async (): Promise<void> => {
  await product.settled()
}

describe('a published workflow', () => {
  it('starts once when a person adds its tag, and not for what our own answers write', async () => {
    const before = await runsOf('any_tag')
    product.sandbox.changeTags(contactId, { add: ['vip'] })
    await until('the run', async () => (await runsOf('vip_added')) === 1, 20_000, 200)
    await delivered()
    expect([await runsOf('vip_added'), (await runsOf('any_tag')) - before]).toEqual([1, 1])
    expect(await titlesOf('Tag vip')).toEqual(['Tag vip'])
    clock.advanceMs(dayMs)
    const answer = { level: 'not_happy', comment: 'Late again.', idempotencyKey: 'the-second-answer' }
    expect((await product.as(who).send('POST', '/api/answers', answer)).status).toBe(201)
    await until('the level tag', async () => {
      await delivered()
      return product.sandbox.state.contacts.get(contactId)!.tags.includes('happiness: not happy')
    }, 20_000, 500)
    await delivered()
    expect([await runsOf('vip_added'), (await runsOf('any_tag')) - before, await runsOf('any_field')]).toEqual([1, 1, 0])
  }, 60_000)

  it('starts once when a person edits its field to its value, from what it was', async () => {
    product.sandbox.updateContact(contactId, { fields: { [planId]: 'Basic' } })
    await until('the first edit', async () => (await runsOf('any_field')) === 1, 20_000, 200)
    clock.advanceMs(10_000)
    product.sandbox.updateContact(contactId, { fields: { [planId]: 'Pro' } })
    await until('the run', async () => (await runsOf('plan_changed')) === 1, 20_000, 200)
    await delivered()
    expect(await titlesOf('Plan: ')).toEqual(['Plan: Basic to Pro'])
    expect([await runsOf('plan_changed'), await runsOf('any_field')]).toEqual([1, 2])
    const { body } = await admin().get(`/api/accounts/${who.locationId}/timeline?types=contact.custom_field_changed`)
    expect(body.items).toMatchObject([{ before: 'Basic', after: 'Pro', link: expect.stringContaining('/deliveries/') }, { before: null, after: 'Basic' }])
  }, 60_000)

  it('starts once when a person drags a card in any pipeline, and not when they make it', async () => {
    const before = await runsOf('any_card')
    const card = product.sandbox.createCard(headquartersId, { pipelineId, contactId, name: 'Onboarding of the account' })
    await delivered()
    clock.advanceMs(10_000)
    product.sandbox.moveCard(card.id, 'Live')
    await until('the run', async () => (await runsOf('card_live')) === 1, 20_000, 200)
    await delivered()
    expect([await runsOf('card_live'), (await runsOf('any_card')) - before]).toEqual([1, 1])
    expect(await titlesOf('in Onboarding')).toEqual(['Kick-off to Live in Onboarding'])
  }, 60_000)

  it('starts once for the first move of a card that was there before us', async () => {
    const before = await runsOf('any_card')
    const hidden = product.sandbox.createCard(headquartersId, { pipelineId, contactId, name: 'An old card' })
    await delivered()
    const places = product.connection.collection('effect_watched_cards')
    expect((await places.deleteOne({ opportunityId: hidden.id })).deletedCount).toBe(1)
    clock.advanceMs(10_000)
    product.sandbox.moveCard(hidden.id, 'Training')
    await until('the run', async () => (await runsOf('any_card')) - before === 1, 20_000, 200)
    await delivered()
    expect((await runsOf('any_card')) - before).toBe(1)
  }, 60_000)

  it('starts when do-not-disturb is switched on, once', async () => {
    product.sandbox.updateContact(contactId, { dnd: true })
    await until('the run', async () => (await runsOf('opted_out')) === 1, 20_000, 200)
    await delivered()
    expect(await runsOf('opted_out')).toBe(1)
  }, 60_000)

  it('starts for nobody else\'s contact', async () => {
    const counts = async () => Promise.all(['any_tag', 'any_field', 'any_card'].map(runsOf))
    const before = await counts()
    const stranger = product.sandbox.createContact(headquartersId, { email: 'stranger@example.com', firstName: 'Stranger' })
    product.sandbox.changeTags(stranger.id, { add: ['vip'] })
    product.sandbox.updateContact(stranger.id, { fields: { [planId]: 'Pro' } })
    const card = product.sandbox.createCard(headquartersId, { pipelineId, contactId: stranger.id, name: 'Stranger' })
    product.sandbox.moveCard(card.id, 'Live')
    await delivered()
    expect(await counts()).toEqual(before)
  }, 60_000)

  it('starts when a payment fails, once per key; what is wrong with a fact is said by its place', async () => {
    const path = `/api/accounts/${who.locationId}/billing`
    const fact = { fact: 'payment_failed', note: 'Invoice 4711, 290 USD.', idempotencyKey: 'invoice-4711-failed' }
    const statuses = [(await admin().send('POST', path, fact)).status, (await admin().send('POST', path, fact)).status]
    expect(statuses).toEqual([201, 200])
    await until('the run', async () => (await runsOf('unpaid')) === 1, 20_000, 200)
    await delivered()
    expect(await runsOf('unpaid')).toBe(1)
    const wrong = await admin().send('POST', path, { fact: 'renewal_at', idempotencyKey: 'renewal-2027' })
    expect([wrong.status, JSON.stringify(wrong.body)]).toEqual([400, expect.stringContaining('renewalAt')])
    expect((await admin().send('POST', '/api/accounts/elsewhere/billing', { ...fact, idempotencyKey: 'another-key' })).status).toBe(404)
    expect((await product.as(who).send('POST', path, { ...fact, idempotencyKey: 'another-key' })).status).toBe(403)
    expect((await admin().get(path)).body).toMatchObject({ payment: 'failed', renewalAt: null })
  }, 60_000)

  it('starts when somebody was not seen for long enough; the account\'s people say when they were', async () => {
    expect((await product.as(who).get('/api/prompt')).status).toBe(200)
    const seenAt = clock.now()
    const lastSeen = async () => ((await admin().get(`/api/accounts/${who.locationId}/people`)).body.items as { userId: string; lastSeenAt: string | null }[]).find(({ userId }) => userId === who.userId)?.lastSeenAt
    expect(Math.abs(Date.parse((await lastSeen()) ?? '') - seenAt.getTime())).toBeLessThan(60_000)
    clock.advanceMs(8 * dayMs)
    await product.app.services.activity.sweep(100)
    await delivered()
    expect(await runsOf('absent')).toBe(0)
    clock.advanceMs(7 * dayMs)
    await product.app.services.activity.sweep(100)
    await until('the run', async () => (await runsOf('absent')) === 1, 20_000, 200)
    expect(await titlesOf('14 days')).toEqual(['14 days'])
  }, 60_000)
})
