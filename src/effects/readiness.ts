import { isDeepStrictEqual } from 'node:util'
import { dayMs, hourMs } from '../kernel/clock.ts'
import { CodedError, PermanentError, RetryAfterError } from '../kernel/errors.ts'
import type { LocationApi } from '../highlevel/index.ts'
import type { HandleOutcome } from '../store/index.ts'
import type { EffectsDeps } from './ports.ts'
import type { ResourceMap } from './types.ts'

/** Work can go on, or waits for a condition. */
export type Readiness = { ready: true; map: ResourceMap; api: LocationApi } | { ready: false; outcome: HandleOutcome }

export interface Waiting {
  /** Waits `forMs` for a condition that somebody will report, or looks again. */
  wait(forMs: number, reason: string): HandleOutcome
  /** May this company's work go out now, and where to? */
  readinessOf(companyId: string): Promise<Readiness>
  /** Turns errors that only say "not now" into waiting; throws all others on. @param tried the ids of fields or stages with which it was tried, if any */
  waitOrThrow(companyId: string, error: unknown, tried?: ResourceMap): Promise<HandleOutcome>
}

const installationCodes = new Set(['highlevel_not_installed', 'highlevel_scope', 'highlevel_forbidden', 'highlevel_unsupported'])

/** Conditions under which work is held: never lost, never counted as failed. */
export function createWaiting(deps: EffectsDeps): Waiting {
  const { clock, resources, isLive, gateway, lookAgain = resources, refused } = deps

  function wait(forMs: number, reason: string): HandleOutcome {
    return { hold: { untilAt: new Date(clock.nowMs() + forMs), reason } }
  }

  return {
    wait,
    async readinessOf(companyId) {
      if (!(await isLive(companyId))) return { ready: false, outcome: wait(dayMs, 'installation_not_live') }
      const map = await resources(companyId)
      if (map === null) return { ready: false, outcome: wait(hourMs, 'setup_incomplete') }
      return { ready: true, map, api: gateway.location(companyId, map.locationId, 'webhook') }
    },
    async waitOrThrow(companyId, error, tried) {
      if (error instanceof RetryAfterError) return wait(error.retryAfterMs, error.code)
      if (!(error instanceof PermanentError)) throw error
      // Refusals that are the installation's fault, not the work's: a person mends them and the work goes on.
      if (!(await isLive(companyId))) return wait(dayMs, 'installation_not_live')
      if (installationCodes.has(error.code)) {
        await refused?.(companyId)
        return wait(hourMs, error.code)
      }
      // Something that the work names may have been deleted a moment ago: with what is left it goes on, the rest waits for a repair.
      if (tried !== undefined) {
        try {
          if (!isDeepStrictEqual(await lookAgain(companyId), tried)) return wait(0, 'setup_changed')
        } catch (later) {
          if (later instanceof RetryAfterError) return wait(later.retryAfterMs, later.code)
          throw later
        }
      }
      throw error
    },
  }
}

/** True if HighLevel says that the thing is not there (any more). */
export function isNotFound(error: unknown): boolean {
  return error instanceof PermanentError && error.code === 'highlevel_not_found'
}

/** False if a call that failed so has certainly changed nothing in HighLevel: refused, or never sent. */
export function mayHaveArrived(error: unknown): boolean {
  if (error instanceof PermanentError || error instanceof RetryAfterError) return false
  return !(error instanceof CodedError && error.details?.['mayHaveReached'] === false)
}
