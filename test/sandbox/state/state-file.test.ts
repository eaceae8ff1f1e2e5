import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox, type Sandbox } from '../index.ts'
import { send } from '../support/api-client.ts'

let folder: string
let stateFile: string
let running: Sandbox[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'))
  stateFile = join(folder, 'deep', 'state.json')
  running = []
})
afterEach(async () => {
  await Promise.all(running.map((sandbox) => sandbox.stop()))
  await rm(folder, { recursive: true, force: true })
})

async function start(): Promise<Sandbox> {
  const sandbox = await startSandbox({ stateFile, seed: { accounts: 2 }, app: { webhookUrl: 'http://127.0.0.1:1/' }, webhooks: { enabled: false } })
  running.push(sandbox)
  return sandbox
}

describe('the state file', () => {
  it('brings back records, tokens, keys and waiting webhooks, so an app\'s store stays right', async () => {
    const before = await start()
    await before.install({ deliver: false })
    const home = before.company().headquarters.id
    const contact = before.createContact(home, { email: 'kept@example.com' })
    const grant = before.tokenFor({ locationId: home })
    const waiting = before.pendingDeliveries().map((delivery) => delivery.webhookId)
    await before.stop()

    const after = await start()
    expect(after.credentials).toEqual(before.credentials)
    expect(after.companyId).toBe(before.companyId)
    expect(after.state.contacts.get(contact.id)).toEqual(contact)
    expect(after.pendingDeliveries().map((delivery) => delivery.webhookId)).toEqual(waiting)
    const answer = await send(after.url, 'GET', `/contacts/${contact.id}`, undefined, { authorization: `Bearer ${grant.accessToken}`, version: '2021-07-28' })
    expect(answer.status).toBe(200)
    const next = after.createContact(home, { email: 'next@example.com' })
    expect(before.state.contacts.values().map((one) => one.id)).not.toContain(next.id)
  })

  it('holds a token as soon as it was given out, even if the sandbox is killed', async () => {
    const before = await start()
    await before.install({ deliver: false })
    const grant = before.tokenFor({ companyId: before.companyId })
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect((await start()).state.grants.by('refresh', grant.refreshToken)).toHaveLength(1)
  })

  it('is readable by its owner only', async () => {
    await (await start()).stop()
    expect((await stat(stateFile)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(stateFile, 'utf8'))).toMatchObject({ format: 1 })
  })

  it('of another version is refused with the way out', async () => {
    stateFile = join(folder, 'old.json')
    await writeFile(stateFile, '{"format":0}')
    await expect(start()).rejects.toThrow(/delete it to start afresh/)
  })
})

describe('the seed', () => {
  it('gives the same people and ids every time, in the platform\'s formats', async () => {
    const [one, two] = [await startSandbox({ seed: { accounts: 4 } }), await startSandbox({ seed: { accounts: 4 } })]
    running.push(one, two)
    expect(two.state.users.values()).toEqual(one.state.users.values())
    expect(one.company().accounts.map((account) => account.id)).toEqual(two.company().accounts.map((account) => account.id))
    for (const user of one.state.users.values()) expect(user.id).toMatch(/^[A-Za-z\d]{20}$/)
    expect(one.credentials.appId).toMatch(/^[\da-f]{24}$/)
  })

  it('makes the agency of the story: its own location, 25 accounts, one to five users each, an admin and two CSMs', async () => {
    const sandbox = await startSandbox()
    running.push(sandbox)
    const { company, headquarters, accounts, admin, staff } = sandbox.company()
    expect([company.name, headquarters.name, accounts.length, admin.role, staff.length]).toEqual(['Northwind Growth', 'Northwind HQ', 25, 'admin', 2])
    const counts = accounts.map((account) => sandbox.accountUsersOf(account.id).length)
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...counts)).toBeLessThanOrEqual(5)
    expect(new Set(sandbox.state.users.values().map((user) => user.email)).size).toBe(sandbox.state.users.size)
  })
})
