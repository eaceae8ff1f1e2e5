import type { Model } from 'mongoose'
import { dayMs, minuteMs, type Clock } from '../../src/kernel/clock.ts'
import { isDuplicateKey } from '../../src/store/index.ts'
import type { MessageCapRecord } from './model.ts'

/** The cap of one customer message per person in so many days, across all workflows and processes. */
export interface MessageCap {
  /**
   * Takes the person's turn for this message. Taking it again for the same message succeeds, so that a repeated step goes on.
   * @returns false if another message had its turn less than `capDays` ago
   */
  take(companyId: string, personId: string, messageKey: string, capDays: number): Promise<boolean>
  /** The message left at that instant: the days count from there. */
  confirm(companyId: string, personId: string, messageKey: string, at: Date): Promise<void>
  /** Gives the turn back: the message never left. */
  giveBack(companyId: string, personId: string, messageKey: string): Promise<void>
}

/** Processes' clocks may differ by so much without anybody being written to early. */
const skewMs = 5 * minuteMs

export function createMessageCap(caps: Model<MessageCapRecord>, clock: Clock): MessageCap {
  const idOf = (companyId: string, personId: string) => `${companyId}:${personId}`
  return {
    async take(companyId, personId, messageKey, capDays) {
      const now = clock.now()
      const freeSince = new Date(now.getTime() - capDays * dayMs - skewMs)
      const _id = idOf(companyId, personId)
      try {
        await caps.updateOne({ _id, companyId, at: { $lte: freeSince } }, { $set: { messageKey, at: now } }, { upsert: true })
        return true
      } catch (error) {
        // The person's record exists and is younger: the insert half of the upsert met its key.
        if (!isDuplicateKey(error)) throw error
        // A repeated step keeps its turn; the days count from the newest attempt, because that one may be the one that leaves.
        const mine = await caps.updateOne({ _id, companyId, messageKey }, { $max: { at: now } })
        return mine.matchedCount === 1
      }
    },
    async confirm(companyId, personId, messageKey, at) {
      await caps.updateOne({ _id: idOf(companyId, personId), companyId, messageKey }, { $max: { at } })
    },
    async giveBack(companyId, personId, messageKey) {
      await caps.deleteOne({ _id: idOf(companyId, personId), companyId, messageKey })
    },
  }
}
