import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createDecipheriv, createHash } from 'node:crypto'
import { startSandbox, type Sandbox } from './index.ts'

let sandbox: Sandbox

beforeEach(async () => {
  sandbox = await startSandbox({ seed: { accounts: 1 } })
})
afterEach(() => sandbox.stop())

/** As `openssl enc -d -aes-256-cbc -md md5` does. */
function decrypt(blob: string, passphrase: string): unknown {
  const bytes = Buffer.from(blob, 'base64')
  expect(bytes.subarray(0, 8).toString()).toBe('Salted__')
  const hash = (...parts: Buffer[]): Buffer => createHash('md5').update(Buffer.concat([...parts, Buffer.from(passphrase), bytes.subarray(8, 16)])).digest()
  const first = hash()
  const second = hash(first)
  const third = hash(second)
  const decipher = createDecipheriv('aes-256-cbc', Buffer.concat([first, second]), third)
  return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]).toString('utf8'))
}

describe('the user context', () => {
  it('opens with the shared secret and is salted afresh each time', () => {
    const [account] = sandbox.company().accounts
    const [user] = sandbox.accountUsersOf(account?.id ?? '')
    const who = { userId: user?.id ?? '', locationId: account?.id ?? '' }
    const [one, two] = [sandbox.userContext(who), sandbox.userContext(who)]
    expect(one).not.toBe(two)
    expect(decrypt(one, sandbox.credentials.sharedSecret)).toEqual({
      userId: user?.id, companyId: sandbox.companyId, role: 'admin', type: 'account', activeLocation: account?.id, userName: `${user?.firstName ?? ''} ${user?.lastName ?? ''}`,
      email: user?.email, isAgencyOwner: false,
    })
  })

  it('of the agency view names no location, and can be forged for tests', () => {
    const { admin } = sandbox.company()
    expect(decrypt(sandbox.userContext({ userId: admin.id }, { role: 'superuser' }), sandbox.credentials.sharedSecret)).toMatchObject({ role: 'superuser', isAgencyOwner: true })
    expect(decrypt(sandbox.userContext({ userId: admin.id }), sandbox.credentials.sharedSecret)).not.toHaveProperty('activeLocation')
  })
})
