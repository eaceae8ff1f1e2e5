import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createLeases } from '../../src/store/index.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

let store: TestStore
beforeEach(async () => {
  store = await openTestStore()
})
afterEach(() => store.close())

describe('a lease', () => {
  it('is held by one process at a time, however many ask at once', async () => {
    const clock = createFakeClock()
    const processes = [createLeases(store.connection, clock), createLeases(await store.another(), clock)]
    const taken = await Promise.all(Array.from({ length: 20 }, (_, index) => processes[index % 2]!.acquire('job:a', 60_000)))
    expect(taken.filter((lease) => lease !== null)).toHaveLength(1)
  })

  it('is free again once released or run out', async () => {
    const clock = createFakeClock()
    const leases = createLeases(store.connection, clock)
    const first = await leases.acquire('job:a', 60_000)
    await leases.release(first!)
    const second = await leases.acquire('job:a', 60_000)
    expect(second).not.toBeNull()
    clock.advanceMs(59_999)
    expect(await leases.acquire('job:a', 60_000)).toBeNull()
    clock.advanceMs(1)
    expect(await leases.acquire('job:a', 60_000)).not.toBeNull()
    expect(await leases.renew(second!, 60_000)).toBe(false)
  })

  it('that was lost cannot be released or lengthened by its old holder', async () => {
    const clock = createFakeClock()
    const leases = createLeases(store.connection, clock)
    const lost = await leases.acquire('job:a', 1_000)
    clock.advanceMs(1_000)
    const held = await leases.acquire('job:a', 60_000)
    await leases.release(lost!)
    expect(await leases.acquire('job:a', 60_000)).toBeNull()
    expect(await leases.renew(held!, 60_000)).toBe(true)
  })

  it('does not stand in the way of others', async () => {
    const leases = createLeases(store.connection, createFakeClock())
    expect(await leases.acquire('job:a', 60_000)).not.toBeNull()
    expect(await leases.acquire('job:b', 60_000)).not.toBeNull()
  })
})
