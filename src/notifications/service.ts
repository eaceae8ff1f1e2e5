import type { Connection } from 'mongoose'
import type { NotificationView, Preference, PreferenceChange, ReadRequest } from '../http/contract/notifications.ts'
import { secondMs, type Clock } from '../kernel/clock.ts'
import { RequestError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { areDuplicateKeys, type Pump } from '../store/index.ts'
import type { Mailer } from './mailer.ts'
import { createMails } from './mails.ts'
import { notificationModels, type NotificationRecord, type PreferenceRecord } from './model.ts'
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
  /** Owner of the account, where the caller has just read it; looked up if left out. */
  accountOwnerId?: string | null
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

interface Recipient {
  userId: string
  inApp: boolean
  mail: boolean
}

interface Team {
  members: Member[]
  choices: ReadonlyMap<string, PreferenceRecord['choices']>
  untilMs: number
}

const teamCacheMs = 2 * secondMs
const maxTeams = 2_000

export function createNotifications(deps: NotificationsDeps): Notifications {
  const { connection, clock, logger, accounts, mailer } = deps
  const { notifications, preferences } = notificationModels(connection)
  const idOf = (reader: Reader) => `${reader.companyId}:${reader.userId}`
  const teams = new Map<string, Team>()
  const mails =
    mailer === undefined
      ? undefined
      : createMails({
          connection, clock, logger, mailer, notifications,
          memberOf: async (companyId, userId) => (await accounts.agencyUsers(companyId)).find((member) => member.userId === userId) ?? null,
        })

  /** The team and what each of them chose: read at most every two seconds per agency. Somebody who joined, left or chose otherwise in another process is noticed then. */
  async function teamOf(companyId: string): Promise<Team> {
    const cached = teams.get(companyId)
    if (cached !== undefined && cached.untilMs > clock.nowMs()) return cached
    const [members, chosen] = await Promise.all([accounts.agencyUsers(companyId), preferences.find({ companyId }).lean()])
    const team = { members, choices: new Map(chosen.map((record) => [record.userId, record.choices])), untilMs: clock.nowMs() + teamCacheMs }
    if (teams.size >= maxTeams) teams.clear()
    teams.set(companyId, team)
    return team
  }

  async function ownerOf({ companyId, locationId, audience, ownerId = null, accountOwnerId }: Notice): Promise<string | null> {
    if (audience !== 'owner' || ownerId !== null || locationId === null) return ownerId
    return accountOwnerId === undefined ? ((await accounts.get(companyId, locationId))?.csm?.userId ?? null) : accountOwnerId
  }

  const burstOf = ({ companyId, kind, locationId }: Notice) => ({ companyId, kind, locationId })
  const nearTo = (at: Date) => ({ $gt: new Date(at.getTime() - burstMs), $lt: new Date(at.getTime() + burstMs) })

  /**
   * Tells the fact to all recipients: adds it to their open bursts where it is not in yet, starts bursts for the others. Every write names the fact,
   * so that a repetition finds it done. @returns the ids of the records that this fact started, now or at an earlier attempt, by recipient
   */
  async function store(notice: Notice, recipients: readonly Recipient[]): Promise<Map<string, string>> {
    const { companyId, kind, locationId, key, title, body, link, at } = notice
    const joining = { $set: { title, body, link, at, readAt: null }, $inc: { count: 1 }, $push: { keys: { $each: [key], $slice: -200 } } }
    const ids = recipients.map(({ userId }) => userId)
    // One look for records that this fact is in and for those that it may join.
    const near = await notifications.find({ ...burstOf(notice), recipientId: { $in: ids }, $or: [{ keys: key }, { firstAt: nearTo(at) }] }, { recipientId: 1, firstKey: 1, keys: 1 }).sort({ firstAt: 1 }).lean()
    const known = near.filter(({ keys }) => keys.includes(key))
    const told = new Set(known.map(({ recipientId }) => recipientId))
    const started = new Map(known.filter(({ firstKey }) => firstKey === key).map(({ _id, recipientId }) => [recipientId, _id]))
    const open = new Map<string, string>()
    for (const { _id, recipientId } of near) if (!told.has(recipientId) && !open.has(recipientId)) open.set(recipientId, _id)
    if (open.size > 0) await notifications.updateMany({ _id: { $in: [...open.values()] }, companyId, keys: { $ne: key } }, joining)
    const fresh = recipients.filter(({ userId }) => !told.has(userId) && !open.has(userId))
    const records = fresh.map(({ userId: recipientId, inApp, mail }): NotificationRecord => ({
      _id: burstId(companyId, recipientId, kind, locationId, at), companyId, recipientId, kind, locationId,
      title, body, link, firstAt: at, at, count: 1, firstKey: key, keys: [key], hidden: !inApp, readAt: null, mail: mail ? 'queued' : 'none',
    }))
    if (records.length === 0) return started
    try {
      await notifications.insertMany(records, { ordered: false })
    } catch (error) {
      if (!areDuplicateKeys(error)) throw error
      // Somebody started the same burst in between: join it, unless it was this very fact.
      const mine = records.map(({ _id }) => _id)
      await notifications.updateMany({ _id: { $in: mine }, companyId, keys: { $ne: key } }, joining)
      const first = await notifications.find({ _id: { $in: mine }, companyId, firstKey: key }, { recipientId: 1 }).lean()
      for (const { _id, recipientId } of first) started.set(recipientId, _id)
      return started
    }
    for (const { _id, recipientId } of records) started.set(recipientId, _id)
    return started
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
      const [ownerId, team] = await Promise.all([ownerOf(notice), teamOf(notice.companyId)])
      const found = recipientsOf(notice.audience, ownerId, team.members)
      const members = found.length > 0 ? found : [{ userId: sharedRecipient, name: '', email: null }]
      const recipients = members.flatMap(({ userId, email: address }): Recipient[] => {
        const { inApp, email } = channelsFor(notice.kind, team.choices.get(userId)?.[notice.kind], notice.email)
        const mail = email && mails !== undefined && address !== null
        return inApp || mail ? [{ userId, inApp, mail }] : []
      })
      const started = await store(notice, recipients)
      let queued = false
      for (const { userId, mail } of recipients) {
        const id = started.get(userId)
        if (!mail || mails === undefined || id === undefined) continue
        await mails.queue({ _id: id, companyId: notice.companyId, recipientId: userId })
        queued = true
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
        teams.delete(reader.companyId)
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
