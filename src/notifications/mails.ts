import type { Connection, Model } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import { CodedError, PermanentError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { createLeasedQueue, createPump, type Claimed, type HandleOutcome, type Pump } from '../store/index.ts'
import type { Mailer } from './mailer.ts'
import type { NotificationRecord } from './model.ts'
import type { Member } from './rules.ts'

interface MailItem {
  notificationId: string
  recipientId: string
}

/** E-mails of notifications: queued durably, sent at most once. */
export interface Mails {
  queue(record: Pick<NotificationRecord, '_id' | 'companyId' | 'recipientId'>): Promise<void>
  pump: Pump
  purge(companyId: string): Promise<void>
}

export interface MailsDeps {
  connection: Connection
  clock: Clock
  logger: Logger
  mailer: Mailer
  notifications: Model<NotificationRecord>
  memberOf: (companyId: string, userId: string) => Promise<Member | null>
}

const maxAttempts = 6

export function createMails(deps: MailsDeps): Mails {
  const { connection, clock, logger, mailer, notifications, memberOf } = deps
  const queue = createLeasedQueue<MailItem>(connection, { collection: 'notification_mails', clock, maxAttempts })

  async function handle(claimed: Claimed<MailItem>): Promise<HandleOutcome> {
    const { notificationId: _id, recipientId } = claimed.data
    const { companyId } = claimed
    if (companyId === null) return 'ignored'
    const email = (await memberOf(companyId, recipientId))?.email ?? ''
    const mine = { _id, companyId, recipientId }
    const mark = (from: NotificationRecord['mail'], mail: NotificationRecord['mail']) => notifications.updateOne({ ...mine, mail: from }, { $set: { mail } })
    if (email === '') {
      await mark('queued', 'failed')
      return 'ignored'
    }
    const taken = await notifications.findOneAndUpdate({ ...mine, mail: 'queued' }, { $set: { mail: 'sending' } }, { returnDocument: 'after' }).lean()
    if (taken === null) {
      // An earlier attempt ended between the mail server and our record: sending again could say it twice.
      const { modifiedCount } = await mark('sending', 'uncertain')
      if (modifiedCount > 0) logger.warn({ companyId, notificationId: _id }, 'it is unknown whether an e-mail was sent; it is not sent again')
      return 'ignored'
    }
    try {
      await mailer.send({ to: email, subject: taken.title, text: taken.body === '' ? taken.title : `${taken.title}\n\n${taken.body}`, messageId: `<${_id}@notifications.barometer>` })
    } catch (error) {
      if (error instanceof CodedError && error.code === 'mail_uncertain') {
        await mark('sending', 'uncertain')
        logger.warn({ companyId, notificationId: _id }, 'it is unknown whether an e-mail was sent; it is not sent again')
        return 'ignored'
      }
      await mark('sending', error instanceof PermanentError || claimed.attempt >= maxAttempts ? 'failed' : 'queued')
      throw error
    }
    await mark('sending', 'sent')
    return 'done'
  }

  const pump = createPump<MailItem>({ name: 'mails', queue, clock, logger, concurrency: 2, handle })
  return {
    pump,
    purge: (companyId) => queue.purge(companyId),
    async queue({ _id, companyId, recipientId }) {
      await queue.insert({ key: `mail:${_id}`, lane: `mail:${_id}`, companyId, data: { notificationId: _id, recipientId } })
    },
  }
}
