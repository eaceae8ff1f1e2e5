import type { Connection } from 'mongoose'
import { secondMs, minuteMs, type Clock } from '../kernel/clock.ts'
import { noFaultPoint } from '../kernel/fault-point.ts'
import { createLeasedQueue } from '../store/index.ts'
import { effectCollections, type CardRecord, type ContactRecord } from './records.ts'
import { createStatus, type EffectsStatus } from './status.ts'
import type { OutboxItem } from './types.ts'
import { createWantedStore } from './wanted-store.ts'

/** Unfinished effects as a shell command needs them: to list and to take up again; nothing is sent from here. */
export function openUnfinishedEffects({ connection, clock }: { connection: Connection; clock: Clock }): {
  status(query: { companyId: string; page: number; pageSize: number }): Promise<{ items: EffectsStatus[]; total: number }>
  replay(companyId: string, key: string): Promise<boolean>
} {
  const collections = effectCollections(connection)
  const options = { clock, minIntervalMs: 2 * secondMs, leaseMs: minuteMs, maxCrashes: 3, faultPoint: noFaultPoint }
  const contacts = createWantedStore<ContactRecord>(collections.contacts, options)
  const cards = createWantedStore<CardRecord>(collections.cards, options)
  const outbox = createLeasedQueue<OutboxItem>(connection, { collection: 'outbox', clock })
  return {
    status: createStatus(collections, outbox).list,
    replay: async (companyId, key) => (await outbox.replay(companyId, key)) || (await contacts.replay(companyId, key)) || (await cards.replay(companyId, key)),
  }
}
