/** How long to wait before the next attempt of transient work. */
export interface BackoffPolicy {
  baseMs: number
  maxMs: number
}

/**
 * Exponential back-off with full jitter: a uniform draw from (0, min(max, base·2^(attempt−1))].
 * @param attempt number of the attempt that just failed, from 1
 * @param random uniform in [0, 1), injected by tests
 * @returns milliseconds, at least 1
 */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: () => number = Math.random): number {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(Math.max(attempt - 1, 0), 30))
  return Math.max(1, Math.ceil(ceiling * (1 - random())))
}
