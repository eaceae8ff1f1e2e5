import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Client, Product } from '../support/product.ts'
import { exampleOf, operationsOf, stringPathsOf, withValueAt, type Operation } from './support/openapi.ts'
import { openTwoAgencies, type Answer, type TwoAgencies } from './support/two-agencies.ts'

/** Every route of the product's own description, asked for another agency's things and with everything but what it expects. */
let product: Product
let operations: Operation[]
let admin: Client
let staff: Client
let customer: Client
let otherAdmin: Client
let otherStaff: Client
let otherCustomer: Client
let theirs: TwoAgencies['theirs']
let ours: TwoAgencies['ours']
let marks: TwoAgencies['marks']
let call: TwoAgencies['call']
let recordsOf: TwoAgencies['recordsOf']

beforeAll(async () => {
  ;({ product, admin, staff, customer, otherAdmin, otherStaff, otherCustomer, theirs, ours, marks, call, recordsOf } = await openTwoAgencies())
  operations = operationsOf((await (await fetch(`${product.url}/api/openapi.json`)).json()) as never)
  expect(operations.length).toBeGreaterThan(30)
}, 90_000)
afterAll(() => product.stop())

const pathOf = (operation: Operation, values: Record<string, string>): string => operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? 'none'))

/** @param sent what the caller knew already: an answer may repeat it */
function expectNoMarks(answer: Answer, sent: string, where: string): void {
  for (const mark of marks) if (answer.text.includes(mark) && !sent.includes(mark)) throw new Error(`${where} showed ${mark} of another agency: ${answer.status} ${answer.text.slice(0, 300)}`)
}

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
  }, 120_000)

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
  }, 120_000)

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
        const members = stringPathsOf(operation.body)
        // A person's requests of one minute are limited: of many members each meets some of the values, and every value some of the members.
        const share = Math.ceil((members.length * operators.length) / 400)
        for (const [at, member] of members.entries()) {
          for (const value of operators.filter((_, index) => (index + at) % share === 0)) await attempt(`${member.join('.')} = ${JSON.stringify(value).slice(0, 40)}`, path, withValueAt(example, member, value), typeof value === 'object')
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
  }, 120_000)

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
    // A path without members may also be read as a path with one: `/api/workflows/export` as the workflow `export`.
    const known = operations.map(({ method, path }) => ({ method, pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`) }))
    for (const path of new Set(operations.map((operation) => operation.path))) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const asked = path.replace(/\{\w+\}/g, 'none')
        if (known.some((one) => one.method === method && one.pattern.test(asked))) continue
        const { status } = await call(method, asked, { token, body: '{}' })
        expect([method, asked, [404, 405].includes(status)]).toEqual([method, asked, true])
      }
    }
  })
})
