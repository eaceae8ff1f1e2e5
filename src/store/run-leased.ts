import type { Connection } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import { createLeases } from './lease.ts'

/** The lease that a piece of work runs under. */
export interface HeldLease {
  /** Prolongs it. @returns false if it ran out and somebody else took it: stop working */
  renew(): Promise<boolean>
}

/** Runs work that only one process may do at a time. */
export interface LeaseRunner {
  /** @returns the result of `work`, or `busy` if somebody else holds the lease */
  tryRun<T>(name: string, work: (lease: HeldLease) => Promise<T>): Promise<{ kind: 'ran'; result: T } | { kind: 'busy' }>
}

/** @param ttlMs how long a holder that died blocks the others; longer than the longest pause between two renewals */
export function createLeaseRunner(connection: Connection, clock: Clock, ttlMs = 60_000): LeaseRunner {
  const leases = createLeases(connection, clock)
  return {
    async tryRun(name, work) {
      const lease = await leases.acquire(name, ttlMs)
      if (lease === null) return { kind: 'busy' }
      try {
        return { kind: 'ran', result: await work({ renew: () => leases.renew(lease, ttlMs) }) }
      } finally {
        await leases.release(lease)
      }
    },
  }
}
