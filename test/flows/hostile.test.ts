import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createHmac } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { encryptContext } from '../sandbox/user-context.ts'
import { startProduct, type Client, type Product } from '../support/product.ts'
import { until } from '../support/until.ts'
import { exampleOf, operationsOf, stringPathsOf, withValueAt, type Operation } from './support/openapi.ts'

const comment = 'The invoices are wrong, says Zebulon.'

let product: Product
let otherId: string
let operations: Operation[]
/** The first agency's people. */
let admin: Client
let staff: Client
let customer: Client
/** The second agency's. */
let otherAdmin: Client
let otherStaff: Client
let otherCustomer: Client
/** Things of the first agency, by the names of the members that carry their ids. */
let theirs: Record<string, string>
/** The same of the second agency. */
let ours: Record<string, string>
/** Texts that only the first agency may see. */
let marks: string[]
/** Every user context that was presented. */
const contextsSeen: string[] = []

beforeAll(async () => {
  product = await startProduct({ sandbox: { seed: { accounts: 2, usersPerAccount: 2, companies: 2 } } })
  await product.setUp()
  const { sandbox } = product
  // The stand-in gives the accounts of both agencies the same names.
  const accountName = 'Zebulon Ironworks'
  sandbox.updateLocation(sandbox.company().accounts[0]!.id, { name: accountName })
  const second = sandbox.state.companies.values()[1]!
  otherId = second.id
  const view = sandbox.company(otherId)
  await sandbox.install({ companyId: otherId })
  await until('the second agency mirrored', async () => (await product.app.services.accounts.progress(otherId)).firstDoneAt !== null)
  otherAdmin = product.as({ userId: view.admin.id })
  otherStaff = product.as({ userId: view.staff[0]!.id })
  await otherAdmin.send('PUT', '/api/setup/success-location', { locationId: view.headquarters.id })
  await until('the second set-up', async () => (await otherAdmin.get('/api/setup')).body.ready === true)

  admin = product.admin()
  staff = product.as({ userId: sandbox.company().staff[0]!.id })
  const who = await product.enableFeedback(0)
  customer = product.as(who)
  const reply = await product.answer(who, 'not_happy', { comment })
  const cases = await until('the case', async () => {
    const { items } = (await admin.get('/api/cases')).body as { items: { caseId: string }[] }
    return items.length > 0 && items
  })
  const link = await admin.send('POST', `/api/accounts/${who.locationId}/users/${who.userId}/feedback-link`, {})
  await product.settled()
  theirs = {
    locationId: who.locationId, userId: who.userId, userIds: who.userId, locationIds: who.locationId, id: cases[0]!.caseId, caseId: cases[0]!.caseId, answerId: reply.body.answerId as string,
    csm: sandbox.company().staff[0]!.id, csmUserId: sandbox.company().staff[0]!.id, owner: sandbox.company().staff[0]!.id,
  }
  const otherAccount = view.accounts[0]!
  await otherAdmin.send('PUT', `/api/accounts/${otherAccount.id}/feedback`, { enabled: true })
  const otherUser = sandbox.accountUsersOf(otherAccount.id)[0]!
  otherCustomer = product.as({ userId: otherUser.id, locationId: otherAccount.id })
  ours = { locationId: otherAccount.id, userId: otherUser.id, id: 'none', key: 'very_happy_review', queue: 'deliveries', token: 'none' }
  marks = [product.companyId, who.locationId, who.userId, accountName, comment, sandbox.state.users.get(who.userId)!.email, cases[0]!.caseId]
  expect(link.status).toBe(200)
  operations = operationsOf((await (await fetch(`${product.url}/api/openapi.json`)).json()) as never)
  expect(operations.length).toBeGreaterThan(30)
}, 90_000)

afterAll(() => product.stop())

interface Answer { status: number; text: string; headers: Headers }

async function call(method: string, path: string, init: { token?: string; body?: string; contentType?: string } = {}): Promise<Answer> {
  const response = await fetch(`${product.url}${path}`, {
    method, redirect: 'manual',
    headers: {
      ...(init.token === undefined ? {} : { authorization: `Bearer ${init.token}` }),
      ...(init.body === undefined ? {} : { 'content-type': init.contentType ?? 'application/json' }),
    },
    ...(init.body === undefined ? {} : { body: init.body }),
  })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

const pathOf = (operation: Operation, values: Record<string, string>): string => operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? 'none'))

/** @param sent what the caller knew already: an answer may repeat it */
function expectNoMarks(answer: Answer, sent: string, where: string): void {
  for (const mark of marks) if (answer.text.includes(mark) && !sent.includes(mark)) throw new Error(`${where} showed ${mark} of another agency: ${answer.status} ${answer.text.slice(0, 300)}`)
}

/** Everything stored for an agency but what any use leaves behind: logs, budgets, leases. */
async function recordsOf(companyId: string): Promise<string> {
  const names = (await product.connection.db!.listCollections().toArray()).map(({ name }) => name).filter((name) => !/^(highlevel_|leases|agenda|seen_contexts)/.test(name)).sort()
  const parts = await Promise.all(names.map(async (name) => [name, await product.connection.collection(name).find({ companyId }).sort({ _id: 1 }).toArray()]))
  return JSON.stringify(parts)
}

describe('a webhook', () => {
  it('that is unsigned, altered, signed by others or broken is refused, and stored nowhere', async () => {
    const { sandbox } = product
    const event = { type: 'UserDelete', locationId: theirs['locationId'], id: theirs['userId'] }
    const before = await product.connection.collection('inbox').countDocuments({})
    const { body, headers } = sandbox.webhook(event)
    const statuses = async (...attempts: { body: string; headers: Record<string, string> }[]) => (await Promise.all(attempts.map((attempt) => sandbox.deliver(attempt)))).map((answer) => answer.status)
    expect(await statuses(
      sandbox.webhook(event, { signature: null }),
      sandbox.webhook(event, { signature: 'N/A' }),
      sandbox.webhook(event, { signature: 'bm90IGEgc2lnbmF0dXJl' }),
      { body: body.replace('UserDelete', 'UserCreate'), headers },
      { body: `${body} `, headers },
      { body: '', headers },
    )).toEqual([401, 401, 401, 401, 401, 401])
    expect(await product.connection.collection('inbox').countDocuments({})).toBe(before)
    expect((await admin.get(`/api/accounts/${theirs['locationId']}/users`)).body.total).toBe(2)
  })

  it('that is signed but no event is 400; one too large is 413', async () => {
    const { sandbox } = product
    for (const event of [{ type: '' }, { type: '$where' }, { type: 'UserCreate', locationId: { $ne: null } }]) {
      expect((await sandbox.deliver(sandbox.webhook(event as unknown as { type: string }))).status).toBe(400)
    }
    expect((await sandbox.deliver(sandbox.webhook({ type: 'UserCreate', filler: 'x'.repeat(1_200_000) }))).status).toBe(413)
    for (const method of ['GET', 'PUT', 'DELETE']) expect((await call(method, '/webhooks/highlevel')).status).toBe(404)
  })

  it('that is repeated is answered 200 and has no second effect; an unknown one is kept and ignored', async () => {
    const { sandbox } = product
    const repeated = sandbox.webhook({ type: 'UserCreate', locationId: theirs['locationId'], id: 'repeated-user', firstName: 'Rita', lastName: 'Peat', email: 'rita@peat.example', role: 'user' })
    expect((await sandbox.deliver(repeated)).status).toBe(200)
    await until('the user', async () => (await admin.get(`/api/accounts/${theirs['locationId']}/users`)).body.total === 3)
    const snapshot = await recordsOf(product.companyId)
    const again = await Promise.all(Array.from({ length: 5 }, () => sandbox.deliver(repeated)))
    expect(again.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200])
    await product.settled()
    expect(await recordsOf(product.companyId)).toBe(snapshot)
    expect((await sandbox.deliver(sandbox.webhook({ type: 'SomethingNew', locationId: theirs['locationId'], id: 'x' }))).status).toBe(200)
    const kept = await product.connection.collection('inbox').find({ 'data.type': 'SomethingNew' }).toArray()
    expect(kept).toMatchObject([{ state: 'ignored' }])
    sandbox.emit('UserDelete', { locationId: theirs['locationId']! }, { id: 'repeated-user' })
    await until('the user gone', async () => (await admin.get(`/api/accounts/${theirs['locationId']}/users`)).body.total === 2)
  })

  it('of another app, or that names another agency for a sub-account, moves nothing', async () => {
    const { sandbox } = product
    const foreign = sandbox.webhook({ type: 'UNINSTALL', companyId: product.companyId }, { appId: 'another-app' })
    expect((await sandbox.deliver(foreign)).status).toBe(200)
    const lifecycleWithoutApp = { ...JSON.parse(sandbox.webhook({ type: 'UNINSTALL', companyId: product.companyId }).body) as Record<string, unknown> }
    expect(lifecycleWithoutApp['appId']).toBe(sandbox.credentials.appId)
    await product.settled()
    expect((await product.app.services.installations.get(product.companyId))?.status).toBe('active')
  })
})

describe('every route', () => {
  it('needs a session, and the role it says', async () => {
    const wrong: string[] = []
    for (const operation of operations.filter(({ access }) => access !== 'public')) {
      const path = pathOf(operation, theirs)
      const body = operation.body === undefined ? undefined : JSON.stringify(exampleOf(operation.body))
      const attempt = async (client: Client | null, expected: number): Promise<void> => {
        const { status } = await call(operation.method, path, { ...(client === null ? {} : { token: await client.token() }), ...(body === undefined ? {} : { body }) })
        if (status !== expected) wrong.push(`${operation.method} ${operation.path} gave ${status} instead of ${expected}`)
      }
      await attempt(null, 401)
      if (operation.access.startsWith('agency')) await attempt(customer, 403)
      if (operation.access === 'agency_admin') await attempt(staff, 403)
      if (operation.access === 'account_user') await attempt(staff, 403)
    }
    expect(wrong).toEqual([])
  })

  it('shows and changes nothing of another agency, wherever its ids are put', async () => {
    await product.settled()
    const before = await recordsOf(product.companyId)
    const wrong: string[] = []
    for (const operation of operations.filter(({ access, path }) => access !== 'public' && path !== '/api/installation/disconnect')) {
      const clients = operation.access === 'account_user' ? [otherCustomer] : operation.access === 'session' ? [otherCustomer, otherAdmin] : [otherAdmin]
      for (const client of clients) {
        const token = await client.token()
        const example = operation.body === undefined ? undefined : exampleOf(operation.body)
        const attempt = async (path: string, body: unknown, expected: readonly number[] | null, where: string): Promise<void> => {
          const answer = await call(operation.method, path, { token, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
          expectNoMarks(answer, `${path} ${body === undefined ? '' : JSON.stringify(body)}`, `${operation.method} ${where}`)
          if (answer.status >= 500 || (expected !== null && !expected.includes(answer.status))) wrong.push(`${operation.method} ${where}: ${answer.status} ${answer.text.slice(0, 150)}`)
        }
        // Path members.
        if (/\{(locationId|userId|id)\}/.test(operation.path)) await attempt(pathOf(operation, theirs), example, [400, 403, 404], operation.path)
        if (operation.path.includes('{userId}')) await attempt(pathOf(operation, { ...ours, userId: theirs['userId']! }), example, [400, 403, 404], `${operation.path} with a foreign user`)
        if (operation.path.includes('{id}')) await attempt(pathOf(operation, { ...theirs, id: theirs['answerId']! }), example, [400, 403, 404], `${operation.path} with a foreign answer`)
        // Query members, known and smuggled.
        const query = [...operation.query, 'companyId', 'locationId', 'userId'].map((name) => `${name}=${encodeURIComponent(theirs[name] ?? (name === 'companyId' ? product.companyId : '1'))}`)
        for (const one of query) await attempt(`${pathOf(operation, ours)}?${one}`, example, null, `${operation.path}?${one}`)
        // Body members, known and smuggled.
        if (operation.body !== undefined) {
          for (const path of stringPathsOf(operation.body)) {
            const id = theirs[path.filter((part) => part !== '0').at(-1) ?? '']
            if (id !== undefined) await attempt(pathOf(operation, ours), withValueAt(example, path, id), null, `${operation.path} body ${path.join('.')}`)
          }
          await attempt(pathOf(operation, ours), { ...(example as object), companyId: product.companyId, locationId: theirs['locationId'], userId: theirs['userId'] }, null, `${operation.path} with smuggled members`)
        }
      }
    }
    expect(wrong).toEqual([])
    await product.settled()
    expect(await recordsOf(product.companyId)).toBe(before)
  })

  it('takes another agency\'s ids for unknown ones in what it does to many', async () => {
    const { body } = await otherAdmin.send('POST', '/api/accounts/bulk', { action: 'feedback_off', locationIds: [theirs['locationId'], ours['locationId']] })
    expect(body).toMatchObject({ done: 1, failed: 1 })
    expect((body.results as { locationId: string; ok: boolean }[]).find((result) => !result.ok)).toMatchObject({ locationId: theirs['locationId'], error: { code: 'not_found' } })
    const assigned = await otherAdmin.send('POST', '/api/accounts/bulk', { action: 'assign_csm', csmUserId: theirs['csm'], locationIds: [ours['locationId']] })
    expect(assigned.body).toMatchObject({ done: 0, failed: 1 })
    expect((await otherAdmin.send('PUT', '/api/setup/success-location', { locationId: theirs['locationId'] })).status).toBe(404)
    expect((await otherStaff.get(`/api/accounts/${theirs['locationId']}`)).status).toBe(404)
    await otherAdmin.send('PUT', `/api/accounts/${ours['locationId']}/feedback`, { enabled: true })
  })
})

describe('bad input', () => {
  const operators: unknown[] = [{ $ne: null }, { $gt: '' }, { $where: 'sleep(1000)' }, { $regex: '.*' }, ['a', { $ne: 1 }], 1e308, true, { length: 1 }, '__proto__', `x\u0000y`, 'x'.repeat(20_000)]

  it('of operators and wrong types in any string member is refused or taken as text, never as an operator', async () => {
    const wrong: string[] = []
    const clientOf = (operation: Operation): Client | null => operation.access === 'public' ? null : operation.access === 'account_user' || operation.access === 'session' ? customer : admin
    for (const operation of operations.filter(({ path }) => path !== '/api/installation/disconnect' && !path.startsWith('/oauth'))) {
      const client = clientOf(operation)
      const token = client === null ? {} : { token: await client.token() }
      const path = pathOf(operation, { ...ours, id: 'none', locationId: 'none', userId: 'none' })
      const example = operation.body === undefined ? undefined : exampleOf(operation.body)
      const attempt = async (where: string, at: string, body: unknown, mustRefuse: boolean): Promise<void> => {
        const { status, text } = await call(operation.method, at, { ...token, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
        if (status >= 500 || (mustRefuse && status < 400)) wrong.push(`${operation.method} ${operation.path} ${where}: ${status} ${text.slice(0, 200)}`)
        if (status >= 400 && !operation.path.startsWith('/a/') && !(JSON.parse(text) as { error?: { code?: string } }).error?.code) wrong.push(`${operation.method} ${operation.path} ${where}: no error code in ${text.slice(0, 100)}`)
      }
      if (operation.body !== undefined) {
        for (const member of stringPathsOf(operation.body)) {
          for (const value of operators) await attempt(`${member.join('.')} = ${JSON.stringify(value).slice(0, 40)}`, path, withValueAt(example, member, value), typeof value === 'object')
        }
        for (const whole of ['null', '[]', '"text"', '5', '{"__proto__":{"admin":true}}']) {
          const { status, text } = await call(operation.method, path, { ...token, body: whole })
          if (status >= 500) wrong.push(`${operation.method} ${operation.path} body ${whole}: ${status} ${text.slice(0, 200)}`)
        }
      }
      for (const name of operation.query) {
        for (const attack of [`${name}[$ne]=x`, `${name}[$gt]=`, `${name}=${encodeURIComponent('{"$ne":null}')}`, `${name}=a&${name}=b`, `${name}=%00`, `${name}=${'9'.repeat(400)}`]) {
          if (operation.method === 'GET') await attempt(attack.slice(0, 40), `${path}?${attack}`, undefined, false)
        }
      }
      if (operation.path.includes('{')) {
        for (const value of ['%7B%22%24ne%22%3A1%7D', '..%2f..%2fetc', '%00', 'x'.repeat(3_000), '%E0%A4%A']) {
          const at = operation.path.replace(/\{\w+\}/g, value)
          const { status, text } = await call(operation.method, at, { ...token, ...(example === undefined ? {} : { body: JSON.stringify(example) }) })
          if (status >= 500 || (status < 400 && !operation.path.startsWith('/a/'))) wrong.push(`${operation.method} ${at.slice(0, 80)}: ${status} ${text.slice(0, 200)}`)
        }
      }
    }
    expect(wrong).toEqual([])
    expect((await admin.get('/api/accounts')).body.total).toBe(2)
  })

  it('too large, too deep, not JSON or of another type names what is wrong', async () => {
    const token = await admin.token()
    const send = async (method: string, path: string, body: string, contentType?: string) => {
      const { status, text } = await call(method, path, { token, body, ...(contentType === undefined ? {} : { contentType }) })
      return [status, (JSON.parse(text) as { error: { code: string } }).error.code]
    }
    const toggle = `/api/accounts/${theirs['locationId']}/feedback`
    expect(await send('PUT', toggle, JSON.stringify({ enabled: true, filler: 'x'.repeat(70_000) }))).toEqual([413, 'too_large'])
    expect(await send('PUT', toggle, `{"enabled":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)).toEqual([400, 'invalid_input'])
    expect(await send('PUT', toggle, '{"a":'.repeat(9_000))).toEqual([400, 'invalid_json'])
    expect(await send('PUT', toggle, '{"enabled": tru')).toEqual([400, 'invalid_json'])
    expect(await send('PUT', toggle, 'enabled=true', 'application/x-www-form-urlencoded')).toEqual([415, 'unsupported_type'])
    expect(await send('PUT', toggle, '<enabled>true</enabled>', 'text/xml')).toEqual([415, 'unsupported_type'])
    expect(await send('PUT', toggle, '{"enabled":true}', 'application/json; charset=klingon')).toEqual([415, 'unsupported_encoding'])
    expect(await send('PUT', toggle, '{"enabled":"yes"}')).toEqual([400, 'invalid_input'])
    expect(await send('PUT', toggle, '{"enabled":true,"companyId":"x"}')).toEqual([400, 'invalid_input'])
    expect(await send('PATCH', '/api/settings', `{"prompt":${'{"prompt":'.repeat(3_000)}1${'}'.repeat(3_000)}}`)).toEqual([400, 'invalid_input'])
  })

  it('by a method that a route does not have is 404, never a fault', async () => {
    const token = await admin.token()
    const known = new Set(operations.map(({ method, path }) => `${method} ${path}`))
    for (const path of new Set(operations.map((operation) => operation.path))) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        if (known.has(`${method} ${path}`)) continue
        const { status } = await call(method, path.replace(/\{\w+\}/g, 'none'), { token, body: '{}' })
        expect([404, 405]).toContain(status)
      }
    }
  })
})

describe('a forged token', () => {
  const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

  it('is refused whatever way it was made', async () => {
    const good = await admin.token()
    const [header = '', payload = '', signature = ''] = good.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    const { iat: _iat, exp: _exp, ...rest } = claims
    const now = Math.floor(Date.now() / 1_000)
    const key = product.app.services.box.signingKeys('session')[0]!
    const publicKey = Buffer.from(product.sandbox.credentials.webhookPublicKey, 'base64')
    const forged: Record<string, string> = {
      'no signature': `${header}.${payload}.`,
      'alg none': `${json({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      'alg None': `${json({ alg: 'None', typ: 'JWT' })}.${payload}.${signature}`,
      'RS256 header over an HMAC': `${json({ alg: 'RS256', typ: 'JWT' })}.${payload}.${createHmac('sha256', publicKey).update(`${json({ alg: 'RS256', typ: 'JWT' })}.${payload}`).digest('base64url')}`,
      'HMAC with a public key': jwt.sign(claims, publicKey, { algorithm: 'HS256', noTimestamp: true }),
      'HS512 with our key': jwt.sign(claims, key, { algorithm: 'HS512', noTimestamp: true }),
      'another key': jwt.sign(claims, 'another key that is long enough for anything', { algorithm: 'HS256' }),
      'another agency in the payload': `${header}.${json({ ...claims, cid: otherId })}.${signature}`,
      expired: jwt.sign({ ...rest, iat: now - 4_000, exp: now - 10 }, key, { algorithm: 'HS256' }),
      'too long a life': jwt.sign({ ...rest, iat: now, exp: now + 86_400 }, key, { algorithm: 'HS256' }),
      'an old one with a long life': jwt.sign({ ...rest, iat: now - 4_000, exp: now + 1_000 }, key, { algorithm: 'HS256' }),
      'another audience': jwt.sign({ ...rest, iat: now, exp: now + 600, aud: 'something-else' }, key, { algorithm: 'HS256' }),
      'another purpose\'s key': jwt.sign({ ...rest, iat: now, exp: now + 600 }, product.app.services.box.signingKeys('oauth-state')[0]!, { algorithm: 'HS256' }),
      'a role of its own': jwt.sign({ ...rest, rol: 'owner', iat: now, exp: now + 600 }, key, { algorithm: 'HS256' }),
      nonsense: 'a.b.c',
    }
    for (const [name, token] of Object.entries(forged)) {
      const { status, text } = await call('GET', '/api/accounts', { token })
      expect({ name, status, code: (JSON.parse(text) as { error: { code: string } }).error.code }).toEqual({ name, status: 401, code: 'unauthorized' })
    }
    for (const authorization of ['', 'Bearer', `bearer ${good}x`, `Basic ${good}`, `Bearer ${good}, Bearer ${good}`]) {
      expect((await fetch(`${product.url}/api/accounts`, { headers: { authorization } })).status).toBe(401)
    }
    expect((await call('GET', '/api/accounts', { token: jwt.sign({ ...rest, iat: now, exp: now + 600 }, key, { algorithm: 'HS256' }) })).status).toBe(200)
  })
})

describe('a user context', () => {
  const exchange = async (encryptedData: string): Promise<Answer> => {
    if (encryptedData.length > 40) contextsSeen.push(encryptedData)
    return call('POST', '/api/session', { body: JSON.stringify({ encryptedData }) })
  }

  it('that is tampered with, truncated, made with another secret or about somebody else gives one and the same 401', async () => {
    const { sandbox } = product
    const context = sandbox.userContext({ userId: sandbox.company().admin.id })
    const bytes = Buffer.from(context, 'base64')
    const flipped = (at: number): string => {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] ?? 0) ^ 1
      return copy.toString('base64')
    }
    const user = sandbox.accountUsersOf(theirs['locationId']!)[0]!
    const contexts: Record<string, string> = {
      'salt changed': flipped(9), 'first block changed': flipped(16), 'last byte changed': flipped(bytes.length - 1), 'no salt mark': flipped(0),
      truncated: bytes.subarray(0, bytes.length - 16).toString('base64'), 'cut in a block': bytes.subarray(0, bytes.length - 5).toString('base64'),
      'another secret': encryptContext({ userId: user.id, companyId: product.companyId, role: 'admin', type: 'agency', userName: 'x', email: 'x@x.example' }, 'another secret'),
      'not base64': '***', 'not ours': 'U2FsdGVkX18=',
      'an unknown user': sandbox.userContext({ userId: user.id, locationId: theirs['locationId']! }, { userId: 'somebody' }),
      'another agency': sandbox.userContext({ userId: user.id, locationId: theirs['locationId']! }, { companyId: otherId }),
      'an agency without the app': sandbox.userContext({ userId: user.id, locationId: theirs['locationId']! }, { companyId: 'nobody' }),
      'another location': sandbox.userContext({ userId: user.id, locationId: theirs['locationId']! }, { activeLocation: sandbox.company().accounts[1]!.id }),
      'a location of another agency': sandbox.userContext({ userId: sandbox.company().admin.id }, { activeLocation: ours['locationId']! }),
      'an operator': encryptContext({ userId: { $ne: null }, companyId: product.companyId }, sandbox.credentials.sharedSecret),
      'not an object': encryptContext('text', sandbox.credentials.sharedSecret),
    }
    const answers = new Set<string>()
    for (const [name, encryptedData] of Object.entries(contexts)) {
      const answer = await exchange(encryptedData)
      expect({ name, status: answer.status }).toEqual({ name, status: 401 })
      answers.add(answer.text)
    }
    expect(answers.size).toBe(1)
    expect((await exchange(context)).status).toBe(200)
  })

  it('gives the role that HighLevel confirms, not the one it claims', async () => {
    const { sandbox } = product
    const user = sandbox.accountUsersOf(theirs['locationId']!)[0]!
    const claims = sandbox.userContext({ userId: user.id, locationId: theirs['locationId']! }, { role: 'admin', type: 'agency', isAgencyOwner: true })
    const answer = await exchange(claims)
    expect(JSON.parse(answer.text)).toMatchObject({ user: { role: 'account_user' } })
    const csm = sandbox.company().staff[0]!
    expect(JSON.parse((await exchange(sandbox.userContext({ userId: csm.id }, { role: 'admin' }))).text)).toMatchObject({ user: { role: 'agency_user' } })
  })
})

describe('secrets', () => {
  it('and what customers say are in no log line; secrets are in no collection', async () => {
    const { sandbox } = product
    // Some more of the story, so that every path has logged something: a refresh, a refusal, a failure on the other side.
    sandbox.expireTokens({ companyId: product.companyId })
    sandbox.faults.next({ method: 'PUT', path: /^\/contacts\// }, { status: 500, body: { message: `Failed for zebulon@secret.example: ${comment}` } })
    const account = sandbox.company().accounts[1]!
    const who = { locationId: account.id, userId: sandbox.accountUsersOf(account.id)[0]!.id }
    await admin.send('PUT', `/api/accounts/${account.id}/feedback`, { enabled: true })
    expect((await product.answer(who, 'neutral', { comment })).status).toBe(201)
    expect((await product.answer(who, 'happy', { comment })).status).toBe(201)
    const { email } = sandbox.state.users.get(who.userId)!
    await until('the contact', () => sandbox.state.contacts.by('location', sandbox.company().headquarters.id).find((contact) => contact.email === email)?.tags.includes('happiness: happy'))
    await product.settled()

    const grants = sandbox.state.grants.values()
    expect(grants.length).toBeGreaterThan(3)
    const sessionToken = await admin.token()
    const secrets = [
      ...grants.flatMap((grant) => [grant.accessToken, grant.refreshToken]), sandbox.credentials.clientSecret, sandbox.credentials.sharedSecret,
      ...sandbox.state.codes.values().map(({ code }) => code), ...contextsSeen, sessionToken, 'a secret for tests only',
    ]
    const collections = await product.connection.db!.listCollections().toArray()
    expect(collections.length).toBeGreaterThan(15)
    for (const { name } of collections) {
      const text = JSON.stringify(await product.connection.collection(name).find({}).toArray())
      for (const secret of secrets) if (text.includes(secret)) throw new Error(`The collection ${name} holds the secret ${secret.slice(0, 12)}…`)
    }
    const log = product.logLines.join('\n')
    expect(product.logLines.length).toBeGreaterThan(20)
    for (const secret of secrets) if (log.includes(secret)) throw new Error(`The log holds the secret ${secret.slice(0, 12)}…: ${product.logLines.find((line) => line.includes(secret)) ?? ''}`)
    const addresses = product.logLines.filter((line) => /[\w.+-]+@[\w-]+\.[a-z]{2,}/i.test(line))
    expect(addresses).toEqual([])
    expect(product.logLines.filter((line) => line.includes('Zebulon') || line.includes('invoices'))).toEqual([])
  })
})
