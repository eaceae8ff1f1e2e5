import type { Connection } from 'mongoose'
import type { NotificationView, Preference, PreferenceChange, ReadRequest } from '../http/contract/notifications.ts'
import type { Clock } from '../kernel/clock.ts'
import { RequestError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { isDuplicateKey, type Pump } from '../store/index.ts'
import type { Mailer } from './mailer.ts'
import { createMails } from './mails.ts'
import { notificationModels, type NotificationRecord } from './model.ts'
import { burstId, burstMs, channelsFor, notificationKinds, recipientsOf, sharedRecipient, type Member } from './rules.ts'

/** Something that the team should know. */
export interface Notice {
  /** Unique; the same key tells once. */
  key: string
  companyId: string
  locationId: string | null
  /** `owner`: the account's owner, everybody while there is none. */
  audience: 'owner' | 'everyone'
  /** Owner of the matter, where it is not the account's owner (a case has its own). */
  ownerId?: string | null
  kind: string
  title: string
  body: string
  /** Path inside the workspace. */
  link: string | null
  /** Suggests an e-mail for kinds that have no default of their own. */
  email: boolean
  at: Date
}

/** One person of the agency. */
export interface Reader {
  companyId: string
  userId: string
}

export interface Notifications {
  /** Idempotent per key and recipient. */
  notify(notice: Notice): Promise<void>
  list(reader: Reader, query: { page: number; pageSize: number; unread?: boolean }): Promise<{ items: NotificationView[]; unread: number; total: number }>
  /** @returns how many are unread now */
  markRead(reader: Reader, what: ReadRequest): Promise<number>
  preferences(reader: Reader): Promise<{ items: Preference[]; emailAvailable: boolean }>
  /** @throws RequestError 422 for a kind that there is not */
  setPreferences(reader: Reader, change: PreferenceChange): Promise<{ items: Preference[]; emailAvailable: boolean }>
  /** Sends e-mails; none if the server has no mailer. */
  pumps: Pump[]
  /** Removes everything of an agency. */
  purge(companyId: string): Promise<void>
}

export interface NotificationsDeps {
  connection: Connection
  clock: Clock
  logger: Logger
  /** Who is on the team, and who owns an account. */
  accounts: {
    get(companyId: string, locationId: string): Promise<{ csm: { userId: string } | null } | null>
    agencyUsers(companyId: string): Promise<Member[]>
  }
  mailer?: Mailer
}

/** `new`: this fact started the record, now or at an earlier attempt. */
type Outcome = 'new' | 'joined' | 'known'

export function createNotifications(deps: NotificationsDeps): Notifications {
  const { connection, clock, logger, accounts, mailer } = deps
  const { notifications, preferences } = notificationModels(connection)
  const idOf = (reader: Reader) => `${reader.companyId}:${reader.userId}`
  const mails =
    mailer === undefined
      ? undefined
      : createMails({
          connection, clock, logger, mailer, notifications,
          memberOf: async (companyId, userId) => (await accounts.agencyUsers(companyId)).find((member) => member.userId === userId) ?? null,
        })

  async function resolve(notice: Notice): Promise<Member[]> {
    const { companyId, locationId, audience, ownerId = null } = notice
    const [account, team] = await Promise.all([audience === 'owner' && ownerId === null && locationId !== null ? accounts.get(companyId, locationId) : null, accounts.agencyUsers(companyId)])
    const recipients = recipientsOf(audience, ownerId ?? account?.csm?.userId ?? null, team)
    return recipients.length > 0 ? recipients : [{ userId: sharedRecipient, name: '', email: null }]
  }

  /** The records that the fact is in already, by recipient. */
  async function knownTo({ companyId, locationId, kind, key }: Notice, recipientIds: string[]): Promise<Map<string, { outcome: Outcome; id: string }>> {
    const found = await notifications
      .find({ companyId, recipientId: { $in: recipientIds }, kind, locationId, keys: key }, { _id: 1, recipientId: 1, firstKey: 1 })
      .lean()
    return new Map(found.map((record) => [record.recipientId, { outcome: record.firstKey === key ? 'new' : 'known', id: record._id }]))
  }

  /** Adds a fact that the recipient does not know to an open burst, or starts one. Each branch is one atomic write that a repetition finds done. */
  async function store(notice: Notice, recipientId: string, channels: { inApp: boolean; mail: boolean }): Promise<{ outcome: Outcome; id: string }> {
    const { companyId, locationId, kind, key, title, body, link, at } = notice
    const burst = { companyId, recipientId, kind, locationId }
    const joining = { $set: { title, body, link, at, readAt: null }, $inc: { count: 1 }, $push: { keys: { $each: [key], $slice: -200 } } }
    const near = { $gt: new Date(at.getTime() - burstMs), $lt: new Date(at.getTime() + burstMs) }
    const joined = await notifications.findOneAndUpdate({ ...burst, firstAt: near, keys: { $ne: key } }, joining, { projection: { _id: 1 } }).lean()
    if (joined !== null) return { outcome: 'joined', id: joined._id }
    // Somebody else may have told the same fact between the two looks; then there was nothing to join.
    const meanwhile = (await knownTo(notice, [recipientId])).get(recipientId)
    if (meanwhile !== undefined) return meanwhile
    const _id = burstId(companyId, recipientId, kind, locationId, at)
    try {
      await notifications.create({ _id, ...burst, title, body, link, firstAt: at, at, count: 1, firstKey: key, keys: [key], hidden: !channels.inApp, readAt: null, mail: channels.mail ? 'queued' : 'none' })
      return { outcome: 'new', id: _id }
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      // Somebody started the same burst in between: join it, unless it was this very fact.
      const late = await notifications.updateOne({ _id, companyId, keys: { $ne: key } }, joining)
      return { outcome: late.modifiedCount > 0 ? 'joined' : 'known', id: _id }
    }
  }

  const visibleTo = (reader: Reader) => ({ companyId: reader.companyId, recipientId: { $in: [reader.userId, sharedRecipient] }, hidden: false })
  const unreadOf = (reader: Reader) => notifications.countDocuments({ ...visibleTo(reader), readAt: null })

  async function preferencesOf(reader: Reader): Promise<{ items: Preference[]; emailAvailable: boolean }> {
    const record = await preferences.findOne({ _id: idOf(reader), companyId: reader.companyId }).lean()
    const items = notificationKinds.map(({ kind, label, inApp, email }) => ({ kind, label, inApp, email, ...record?.choices[kind] }))
    return { items, emailAvailable: mails !== undefined }
  }

  return {
    pumps: mails === undefined ? [] : [mails.pump],

    async notify(notice) {
      const recipients = await resolve(notice)
      const chosen = await preferences.find({ _id: { $in: recipients.map((member) => idOf({ companyId: notice.companyId, userId: member.userId })) }, companyId: notice.companyId }).lean()
      const choices = new Map(chosen.map((record) => [record.userId, record.choices[notice.kind]]))
      // One look for all: who learns of it in between is found by the write itself, which joins only where the fact is not in yet.
      const known = await knownTo(notice, recipients.map((member) => member.userId))
      let queued = false
      for (const member of recipients) {
        const { inApp, email } = channelsFor(notice.kind, choices.get(member.userId), notice.email)
        const wantsMail = email && mails !== undefined && member.email !== null
        if (!inApp && !wantsMail) continue
        const { outcome, id } = known.get(member.userId) ?? await store(notice, member.userId, { inApp, mail: wantsMail })
        if (outcome === 'new' && wantsMail) {
          await mails.queue({ _id: id, companyId: notice.companyId, recipientId: member.userId })
          queued = true
        }
      }
      if (queued) void sendSoon()
    },

    async list(reader, { page, pageSize, unread }) {
      const filter = { ...visibleTo(reader), ...(unread === true ? { readAt: null } : {}) }
      const [found, total, unreadCount] = await Promise.all([
        notifications.find(filter).sort({ at: -1, _id: 1 }).skip((page - 1) * pageSize).limit(pageSize).lean(),
        notifications.countDocuments(filter),
        unreadOf(reader),
      ])
      return { items: found.map(viewOf), unread: unreadCount, total }
    },

    async markRead(reader, what) {
      const some = 'ids' in what ? { _id: { $in: what.ids } } : {}
      await notifications.updateMany({ ...visibleTo(reader), ...some, readAt: null }, { $set: { readAt: clock.now() } })
      return unreadOf(reader)
    },

    preferences: preferencesOf,

    async setPreferences(reader, change) {
      const unknown = change.items.find((item) => !notificationKinds.some(({ kind }) => kind === item.kind))
      if (unknown !== undefined) {
        throw new RequestError(422, 'unknown_kind', `There is no kind “${unknown.kind}”. Use one of: ${notificationKinds.map(({ kind }) => kind).join(', ')}.`)
      }
      const set: Record<string, unknown> = {}
      for (const { kind, inApp, email } of change.items) {
        if (inApp !== undefined) set[`choices.${kind}.inApp`] = inApp
        if (email !== undefined) set[`choices.${kind}.email`] = email
      }
      if (Object.keys(set).length > 0) {
        await preferences.updateOne({ _id: idOf(reader), companyId: reader.companyId }, { $set: { userId: reader.userId, ...set } }, { upsert: true })
      }
      return preferencesOf(reader)
    },

    async purge(companyId) {
      await mails?.purge(companyId)
      await notifications.deleteMany({ companyId })
      await preferences.deleteMany({ companyId })
    },
  }

  async function sendSoon(): Promise<void> {
    try {
      await mails?.pump.drain()
    } catch (error) {
      logger.warn({ code: error instanceof Error ? error.name : 'unknown' }, 'e-mails wait for the next tick')
    }
  }
}

function viewOf(record: NotificationRecord): NotificationView {
  const { _id: id, kind, title, body, link, locationId, count } = record
  return { id, kind, title, body, link, locationId, at: record.at.toISOString(), count, readAt: record.readAt?.toISOString() ?? null }
}
