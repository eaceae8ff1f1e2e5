import type { Model } from 'mongoose'
import type { DomainEvent } from '../../src/events/index.ts'
import { isDuplicateKey } from '../../src/store/index.ts'
import type { OptOutRecord } from './model.ts'

/** Who asked not to be written to, as events told it. */
export interface OptOuts {
  /** True while the person does not want to be written to. */
  has(companyId: string, userId: string): Promise<boolean>
  /** Takes note of a person who opted out, or in again. A fact that is older than what is known changes nothing. */
  note(event: DomainEvent): Promise<void>
}

export function createOptOuts(model: Model<OptOutRecord>): OptOuts {
  const idOf = (companyId: string, userId: string) => `${companyId}:${userId}`
  return {
    has: async (companyId, userId) => (await model.findOne({ _id: idOf(companyId, userId), companyId }).lean())?.optedOut === true,

    async note({ companyId, userId, at, type }) {
      if (userId === null) return
      try {
        await model.updateOne({ _id: idOf(companyId, userId), companyId, at: { $lte: at } }, { $set: { at, optedOut: type !== 'contact.opted_in' } }, { upsert: true })
      } catch (error) {
        // The insert half of the upsert met the record: what is known is newer.
        if (!isDuplicateKey(error)) throw error
      }
    },
  }
}
