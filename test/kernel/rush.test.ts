import { describe, expect, it } from '@jest/globals'
import { createRush } from '../../src/kernel/rush.ts'

describe('rush', () => {
  it('work that can wait begins once the last urgent work has ended', async () => {
    const rush = createRush()
    const order: string[] = []
    let end: () => void = () => undefined
    const urgent = rush.urgent(() => new Promise<void>((resolve) => {
      end = () => {
        order.push('urgent')
        resolve()
      }
    }))
    const later = rush.calm(60_000).then(() => order.push('later'))
    await rush.urgent(() => Promise.resolve())
    end()
    await Promise.all([urgent, later])
    expect(order).toEqual(['urgent', 'later'])
  })

  it('work that can wait goes on under urgent work that does not end', async () => {
    const rush = createRush()
    void rush.urgent(() => new Promise(() => undefined))
    await expect(rush.calm(1)).resolves.toBeUndefined()
  })

  it('urgent work that fails ends, too', async () => {
    const rush = createRush()
    await expect(rush.urgent(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(rush.calm(60_000)).resolves.toBeUndefined()
  })

  it('what was entered is left once, however often that is said', async () => {
    const rush = createRush()
    const leave = rush.enter()
    const leaveToo = rush.enter()
    leave()
    leave()
    let calm = false
    const waiting = rush.calm(60_000).then(() => (calm = true))
    await Promise.resolve()
    expect(calm).toBe(false)
    leaveToo()
    await waiting
  })
})
