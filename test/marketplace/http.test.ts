import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { derivedHeaderSecret } from '../../src/marketplace/index.ts'
import type { WorkflowTrigger } from '../sandbox/index.ts'
import { until } from '../support/until.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
let otherId: string
let trigger: WorkflowTrigger
/** Ids of the second agency. */
let theirs: { headquartersId: string; locationId: string; contactId: string }
const triggersPath = '/webhooks/highlevel/triggers'

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 2, usersPerAccount: 2, companies: 2 } } })
  const { product } = stage
  otherId = product.sandbox.state.companies.values()[1]!.id
  const view = product.sandbox.company(otherId)
  await product.sandbox.install({ companyId: otherId })
  await until('the second agency mirrored', async () => (await product.app.services.accounts.progress(otherId)).firstDoneAt !== null)
  const admin = product.as({ userId: view.admin.id })
  await admin.send('PUT', '/api/setup/success-location', { locationId: view.headquarters.id })
  await until('the second set-up', async () => (await admin.get('/api/setup')).body.ready === true)
  await admin.send('PUT', `/api/accounts/${view.accounts[0]!.id}/health`, { level: 'steady', note: 'To have a contact.' })
  const email = product.sandbox.accountUsersOf(view.accounts[0]!.id).map((user) => user.email.toLowerCase())
  const contact = await until('their contact', () => product.sandbox.state.contacts.by('location', view.headquarters.id).find((one) => email.includes(one.email)), 30_000)
  theirs = { headquartersId: view.headquarters.id, locationId: view.accounts[0]!.id, contactId: contact.id }
  trigger = { ...(await product.sandbox.builder.addTrigger({ workflowId: stage.workflow.id, key: 'feedback_received' })) }
}, 120_000)
afterAll(() => stage.product.stop())

let count = 0
/** A new trigger in the workflow, as HighLevel would tell it. */
function bodyOf(kind: 'CREATED' | 'UPDATED' | 'DELETED' = 'CREATED', change: (body: any) => void = () => undefined, id = `trigger-${(count += 1)}`): any {
  const body = structuredClone(stage.product.sandbox.builder.subscriptionBody({ ...trigger, id }, kind)) as any
  change(body)
  return body
}
const withFilter = (value: string) => (body: any) => { body.triggerData.filters = [{ field: 'level', id: 'level', operator: '==', title: 'Answer', type: 'select', value }] }
const stored = (triggerId: string) => stage.product.connection.collection('marketplace_subscriptions').findOne({ triggerId })
const valueOf = async (triggerId: string) => (await stored(triggerId))?.['filters'][0]?.value
const send = (body: unknown, secret?: string | null) => stage.call(triggersPath, body, secret === undefined ? {} : { secret })

describe('the secret header', () => {
  it.each([
    ['missing', () => null],
    ['empty', () => ''],
    ['made up', () => 'x'.repeat(64)],
    ['cut short', () => stage.product.sandbox.credentials.headerSecret.slice(0, -1)],
    ['too long', () => `${stage.product.sandbox.credentials.headerSecret}0`],
    ['the shared secret itself', () => stage.product.sandbox.credentials.sharedSecret],
    ['derived from another secret', () => derivedHeaderSecret('another')],
  ])('that is %s is refused before anything else is looked at, and nothing is stored', async (_what, secret) => {
    const body = bodyOf()
    const before = await stage.product.connection.collection('marketplace_refusals').countDocuments()
    for (const path of [triggersPath, '/webhooks/highlevel/triggers/feedback_received/filters', '/webhooks/highlevel/actions/set_health_status', '/webhooks/highlevel/actions/nothing', '/webhooks/highlevel/actions/set_health_status/fields']) {
      for (const content of [body, { nonsense: true }]) {
        const { status, body: answer } = await stage.call(path, content, { secret: secret() })
        expect([path, status, answer.error.code]).toEqual([path, 401, 'unauthorized'])
      }
    }
    expect(await stored(body.triggerData.id)).toBeNull()
    expect(await stage.product.connection.collection('marketplace_refusals').countDocuments()).toBe(before)
  })
})

describe('an event about a trigger', () => {
  it('that is repeated changes nothing', async () => {
    const body = bodyOf('CREATED', withFilter('happy'))
    expect((await send(body)).body.outcome).toBe('created')
    const first = await stored(body.triggerData.id)
    for (let time = 0; time < 3; time += 1) expect(await send(body)).toMatchObject({ status: 200, body: { outcome: 'unchanged' } })
    expect(await Promise.all([send(body), send(body), send(body)])).toMatchObject([{ status: 200 }, { status: 200 }, { status: 200 }])
    expect(await stored(body.triggerData.id)).toEqual(first)
  })

  it('that comes many times at once for the first time makes one subscription', async () => {
    const body = bodyOf()
    const outcomes = (await Promise.all(Array.from({ length: 8 }, () => send(body)))).map((reply) => reply.body.outcome as string)
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1)
    expect(await stage.product.connection.collection('marketplace_subscriptions').countDocuments({ triggerId: body.triggerData.id })).toBe(1)
  })

  it('a late CREATED never takes back an UPDATED', async () => {
    const created = bodyOf('CREATED', withFilter('happy'))
    const id = created.triggerData.id as string
    await send(created)
    await send(bodyOf('UPDATED', withFilter('neutral'), id))
    expect((await send(created)).body.outcome).toBe('unchanged')
    expect(await valueOf(id)).toBe('neutral')
    // Also where the UPDATED overtook it altogether.
    const late = bodyOf('CREATED', withFilter('happy'))
    await send(bodyOf('UPDATED', withFilter('neutral'), late.triggerData.id))
    await send(late)
    expect(await valueOf(late.triggerData.id)).toBe('neutral')
  })

  it('a DELETED is the end, whether the others came before it or were overtaken by it', async () => {
    const body = bodyOf()
    const id = body.triggerData.id as string
    await send(body)
    expect((await send(bodyOf('DELETED', undefined, id))).body.outcome).toBe('deleted')
    for (const late of [body, bodyOf('UPDATED', withFilter('happy'), id), bodyOf('DELETED', undefined, id)]) await send(late)
    expect((await stored(id))?.['state']).toBe('deleted')
    const early = bodyOf('DELETED')
    await send(early)
    expect((await send(bodyOf('CREATED', undefined, early.triggerData.id))).body.outcome).toBe('overtaken')
    expect((await stored(early.triggerData.id))?.['state']).toBe('deleted')
  })

  it('is judged by its time or its version where it has one: the older never wins, the newer always does', async () => {
    const at = (iso: string, change: (body: any) => void = () => undefined) => (body: any) => { body.timestamp = iso; change(body) }
    const body = bodyOf('CREATED', at('2026-11-01T10:00:00Z', withFilter('happy')))
    const id = body.triggerData.id as string
    await send(body)
    await send(bodyOf('UPDATED', at('2026-11-01T12:00:00Z', withFilter('neutral')), id))
    expect((await send(bodyOf('UPDATED', at('2026-11-01T11:00:00Z', withFilter('not_happy')), id))).body.outcome).toBe('overtaken')
    expect((await send(bodyOf('DELETED', at('2026-11-01T11:30:00Z'), id))).body.outcome).toBe('overtaken')
    expect(await valueOf(id)).toBe('neutral')
    await send(bodyOf('DELETED', at('2026-11-01T13:00:00Z'), id))
    expect((await send(bodyOf('CREATED', at('2026-11-01T14:00:00Z', withFilter('happy')), id))).body.outcome).toBe('created')
    expect(await stored(id)).toMatchObject({ state: 'active' })

    const version = (number: string, change: (body: any) => void) => (one: any) => { one.meta.version = number; change(one) }
    const second = bodyOf('CREATED', version('2.9', withFilter('happy')))
    await send(second)
    await send(bodyOf('UPDATED', version('2.10', withFilter('neutral')), second.triggerData.id))
    expect((await send(bodyOf('UPDATED', version('2.9', withFilter('not_happy')), second.triggerData.id))).body.outcome).toBe('overtaken')
    expect(await valueOf(second.triggerData.id)).toBe('neutral')
    // A time that lies ahead of ours is nobody's time.
    const ahead = bodyOf('CREATED', at('2999-01-01T00:00:00Z', withFilter('happy')))
    await send(ahead)
    await send(bodyOf('UPDATED', withFilter('neutral'), ahead.triggerData.id))
    expect(await valueOf(ahead.triggerData.id)).toBe('neutral')
  })
})

describe('whose call it is', () => {
  const refusals = async () => (await stage.product.admin().get('/api/marketplace')).body.refusals as { code: string; key: string; workflowId: string }[]

  it('an unknown trigger is answered with those that there are, and kept for the agency to see', async () => {
    const reply = await send(bodyOf('CREATED', (body) => { body.triggerData.key = 'weather_changed' }))
    expect(reply).toMatchObject({ status: 404, body: { error: { code: 'unknown_trigger', message: expect.stringContaining('feedback_received') } } })
    expect(await refusals()).toContainEqual(expect.objectContaining({ code: 'unknown_trigger', key: 'weather_changed', workflowId: stage.workflow.id }))
  })

  it('a sub-account that does not have the app is unknown; so is one of an agency that left', async () => {
    expect(await send(bodyOf('CREATED', (body) => { body.extras.locationId = 'AAAAAAAAAAAAAAAAAAAA' }))).toMatchObject({ status: 404, body: { error: { code: 'unknown_installation' } } })
    expect(await stage.product.connection.collection('marketplace_refusals').findOne({ locationId: 'AAAAAAAAAAAAAAAAAAAA' })).toMatchObject({ companyId: null, code: 'unknown_installation' })
  })

  it('another app\'s call is refused', async () => {
    expect(await send(bodyOf('CREATED', (body) => { body.meta.appId = 'some-other-app' }))).toMatchObject({ status: 403, body: { error: { code: 'other_app' } } })
    const { appId } = stage.product.sandbox.credentials
    expect((await send(bodyOf('CREATED', (body) => { body.meta.appId = appId }))).status).toBe(200)
  })

  it('the agency is ours to know: a call that names another one is refused, one that names none belongs to the sub-account\'s', async () => {
    expect(await send(bodyOf('CREATED', (body) => { body.extras.companyId = otherId }))).toMatchObject({ status: 403, body: { error: { code: 'other_agency' } } })
    const silent = bodyOf('CREATED', (body) => { delete body.extras.companyId })
    expect((await send(silent)).status).toBe(200)
    expect(await stored(silent.triggerData.id)).toMatchObject({ companyId: stage.product.companyId })
  })

  it('the same ids in another agency are another subscription: neither can be deleted from there', async () => {
    const body = bodyOf()
    await send(body)
    const foreign = (kind: 'CREATED' | 'DELETED') => bodyOf(kind, (one) => { one.extras.locationId = theirs.headquartersId; one.extras.companyId = otherId }, body.triggerData.id)
    expect((await send(foreign('DELETED'))).status).toBe(200)
    expect(await stage.product.connection.collection('marketplace_subscriptions').findOne({ triggerId: body.triggerData.id, companyId: stage.product.companyId })).toMatchObject({ state: 'active' })
    const other = stage.product.as({ userId: stage.product.sandbox.company(otherId).admin.id })
    expect(JSON.stringify((await other.get('/api/marketplace')).body)).not.toContain(stage.headquartersId)
    expect((await other.get('/api/marketplace/executions')).body.items).toEqual([])
  })

  it('a workflow of one agency hears nothing of the other', async () => {
    const { product, who } = stage
    const workflow = product.sandbox.state.workflows.by('location', theirs.headquartersId)[0]!
    const foreign = await product.sandbox.builder.addTrigger({ workflowId: workflow.id, key: 'feedback_received' })
    const own = await product.sandbox.builder.addTrigger({ workflowId: stage.workflow.id, key: 'feedback_received' })
    await product.answer(who, 'happy')
    await until('the own one', () => product.sandbox.builder.executions(own.id).length === 1)
    await stage.product.settled()
    expect(product.sandbox.builder.executions(foreign.id)).toEqual([])
  }, 60_000)

  it('an action for a contact of another agency, of nobody, or from a customer\'s sub-account changes nothing', async () => {
    const call = (extras: Record<string, string>, key = 'set_health_status') => stage.call(`/webhooks/highlevel/actions/${key}`, { data: { level: 'thriving', note: 'Trust me.' }, extras: { locationId: stage.headquartersId, workflowId: 'w', contactId: 'c', ...extras }, meta: { key, version: '1.0' } })
    expect(await call({ contactId: theirs.contactId })).toMatchObject({ status: 404, body: { error: { code: 'contact_unknown' } } })
    expect(await call({ contactId: 'nobody' })).toMatchObject({ status: 404, body: { error: { code: 'contact_unknown' } } })
    const customers = await stage.contactId()
    expect(await call({ locationId: stage.who.locationId, contactId: customers })).toMatchObject({ status: 403, body: { error: { code: 'not_success_location' } } })
    expect(await call({ locationId: theirs.headquartersId, contactId: customers })).toMatchObject({ status: 404, body: { error: { code: 'contact_unknown' } } })
    expect(await call({ contactId: customers, companyId: otherId })).toMatchObject({ status: 403, body: { error: { code: 'other_agency' } } })
    expect(await call({ contactId: customers }, 'drop_tables')).toMatchObject({ status: 404, body: { error: { code: 'unknown_action', message: expect.stringContaining('set_health_status') } } })
    expect((await stage.product.admin().get(`/api/accounts/${stage.who.locationId}`)).body.health.level).toBeNull()
    expect((await stage.product.as({ userId: stage.product.sandbox.company(otherId).admin.id }).get(`/api/accounts/${theirs.locationId}`)).body.health.level).toBe('steady')
  }, 60_000)
})

describe('a target address', () => {
  const execute = '/workflows-marketplace/triggers/execute/a/b'
  it.each<[string, (own: string) => string | null]>([
    ['another host', () => `https://evil.example${execute}`],
    ['the real host, while another one is configured', () => `https://services.leadconnectorhq.com${execute}`],
    ['a host that begins like ours', (own) => `${own}.evil.example${execute}`],
    ['ours as a user name', (own) => `${own}@evil.example${execute}`],
    ['another port', (own) => `${own}1${execute}`],
    ['another path', (own) => `${own}/contacts/`],
    ['a path that climbs', (own) => `${own}/workflows-marketplace/triggers/execute/../../../contacts/x`],
    ['a path that climbs in disguise', (own) => `${own}/workflows-marketplace/triggers/execute/%2e%2e/%2e%2e/contacts`],
    ['backslashes', (own) => `${own}/workflows-marketplace/triggers/execute/a\\..\\b`],
    ['a query', (own) => `${own}${execute}?to=https://evil.example`],
    ['a fragment', (own) => `${own}${execute}#x`],
    ['an empty segment', (own) => `${own}/workflows-marketplace/triggers/execute//evil.example/x`],
    ['nothing behind the path', (own) => `${own}/workflows-marketplace/triggers/execute/`],
    ['blanks around it', (own) => ` ${own}${execute}`],
    ['a line break', (own) => `${own}${execute}\r\nHost: evil.example`],
    ['a file', () => 'file:///etc/passwd'],
    ['a script', () => 'javascript:alert(1)'],
    ['the metadata service', () => 'http://169.254.169.254/latest/meta-data/'],
    ['no address at all', () => null],
  ])('that is %s is refused and never called', async (_what, target) => {
    const url = target(stage.product.sandbox.url)
    const body = bodyOf('CREATED', (one) => {
      if (url === null) delete one.triggerData.targetUrl
      else one.triggerData.targetUrl = url
    })
    expect(await send(body)).toMatchObject({ status: 422, body: { error: { code: 'target_refused' } } })
    expect(await stored(body.triggerData.id)).toBeNull()
  })

  it('a redirect is not followed', async () => {
    const { product, who } = stage
    const one = await product.sandbox.builder.addTrigger({ workflowId: stage.workflow.id, key: 'feedback_received', filters: [{ field: 'level', value: 'neutral' }] })
    const before = product.sandbox.calls.length
    product.sandbox.faults.next({ method: 'POST', path: new RegExp(one.id) }, { status: 302, headers: { location: `${product.sandbox.url}/contacts/stolen` } })
    await product.answer(who, 'neutral')
    await until('the repeated call', () => product.sandbox.builder.executions(one.id).length === 1, 30_000)
    expect(product.sandbox.calls.slice(before).filter((call) => call.url.includes('stolen'))).toEqual([])
  }, 60_000)
})

describe('a broken body', () => {
  it.each<[string, (body: any) => void]>([
    ['without triggerData', (body) => { delete body.triggerData }],
    ['without extras', (body) => { delete body.extras }],
    ['without a location', (body) => { delete body.extras.locationId }],
    ['with an operator for an id', (body) => { body.triggerData.id = { $ne: null } }],
    ['with a path for an id', (body) => { body.extras.workflowId = '../../x' }],
    ['with an unknown kind of event', (body) => { body.triggerData.eventType = 'EXPLODED' }],
    ['with filters that are none', (body) => { body.triggerData.filters = 'all' }],
    ['with an operator in a filter\'s value', (body) => { withFilter('x')(body); body.triggerData.filters[0].value = { $gt: '' } }],
    ['with an operator in a list of values', (body) => { withFilter('x')(body); body.triggerData.filters[0].value = [{ $gt: '' }] }],
    ['with a filter without a field', (body) => { withFilter('x')(body); delete body.triggerData.filters[0].field }],
    ['with more filters than anybody sets', (body) => { withFilter('x')(body); body.triggerData.filters = Array.from({ length: 51 }, () => body.triggerData.filters[0]) }],
  ])('%s is refused and names the member', async (_what, change) => {
    const body = bodyOf('CREATED', change)
    const reply = await send(body)
    expect(reply.status).toBe(400)
    expect(reply.body.error).toMatchObject({ code: 'invalid_input', details: { fields: [{ field: expect.stringMatching(/^(triggerData|extras)/) }] } })
  })

  it('that is no JSON, empty or huge is refused', async () => {
    expect((await send('{"triggerData":')).status).toBe(400)
    expect((await send('')).status).toBe(400)
    expect((await send(JSON.stringify({ x: 'x'.repeat(100_000) }))).status).toBe(413)
    for (const body of [{}, { data: {} }, { data: 'x', extras: { locationId: stage.headquartersId, contactId: 'c', workflowId: 'w' } }, { data: { branches: 'all' }, extras: { locationId: stage.headquartersId, contactId: 'c', workflowId: 'w' } }]) {
      expect((await stage.call('/webhooks/highlevel/actions/branch_by_level', body)).status).toBe(400)
    }
  })
})
