import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Contact, LedgerEntry, Opportunity } from '../sandbox/index.ts'
import { startProduct, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'

let product: Product
let headquartersId: string
/** Users of the first three accounts, two each; the first of each is in the agency's contacts already. */
let people: { locationId: string; userId: string }[]

beforeAll(async () => {
  product = await startProduct({ sandbox: { seed: { accounts: 4, usersPerAccount: 2, knownContacts: 3 } } })
  ;({ headquartersId } = await product.setUp())
  people = []
  for (const index of [0, 1, 2, 3]) {
    const { locationId, userIds } = await product.enableFeedback(index)
    for (const userId of userIds) people.push({ locationId, userId })
  }
  await product.settled()
}, 60_000)

afterAll(() => product.stop())

const state = () => product.sandbox.state

function contactOf({ userId }: { userId: string }): Contact | undefined {
  const { email } = state().users.get(userId)!
  return state().contacts.by('location', headquartersId).find((contact) => contact.email === email)
}

function fieldsOf(who: { userId: string }): Record<string, unknown> {
  const names = new Map(state().fields.by('location', headquartersId).map((field) => [field.id, field.name]))
  return Object.fromEntries((contactOf(who)?.customFields ?? []).map(({ id, value }) => [names.get(id) ?? id, value]))
}

/** Happiness cards; an account's status card may hang on the same contact. */
function cardsOf(who: { userId: string }): (Opportunity & { stage: string | undefined })[] {
  const contact = contactOf(who)
  const cards = contact === undefined ? [] : state().opportunities.by('contact', contact.id)
  return cards.filter((card) => state().pipelines.get(card.pipelineId)?.name === 'Happiness Level').map((card) => ({
    ...card, stage: state().pipelines.get(card.pipelineId)?.stages.find((stage) => stage.id === card.pipelineStageId)?.name,
  }))
}

/** Calls on contacts and cards: all but tokens and users. */
const crmCalls = (): string[] => product.sandbox.calls.filter((call: LedgerEntry) => /^\/(contacts|opportunities)/.test(call.path)).map((call) => `${call.method} ${call.path}`)

async function answered(who: { userId: string; locationId: string }, level: string, label: string): Promise<void> {
  expect((await product.answer(who, level)).status).toBe(201)
  await until(`${label} written`, () => fieldsOf(who)['Happiness Level'] === label)
  await until(`${label} carded`, () => cardsOf(who)[0]?.stage === label)
  await product.settled()
}

async function timeline(who: { locationId: string }, type: string): Promise<{ type: string; before?: unknown; after?: unknown }[]> {
  const { status, body } = await product.admin().get(`/api/accounts/${who.locationId}/timeline?types=${type}`)
  expect(status).toBe(200)
  return body.items as { type: string }[]
}

/** Asks a route no more often than a page would. */
const untilSaid = (what: string, check: () => Promise<boolean>): Promise<boolean> => until(what, check, 15_000, 150)

describe('a contact', () => {
  it('that the agency has already is matched by its e-mail address; what is not ours stays untouched', async () => {
    const { sandbox } = product
    const who = people[0]!
    const known = contactOf(who)!
    const own = sandbox.createField(headquartersId, { model: 'contact', name: 'Favourite colour', dataType: 'TEXT' } as never)
    sandbox.updateContact(known.id, { fields: { [own.name]: 'teal' } })
    sandbox.changeTags(known.id, { add: ['vip', 'happiness: not ours'] })
    const count = state().contacts.by('location', headquartersId).length
    await answered(who, 'happy', 'Happy')
    await until('the tag', () => contactOf(who)!.tags.includes('happiness: happy'))
    expect(state().contacts.by('location', headquartersId)).toHaveLength(count)
    const after = contactOf(who)!
    expect(after.id).toBe(known.id)
    expect(after.tags.sort()).toEqual(['customer', 'happiness: happy', 'happiness: not ours', 'vip'])
    expect(fieldsOf(who)['Favourite colour']).toBe('teal')
    expect({ source: after.source, type: after.type, firstName: after.firstName, companyName: after.companyName }).toEqual({ source: known.source, type: known.type, firstName: known.firstName, companyName: known.companyName })
  })

  it('that nobody has is made once, with one card', async () => {
    const who = people[1]!
    expect(contactOf(who)).toBeUndefined()
    await answered(who, 'neutral', 'Neutral')
    expect(state().contacts.by('location', headquartersId).filter((contact) => contact.email === state().users.get(who.userId)!.email)).toHaveLength(1)
    expect(cardsOf(who).map((card) => card.stage)).toEqual(['Neutral'])
  })

  it('carries the tag of its level and no other level\'s', async () => {
    const who = people[0]!
    for (const [level, label] of [['not_happy', 'Not Happy'], ['very_happy', 'Very Happy']] as const) {
      await answered(who, level, label)
      await until('the tag', () => contactOf(who)!.tags.includes(`happiness: ${label.toLowerCase()}`))
      expect(contactOf(who)!.tags.filter((tag) => tag.startsWith('happiness: ') && tag !== 'happiness: not ours')).toEqual([`happiness: ${label.toLowerCase()}`])
      expect(contactOf(who)!.tags).toEqual(expect.arrayContaining(['customer', 'vip', 'happiness: not ours']))
    }
  })
})

describe('calls', () => {
  it('are the fewest: one PUT of fields, tags only where they differ, the card only when its stage does', async () => {
    const { sandbox } = product
    // Alone in its account: the company's level is the user's, and no other contact changes with it.
    const who = people[2]!
    await answered(who, 'happy', 'Happy')
    sandbox.resetCalls()
    await answered(who, 'neutral', 'Neutral')
    expect(crmCalls().sort()).toEqual(['DELETE /contacts/{contactId}/tags', 'POST /contacts/{contactId}/tags', 'PUT /contacts/{contactId}', 'PUT /opportunities/{id}'])
    sandbox.resetCalls()
    expect((await product.answer(who, 'neutral', { comment: 'Same level, new words.' })).status).toBe(201)
    await until('the comment', () => fieldsOf(who)['Last Feedback Comment'] === 'Same level, new words.')
    await product.settled()
    expect(crmCalls()).toEqual(['PUT /contacts/{contactId}'])
  })

  it('are none for our own echoes, for repeated answers and for people\'s edits of what is not ours', async () => {
    const { sandbox } = product
    const who = people[2]!
    await product.settled()
    sandbox.resetCalls()
    const key = 'a-repeated-answer'
    await product.answer(who, 'neutral', { key })
    await product.settled()
    await until('written', () => crmCalls().length > 0)
    await product.settled()
    sandbox.resetCalls()
    for (let time = 0; time < 5; time += 1) await product.answer(who, 'neutral', { key })
    sandbox.changeTags(contactOf(who)!.id, { add: ['called today'] })
    sandbox.updateContact(contactOf(who)!.id, { lastName: 'Newname' })
    const [card] = cardsOf(who)
    sandbox.setCardStatus(card!.id, 'won')
    await sandbox.flushWebhooks({ untilDelivered: true })
    await product.settled()
    expect(crmCalls()).toEqual([])
  })

  it('of ten answers in two seconds are gathered', async () => {
    const { sandbox } = product
    const who = people[2]!
    sandbox.resetCalls()
    const levels = ['happy', 'neutral', 'not_happy', 'very_happy', 'happy', 'neutral', 'happy', 'neutral', 'happy', 'very_happy']
    const begunMs = performance.now()
    for (const level of levels) expect((await product.answer(who, level)).status).toBe(201)
    const answeringMs = performance.now() - begunMs
    await until('the last level', () => fieldsOf(who)['Happiness Level'] === 'Very Happy' && cardsOf(who)[0]?.stage === 'Very Happy')
    await until('the last tag', () => contactOf(who)!.tags.includes('happiness: very happy'))
    await product.settled()
    const puts = crmCalls().filter((call) => call === 'PUT /contacts/{contactId}')
    // One at once, one per two seconds; a slow machine takes longer to answer ten times, and to do what each answer leads to.
    expect(puts.length).toBeLessThanOrEqual(3 + Math.floor(answeringMs / 1_000))
    expect(contactOf(who)!.tags.filter((tag) => tag.startsWith('happiness: '))).toEqual(['happiness: very happy'])
  })
})

describe('a person in the CRM', () => {
  it('who edits a computed field sees it put back, and the edit is on the timeline', async () => {
    const { sandbox } = product
    const who = people[2]!
    sandbox.updateContact(contactOf(who)!.id, { fields: { 'Happiness Level': 'Not Happy' } })
    await untilSaid('recorded', async () => (await timeline(who, 'contact.field_changed')).length > 0)
    expect((await timeline(who, 'contact.field_changed'))[0]).toMatchObject({ before: 'Very Happy', after: 'Not Happy' })
    await until('put back', () => fieldsOf(who)['Happiness Level'] === 'Very Happy')
    await product.settled()
    expect((await timeline(who, 'contact.field_changed'))).toHaveLength(1)
  })

  it('who edits Health Status keeps it', async () => {
    const { sandbox } = product
    const who = people[2]!
    sandbox.updateContact(contactOf(who)!.id, { fields: { 'Health Status': 'Steady' } })
    await untilSaid('recorded', async () => (await timeline(who, 'contact.field_changed')).length === 2)
    await product.settled()
    expect(fieldsOf(who)['Health Status']).toBe('Steady')
    await product.answer(who, 'happy')
    await until('the answer', () => fieldsOf(who)['Happiness Level'] === 'Happy')
    await product.settled()
    expect(fieldsOf(who)['Health Status']).toBe('Steady')
  })

  it('who moves a happiness card sees it go back, and the move is on the timeline', async () => {
    const { sandbox } = product
    const who = people[2]!
    await until('in place', () => cardsOf(who)[0]?.stage === 'Happy')
    await product.settled()
    sandbox.moveCard(cardsOf(who)[0]!.id, 'Not Happy')
    await untilSaid('recorded', async () => (await timeline(who, 'card.moved')).length === 1)
    await until('moved back', () => cardsOf(who)[0]?.stage === 'Happy')
    expect((await timeline(who, 'card.moved'))[0]).toMatchObject({ before: 'happy', after: 'not_happy' })
    expect(cardsOf(who)).toHaveLength(1)
  })

  it('who deletes a card is obeyed, unless the agency wants cards back', async () => {
    const { sandbox } = product
    const who = people[2]!
    await product.settled()
    sandbox.deleteCard(cardsOf(who)[0]!.id)
    await untilSaid('recorded', async () => (await timeline(who, 'card.deleted')).length === 1)
    await product.answer(who, 'neutral')
    await until('the field', () => fieldsOf(who)['Happiness Level'] === 'Neutral')
    await product.settled()
    expect(cardsOf(who)).toEqual([])
    const changed = await product.admin().send('PATCH', '/api/settings', { crm: { recreateDeletedCards: true } })
    expect(changed.status).toBe(200)
    await product.answer(who, 'happy')
    await until('the new card', () => cardsOf(who)[0]?.stage === 'Happy')
    sandbox.deleteCard(cardsOf(who)[0]!.id)
    await until('the card made again', () => cardsOf(who)[0]?.stage === 'Happy')
    await product.settled()
    expect(cardsOf(who)).toHaveLength(1)
  })

  it('who removes a level tag sees it come back; one who adds another level\'s tag sees it leave', async () => {
    const { sandbox } = product
    const who = people[4]!
    await answered(who, 'happy', 'Happy')
    await until('the tag', () => contactOf(who)!.tags.includes('happiness: happy'))
    await product.settled()
    sandbox.changeTags(contactOf(who)!.id, { remove: ['happiness: happy'], add: ['happiness: not happy'] })
    await until('the tags', () => contactOf(who)!.tags.includes('happiness: happy') && !contactOf(who)!.tags.includes('happiness: not happy'))
  })

  it('who deletes the contact gets it made again with the next answer', async () => {
    const { sandbox } = product
    const who = people[6]!
    await answered(who, 'happy', 'Happy')
    const before = contactOf(who)!.id
    await product.settled()
    sandbox.deleteContact(before)
    await until('known', () => contactOf(who) === undefined)
    await product.settled()
    await product.answer(who, 'very_happy')
    await until('the new contact', () => fieldsOf(who)['Happiness Level'] === 'Very Happy')
    await until('its tag', () => contactOf(who)!.tags.includes('happiness: very happy'))
    expect(contactOf(who)!.id).not.toBe(before)
  })
})
