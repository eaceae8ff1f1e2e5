import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startSandbox, type Sandbox } from './index.ts'
import { send } from './support/api-client.ts'
import { startReceiver, type Receiver } from './support/receiver.ts'

let sandbox: Sandbox
let app: Receiver

beforeEach(async () => {
  app = await startReceiver()
  sandbox = await startSandbox({ seed: { accounts: 2 } })
  sandbox.connectApp(`${app.url}/`)
})
afterEach(async () => {
  await sandbox.stop()
  await app.stop()
})

const ui = (method: string, path: string, body?: unknown) => send(sandbox.url, method, `/ui-api/${path}`, body)

describe('the interface', () => {
  it('is one document at every address of the host, with nothing from outside', async () => {
    const home = sandbox.company().headquarters.id
    for (const path of ['/', '/v2/agency/accounts', `/v2/location/${home}/contacts/smart_list/All`]) {
      const page = await (await fetch(sandbox.url + path)).text()
      expect(page).toContain('The CRM stand-in')
      expect(page).not.toMatch(/https?:\/\/|highlevel/i)
    }
    for (const file of ['app.js', 'host.js', 'dom.js', 'contacts.js', 'boards.js', 'pages.js', 'style.css']) expect((await fetch(`${sandbox.url}/ui/${file}`)).status).toBe(200)
    expect((await fetch(`${sandbox.url}/ui/..%2findex.ts`)).status).toBe(404)
  })

  it('installs and uninstalls with one press, as the platform does', async () => {
    expect((await ui('POST', 'install', { companyId: sandbox.companyId })).body).toMatchObject({ callbackStatus: 200 })
    expect(app.received.map((one) => one.path.split('?')[0]).at(-1)).toBe('/oauth/callback')
    expect((await ui('GET', 'session')).body).toMatchObject({ companies: [{ id: sandbox.companyId, installed: true }] })
    await ui('POST', 'uninstall', { companyId: sandbox.companyId })
    await sandbox.flushWebhooks()
    expect(app.events().at(-1)).toMatchObject({ type: 'UNINSTALL' })
  })

  it('lets a person edit a field, a tag and a card, and the app hears of it', async () => {
    await sandbox.install()
    const home = sandbox.company().headquarters.id
    const field = sandbox.createField(home, { name: 'Health Status', dataType: 'SINGLE_OPTIONS', options: ['Thriving'] })
    const contact = sandbox.createContact(home, { email: 'person@example.com' })
    const pipeline = sandbox.createPipeline(home, 'Company Health Status', ['Struggling', 'Thriving'])
    const card = sandbox.createCard(home, { pipelineId: pipeline.id, contactId: contact.id, name: 'Person' })
    await ui('POST', `contacts/${contact.id}`, { fields: { [field.id]: 'Thriving' }, addTag: 'vip' })
    await ui('POST', `cards/${card.id}/move`, { stageId: pipeline.stages[1]?.id })
    await sandbox.flushWebhooks()
    expect(app.events().slice(-4).map((event) => event['type'])).toEqual(['ContactUpdate', 'ContactTagUpdate', 'OpportunityUpdate', 'OpportunityStageUpdate'])
    expect((await ui('GET', `contacts/${contact.id}`)).body).toMatchObject({ contact: { tags: ['vip'] }, cards: [{ stage: 'Thriving' }] })
    expect((await ui('GET', 'log')).body['webhooks']).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'ContactTagUpdate', status: 'delivered', lastStatus: 200 })]))
  })

  it('hands out the user context and the app\'s script', async () => {
    const { admin } = sandbox.company()
    expect((await ui('GET', `context?userId=${admin.id}`)).body['payload']).toMatch(/^U2FsdGVkX1/)
    expect((await ui('GET', 'custom-js')).body).toEqual({ script: 'ok' })
    expect((await ui('GET', 'context?userId=nobody')).status).toBe(404)
  })
})
