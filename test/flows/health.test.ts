import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startProduct, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'

let product: Product
let headquartersId: string
let who: Awaited<ReturnType<Product['enableFeedback']>>

beforeAll(async () => {
  product = await startProduct()
  ;({ headquartersId } = await product.setUp())
  who = await product.enableFeedback(0)
  for (const userId of who.userIds.slice(0, 2)) await product.answer({ locationId: who.locationId, userId }, 'happy')
  await until('both contacts and their cards', () => product.sandbox.state.opportunities.by('location', headquartersId).length === 2)
  await product.settled()
}, 120_000)

afterAll(() => product.stop())

const contacts = () => {
  const emails = new Set(product.sandbox.accountUsersOf(who.locationId).map((user) => user.email.toLowerCase()))
  return product.sandbox.state.contacts.by('location', headquartersId).filter((contact) => emails.has(contact.email))
}
const cards = () => {
  const pipeline = product.sandbox.state.pipelines.by('location', headquartersId).find((one) => one.name === 'Company Health Status')!
  return product.sandbox.state.opportunities
    .by('location', headquartersId)
    .filter((card) => card.pipelineId === pipeline.id)
    .map((card) => ({ contactId: card.contactId, stage: pipeline.stages.find((stage) => stage.id === card.pipelineStageId)?.name }))
}
const statusOf = (contact: ReturnType<typeof contacts>[number]) => {
  const field = product.sandbox.state.fields.by('location', headquartersId).find((one) => one.name === 'Health Status')!
  return { field: contact.customFields.find((one) => one.id === field.id)?.value, tags: contact.tags.filter((tag) => tag.startsWith('health: ')) }
}
/** Writes to contacts and cards; tasks are follow-ups' affair. */
const writesSince = (from: number) =>
  product.sandbox.calls.slice(from).filter((call) => /^\/(contacts|opportunities)/.test(call.path) && call.method !== 'GET' && !call.path.endsWith('/tasks')).map((call) => `${call.method} ${call.path.replace(/[A-Za-z0-9]{20}/g, ':id')}`).sort()

async function everywhere(label: string): Promise<void> {
  await until(`${label} everywhere`, () => contacts().every((contact) => statusOf(contact).field === label && statusOf(contact).tags.length === 1) && cards()[0]?.stage === label, 30_000)
  await product.settled()
}

describe('a status set in the page', () => {
  it('reaches every contact and the card, which is made on the primary contact and moved afterwards, in the fewest calls', async () => {
    const admin = product.admin()
    const path = `/api/accounts/${who.locationId}/health`
    const known = contacts().length
    let from = product.sandbox.calls.length
    const first = await admin.send('PUT', path, { level: 'steady', note: 'A quiet quarter.', reasonCodes: ['budget_constraints'] })
    expect(first).toMatchObject({ status: 200, body: { level: 'steady', source: 'page', noteWanted: false } })
    await everywhere('Steady')
    const made = contacts().length - known
    const perContact = known * 2
    // Per contact one write of the field and one of the tag; one creation each of what was missing.
    expect(writesSince(from).length).toBe(perContact + made * 2 + 1)
    expect(cards()).toHaveLength(1)
    const { body: people } = await admin.get(`/api/accounts/${who.locationId}/people`)
    const primary = (people.items as { email: string; primary: boolean }[]).find((person) => person.primary)
    expect(contacts().find((contact) => contact.id === cards()[0]?.contactId)?.email).toBe(primary?.email.toLowerCase())

    from = product.sandbox.calls.length
    await admin.send('PUT', path, { level: 'struggling', note: 'Two customers left.', ifChangeId: first.body.changeId })
    await everywhere('Struggling')
    const writes = writesSince(from)
    expect(writes.filter((call) => call.includes('opportunities'))).toHaveLength(1)
    expect(writes).toHaveLength(contacts().length * 3 + 1)
    expect(contacts().map((contact) => statusOf(contact).tags)).toEqual(contacts().map(() => ['health: struggling']))

    const { body: history } = await until('the team to be told', async () => {
      const page = await admin.get(`${path}/history`)
      return (page.body.items[0].acts as { kind: string }[]).filter(({ kind }) => kind === 'notification').length === 2 && page
    })
    // Each leads to the run that told.
    const told = (history.items[0].acts as { kind: string; summary: string; link: string }[]).filter(({ kind }) => kind === 'notification')
    expect(told.map(({ summary }) => summary).sort()).toEqual(['The team was told: An account is Struggling.', 'The team was told: Health Status changed.'])
    for (const { link } of told) expect((await admin.get(`/api${link}`)).body).toMatchObject({ locationId: who.locationId, state: 'done' })
    expect(history.items).toMatchObject([{ level: 'struggling', before: 'steady', acts: expect.arrayContaining([expect.objectContaining({ kind: 'contacts_written' }), expect.objectContaining({ kind: 'card_moved' })]) }, { level: 'steady', before: null }])
    const undone = await admin.send('POST', `${path}/undo`, { changeId: history.items[0].changeId })
    expect(undone.body).toMatchObject({ level: 'steady', source: 'undo' })
    await everywhere('Steady')
    const file = await admin.get(`${path}/history?format=csv`)
    expect(file.headers.get('content-type')).toContain('text/csv')
    expect(file.body).toContain('Two customers left.')
    expect((await admin.get(`/api/accounts/${who.locationId}`)).body.health).toMatchObject({ level: 'steady', source: 'undo' })
  }, 90_000)

  it('is out of reach for customers and refused in plain words', async () => {
    const customer = product.as({ userId: who.userId, locationId: who.locationId })
    const path = `/api/accounts/${who.locationId}/health`
    expect((await customer.send('PUT', path, { level: 'thriving', note: 'Trust me.' })).status).toBe(403)
    expect((await customer.get(`${path}/history`)).status).toBe(403)
    expect((await customer.get('/api/health/open-items')).status).toBe(403)
    const refused = await product.admin().send('PUT', path, { level: 'thriving', note: '' })
    expect(refused).toMatchObject({ status: 422, body: { error: { code: 'note_too_short' } } })
    expect((await product.admin().send('PUT', '/api/accounts/nowhere/health', { level: 'thriving', note: 'Because.' })).status).toBe(404)
  }, 30_000)
})
