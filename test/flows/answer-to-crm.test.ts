import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startProduct, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'

let product: Product
let headquartersId: string

beforeAll(async () => {
  product = await startProduct()
  ;({ headquartersId } = await product.setUp())
}, 60_000)

afterAll(() => product.stop())

/** The contact's custom fields by their names, as a person sees them. */
function fieldsOf(contactId: string): Record<string, unknown> {
  const { state } = product.sandbox
  const contact = state.contacts.get(contactId)!
  const names = new Map(state.fields.by('location', headquartersId).map((field) => [field.id, field.name]))
  return Object.fromEntries(contact.customFields.map(({ id, value }) => [names.get(id), value]))
}

describe("a customer's answer", () => {
  it('reaches the custom fields, the tag, the card, the team and the timeline', async () => {
    const { sandbox } = product
    const who = await product.enableFeedback(0)
    const user = sandbox.state.users.get(who.userId)!
    const reply = await product.answer(who, 'not_happy', { comment: 'The reports are late.' })
    expect(reply.status).toBe(201)
    expect(reply.body).toMatchObject({ level: 'not_happy' })

    const contact = await until('the contact', () => sandbox.state.contacts.by('location', headquartersId).find((one) => one.email === user.email.toLowerCase()))
    await until('the fields', () => fieldsOf(contact.id)['Happiness Level'] === 'Not Happy')
    expect(fieldsOf(contact.id)).toMatchObject({ 'Company Happiness Level': 'Not Happy', 'Last Feedback Comment': 'The reports are late.', 'Happiness Score': -50 })
    await until('the tag', () => sandbox.state.contacts.get(contact.id)!.tags.includes('happiness: not happy'))
    const card = await until('the card', () => sandbox.state.opportunities.by('location', headquartersId).find((one) => one.contactId === contact.id))
    const pipeline = sandbox.state.pipelines.get(card.pipelineId)!
    expect(pipeline.name).toBe('Happiness Level')
    expect(pipeline.stages.find((stage) => stage.id === card.pipelineStageId)?.name).toBe('Not Happy')

    const admin = product.admin()
    const notifications = await until('the notification', async () => {
      const { body } = await admin.get('/api/notifications')
      return (body.items as unknown[]).length > 0 && body
    })
    expect(notifications.unread).toBeGreaterThan(0)
    const { body: cases } = await admin.get('/api/cases?state=open')
    expect(cases.items).toHaveLength(1)
    const { body: account } = await admin.get(`/api/accounts/${who.locationId}`)
    expect(account.happiness).toMatchObject({ level: 'not_happy', score: -50, coverage: { answered: 1, eligible: who.userIds.length } })
    const { body: timeline } = await admin.get(`/api/accounts/${who.locationId}/timeline`)
    expect((timeline.items as { type: string }[]).map((entry) => entry.type)).toEqual(expect.arrayContaining(['feedback.enabled', 'feedback.received', 'case.opened', 'happiness.account_level_changed']))
  })

  it('is stored once however often it is sent', async () => {
    const who = await product.enableFeedback(1)
    const replies = await Promise.all(Array.from({ length: 10 }, () => product.answer(who, 'happy', { key: 'the-same-key' })))
    expect(replies.filter((reply) => reply.status === 201)).toHaveLength(1)
    expect(new Set(replies.map((reply) => reply.body.answerId as string)).size).toBe(1)
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200, 201]))
  })
})
