import { until } from '../../support/until.ts'
import { isNoAnswer } from './process.ts'
import type { Customer, World } from './world.ts'

export type Level = 'very_happy' | 'happy' | 'neutral' | 'not_happy'
export const levels: readonly Level[] = ['very_happy', 'happy', 'neutral', 'not_happy']

/** An answer that the product said it has. */
export interface Acknowledged {
  customer: Customer
  answerId: string
  key: string
  level: Level
  comment: string
}

export interface Reply {
  status: number
  // JSON of any route; scenarios look at its members.
  body: any
}

/** People who use the product through HTTP and try again, with the same key, until they hear that they were heard. */
export interface Crowd {
  /** As somebody of the sandbox; without `locationId` as one of the agency's people. Throws if nobody answers. */
  call(who: { userId: string; locationId?: string }, method: string, path: string, body?: unknown, url?: string): Promise<Reply>
  admin(method: string, path: string, body?: unknown): Promise<Reply>
  /** Gives an answer until it is acknowledged. */
  answer(customer: Customer, level: Level, comment: string, options?: { key?: string; url?: string }): Promise<Acknowledged>
  /** Changes an answer until that is acknowledged. */
  correct(given: Acknowledged, level: Level, comment: string): Promise<void>
  /** Acknowledged answers, oldest first, as corrected. */
  given: Acknowledged[]
  /** Attempts that got no or another answer than yes. */
  refused: Record<string, number>
}

/** Longer than any outage of these tests. */
const patienceMs = 120_000

export function createCrowd(world: World): Crowd {
  const tokens = new Map<string, Promise<string>>()
  const given: Acknowledged[] = []
  const refused: Record<string, number> = {}
  let count = 0

  async function post(url: string, method: string, token: string | undefined, body: unknown): Promise<Reply> {
    const response = await fetch(url, {
      method,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
  }

  /** The reply, or undefined if there was none. */
  async function attempt(act: () => Promise<Reply>): Promise<Reply | undefined> {
    try {
      const reply = await act()
      if (reply.status >= 300) refused[reply.status] = (refused[reply.status] ?? 0) + 1
      return reply
    } catch (error) {
      if (!isNoAnswer(error)) throw error
      refused['no answer'] = (refused['no answer'] ?? 0) + 1
      return undefined
    }
  }

  async function signIn(who: { userId: string; locationId?: string }): Promise<string> {
    const reply = await until(`a session for ${who.userId}`, async () => {
      const got = await attempt(() => post(`${world.url}/api/session`, 'POST', undefined, { encryptedData: world.sandbox.userContext(who) }))
      return got?.status === 200 && got
    }, patienceMs, 150)
    return reply.body.token as string
  }

  async function call(who: { userId: string; locationId?: string }, method: string, path: string, body?: unknown, url = world.url): Promise<Reply> {
    const id = `${who.locationId ?? ''}:${who.userId}`
    if (!tokens.has(id)) tokens.set(id, signIn(who))
    const token = await tokens.get(id)
    return post(`${url}${path}`, method, token, body)
  }

  const adminId = world.sandbox.company().admin.id

  return {
    call,
    given,
    refused,
    admin: (method, path, body) => call({ userId: adminId }, method, path, body),
    async answer(customer, level, comment, { key = `answer-${(count += 1)}-${customer.userId}`, url } = {}) {
      const reply = await until(`answer ${key} to be acknowledged`, async () => {
        const got = await attempt(() => call(customer, 'POST', '/api/answers', { level, comment, idempotencyKey: key }, url))
        if (got !== undefined && got.status >= 400 && got.status < 500 && got.status !== 429) throw new Error(`The answer was refused: ${got.status} ${JSON.stringify(got.body)}`)
        return got !== undefined && got.status < 300 && got
      }, patienceMs, 100)
      const acknowledged = { customer, answerId: reply.body.answerId as string, key, level, comment }
      if (!given.some((known) => known.answerId === acknowledged.answerId)) given.push(acknowledged)
      return acknowledged
    },
    async correct(answer, level, comment) {
      await until(`the change of ${answer.key} to be acknowledged`, async () => {
        const got = await attempt(() => call(answer.customer, 'PATCH', `/api/answers/${answer.answerId}`, { level, comment }))
        if (got !== undefined && got.status >= 400 && got.status < 500 && got.status !== 429) throw new Error(`The change was refused: ${got.status} ${JSON.stringify(got.body)}`)
        return got?.status === 200
      }, patienceMs, 100)
      Object.assign(answer, { level, comment })
    },
  }
}

/** Installs, chooses the success location, switches feedback on, publishes all follow-ups without their pauses. */
export async function setUp(world: World, crowd: Crowd): Promise<void> {
  const { callbackStatus } = await world.sandbox.install()
  if (callbackStatus !== 200) throw new Error(`The callback answered ${String(callbackStatus)}`)
  const say = async (method: string, path: string, body: unknown): Promise<void> => {
    const reply = await crowd.admin(method, path, body)
    if (reply.status >= 300) throw new Error(`${method} ${path} answered ${reply.status}: ${JSON.stringify(reply.body)}`)
  }
  await until('accounts to be mirrored', async () => {
    const { body } = await crowd.admin('GET', '/api/accounts?pageSize=100')
    return (body.items as { locationId: string }[]).length >= world.customers.length
  }, 60_000, 100)
  await say('PUT', '/api/setup/success-location', { locationId: world.headquartersId })
  await until('set-up to be complete', async () => ((await crowd.admin('GET', '/api/setup')).body as { ready: boolean }).ready, 60_000, 100)
  await say('PATCH', '/api/settings', { messages: { holdSeconds: 0, quietHours: { enabled: false } } })
  for (const key of ['not_happy_support', 'neutral_check_in', 'happy_next_step', 'very_happy_review']) {
    await say('PATCH', `/api/workflows/${key}`, { delayMinutes: 0 })
    await say('POST', `/api/workflows/${key}/publish`, {})
  }
  for (const [customer] of world.customers) {
    if (customer === undefined) continue
    await until(`users of ${customer.locationId}`, async () => {
      const { status, body } = await crowd.admin('GET', `/api/accounts/${customer.locationId}/users`)
      return status === 200 && (body.items as unknown[]).length > 0
    }, 60_000, 100)
    await say('PUT', `/api/accounts/${customer.locationId}/feedback`, { enabled: true })
  }
}
