import type { Clock } from '../../../src/kernel/clock.ts'
import { dayMs } from '../../../src/kernel/clock.ts'

export interface Limits {
  burstMax: number
  burstWindowMs: number
  dailyMax: number
}

/** The platform's two limits per resource (a location or a company): a burst in any window, and a day. */
export interface Quota {
  /** Counts one request; `allowed` false means 429. The headers belong on the answer either way. */
  take(resource: string): { allowed: boolean; headers: Record<string, string> }
}

export function createQuota(clock: Clock, limits: () => Limits): Quota {
  const recent = new Map<string, number[]>()
  const daily = new Map<string, { day: number; used: number }>()
  return {
    take(resource) {
      const { burstMax, burstWindowMs, dailyMax } = limits()
      const nowMs = clock.nowMs()
      const window = (recent.get(resource) ?? []).filter((atMs) => atMs > nowMs - burstWindowMs)
      const day = Math.floor(nowMs / dayMs)
      const today = daily.get(resource)
      const used = today?.day === day ? today.used : 0
      const allowed = window.length < burstMax && used < dailyMax
      if (allowed) window.push(nowMs)
      recent.set(resource, window)
      const usedNow = used + (allowed ? 1 : 0)
      daily.set(resource, { day, used: usedNow })
      return {
        allowed,
        headers: {
          'X-RateLimit-Limit-Daily': String(dailyMax),
          'X-RateLimit-Daily-Remaining': String(Math.max(0, dailyMax - usedNow)),
          'X-RateLimit-Interval-Milliseconds': String(burstWindowMs),
          'X-RateLimit-Max': String(burstMax),
          'X-RateLimit-Remaining': String(Math.max(0, burstMax - window.length)),
        },
      }
    },
  }
}
