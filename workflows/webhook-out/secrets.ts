import type { Model } from 'mongoose'
import { dayMs, type Clock } from '../../src/kernel/clock.ts'
import type { CryptoBox } from '../../src/kernel/crypto-box.ts'
import { isDuplicateKey } from '../../src/store/index.ts'
import type { WebhookSecretRecord } from './model.ts'
import { newSecret } from './signature.ts'

/** Signing secrets of agencies: kept sealed, shown once, two at a time during a rotation. */
export interface WebhookSecrets {
  /** Secrets that sign now, the newest first; made if there is none. */
  current(companyId: string): Promise<string[]>
  /** A new secret, shown here and never again; the one before it signs as well until `previousUntil`. */
  rotate(companyId: string): Promise<{ secret: string; previousUntil: Date | null }>
  status(companyId: string): Promise<{ madeAt: Date | null; shown: boolean; previousUntil: Date | null }>
}

/** Long enough to put the new one in place without losing a delivery. */
const overlapMs = dayMs

export function createWebhookSecrets(secrets: Model<WebhookSecretRecord>, box: CryptoBox, clock: Clock): WebhookSecrets {
  const contextOf = (companyId: string): string => `webhook-secret:${companyId}`
  const read = (companyId: string) => secrets.findOne({ _id: companyId, companyId }).lean()

  async function make(companyId: string): Promise<WebhookSecretRecord> {
    const record: WebhookSecretRecord = {
      _id: companyId, companyId, sealed: box.seal(newSecret(), contextOf(companyId)), madeAt: clock.now(), shownAt: null, previousSealed: null, previousUntil: null,
    }
    try {
      await secrets.create(record)
      return record
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      // Another process was faster.
      const theirs = await read(companyId)
      if (theirs === null) throw error
      return theirs
    }
  }

  return {
    async current(companyId) {
      const { sealed, previousSealed, previousUntil } = (await read(companyId)) ?? (await make(companyId))
      const overlaps = previousSealed !== null && previousUntil !== null && previousUntil > clock.now()
      return [sealed, ...(overlaps ? [previousSealed] : [])].map((one) => box.open(one, contextOf(companyId)))
    },

    async rotate(companyId) {
      const secret = newSecret()
      const before = await read(companyId)
      const now = clock.now()
      // Nobody can be checking with a secret that was never shown.
      const previousUntil = before?.shownAt == null ? null : new Date(now.getTime() + overlapMs)
      const previousSealed = previousUntil === null ? null : (before?.sealed ?? null)
      const members = { companyId, sealed: box.seal(secret, contextOf(companyId)), madeAt: now, shownAt: now, previousSealed, previousUntil }
      await secrets.updateOne({ _id: companyId, companyId }, { $set: members }, { upsert: true })
      return { secret, previousUntil }
    },

    async status(companyId) {
      const record = await read(companyId)
      const overlaps = record?.previousUntil != null && record.previousUntil > clock.now()
      return { madeAt: record?.madeAt ?? null, shown: record?.shownAt != null, previousUntil: overlaps ? record.previousUntil : null }
    },
  }
}
