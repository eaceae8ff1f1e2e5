import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { startSandbox, type Sandbox } from '../index.ts'
import { clientFor, type ApiClient } from '../support/api-client.ts'

let clock: FakeClock
let sandbox: Sandbox
let api: ApiClient
let home: string

beforeEach(async () => {
  clock = createFakeClock()
  sandbox = await startSandbox({ clock, seed: { accounts: 1 }, app: { webhookUrl: 'http://127.0.0.1:1/' }, webhooks: { enabled: false } })
  api = await clientFor(sandbox)
  home = sandbox.company().headquarters.id
})
afterEach(() => sandbox.stop())

const eventsOf = (id: string): Record<string, unknown>[] => sandbox.pendingDeliveries().map((delivery) => JSON.parse(delivery.body) as Record<string, unknown>).filter((event) => event['id'] === id)

async function newContact(input: Record<string, unknown> = {}): Promise<string> {
  const answer = await api('POST', '/contacts/', { locationId: home, email: 'person@example.com', ...input })
  expect(answer.status).toBe(201)
  return (answer.body['contact'] as { id: string }).id
}

async function newField(name: string, dataType: string, options?: string[]): Promise<string> {
  const answer = await api('POST', `/locations/${home}/customFields`, { name, dataType, model: 'contact', ...(options === undefined ? {} : { options }) })
  return (answer.body['customField'] as { id: string }).id
}

describe('custom fields', () => {
  it('are written by id or key and read back as id and value', async () => {
    const level = await newField('Happiness Level', 'SINGLE_OPTIONS', ['Happy', 'Neutral'])
    const score = await newField('Happiness Score', 'NUMERICAL')
    const contact = await newContact()
    await api('PUT', `/contacts/${contact}`, { customFields: [{ id: level, field_value: 'Happy' }, { key: 'happiness_score', field_value: 12.5 }] })
    expect((await api('GET', `/contacts/${contact}`)).body).toMatchObject({ contact: { customFields: [{ id: level, value: 'Happy' }, { id: score, value: 12.5 }] } })
    await api('PUT', `/contacts/${contact}`, { customFields: [{ id: level, field_value: '' }] })
    expect((await api('GET', `/contacts/${contact}`)).body).toMatchObject({ contact: { customFields: [{ id: score, value: 12.5 }] } })
  })

  it('keep id and key when renamed, and refuse a second field of the same name', async () => {
    const id = await newField('Happiness Level', 'TEXT')
    sandbox.renameField(id, 'Mood')
    expect((await api('GET', `/locations/${home}/customFields/contact.happiness_level`)).body).toMatchObject({ customField: { id, name: 'Mood', fieldKey: 'contact.happiness_level' } })
    expect((await api('POST', `/locations/${home}/customFields`, { name: 'happiness level', dataType: 'TEXT', model: 'contact' })).status).toBe(400)
  })

  it('drop an unknown option silently and refuse an unknown field, unless set otherwise', async () => {
    const level = await newField('Level', 'SINGLE_OPTIONS', ['Happy'])
    const contact = await newContact()
    await api('PUT', `/contacts/${contact}`, { customFields: [{ id: level, field_value: 'Ecstatic' }] })
    expect(sandbox.state.contacts.get(contact)?.customFields).toEqual([])
    sandbox.settings.unknownOption = 'store'
    await api('PUT', `/contacts/${contact}`, { customFields: [{ id: level, field_value: 'Ecstatic' }] })
    expect(sandbox.state.contacts.get(contact)?.customFields).toEqual([{ id: level, value: 'Ecstatic' }])
    sandbox.deleteField(level)
    expect(sandbox.state.contacts.get(contact)?.customFields).toEqual([])
    expect((await api('PUT', `/contacts/${contact}`, { customFields: [{ id: level, field_value: 'Happy' }] })).status).toBe(400)
    sandbox.settings.unknownField = 'drop'
    expect((await api('PUT', `/contacts/${contact}`, { customFields: [{ id: level, field_value: 'Happy' }] })).status).toBe(200)
  })

  it('come without options when those are not honoured', async () => {
    sandbox.settings.fieldOptionsHonoured = false
    const id = await newField('Level', 'SINGLE_OPTIONS', ['Happy'])
    expect((await api('GET', `/locations/${home}/customFields/${id}`)).body).toMatchObject({ customField: { picklistOptions: [] } })
  })
})

describe('a contact', () => {
  it('is not doubled: the refusal names the one that is there', async () => {
    const id = await newContact({ email: 'Person@Example.com' })
    const again = await api('POST', '/contacts/', { locationId: home, email: 'person@example.com' })
    expect(again).toMatchObject({ status: 400, body: { meta: { contactId: id, matchingField: 'email' } } })
    expect((await api('POST', '/contacts/upsert', { locationId: home, email: 'person@example.com', firstName: 'Pat' })).body).toMatchObject({ new: false, contact: { id, firstName: 'Pat' } })
    expect((await api('GET', `/contacts/search/duplicate?locationId=${home}&email=PERSON@example.com`)).body).toMatchObject({ contact: { id } })
    expect((await api('GET', `/contacts/search/duplicate?locationId=${home}&email=nobody@example.com`)).body['contact']).toBeNull()
  })

  it('gains and loses tags one by one, in lower case; a PUT with tags replaces them all', async () => {
    const id = await newContact({ tags: ['Customer', 'VIP'] })
    expect(await api('POST', `/contacts/${id}/tags`, { tags: ['Happiness: Very Happy'] })).toMatchObject({ status: 201, body: { tags: ['customer', 'vip', 'happiness: very happy'], tagsAdded: ['happiness: very happy'] } })
    expect(await api('DELETE', `/contacts/${id}/tags`, { tags: ['VIP'] })).toMatchObject({ status: 200, body: { tags: ['customer', 'happiness: very happy'], tagsRemoved: ['vip'] } })
    await api('PUT', `/contacts/${id}`, { tags: ['only'] })
    expect(sandbox.state.contacts.get(id)?.tags).toEqual(['only'])
  })

  it('echoes the app\'s own writes: the whole contact, all custom fields, nothing about what changed', async () => {
    const level = await newField('Level', 'SINGLE_OPTIONS', ['Happy'])
    const note = await newField('Comment', 'LARGE_TEXT')
    const id = await newContact()
    await api('PUT', `/contacts/${id}`, { customFields: [{ id: level, field_value: 'Happy' }] })
    await api('PUT', `/contacts/${id}`, { customFields: [{ id: note, field_value: 'Thanks' }] })
    await api('POST', `/contacts/${id}/tags`, { tags: ['x'] })
    await api('POST', `/contacts/${id}/tags`, { tags: ['x'] })
    expect(eventsOf(id).map((event) => event['type'])).toEqual(['ContactCreate', 'ContactUpdate', 'ContactUpdate', 'ContactTagUpdate'])
    expect(eventsOf(id)[2]).toMatchObject({ locationId: home, email: 'person@example.com', customFields: [{ id: level, value: 'Happy' }, { id: note, value: 'Thanks' }] })
  })

  it('is found by search only after the lag, and by id at once', async () => {
    sandbox.settings.searchLagMs = 3_000
    const id = await newContact({ email: 'late@example.com' })
    const search = async (): Promise<unknown> => (await api('POST', '/contacts/search', { locationId: home, pageLimit: 10, filters: [{ field: 'email', operator: 'eq', value: 'LATE@example.com' }] })).body['total']
    expect((await api('GET', `/contacts/${id}`)).status).toBe(200)
    expect(await search()).toBe(0)
    clock.advanceMs(3_000)
    expect(await search()).toBe(1)
    await api('DELETE', `/contacts/${id}`)
    expect(await search()).toBe(1)
    clock.advanceMs(3_000)
    expect(await search()).toBe(0)
  })

  it('is paged through by searchAfter without gaps or repeats', async () => {
    for (let index = 0; index < 7; index += 1) await newContact({ email: `page${index}@example.com` })
    const seen: string[] = []
    let searchAfter: unknown
    for (;;) {
      const { body } = await api('POST', '/contacts/search', { locationId: home, pageLimit: 3, ...(searchAfter === undefined ? {} : { searchAfter }) })
      const page = body['contacts'] as { id: string; searchAfter: unknown }[]
      if (page.length === 0) break
      seen.push(...page.map((contact) => contact.id))
      searchAfter = page.at(-1)?.searchAfter
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toHaveLength(sandbox.state.contacts.by('location', home).length)
  })
})

describe('notes, tasks, messages and workflows of a contact', () => {
  it('are kept, and a new task\'s event names neither contact nor body', async () => {
    const id = await newContact()
    expect((await api('POST', `/contacts/${id}/notes`, { body: 'Called' })).status).toBe(201)
    const task = await api('POST', `/contacts/${id}/tasks`, { title: 'Call back', body: 'Soon', dueDate: '2026-11-03T09:00:00Z', completed: false })
    const taskId = (task.body['task'] as { id: string }).id
    const event = eventsOf(taskId)[0]
    expect(event).toMatchObject({ type: 'TaskCreate', title: 'Call back' })
    expect(Object.keys(event ?? {})).not.toEqual(expect.arrayContaining(['contactId']))
    expect((await api('POST', `/locations/${home}/tasks/search`, { contactId: [id], completed: false })).body).toMatchObject({ tasks: [{ id: taskId, contactId: id }] })
  })

  it('send messages that obey do-not-disturb and appear in the conversation', async () => {
    const id = await newContact()
    const conversations = { version: '2021-04-15' }
    const sent = await api('POST', '/conversations/messages', { type: 'Email', contactId: id, subject: 'Hello', html: '<p>Hi</p>' }, conversations)
    expect(sent).toMatchObject({ status: 200, body: { status: 'pending' } })
    const conversationId = String(sent.body['conversationId'])
    sandbox.reply(id, 'Thanks!')
    expect((await api('GET', `/conversations/search?locationId=${home}&contactId=${id}`, undefined, conversations)).body).toMatchObject({ total: 1, conversations: [{ id: conversationId, lastMessageBody: 'Thanks!', unreadCount: 1 }] })
    const page = await api('GET', `/conversations/${conversationId}/messages?limit=1`, undefined, conversations)
    expect(page.body).toMatchObject({ nextPage: true, messages: [{ body: 'Thanks!', direction: 'inbound' }] })
    expect((await api('GET', `/conversations/${conversationId}/messages?lastMessageId=${String(page.body['lastMessageId'])}`, undefined, conversations)).body).toMatchObject({ nextPage: false, messages: [{ body: '<p>Hi</p>', source: 'api' }] })
    await api('PUT', `/contacts/${id}`, { dnd: true })
    expect((await api('POST', '/conversations/messages', { type: 'Email', contactId: id, html: 'x' }, conversations)).status).toBe(400)
    expect((await api('POST', '/conversations/messages', { type: 'SMS', contactId: id, message: 'x' }, conversations)).status).toBe(400)
  })

  it('enter a published workflow once, and a draft never', async () => {
    const id = await newContact()
    const live = sandbox.createWorkflow(home, 'Live')
    const draft = sandbox.createWorkflow(home, 'Draft', 'draft')
    for (const workflow of [live, live, draft]) expect((await api('POST', `/contacts/${id}/workflow/${workflow.id}`, {})).status).toBe(200)
    expect([sandbox.enrolments(live.id).length, sandbox.enrolments(draft.id).length]).toEqual([1, 0])
    await api('DELETE', `/contacts/${id}/workflow/${live.id}`, {})
    expect(sandbox.enrolments(live.id)).toHaveLength(0)
    expect((await api('POST', `/contacts/${id}/workflow/AAAAAAAAAAAAAAAAAAAA`, {})).status).toBe(400)
  })

  it('go through a workflow that ends at once as often as they are added', async () => {
    const id = await newContact()
    const short = sandbox.createWorkflow(home, 'Short', 'published', { endsAtOnce: true })
    for (let call = 0; call < 2; call += 1) await api('POST', `/contacts/${id}/workflow/${short.id}`, {})
    expect(sandbox.enrolments(short.id)).toHaveLength(2)
    const listed = (await api('GET', `/workflows/?locationId=${home}`)).body['workflows'] as { id: string }[]
    expect(listed.find((one) => one.id === short.id)).toMatchObject({ name: 'Short', status: 'published' })
    expect(listed.find((one) => one.id === short.id)).not.toHaveProperty('endsAtOnce')
  })
})
