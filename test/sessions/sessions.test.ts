import { createCipheriv, createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import jwt from 'jsonwebtoken'
import { createCryptoBox } from '../../src/kernel/crypto-box.ts'
import { createSessionTokens } from '../../src/sessions/token.ts'
import { openTenants, sharedSecret, type Tenants } from '../support/tenants.ts'

/** The format of CryptoJS with a passphrase, made independently of the code under test. */
function encrypted(context: unknown, secret = sharedSecret): string {
  const salt = randomBytes(8)
  let material = Buffer.alloc(0)
  let block = Buffer.alloc(0)
  while (material.length < 48) {
    block = createHash('md5').update(Buffer.concat([block, Buffer.from(secret), salt])).digest()
    material = Buffer.concat([material, block])
  }
  const cipher = createCipheriv('aes-256-cbc', material.subarray(0, 32), material.subarray(32, 48))
  return Buffer.concat([Buffer.from('Salted__'), salt, cipher.update(typeof context === 'string' ? context : JSON.stringify(context)), cipher.final()]).toString('base64')
}

describe('sessions', () => {
  let t: Tenants
  const context = { userId: 'u1', companyId: 'c1', role: 'user', type: 'account', activeLocation: 'l1', userName: 'Una', email: 'una@example.com' }

  beforeAll(async () => {
    t = await openTenants()
    t.fake.addPlace('c1', 'l1', 'One')
    t.fake.addPlace('c1', 'l2', 'Two')
    t.fake.addPlace('c2', 'm1', 'Other')
    t.fake.addUser('c1', { id: 'u1', locationIds: ['l1'] })
    t.fake.addUser('c1', { id: 'boss', type: 'agency', role: 'admin' })
    t.fake.addUser('c1', { id: 'csm', type: 'agency', role: 'user' })
    t.fake.addUser('c1', { id: 'left', locationIds: ['l1'], deleted: true })
    t.fake.addUser('c2', { id: 'm-user', locationIds: ['m1'] })
    await t.install('c1')
    await t.install('c2')
  })
  afterAll(() => t.store.close())
  beforeEach(() => {
    t.fake.before = () => undefined
  })

  it('a customer\'s user gets a session for the sub-account they are in', async () => {
    const answer = await t.sessions.exchange(encrypted(context))
    expect(answer).toMatchObject({ expiresInSeconds: 1_800, user: { userId: 'u1', role: 'account_user' }, location: { locationId: 'l1', name: 'One', timezone: 'Europe/Berlin' } })
    expect(t.sessions.verify(answer.token)).toEqual({ companyId: 'c1', userId: 'u1', role: 'account_user', locationId: 'l1', userName: 'User u1' })
    expect(await t.sessions.authenticate(answer.token)).toMatchObject({ userId: 'u1' })
  })

  it('agency staff get theirs with and without a sub-account; the role is what HighLevel confirms, not what the context says', async () => {
    expect(await t.sessions.exchange(encrypted({ userId: 'boss', companyId: 'c1', role: 'admin', type: 'agency' }))).toMatchObject({ user: { role: 'agency_admin' }, location: null })
    expect(await t.sessions.exchange(encrypted({ userId: 'csm', companyId: 'c1', role: 'admin', type: 'account', activeLocation: 'l2' }))).toMatchObject({ user: { role: 'agency_user' }, location: { locationId: 'l2' } })
    expect(await t.sessions.exchange(encrypted({ ...context, role: 'admin', type: 'agency' }))).toMatchObject({ user: { role: 'account_user' } })
  })

  it('everything that is wrong gets the same answer', async () => {
    const good = Buffer.from(encrypted(context), 'base64')
    const altered = Buffer.from(good)
    altered.writeUInt8(altered.readUInt8(20) ^ 1, 20)
    const wrong = [
      '', 'x', 'not base64 !', good.subarray(0, 32).toString('base64'), good.subarray(0, 40).toString('base64'), altered.toString('base64'),
      encrypted(context, 'another secret'), encrypted('[]'), encrypted('null'), encrypted('{"userId":1}'), encrypted({ ...context, userId: { $ne: null } }), encrypted({ ...context, companyId: ['c1'] }),
      encrypted({ ...context, userId: 'nobody' }), encrypted({ ...context, userId: 'left' }), encrypted({ ...context, activeLocation: 'l2' }), encrypted({ ...context, activeLocation: undefined }),
      encrypted({ ...context, companyId: 'c2' }), encrypted({ ...context, activeLocation: 'm1' }), encrypted({ ...context, companyId: 'c3' }), encrypted({ ...context, userId: 'm-user' }),
    ]
    const answers = await Promise.all(wrong.map((blob) => t.sessions.exchange(blob).then(() => 'accepted', (error: unknown) => error)))
    for (const answer of answers) expect(answer).toMatchObject({ status: 401, code: 'unauthorized', message: 'Sign in again: open this page from the app.', details: undefined })
  })

  it('the same context may be used again for five minutes from first sight, in any spelling, then never', async () => {
    const blob = encrypted(context)
    await t.sessions.exchange(blob)
    t.clock.advanceMs(299_000)
    await t.sessions.exchange(`${blob}\n`)
    t.clock.advanceMs(2_000)
    await expect(t.sessions.exchange(blob)).rejects.toMatchObject({ status: 401 })
    t.clock.advanceMs(86_400_000)
    await expect((await t.another()).sessions.exchange(blob)).rejects.toMatchObject({ status: 401 })
  })

  it('when HighLevel cannot be asked, nobody is let in and the context stays usable', async () => {
    const blob = encrypted(context)
    t.fake.before = () => {
      throw new Error('timeout')
    }
    await expect(t.sessions.exchange(blob)).rejects.toMatchObject({ status: 503 })
    t.fake.before = () => undefined
    expect(await t.sessions.exchange(blob)).toMatchObject({ user: { userId: 'u1' } })
  })

  it('a removed user, a removed account and an uninstalled agency end the session within seconds', async () => {
    t.fake.addPlace('c4', 'n1', 'N')
    t.fake.addPlace('c4', 'n2', 'N2')
    for (const [id, locationId] of [['a', 'n1'], ['b', 'n1'], ['c', 'n2']] as const) t.fake.addUser('c4', { id, locationIds: [locationId] })
    await t.install('c4')
    const token = async (userId: string, activeLocation: string): Promise<string> => (await t.sessions.exchange(encrypted({ ...context, companyId: 'c4', userId, activeLocation }))).token
    const [a, b, c] = [await token('a', 'n1'), await token('b', 'n1'), await token('c', 'n2')]
    t.clock.advanceMs(1_000)
    await t.accounts.applyUserEvent({ kind: 'removed', companyId: 'c4', userId: 'a', agencyUser: false, locationIds: ['n1'], completeList: false, firstName: null, lastName: null, email: null, phone: null, role: 'user', at: t.clock.now(), eventId: 'e1' })
    expect([await t.sessions.authenticate(a), (await t.sessions.authenticate(b))?.userId]).toEqual([null, 'b'])
    await t.installations.handleUninstall({ companyId: 'c4', locationId: 'n2', at: t.clock.now(), eventId: 'e2' })
    expect(await t.sessions.authenticate(c)).toBeNull()
    await t.installations.handleUninstall({ companyId: 'c4', locationId: null, at: t.clock.now(), eventId: 'e3' })
    t.clock.advanceMs(5_001)
    expect(await t.sessions.authenticate(b)).toBeNull()
  })

  it('refuses tokens that are forged, unsigned, of another algorithm, issuer or audience, altered, too long-lived or expired', () => {
    const tokens = createSessionTokens(t.box, t.clock)
    const [key] = t.box.signingKeys('session')
    if (key === undefined) throw new Error('no key')
    const now = Math.floor(t.clock.nowMs() / 1_000)
    const claims = { sub: 'u1', cid: 'c1', loc: 'l1', rol: 'agency_admin', nam: 'Una', iat: now, exp: now + 1_800, iss: 'barometer', aud: 'barometer-session' }
    const signed = (over: object, options: jwt.SignOptions = {}): string => jwt.sign({ ...claims, ...over }, key, { algorithm: 'HS256', ...options })
    const own = tokens.issue({ companyId: 'c1', userId: 'u1', role: 'account_user', locationId: 'l1', userName: 'Una' })
    const [head, body, signature] = own.split('.')
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } })
    const otherBody = Buffer.from(JSON.stringify({ ...claims, cid: 'c2' })).toString('base64url')
    expect(tokens.verify(signed({}))).toMatchObject({ companyId: 'c1' })
    const wrong = [
      '', 'a.b.c', `${head}.${body}.`, `${head}.${otherBody}.${signature}`, jwt.sign(claims, '', { algorithm: 'none' }), jwt.sign(claims, rsa.privateKey, { algorithm: 'RS256' }),
      jwt.sign(claims, 'x'.repeat(32), { algorithm: 'HS256' }), signed({}, { algorithm: 'HS512' }), signed({ iss: 'x' }), signed({ aud: 'x' }), signed({ exp: now - 1 }), signed({ exp: now + 90_000 }),
      signed({ rol: 'owner' }), signed({ cid: 7 }), signed({ rol: 'account_user', loc: null }), signed({ iat: now - 4_000, exp: now + 100 }),
    ]
    expect(wrong.map((token) => tokens.verify(token))).toEqual(wrong.map(() => null))
  })

  it('tokens of the previous key are accepted during a rotation, and not after it', () => {
    const session = { companyId: 'c1', userId: 'u1', role: 'agency_user' as const, locationId: null, userName: 'Una' }
    const old = createSessionTokens(createCryptoBox('o'.repeat(40)), t.clock).issue(session)
    expect(createSessionTokens(createCryptoBox('n'.repeat(40), 'o'.repeat(40)), t.clock).verify(old)).toEqual(session)
    expect(createSessionTokens(createCryptoBox('n'.repeat(40)), t.clock).verify(old)).toBeNull()
  })
})
