import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { minuteMs } from '../../src/kernel/clock.ts'
import { createCryptoBox } from '../../src/kernel/crypto-box.ts'
import type { ForgottenPerson } from '../../src/kernel/forgotten.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import type { Session } from '../../src/kernel/route.ts'
import { createPrivacy, type Forgetting, type Privacy } from '../../src/privacy/index.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'
import { until } from '../support/until.ts'

/** The order of forgetting by itself, with rooms that are slow or in trouble. */
let store: TestStore
let logLines: string[] = []
const clock = createFakeClock()
const session = { companyId: 'c1', userId: 'admin', userName: 'Dana', role: 'agency_admin' } as Session

beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())
afterEach(async () => {
  logLines = []
  await store.connection.collection('erasures').deleteMany({})
})

function privacyWith(rooms: readonly Forgetting[], { isUnderWay = false, waitMs = 5_000 } = {}): Privacy {
  return createPrivacy({
    connection: store.connection, clock, rooms, waitMs,
    box: createCryptoBox('a secret for tests only, long enough to be accepted'),
    accounts: {
      get: () => Promise.resolve({} as never),
      user: () => Promise.resolve({} as never),
      whole: (_, userId) => Promise.resolve({ userId, name: `Ann ${userId}`, firstName: 'Ann', lastName: userId, email: `${userId}@x.example`, phone: null, staff: false, locationIds: ['l1', 'l2'] }),
    },
    events: { append: () => Promise.resolve('inserted') },
    contactIds: (_, subjects) => Promise.resolve(subjects.map((subject) => `contact of ${subject}`)),
    isUnderWay: () => Promise.resolve(isUnderWay),
    logger: createLogger('debug', { write: (line: string) => void logLines.push(line) }),
  })
}

describe('forgetting', () => {
  it('answers before a slow first pass is done, which goes on', async () => {
    let open: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (open = resolve))
    const privacy = privacyWith([{ name: 'slow', forget: () => gate }], { waitMs: 20 })
    expect(await privacy.erase(session, 'l1', 'u1')).toMatchObject({ state: 'working' })
    open()
    await until('the pass ended', async () => (await privacy.erasures('c1'))[0]?.state === 'checking')
  })

  it('of which the answer did not tell that it failed is tried again, and says so in the log', async () => {
    let isBroken = true
    const forget = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 60))
      if (isBroken) throw new Error('The room is locked.')
    }
    const privacy = privacyWith([{ name: 'locked', forget }], { waitMs: 20 })
    expect(await privacy.erase(session, 'l1', 'u1')).toMatchObject({ state: 'working' })
    await until('it was logged', () => logLines.some((line) => line.includes('could not be forgotten yet')))
    isBroken = false
    clock.advanceMs(3 * minuteMs)
    expect(await privacy.workDue(5)).toBe(1)
    expect(await privacy.erasures('c1')).toMatchObject([{ state: 'checking' }])
  })

  it('of one person does not wait for the trouble with another', async () => {
    const done: string[] = []
    const forget = ({ userId }: ForgottenPerson): Promise<void> => (userId === 'u1' ? Promise.reject(new Error('Trouble.')) : Promise.resolve(void done.push(userId)))
    const privacy = privacyWith([{ name: 'room', forget }])
    await expect(privacy.erase(session, 'l1', 'u1')).rejects.toThrow('Trouble.')
    await privacy.erase(session, 'l1', 'u2')
    clock.advanceMs(16 * minuteMs)
    expect(await privacy.workDue(5)).toBe(2)
    expect((await privacy.erasures('c1')).map(({ state }) => state).sort()).toEqual(['done', 'working'])
    expect(done).toEqual(['u2', 'u2'])
  })

  it('tells every room the same, keeps it sealed until the last pass, and nothing of it after', async () => {
    const told: [ForgottenPerson, boolean][] = []
    const room = { name: 'room', forget: (person: ForgottenPerson, isLast: boolean) => Promise.resolve(void told.push([person, isLast])) }
    await privacyWith([room]).erase(session, 'l1', 'zorro')
    const stored = async () => JSON.stringify(await store.connection.collection('erasures').find({}).toArray())
    expect(await stored()).not.toContain('zorro')
    clock.advanceMs(16 * minuteMs)
    await privacyWith([room], { isUnderWay: true }).workDue(5)
    expect(told).toHaveLength(1)
    clock.advanceMs(16 * minuteMs)
    await privacyWith([room]).workDue(5)
    expect(told.map(([, isLast]) => isLast)).toEqual([false, true])
    expect(told[0]![0]).toEqual(told[1]![0])
    expect(told[0]![0]).toMatchObject({
      userId: 'zorro', locationIds: ['l1', 'l2'], words: ['Ann zorro', 'zorro@x.example'], contactIds: ['contact of user:l1:zorro', 'contact of user:l2:zorro'], alias: expect.stringMatching(/^forgotten-/),
    })
    expect(JSON.parse(await stored())).toMatchObject([{ sealed: null, state: 'done', dueAt: null }])
  })

  it('of an account that the person was never in is refused, also after they were forgotten', async () => {
    const privacy = privacyWith([])
    await privacy.erase(session, 'l1', 'u1')
    await expect(privacy.erase(session, 'l9', 'u1')).rejects.toMatchObject({ status: 404 })
    expect(await privacy.erase(session, 'l2', 'u1')).toMatchObject({ state: 'checking' })
  })
})
