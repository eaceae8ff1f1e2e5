import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createHmac } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { encryptContext } from '../sandbox/user-context.ts'
import type { Client, Product } from '../support/product.ts'
import { until } from '../support/until.ts'
import { comment, openTwoAgencies, type Answer, type TwoAgencies } from './support/two-agencies.ts'

/** Proofs that are not: webhooks, session tokens and user contexts that somebody made up or changed; and where the real ones must never be found. */
let product: Product
let otherId: string
let admin: Client
let theirs: TwoAgencies['theirs']
let ours: TwoAgencies['ours']
let call: TwoAgencies['call']
let recordsOf: TwoAgencies['recordsOf']
/** Every user context that was presented. */
const contextsSeen: string[] = []

beforeAll(async () => {
  ;({ product, otherId, admin, theirs, ours, call, recordsOf } = await openTwoAgencies())
}, 90_000)
afterAll(() => product.stop())

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
    await product.settled()
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
