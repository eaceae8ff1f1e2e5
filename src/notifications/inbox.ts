import type { Model } from 'mongoose'
import type { NotificationGroup, NotificationView, ReadRequest } from '../http/contract/notifications.ts'
import type { Clock } from '../kernel/clock.ts'
import { areDuplicateKeys } from '../store/index.ts'
import type { NoticeRecord, NotificationRecord } from './model.ts'
import { burstId, burstMs, sharedRecipient } from './rules.ts'

/** One person of the agency. */
export interface Reader {
  companyId: string
  userId: string
}

export interface InboxQuery {
  page: number
  pageSize: number
  unread?: boolean
  kind?: string | undefined
  locationId?: string | undefined
}

/** What people see in the app: a line per burst of one kind in one account, together by account. */
export interface Inbox {
  /** The line that each recipient's fact belongs to, by recipient: the burst that is open, else one that the fact starts. */
  linesFor(notice: Pick<NoticeRecord, 'companyId' | 'kind' | 'locationId' | 'at'>, recipientIds: readonly string[]): Promise<Map<string, { id: string; isNew: boolean }>>
  /** Puts the fact into its recipients' lines. Idempotent. @param fresh lines that did not exist a moment ago; all may be missing if null */
  put(notice: NoticeRecord, fresh: ReadonlySet<string> | null): Promise<void>
  list(reader: Reader, query: InboxQuery): Promise<{ items: NotificationView[]; unread: number; total: number }>
  groups(reader: Reader, query: InboxQuery): Promise<{ items: Omit<NotificationGroup, 'accountName'>[]; unread: number; total: number }>
  one(reader: Reader, id: string): Promise<NotificationRecord | null>
  /** @returns how many are unread now */
  markRead(reader: Reader, what: ReadRequest): Promise<number>
}

const keptKeys = 200
const linesPerGroup = 5

export function createInbox(notifications: Model<NotificationRecord>, clock: Clock): Inbox {
  const visibleTo = (reader: Reader) => ({ companyId: reader.companyId, recipientId: { $in: [reader.userId, sharedRecipient] }, hidden: { $ne: true } })
  const unreadOf = (reader: Reader) => notifications.countDocuments({ ...visibleTo(reader), readAt: null })
  const narrowed = (reader: Reader, { unread, kind, locationId }: Omit<InboxQuery, 'page' | 'pageSize'>) => ({
    ...visibleTo(reader),
    ...(unread === true ? { readAt: null } : {}),
    ...(kind === undefined ? {} : { kind }),
    ...(locationId === undefined ? {} : { locationId }),
  })

  return {
    async linesFor({ companyId, kind, locationId, at }, recipientIds) {
      const nearTo = { $gt: new Date(at.getTime() - burstMs), $lt: new Date(at.getTime() + burstMs) }
      const near = recipientIds.length === 0 ? [] : await notifications.find({ companyId, recipientId: { $in: [...recipientIds] }, kind, locationId, firstAt: nearTo }, { recipientId: 1 }).sort({ firstAt: 1 }).lean()
      const lines = new Map<string, { id: string; isNew: boolean }>()
      for (const { _id: id, recipientId } of near) if (!lines.has(recipientId)) lines.set(recipientId, { id, isNew: false })
      for (const recipientId of recipientIds) if (!lines.has(recipientId)) lines.set(recipientId, { id: burstId(companyId, recipientId, kind, locationId, at), isNew: true })
      return lines
    },

    async put({ companyId, kind, locationId, key, title, body, link, at, to }, fresh) {
      const lines = Object.entries(to).flatMap(([recipientId, { lineId }]) => (lineId === null ? [] : [{ recipientId, lineId }]))
      const joining = { $set: { title, body, link, at, readAt: null }, $inc: { count: 1 }, $push: { keys: { $each: [key], $slice: -keptKeys } } }
      const join = (ids: string[]) => (ids.length === 0 ? undefined : notifications.updateMany({ _id: { $in: ids }, companyId, keys: { $ne: key } }, joining))
      const created = lines.filter(({ lineId }) => fresh === null || fresh.has(lineId))
      await join(lines.filter((line) => !created.includes(line)).map(({ lineId }) => lineId))
      if (created.length === 0) return
      try {
        await notifications.insertMany(
          created.map(({ recipientId, lineId }): NotificationRecord => ({ _id: lineId, companyId, recipientId, kind, locationId, title, body, link, firstAt: at, at, count: 1, keys: [key], readAt: null })),
          { ordered: false },
        )
      } catch (error) {
        if (!areDuplicateKeys(error)) throw error
        // Somebody started the same line in between, or this very fact did at an earlier attempt.
        await join(created.map(({ lineId }) => lineId))
      }
    },

    async list(reader, query) {
      const filter = narrowed(reader, query)
      const [found, total, unread] = await Promise.all([
        notifications.find(filter).sort({ at: -1, _id: 1 }).skip((query.page - 1) * query.pageSize).limit(query.pageSize).lean(),
        notifications.countDocuments(filter),
        unreadOf(reader),
      ])
      return { items: found.map(viewOf), unread, total }
    },

    async groups(reader, query) {
      const filter = narrowed(reader, query)
      const counted = await notifications.aggregate<{ _id: string | null; newestAt: Date; total: number }>([
        { $match: filter },
        { $group: { _id: '$locationId', newestAt: { $max: '$at' }, total: { $sum: 1 } } },
        { $sort: { newestAt: -1, _id: 1 } },
      ])
      const shown = counted.slice((query.page - 1) * query.pageSize, query.page * query.pageSize)
      const [unread, items] = await Promise.all([
        unreadOf(reader),
        Promise.all(
          shown.map(async ({ _id: locationId, newestAt, total }) => {
            const [lines, unreadHere] = await Promise.all([
              notifications.find({ ...filter, locationId }).sort({ at: -1, _id: 1 }).limit(linesPerGroup).lean(),
              notifications.countDocuments({ ...visibleTo(reader), locationId, readAt: null }),
            ])
            return { locationId, newestAt: newestAt.toISOString(), unread: unreadHere, total, lines: lines.map(viewOf) }
          }),
        ),
      ])
      return { items, unread, total: counted.length }
    },

    one: (reader, id) => notifications.findOne({ ...visibleTo(reader), _id: id }).lean<NotificationRecord>(),

    async markRead(reader, what) {
      const some = 'ids' in what ? { _id: { $in: what.ids } } : 'locationId' in what ? { locationId: what.locationId } : {}
      await notifications.updateMany({ ...visibleTo(reader), ...some, readAt: null }, { $set: { readAt: clock.now() } })
      return unreadOf(reader)
    },
  }
}

function viewOf(record: NotificationRecord): NotificationView {
  const { _id: id, kind, title, body, link, locationId, count } = record
  return { id, kind, title, body, link, locationId, at: record.at.toISOString(), count, readAt: record.readAt?.toISOString() ?? null }
}
