import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openDrifting, type Drifting, type Who } from './support/drifting.ts'
import { until } from '../support/until.ts'

let d: Drifting

beforeAll(async () => {
  d = await openDrifting(4)
}, 60_000)

afterAll(() => d.product.stop())

const contacts = () => d.product.sandbox.state.contacts.by('location', d.headquartersId)
const said = (what: string, check: () => Promise<boolean>): Promise<boolean> => until(what, check, 15_000, 200)

async function answered(who: Who, level: string, label: string): Promise<void> {
  await d.answer(who, level)
  await until(`${label} written`, () => d.valueOf(who, 'Happiness Level') === label)
  await d.product.settled()
}

describe('a contact', () => {
  it('that was deleted is told, and made anew once with the next answer', async () => {
    const who = d.people[0]!
    await answered(who, 'happy', 'Happy')
    const before = contacts().length
    d.product.sandbox.deleteContact(d.contactOf(who)!.id)
    await said('told', async () => (await d.timeline(who, 'contact.deleted')).length === 1)
    await d.product.settled()
    expect(contacts()).toHaveLength(before - 1)
    await answered(who, 'neutral', 'Neutral')
    expect(contacts()).toHaveLength(before)
    expect(await d.timeline(who, 'contact.deleted')).toHaveLength(1)
  })

  it('that was merged into another one is bound to that at once; nobody is doubled, and both readings are there', async () => {
    const { sandbox } = d.product
    const who = d.people[1]!
    await answered(who, 'happy', 'Happy')
    await d.setHealth(who, 'steady')
    await until('the status', () => d.valueOf(who, 'Health Status') === 'Steady')
    await d.product.settled()
    const gone = d.contactOf(who)!
    const kept = sandbox.createContact(d.headquartersId, { firstName: 'Ada', email: 'ada.private@example.com', tags: ['vip'] })
    const before = contacts().length
    sandbox.mergeContacts(kept.id, gone.id)
    await said('told', async () => (await d.timeline(who, 'contact.merged')).length === 1)
    await d.answer(who, 'very_happy')
    const survivor = () => sandbox.state.contacts.get(kept.id)!.customFields.map(({ value }) => value)
    await until('the survivor', () => survivor().includes('Very Happy') && survivor().includes('Steady'))
    await d.product.settled()
    expect(contacts()).toHaveLength(before - 1)
    expect(sandbox.state.contacts.get(kept.id)).toMatchObject({ email: 'ada.private@example.com', tags: expect.arrayContaining(['vip', 'happiness: very happy']) })
    const pipeline = d.pipelineNamed('Happiness Level')!
    expect(sandbox.state.opportunities.by('contact', kept.id).filter(({ pipelineId }) => pipelineId === pipeline.id)).toHaveLength(1)
    expect(await d.timeline(who, 'contact.deleted')).toEqual([])
  })

  it('whose address was changed in the CRM, or whose person has another address, stays bound, and both are told', async () => {
    const { sandbox } = d.product
    const who = d.people[2]!
    await answered(who, 'happy', 'Happy')
    const { id } = d.contactOf(who)!
    const before = contacts().length
    sandbox.updateContact(id, { email: 'somebody.else@example.com' })
    await said('told', async () => (await d.timeline(who, 'person.email_changed')).length === 1)
    sandbox.updateUser(who.userId, { email: 'new.address@example.com' })
    await said('told', async () => (await d.timeline(who, 'person.email_changed')).length === 2)
    await d.answer(who, 'neutral')
    const field = d.fieldNamed('Happiness Level')!
    await until('the value', () => sandbox.state.contacts.get(id)!.customFields.some((value) => value.id === field.id && value.value === 'Neutral'))
    await d.product.settled()
    expect(contacts()).toHaveLength(before)
    expect(sandbox.state.contacts.get(id)!.email).toBe('somebody.else@example.com')
  })
})

describe('a card', () => {
  it('that was won or lost, or moved to another pipeline, is where it belongs, and there is one', async () => {
    const { sandbox } = d.product
    const who = d.people[3]!
    await answered(who, 'happy', 'Happy')
    await d.setHealth(who, 'healthy')
    const health = d.pipelineNamed('Company Health Status')!
    await until('the card', () => d.stageOf(who, health.id) === 'Healthy')
    await d.product.settled()
    const card = d.cardsOf(who, health.id)[0]!
    for (const status of ['won', 'lost'] as const) sandbox.setCardStatus(card.id, status)
    await d.product.settled()
    expect(await d.healthOf(who)).toBe('healthy')
    expect(sandbox.state.opportunities.get(card.id)).toMatchObject({ status: 'lost', pipelineStageId: card.pipelineStageId })
    const renewals = sandbox.createPipeline(d.headquartersId, 'Renewals', ['New', 'Won'])
    sandbox.moveCard(card.id, 'New', renewals.id)
    await until('moved back', () => sandbox.state.opportunities.get(card.id)!.pipelineId === health.id)
    await d.product.settled()
    expect(await d.healthOf(who)).toBe('healthy')
    expect(d.stageOf(who, health.id)).toBe('Healthy')
    expect(d.cardsOf(who, health.id)).toHaveLength(1)
  })

  it('that was deleted stays so, and the status stays', async () => {
    const { sandbox } = d.product
    const who = d.people[3]!
    const health = d.pipelineNamed('Company Health Status')!
    sandbox.deleteCard(d.cardsOf(who, health.id)[0]!.id)
    await said('told', async () => (await d.timeline(who, 'card.deleted')).length === 1)
    await d.setHealth(who, 'thriving')
    await until('the field', () => d.valueOf(who, 'Health Status') === 'Thriving')
    await d.product.settled()
    expect(d.cardsOf(who, health.id)).toEqual([])
  })
})

describe('a sub-account', () => {
  it('that has another name is told; one that moved to another agency or was deleted is gone, with its history kept', async () => {
    const { sandbox } = d.product
    const [renamed, moved, deleted] = [d.people[0]!, d.people[1]!, d.people[3]!]
    sandbox.updateLocation(renamed.locationId, { name: 'Harbour Dental' })
    await said('told', async () => (await d.timeline(renamed, 'account.renamed')).length === 1)
    expect((await d.admin().get(`/api/accounts/${renamed.locationId}`)).body.name).toBe('Harbour Dental')
    // Only an agency that has the app hears of its new sub-account; from any other the nightly reading finds it gone.
    const { id: otherId } = sandbox.state.companies.values()[1]!
    await sandbox.install({ companyId: otherId })
    sandbox.moveLocation(moved.locationId, otherId)
    sandbox.deleteLocation(deleted.locationId)
    await said('gone', async () => (await d.admin().get(`/api/accounts/${deleted.locationId}`)).body.removedAt !== null)
    await said('moved', async () => (await d.admin().get(`/api/accounts/${moved.locationId}`)).status === 404)
    expect((await d.timeline(deleted, 'feedback.received')).length).toBeGreaterThan(0)
  })
})

describe('the success location', () => {
  it('from which the app was removed is told at once; work is held and arrives when the app is back', async () => {
    const { sandbox } = d.product
    const who = d.people[2]!
    const { id } = contacts().find(({ email }) => email === 'somebody.else@example.com')!
    const value = () => sandbox.state.contacts.get(id)!.customFields.find((each) => each.id === d.fieldNamed('Happiness Level')!.id)?.value
    sandbox.uninstall({ locationId: d.headquartersId })
    await d.answer(who, 'very_happy')
    await said('the team is told', async () => JSON.stringify((await d.admin().get('/api/notifications?pageSize=100')).body.items).includes('could not be read'))
    expect(await d.check('location_access')).toMatchObject({ ok: false, fix: expect.stringContaining('Install') })
    await said('held', async () => (await d.heldFor()).length > 0)
    expect(value()).toBe('Neutral')
    await sandbox.install()
    await d.mended()
    await until('the value', () => value() === 'Very Happy')
    await d.product.settled()
    expect(await d.unfinished()).toEqual([])
  })

  it('that was deleted asks for another one; what waits is delivered there', async () => {
    const { sandbox } = d.product
    const who = d.people[2]!
    await d.product.settled()
    sandbox.deleteLocation(d.headquartersId)
    await d.answer(who, 'not_happy')
    await d.nextCycle()
    expect(d.told('location_access').fix).toContain('choose another one')
    const other = sandbox.createLocation({ companyId: d.product.companyId, name: 'New headquarters' })
    await until('known', async () => (await d.product.app.services.accounts.get(d.product.companyId, other.id)) !== null)
    expect((await d.admin().send('PUT', '/api/setup/success-location', { locationId: other.id })).status).toBe(200)
    await until('the value', () => sandbox.state.contacts.by('location', other.id).some(({ customFields }) => customFields.some(({ value }) => value === 'Not Happy')))
    await d.product.settled()
    const emails = sandbox.state.contacts.by('location', other.id).map(({ email }) => email)
    expect(new Set(emails).size).toBe(emails.length)
  })
})
