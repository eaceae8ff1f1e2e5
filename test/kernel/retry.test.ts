import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { backoffMs } from '../../src/kernel/backoff.ts'
import { describeError, PermanentError, RequestError, RetryAfterError, retryVerdictOf } from '../../src/kernel/errors.ts'

describe('back-off', () => {
  it('lies between 1 ms and the doubled, capped base for any attempt', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (attempt, random) => {
        const waitMs = backoffMs(attempt, { baseMs: 500, maxMs: 60_000 }, () => random)
        expect(waitMs).toBeGreaterThanOrEqual(1)
        expect(waitMs).toBeLessThanOrEqual(Math.min(60_000, 500 * 2 ** Math.min(attempt - 1, 30)))
      }),
    )
  })
})

describe('the retry vocabulary', () => {
  it.each([
    [new PermanentError('x', 'no'), { kind: 'permanent' }],
    [new RequestError(400, 'x', 'no'), { kind: 'permanent' }],
    [new RetryAfterError('x', 'later', 1_500), { kind: 'retry_after', retryAfterMs: 1_500 }],
    [new Error('socket hang up'), { kind: 'transient' }],
    ['a string', { kind: 'transient' }],
  ])('reads %s', (error, verdict) => {
    expect(retryVerdictOf(error)).toEqual(verdict)
  })

  it('describes any thrown value briefly, with a code', () => {
    expect(describeError(Object.assign(new Error('x'.repeat(2_000)), { code: 11_000 }))).toEqual({ code: '11000', message: 'x'.repeat(500) })
    expect(describeError(undefined)).toEqual({ code: 'unknown', message: 'undefined' })
  })
})
