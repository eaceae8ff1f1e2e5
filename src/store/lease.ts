import { Schema, type Connection, type Model } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import { newToken } from '../kernel/ids.ts'
import { isDuplicateKey } from './duplicate-key.ts'

/** The right to do one named thing, held by one process at a time until it is released or runs out. */
export interface Lease {
  name: string
  token: string
}

/** Named leases shared by all processes on one store. */
export interface Leases {
  /** @returns null while somebody else holds it */
  acquire(name: string, ttlMs: number): Promise<Lease | null>
  /** Lengthens a lease that is still ours. @returns false if it was lost */
  renew(lease: Lease, ttlMs: number): Promise<boolean>
  /** Gives it back; a lease that was lost in the meantime is left alone. */
  release(lease: Lease): Promise<void>
}

interface LeaseRecord {
  _id: string
  token: string
  expiresAt: Date
}

const leaseSchema = new Schema<LeaseRecord>(
  { _id: String, token: String, expiresAt: Date },
  { collection: 'leases', strict: true, autoIndex: false, versionKey: false },
)

/** Leases on the given connection. A crashed holder's lease is free again after its time; clocks of the processes must agree to well below that. */
export function createLeases(connection: Connection, clock: Clock): Leases {
  const records: Model<LeaseRecord> =
    connection.models['Lease'] === undefined ? connection.model<LeaseRecord>('Lease', leaseSchema) : (connection.models['Lease'])
  return {
    async acquire(name, ttlMs) {
      const now = clock.now()
      const token = newToken()
      try {
        await records.updateOne({ _id: name, expiresAt: { $lte: now } }, { $set: { token, expiresAt: new Date(now.getTime() + ttlMs) } }, { upsert: true })
        return { name, token }
      } catch (error) {
        // The record exists and has not run out: the insert half of the upsert met its key.
        if (isDuplicateKey(error)) return null
        throw error
      }
    },
    async renew(lease, ttlMs) {
      const result = await records.updateOne({ _id: lease.name, token: lease.token }, { $set: { expiresAt: new Date(clock.nowMs() + ttlMs) } })
      return result.matchedCount === 1
    },
    async release(lease) {
      await records.deleteOne({ _id: lease.name, token: lease.token })
    },
  }
}
