import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { DomainEvent } from '../../src/events/index.ts'
import { createRunningClock } from '../flows/support/running-clock.ts'
import type { WorkflowTrigger } from '../sandbox/index.ts'
import { until } from '../support/until.ts'
import { openStage, type Stage } from './stage.ts'

/** Passing the named point throws once, as a process that dies there would go no further. */
const armed = { name: '', passed: 0 }
function dieAt(name: string): void {
  if (name !== armed.name) return
  armed.name = ''
  armed.passed += 1
  throw new Error(`died at ${name}`)
}

const clock = createRunningClock(new Date())
let stage: Stage
let trigger: WorkflowTrigger
const call = /\/triggers\/execute\//

beforeAll(async () => {
  stage = await openStage({ clock, faultPoint: dieAt })
  trigger = await stage.product.sandbox.builder.addTrigger({ workflowId: stage.workflow.id, key: 'feedback_received' })
  await stage.product.answer(stage.who, 'happy')
  await stage.contactId()
  await stage.fired()
}, 120_000)
afterAll(() => stage.product.stop())
afterEach(() => {
  stage.product.sandbox.faults.clear()
  armed.name = ''
})

const started = () => stage.product.sandbox.builder.executions(trigger.id)
const queue = () => stage.product.app.services.marketplace.queue
const calls = () => stage.product.sandbox.calls.filter(({ path, url }) => call.test(path) || call.test(url)).length

/** An answer, and what it starts; time is put forward so that waits are over. @returns how many runs of the workflow it led to */
async function answerAndWait(until_: () => Promise<boolean> | boolean, stepMs = 20_000): Promise<number> {
  const before = started().length
  await stage.product.answer(stage.who, 'happy')
  await until('the outcome', async () => {
    if (await until_()) return true
    clock.advanceMs(stepMs)
    await stage.product.app.services.marketplace.pump.drain()
    return false
  }, 40_000, 100)
  return started().length - before
}

const dead = async () => (await queue().counts()).dead

/** The newest dead letter, replayed by a person. */
async function replay(): Promise<void> {
  const admin = stage.product.admin()
  const { items } = (await admin.get('/api/operations/queues/marketplace?state=dead')).body
  expect((await admin.send('POST', '/api/operations/replay', { queue: 'marketplace', key: items[0].key })).status).toBe(200)
}

describe('a call whose answer never came', () => {
  it.each([
    ['the process dies after the workflow was started', 'marketplace.accepted', undefined, 1],
    ['the process dies between its note and the call', 'marketplace.begun', undefined, 0],
    ['the connection ends after the workflow was started', '', { acceptThen: 'reset' as const }, 1],
    ['the connection ends before', '', 'reset' as const, 0],
    ['a proxy gives up waiting', '', { acceptThen: { status: 504, body: { message: 'Gateway Timeout' } } }, 1],
  ])('because %s is not made again by itself: a person sees it and decides', async (_what, point, fault, runs) => {
    const deadBefore = await dead()
    armed.name = point
    if (fault !== undefined) stage.product.sandbox.faults.next({ method: 'POST', path: call }, fault)
    expect(await answerAndWait(async () => (await dead()) > deadBefore)).toBe(runs)
    const { items } = (await stage.product.admin().get('/api/operations/queues/marketplace?state=dead')).body
    expect(items[0].error).toMatchObject({ code: 'firing_uncertain', message: expect.stringContaining('execution log') })
    expect((await stage.product.admin().get('/api/marketplace/executions')).body.items[0].state).toBe('uncertain')
    const before = started().length
    await replay()
    await until('the replayed one', () => started().length === before + 1)
    await stage.fired()
    expect(started()).toHaveLength(before + 1)
    expect(await dead()).toBe(deadBefore)
  }, 90_000)
})

describe('a call that was certainly refused', () => {
  it.each([
    ['429: slow down', { status: 429, body: { statusCode: 429, message: 'Too Many Requests' } }, 2],
    ['503', { status: 503, body: { statusCode: 503, message: 'Service Unavailable' } }, 3],
    ['500', { status: 500, body: { statusCode: 500, message: 'Internal Server Error' } }, 1],
    ['401: the token is not good any more', { status: 401, body: { statusCode: 401, message: 'Invalid JWT' } }, 1],
  ])('with %s is made again and starts the workflow once', async (_what, fault, times) => {
    stage.product.sandbox.faults.next({ method: 'POST', path: call }, fault, times)
    const before = [started().length, calls()] as const
    await answerAndWait(() => started().length > before[0])
    await stage.fired()
    expect(started().length - before[0]).toBe(1)
    expect(calls() - before[1]).toBe(times + 1)
  }, 90_000)

  it('because the tokens have expired gets new ones', async () => {
    stage.product.sandbox.expireTokens({ companyId: stage.product.companyId })
    const before = started().length
    await answerAndWait(() => started().length > before, 1_000)
    await stage.fired()
    expect(started()).toHaveLength(before + 1)
  }, 90_000)

  it('as not understood goes to the dead letters at once', async () => {
    const before = await dead()
    stage.product.sandbox.faults.next({ method: 'POST', path: call }, { status: 422, body: { statusCode: 422, message: ['payload must be an object'] } })
    expect(await answerAndWait(async () => (await dead()) > before)).toBe(0)
    await replay()
    await stage.fired()
  }, 90_000)
})

describe('a fact', () => {
  it('that is told again and again, to two processes at once, fires once', async () => {
    const { product, who } = stage
    const second = await product.another()
    const before = started().length
    await product.answer(who, 'very_happy', { comment: 'Once, please.' })
    await until('the run', () => started().length === before + 1)
    const { items } = await product.app.services.events.timeline({ companyId: product.companyId, types: ['feedback.received'], page: 1, pageSize: 1 })
    const event: DomainEvent = items[0]!
    await Promise.all([1, 2, 3].flatMap(() => [product.app.services.marketplace.observe(event), second.app.services.marketplace.observe(event)]))
    await Promise.all([product.app.services.marketplace.pump.drain(), second.app.services.marketplace.pump.drain()])
    await stage.fired()
    expect(started()).toHaveLength(before + 1)
    for (const userId of who.userIds) await Promise.all([1, 2, 3].map((one) => product.answer({ ...who, userId }, 'neutral', { key: `burst-key-${one}-${userId}` })))
    await until('all runs', () => started().length >= before + 1 + 3 * who.userIds.length, 40_000)
    await stage.fired()
    const ids = started().slice(before).map(({ payload }) => payload['eventId'])
    expect(ids).toHaveLength(1 + 3 * who.userIds.length)
    expect(new Set(ids).size).toBe(ids.length)
    await second.stop()
  }, 120_000)

  it('from before the trigger was put into the workflow is not its business', async () => {
    const { product } = stage
    const { items } = await product.app.services.events.timeline({ companyId: product.companyId, types: ['feedback.received'], page: 1, pageSize: 1 })
    const late = await product.sandbox.builder.addTrigger({ workflowId: stage.workflow.id, key: 'feedback_received' })
    await product.app.services.marketplace.observe({ ...items[0]!, key: 'feedback.received:long-ago', at: new Date(clock.nowMs() - 3_600_000) })
    await stage.fired()
    expect(product.sandbox.builder.executions(late.id)).toEqual([])
    await product.sandbox.builder.removeTrigger(late.id)
  }, 60_000)

  it('whose own call finds the connection gone waits as well, and fires once as soon as the agency is back', async () => {
    const { product } = stage
    const { events, installations, marketplace } = product.app.services
    const { items } = await events.timeline({ companyId: product.companyId, types: ['feedback.received'], page: 1, pageSize: 1 })
    const before = started().length
    product.sandbox.revokeTokens({ companyId: product.companyId })
    await marketplace.observe({ ...items[0]!, key: 'feedback.received:nobody-else-calls', at: clock.now() })
    await until('it waits', async () => {
      await marketplace.pump.drain()
      return (await queue().counts()).held > 0
    }, 40_000)
    expect(await installations.isLive(product.companyId)).toBe(false)
    await product.sandbox.install()
    await until('the run', () => started().length === before + 1, 40_000)
    await stage.fired()
    expect(started()).toHaveLength(before + 1)
  }, 120_000)

  it('waits while the agency has to connect again, and then fires once', async () => {
    const { product, who } = stage
    product.sandbox.revokeTokens({ companyId: product.companyId })
    const before = started().length
    await product.answer(who, 'happy')
    await until('it waits', async () => {
      await product.app.services.marketplace.pump.drain()
      return (await queue().counts()).held > 0 && !(await product.app.services.installations.isLive(product.companyId))
    }, 40_000)
    expect(started()).toHaveLength(before)
    await product.sandbox.install()
    await until('the run', () => started().length === before + 1, 40_000)
    await stage.fired()
    expect(started()).toHaveLength(before + 1)
  }, 120_000)
})
