import type { CompanyApi, LocationApi } from '../../../src/highlevel/index.ts'
import { makeGateway } from '../../highlevel/support/make-gateway.ts'
import { startSandbox } from '../../sandbox/index.ts'
import { openTestStore } from '../../support/store.ts'
import type { Recording } from './record.ts'

/** What every method of the location's API was called with; a method without an entry does not compile. */
type Exercises<Api> = { [Method in Exclude<keyof Api, 'companyId' | 'locationId'>]: () => Promise<unknown> }

const unknownId = 'AAAAAAAAAAAAAAAAAAAA'

async function rejected(call: Promise<unknown>): Promise<void> {
  const outcome = await call.then(() => 'accepted', () => 'rejected')
  if (outcome === 'accepted') throw new Error('HighLevel accepted what it should have refused')
}

/** Calls every method of the gateway against a sandbox, with every optional member, and what it does when something is not there. */
export async function everyGatewayMethod(recording: Recording): Promise<void> {
  const store = await openTestStore()
  const sandbox = await startSandbox({ seed: { accounts: 2 }, webhooks: { enabled: false }, emailBodiesInLists: false })
  recording.listen(sandbox)
  const { clientId, clientSecret, appId } = sandbox.credentials
  const gateway = makeGateway(store.connection, sandbox.url, { config: { apiUrl: sandbox.url, clientId, clientSecret, appId } })
  await store.ensureIndexes()
  try {
    const { code } = await sandbox.install({ deliver: false })
    await gateway.storeTokens(await gateway.exchangeCode(code, 'https://app.example.com/oauth/callback'))
    await rejected(gateway.exchangeCode('used-or-made-up', 'https://app.example.com/oauth/callback'))
    const { headquarters, admin } = sandbox.company()
    const hub = gateway.location(sandbox.companyId, headquarters.id, 'interactive')
    const agency = gateway.company(sandbox.companyId, 'interactive')
    const options = ['Very Happy', 'Happy', 'Neutral', 'Not Happy']
    const field = await hub.createCustomField({ name: 'Contract Happiness', dataType: 'SINGLE_OPTIONS', options })
    const number = await hub.createCustomField({ name: 'Contract Score', dataType: 'NUMERICAL' })
    const pipeline = await hub.createPipeline('Contract', ['One', 'Two'])
    const [one, two] = pipeline.stages
    const contact = await hub.createContact({
      email: 'Ann@Customer.Example', firstName: 'Ann', lastName: 'Lee', phone: '+18885550100', companyName: 'Customer', source: 'Barometer',
      customFields: [{ id: field.id, value: 'Happy' }, { id: number.id, value: 12 }],
    })
    const card = await hub.createOpportunity({ pipelineId: pipeline.id, stageId: one?.id ?? '', contactId: contact.id, name: 'Ann', assignedTo: admin.id })
    const dueAt = new Date('2026-11-03T10:00:00Z')
    const to = { pipelineId: pipeline.id, stageId: two?.id ?? '' }

    const ofLocation: Exercises<LocationApi> = {
      listCustomFields: () => hub.listCustomFields(),
      async createCustomField() {
        for (const dataType of ['DATE', 'LARGE_TEXT', 'TEXT'] as const) await hub.createCustomField({ name: `Contract ${dataType}`, dataType })
      },
      async updateCustomField() {
        await hub.updateCustomField(field.id, { name: 'Contract Happiness', dataType: 'SINGLE_OPTIONS', options: [...options, 'Unsure'] })
        await hub.updateCustomField(number.id, { name: 'Contract Figure', dataType: 'NUMERICAL' })
        await rejected(hub.updateCustomField(unknownId, { name: 'Gone', dataType: 'TEXT' }))
      },
      listTags: () => hub.listTags(),
      async createTag() {
        await hub.createTag('happiness: very happy')
        await hub.createTag('happiness: very happy').catch((error: unknown) => error)
      },
      listPipelines: () => hub.listPipelines(),
      async createPipeline() {
        await rejected(hub.createPipeline('contract', ['One']))
        sandbox.settings.pipelinesV3 = false
        await rejected(hub.createPipeline('Never', ['One']))
        sandbox.settings.pipelinesV3 = true
      },
      addPipelineStages: () => hub.addPipelineStages(pipeline.id, ['Two', 'Three']),
      async findContactByEmail() {
        await hub.findContactByEmail('ann@customer.example')
        await hub.findContactByEmail('nobody@customer.example')
      },
      async getContact() {
        await hub.getContact(contact.id)
        for (const status of [404, 400] as const) {
          sandbox.settings.missingContactStatus = status
          await hub.getContact(unknownId)
        }
      },
      createContact: () => hub.createContact({ email: 'ann@customer.example' }),
      async updateContact() {
        await hub.updateContact(contact.id, { email: 'ann@customer.example', firstName: 'Anna', lastName: 'Lee', phone: '+18885550101', source: 'Barometer', customFields: [{ id: field.id, value: '' }, { id: number.id, value: -50 }] })
        await rejected(hub.updateContact(unknownId, { firstName: 'Gone' }))
        await rejected(hub.updateContact(contact.id, { customFields: [{ id: unknownId, value: 'Gone' }] }))
        await rejected(hub.updateContact(contact.id, { email: 'not an address' }))
      },
      addTags: () => hub.addTags(contact.id, ['happiness: happy', 'vip']),
      removeTags: () => hub.removeTags(contact.id, ['vip']),
      async findOpportunities() {
        await hub.findOpportunities({ pipelineId: pipeline.id, contactId: contact.id })
        await hub.findOpportunities({ contactId: contact.id })
      },
      async getOpportunity() {
        await hub.getOpportunity(card.id)
        await hub.getOpportunity(unknownId)
      },
      async createOpportunity() {
        sandbox.updateLocation(headquarters.id, { allowDuplicateOpportunity: false })
        await rejected(hub.createOpportunity({ pipelineId: pipeline.id, stageId: one?.id ?? '', contactId: contact.id, name: 'Twice' }))
      },
      async moveOpportunity() {
        await hub.moveOpportunity(card.id, to)
        await rejected(hub.moveOpportunity(unknownId, to))
      },
      async sendMessage() {
        await hub.sendMessage({ kind: 'email', contactId: contact.id, subject: 'Thank you', html: '<p>Hello Ann</p>', text: 'Hello Ann' })
        await hub.sendMessage({ kind: 'email', contactId: contact.id, text: 'Without subject and HTML' })
        await hub.sendMessage({ kind: 'sms', contactId: contact.id, text: 'Short hello' })
        sandbox.reply(contact.id, 'Thanks!')
        sandbox.updateContact(contact.id, { dnd: true })
        await rejected(hub.sendMessage({ kind: 'sms', contactId: contact.id, text: 'Unwanted' }))
      },
      async listMessages() {
        await hub.listMessages(contact.id, 10)
        sandbox.settings.emailBodiesInLists = true
        await hub.listMessages(contact.id, 1)
      },
      async createTask() {
        await hub.createTask(contact.id, { title: 'Call Ann', body: 'She is not happy', dueAt, assignedTo: admin.id })
        await hub.createTask(contact.id, { title: 'Call again', body: '', dueAt })
      },
      listTasks: () => hub.listTasks(contact.id),
      async completeTask() {
        const { id } = await hub.createTask(contact.id, { title: 'Write to Ann', body: '', dueAt })
        await hub.completeTask(contact.id, id)
        await rejected(hub.completeTask(contact.id, unknownId))
      },
      createNote: () => hub.createNote(contact.id, 'Spoke with Ann'),
      listNotes: () => hub.listNotes(contact.id),
      listWorkflows: () => hub.listWorkflows(),
      async addToWorkflow() {
        const workflow = sandbox.createWorkflow(headquarters.id, 'Contract')
        await hub.addToWorkflow(contact.id, workflow.id)
        await hub.addToWorkflow(contact.id, workflow.id)
        await rejected(hub.addToWorkflow(contact.id, unknownId))
        await rejected(hub.addToWorkflow(unknownId, workflow.id))
      },
      async removeFromWorkflow() {
        const workflow = sandbox.createWorkflow(headquarters.id, 'Contract 2')
        await hub.addToWorkflow(contact.id, workflow.id)
        await hub.removeFromWorkflow(contact.id, workflow.id)
        await hub.removeFromWorkflow(contact.id, workflow.id)
        await rejected(hub.removeFromWorkflow(unknownId, workflow.id))
      },
      searchUsers: () => hub.searchUsers({ ids: [admin.id], skip: 0, limit: 10 }),
      getLocation: () => hub.getLocation(),
    }
    for (const exercise of Object.values(ofLocation)) await exercise()

    const ofCompany: Exercises<CompanyApi> = {
      listInstalledLocations: () => agency.listInstalledLocations({ skip: 0, limit: 2 }),
      searchLocations: () => agency.searchLocations({ skip: 1, limit: 2 }),
      async searchUsers() {
        await agency.searchUsers({ locationId: headquarters.id, ids: [admin.id], skip: 0, limit: 100 })
        await agency.searchUsers({ limit: 100 })
      },
      getCompany: () => agency.getCompany(),
      async uninstall() {
        // Before it goes: expired tokens are renewed on the way, a location may be suspended.
        sandbox.expireTokens({ companyId: sandbox.companyId })
        await agency.getCompany()
        await hub.getLocation()
        sandbox.updateLocation(headquarters.id, { active: false })
        await rejected(hub.getLocation())
        sandbox.updateLocation(headquarters.id, { active: true })
        sandbox.revokeTokens({ companyId: sandbox.companyId })
        await rejected(agency.getCompany())
        const again = await sandbox.install({ deliver: false })
        await gateway.storeTokens(await gateway.exchangeCode(again.code, 'https://app.example.com/oauth/callback'))
        await agency.uninstall('Closed by the agency')
        // The last call of all: it finds the quota used up, and from there on the gateway waits.
        const last = await sandbox.install({ deliver: false })
        await gateway.storeTokens(await gateway.exchangeCode(last.code, 'https://app.example.com/oauth/callback'))
        sandbox.settings.limits.burstMax = 0
        await rejected(agency.getCompany())
      },
    }
    for (const exercise of Object.values(ofCompany)) await exercise()
  } finally {
    await gateway.stop()
    await sandbox.stop()
    await store.close()
  }
}
