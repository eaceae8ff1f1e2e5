import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Process } from '../support/product.ts'
import { until } from '../support/until.ts'
import { createRunningClock, type RunningClock } from '../flows/support/running-clock.ts'
import { openTwoAgencies, type TwoAgencies } from '../flows/support/two-agencies.ts'
import { listen as open, type Listening } from './listen.ts'

/** Two processes on one store, two agencies: who hears of what. */
describe('the stream', () => {
  let two: TwoAgencies
  let second: Process
  let clock: RunningClock
  const listening: Listening[] = []
  const beatMs = 150

  const listen: typeof open = async (...given) => {
    const one = await open(...given)
    listening.push(one)
    return one
  }
  const account = () => ({ type: 'account', locationId: two.theirs['locationId']! }) as const
  /** Something that happens on the first agency's account. */
  async function happen(): Promise<void> {
    const { status } = await two.admin.send('POST', `/api/accounts/${two.theirs['locationId']}/hours`, { minutes: 15, note: 'Looked in.' })
    expect(status).toBeLessThan(300)
  }
  /** What is stored now is not told any more to whoever comes without an id. */
  const quiet = () => clock.advanceMs(11_000)

  beforeAll(async () => {
    clock = createRunningClock(new Date())
    two = await openTwoAgencies({ clock, streams: { beatMs, beatsPerCheck: 2, pollMs: 200, perPerson: 3, perProcess: 5 } })
    second = await two.product.another()
  }, 90_000)
  afterEach(async () => {
    for (const one of listening.splice(0)) one.close()
    await until('all streams gone', () => two.product.app.services.live.tails() === 0 && second.app.services.live.tails() === 0)
  })
  afterAll(() => two.product.stop())

  it('says that something changed and never what or about whom', async () => {
    quiet()
    const team = await listen(two.product.url, await two.admin.token())
    expect(team.headers.get('content-type')).toContain('text/event-stream')
    await two.product.answer({ userId: two.theirs['userId']!, locationId: two.theirs['locationId']! }, 'happy', { comment: 'Zebulon says thanks.' })
    await team.heard(account())
    await team.heard({ type: 'notifications' })
    await team.heard({ type: 'runs' })
    const said = JSON.stringify(team.hints)
    for (const personal of ['Zebulon', two.theirs['userId']!, two.theirs['answerId']!, 'happy']) expect(said).not.toContain(personal)
    expect(team.hints.every(({ type }) => ['account', 'cases', 'notifications', 'runs'].includes(type))).toBe(true)
  })

  it('says it once per moment, however much happened in it', async () => {
    quiet()
    const team = await listen(two.product.url, await two.admin.token())
    const begunMs = performance.now()
    await Promise.all(Array.from({ length: 12 }, happen))
    await team.heard(account())
    await new Promise((resolve) => setTimeout(resolve, 600))
    // A moment is 150 ms and more; on a busy machine the twelve are not one moment.
    expect(team.hints.filter(({ type }) => type === 'account').length).toBeLessThan(Math.max(4, (performance.now() - begunMs) / 150))
  })

  it('says that a case changed hands, of which no timeline tells', async () => {
    quiet()
    const team = await listen(two.product.url, await two.admin.token())
    await two.admin.send('POST', `/api/cases/${two.theirs['caseId']}/assign`, { userId: two.theirs['csm'] })
    await team.heard({ type: 'cases' })
  })

  it('is told of what another process stored', async () => {
    quiet()
    const team = await listen(second.url, await two.admin.token())
    await happen()
    await team.heard(account())
  })

  it.each(['header', 'query'] as const)('tells what happened meanwhile to whoever comes back, on any process (id in the %s)', async (how) => {
    quiet()
    const token = await two.admin.token()
    const before = await listen(two.product.url, token)
    const id = before.lastId()
    before.close()
    await happen()
    quiet()
    const other = await listen(second.url, token)
    expect(other.hints).toEqual([])
    const back = await listen(second.url, token, id, how)
    expect(back.hints).toEqual(expect.arrayContaining([account()]))
  })

  it('moves the place of a reader on while nothing happens', async () => {
    quiet()
    const team = await listen(two.product.url, await two.admin.token())
    const began = team.lastId()
    await until('a heartbeat that moves on', () => team.heartbeats() > 1 && Number(team.lastId()) > Number(began))
  })

  it('says "everything" to whoever was away for too long', async () => {
    quiet()
    const back = await listen(two.product.url, await two.admin.token(), String((clock.nowMs() - 2 * 3_600_000) * 1_024))
    expect(back.hints).toEqual([{ type: 'everything' }])
  })

  it('tells a customer of themselves only, and nothing of what the team does', async () => {
    quiet()
    const { locationId = '', userId = '' } = two.theirs
    const colleague = two.product.sandbox.accountUsersOf(locationId).find(({ id }) => id !== userId)!
    const mine = await listen(two.product.url, await two.customer.token())
    const theirs = await listen(two.product.url, await two.product.as({ userId: colleague.id, locationId }).token())
    await two.product.answer({ userId, locationId }, 'neutral')
    await mine.heard({ type: 'mine' })
    await two.product.settled()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(new Set(mine.hints.map(({ type }) => type))).toEqual(new Set(['mine']))
    expect(theirs.hints).toEqual([])
  })

  it('tells nobody of another agency, also not what was missed', async () => {
    quiet()
    const token = await two.otherAdmin.token()
    const id = String(clock.nowMs() * 1_024)
    const live = await listen(two.product.url, token)
    const customer = await listen(two.product.url, await two.otherCustomer.token())
    const team = await listen(two.product.url, await two.admin.token())
    await two.product.answer({ userId: two.theirs['userId']!, locationId: two.theirs['locationId']! }, 'very_happy')
    await team.heard(account())
    await two.product.settled()
    const back = await listen(second.url, token, id)
    await new Promise((resolve) => setTimeout(resolve, 500))
    for (const one of [live, customer, back]) expect(JSON.stringify(one.hints)).not.toContain(two.theirs['locationId'])
  })

  it('is refused without a session, and with an id that is none', async () => {
    expect((await listen(two.product.url, 'a.b.c')).status).toBe(401)
    expect((await fetch(`${two.product.url}/api/stream?token=${await two.admin.token()}`)).status).toBe(401)
    expect((await listen(two.product.url, await two.admin.token(), 'x', 'query')).status).toBe(400)
  })

  it('is had by one person so many times, and no process has more than it can bear', async () => {
    const token = await two.admin.token()
    for (let count = 0; count < 3; count += 1) expect((await listen(two.product.url, token)).status).toBe(200)
    const fourth = await listen(two.product.url, token)
    expect([fourth.status, fourth.refusal?.error.code, fourth.headers.get('retry-after')]).toEqual([429, 'too_many_streams', '30'])
    const staff = await two.staff.token()
    for (let count = 0; count < 2; count += 1) expect((await listen(two.product.url, staff)).status).toBe(200)
    expect((await listen(two.product.url, await two.customer.token())).status).toBe(429)
    expect((await listen(second.url, token)).status).toBe(200)
    // Whoever closes a tab has room again.
    listening[0]!.close()
    await until('room', async () => (await listen(two.product.url, await two.customer.token())).status === 200)
  })

  it('ends with its session', async () => {
    const fresh = two.product.as({ userId: two.product.sandbox.company().staff[0]!.id })
    const one = await listen(two.product.url, await fresh.token())
    await until('heartbeats', () => one.heartbeats() > 2)
    expect(one.isOver()).toBe(false)
    clock.advanceMs(31 * 60_000)
    await until('the end', () => one.isOver())
  })

  it('ends when the process stops, without holding it up', async () => {
    const third = await two.product.another()
    const token = await two.product.as({ userId: two.product.sandbox.company().staff[0]!.id }).token()
    const one = await listen(third.url, token)
    third.app.endStreams()
    await until('the end', () => one.isOver())
    expect((await listen(third.url, token)).status).toBe(429)
    await third.stop()
  })

  it('costs a process nothing while nobody listens', async () => {
    const { live } = second.app.services
    expect(live.tails()).toBe(0)
    const one = await listen(second.url, await two.product.as({ userId: two.product.sandbox.company().staff[0]!.id }).token())
    expect(live.tails()).toBe(1)
    one.close()
    await until('no tail', () => live.tails() === 0)
  })
})
