import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { webhookTypes } from '../../webhooks/index.ts'
import { startProduct, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'
import { createWebhookChecker, eventPagesOf } from './official/check-webhook.ts'
import { correct } from './official/corrections.ts'
import { readDocuments, type Documents, type JsonObject } from './official/documents.ts'
import { withOfficialFiles } from './official/suite.ts'
import { webhookCorrections } from './webhook-overlay.ts'

withOfficialFiles('webhooks against their pages', (folder) => {
  let official: Documents
  let product: Product
  let headquartersId: string

  beforeAll(async () => {
    official = readDocuments(folder)
    product = await startProduct({ sandbox: { seed: { accounts: 2 } } })
    ;({ headquartersId } = await product.setUp())
    await everyEvent()
    await product.settled()
  }, 60_000)
  afterAll(() => product.stop())

  /** What people do in HighLevel, so that every event comes at least once. */
  async function everyEvent(): Promise<void> {
    const { sandbox } = product
    const { accounts } = sandbox.company()
    const accountId = accounts[0]?.id ?? ''
    const user = sandbox.createUser({ firstName: 'Ann', lastName: 'Lee', email: 'ann@customer.example', locationId: accountId })
    sandbox.updateUser(user.id, { firstName: 'Anna' })
    sandbox.removeUser(user.id)
    const colleague = sandbox.createUser({ firstName: 'Team', email: 'team@agency.example', companyId: sandbox.companyId, locationIds: [accountId] })
    sandbox.removeUser(colleague.id)
    sandbox.updateLocation(accountId, { name: 'Another name' })
    sandbox.createLocation({ companyId: sandbox.companyId, name: 'Opened later' })
    const contact = sandbox.createContact(headquartersId, { firstName: 'Ann', email: 'ann@customer.example', phone: '+18885550100', fields: { 'Happiness Score': 12, 'Happiness Level': 'Happy' } })
    sandbox.updateContact(contact.id, { firstName: 'Anna', dnd: true })
    sandbox.updateContact(contact.id, { dnd: false })
    sandbox.changeTags(contact.id, { add: ['vip'] })
    sandbox.reply(contact.id, 'Hello', 'SMS')
    sandbox.reply(contact.id, 'Hello by e-mail', 'Email')
    const pipeline = sandbox.state.pipelines.by('location', headquartersId).find((one) => one.name === 'Happiness Level')
    const card = sandbox.createCard(headquartersId, { pipelineId: pipeline?.id ?? '', contactId: contact.id, name: 'Ann' })
    sandbox.moveCard(card.id, 'Very Happy')
    sandbox.setCardStatus(card.id, 'won')
    sandbox.deleteCard(card.id)
    const api = product.app.services.gateway.location(product.companyId, headquartersId, 'interactive')
    await api.sendMessage({ kind: 'sms', contactId: contact.id, text: 'Short hello' })
    await api.sendMessage({ kind: 'email', contactId: contact.id, subject: 'Hello', text: 'Long hello' })
    const task = await api.createTask(contact.id, { title: 'Call', body: 'Soon', dueAt: new Date('2026-11-03T10:00:00Z') })
    await api.createNote(contact.id, 'Called')
    sandbox.completeTask(task.id)
    sandbox.deleteContact(contact.id)
    sandbox.uninstall({ locationId: accounts[1]?.id ?? '' })
  }

  function bodies(): JsonObject[] {
    return product.sandbox.deliveries().map(({ body }) => JSON.parse(body) as JsonObject)
  }

  function problemsOf(documents: Documents): string[] {
    const check = createWebhookChecker(documents)
    return [...new Set(bodies().flatMap(check))].sort()
  }

  it('every event that the sandbox sends has the form of its page and the common envelope', () => {
    const sent = new Set(bodies().map((body) => body['type']))
    // Nobody publishes a new version or changes a plan in the sandbox.
    expect(webhookTypes.filter((type) => !sent.has(type))).toEqual(['UPDATE', 'PLAN_CHANGE'])
    expect(problemsOf(correct(official, webhookCorrections))).toEqual([])
  })

  it('every correction of the pages is still needed', () => {
    const standing = new Set(problemsOf(correct(official, webhookCorrections)))
    const unused = webhookCorrections.filter((correction) => problemsOf(correct(official, webhookCorrections.filter((one) => one !== correction))).every((problem) => standing.has(problem)))
    expect(unused.map(({ name }) => name)).toEqual([])
  })

  it('every event of the catalog has a page', () => {
    const described = new Set(eventPagesOf(official).map(({ type }) => type))
    expect(webhookTypes.filter((type) => !described.has(type))).toEqual([])
  })

  it('every sample of an event in the catalog is taken, worked on and never given up', async () => {
    const { sandbox, app } = product
    const { accounts } = sandbox.company()
    // What ends the installation comes last.
    const last = (body: JsonObject) => (body['type'] === 'UNINSTALL' ? 1 : 0)
    const samples = eventPagesOf(official).flatMap(({ samples: found }) => found).sort((a, b) => last(a) - last(b))
    const deadBefore = (await app.services.inbox.queue.counts()).dead
    const statuses: Record<string, number[]> = {}
    for (const sample of samples) {
      const type = webhookTypes.find((one) => one === sample['type'])
      if (type === undefined) continue
      const lifecycle = ['INSTALL', 'UNINSTALL', 'UPDATE', 'PLAN_CHANGE'].includes(type)
      const placed = {
        ...sample, type, appId: sandbox.credentials.appId,
        ...('companyId' in sample ? { companyId: sandbox.companyId } : {}),
        ...('locationId' in sample ? { locationId: lifecycle || type.startsWith('User') ? (accounts[1]?.id ?? '') : headquartersId } : {}),
      }
      const { status, body } = await sandbox.deliver(sandbox.webhook(placed))
      const { outcome } = JSON.parse(body) as { outcome?: string }
      statuses[type] = [...(statuses[type] ?? []), outcome === 'accepted' ? status : -status]
    }
    expect(Object.entries(statuses).filter(([, seen]) => seen.some((status) => status !== 200))).toEqual([])
    expect(Object.keys(statuses).sort()).toEqual([...webhookTypes].sort())
    await until('every sample worked on', async () => {
      const { pending, leased } = await app.services.inbox.queue.counts()
      return pending + leased === 0
    })
    expect((await app.services.inbox.queue.counts()).dead).toBe(deadBefore)
    expect(product.logLines.filter((line) => line.includes('webhook_unreadable'))).toEqual([])
  })
})
