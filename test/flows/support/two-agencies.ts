import { startProduct, type Client, type Product, type ProductOptions } from '../../support/product.ts'
import { until } from '../../support/until.ts'

/** What the first agency's customer wrote. */
export const comment = 'The invoices are wrong, says Zebulon.'

export interface Answer { status: number; text: string; headers: Headers }

/** Two agencies on one product, set up and in use: whoever belongs to the second tries to reach the first. */
export interface TwoAgencies {
  product: Product
  otherId: string
  /** The first agency's people. */
  admin: Client
  staff: Client
  customer: Client
  /** The second agency's. */
  otherAdmin: Client
  otherStaff: Client
  otherCustomer: Client
  /** Things of the first agency, by the names of the members that carry their ids. */
  theirs: Record<string, string>
  /** The same of the second agency. */
  ours: Record<string, string>
  /** Texts that only the first agency may see. */
  marks: string[]
  call: (method: string, path: string, init?: { token?: string; body?: string; contentType?: string }) => Promise<Answer>
  /** Everything stored for an agency but what any use leaves behind: logs, budgets, leases. */
  recordsOf: (companyId: string) => Promise<string>
}

export async function openTwoAgencies(options: ProductOptions = {}): Promise<TwoAgencies> {
  const product = await startProduct({ ...options, sandbox: { seed: { accounts: 2, usersPerAccount: 2, companies: 2 } } })
  await product.setUp()
  const { sandbox } = product
  // The stand-in gives the accounts of both agencies the same names.
  const accountName = 'Zebulon Ironworks'
  sandbox.updateLocation(sandbox.company().accounts[0]!.id, { name: accountName })
  const second = sandbox.state.companies.values()[1]!
  const otherId = second.id
  const view = sandbox.company(otherId)
  await sandbox.install({ companyId: otherId })
  await until('the second agency mirrored', async () => (await product.app.services.accounts.progress(otherId)).firstDoneAt !== null)
  const otherAdmin = product.as({ userId: view.admin.id })
  const otherStaff = product.as({ userId: view.staff[0]!.id })
  await otherAdmin.send('PUT', '/api/setup/success-location', { locationId: view.headquarters.id })
  await until('the second set-up', async () => (await otherAdmin.get('/api/setup')).body.ready === true)

  const admin = product.admin()
  const staff = product.as({ userId: sandbox.company().staff[0]!.id })
  const who = await product.enableFeedback(0)
  const customer = product.as(who)
  const reply = await product.answer(who, 'not_happy', { comment })
  const cases = await until('the case', async () => {
    const { items } = (await admin.get('/api/cases')).body as { items: { caseId: string }[] }
    return items.length > 0 && items
  })
  const link = await admin.send('POST', `/api/accounts/${who.locationId}/users/${who.userId}/feedback-link`, {})
  await product.settled()
  const theirs: Record<string, string> = {
    locationId: who.locationId, userId: who.userId, userIds: who.userId, locationIds: who.locationId, id: cases[0]!.caseId, caseId: cases[0]!.caseId, answerId: reply.body.answerId as string,
    csm: sandbox.company().staff[0]!.id, csmUserId: sandbox.company().staff[0]!.id, owner: sandbox.company().staff[0]!.id,
  }
  const otherAccount = view.accounts[0]!
  await otherAdmin.send('PUT', `/api/accounts/${otherAccount.id}/feedback`, { enabled: true })
  const otherUser = sandbox.accountUsersOf(otherAccount.id)[0]!
  const otherCustomer = product.as({ userId: otherUser.id, locationId: otherAccount.id })
  const ours: Record<string, string> = { locationId: otherAccount.id, userId: otherUser.id, id: 'none', key: 'very_happy_review', queue: 'deliveries', token: 'none' }
  const marks = [product.companyId, who.locationId, who.userId, accountName, comment, sandbox.state.users.get(who.userId)!.email, cases[0]!.caseId]
  if (link.status !== 200) throw new Error(`The link answered ${link.status}: ${JSON.stringify(link.body)}`)

  /** A stream has no end: what it says at once. */
  async function textOf(response: Response): Promise<string> {
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    const reader = isStream ? response.body?.getReader() : undefined
    if (reader === undefined) return response.text()
    let text = ''
    while (!text.includes('event: ready')) text += new TextDecoder().decode((await reader.read()).value)
    await reader.cancel()
    return text
  }

  async function call(method: string, path: string, init: { token?: string; body?: string; contentType?: string } = {}): Promise<Answer> {
    const response = await fetch(`${product.url}${path}`, {
      method, redirect: 'manual',
      headers: {
        ...(init.token === undefined ? {} : { authorization: `Bearer ${init.token}` }),
        ...(init.body === undefined ? {} : { 'content-type': init.contentType ?? 'application/json' }),
      },
      ...(init.body === undefined ? {} : { body: init.body }),
    })
    return { status: response.status, text: await textOf(response), headers: response.headers }
  }

  async function recordsOf(companyId: string): Promise<string> {
    const names = (await product.connection.db!.listCollections().toArray()).map(({ name }) => name).filter((name) => !/^(highlevel_|leases|agenda|seen_contexts)/.test(name)).sort()
    const parts = await Promise.all(names.map(async (name) => [name, await product.connection.collection(name).find({ companyId }).sort({ _id: 1 }).toArray()]))
    return JSON.stringify(parts)
  }

  return { product, otherId, admin, staff, customer, otherAdmin, otherStaff, otherCustomer, theirs, ours, marks, call, recordsOf }
}
