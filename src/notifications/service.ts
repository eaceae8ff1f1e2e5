import type { Connection } from 'mongoose'
import type { ContactIdentity, OutboxMessage } from '../effects/index.ts'
import type { ChatView, NotificationGroup, NotificationView, NoticeTrace, PreferenceChange, PreferenceList, ReadRequest } from '../http/contract/notifications.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { minuteMs, secondMs, type Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import { CodedError, notFound } from '../kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import type { Logger } from '../kernel/logger.ts'
import { createOutbound, type Outbound } from '../kernel/outbound.ts'
import { createLeasedQueue, createPump, type Pump } from '../store/index.ts'
import { createChats } from './chats.ts'
import { forgetInNotices } from './forget.ts'
import { createInbox, type InboxQuery, type Reader } from './inbox.ts'
import { createLetters, type LetterItem } from './letters.ts'
import type { Mailer } from './mailer.ts'
import { notificationModels } from './model.ts'
import type { Notice } from './notice.ts'
import { createPreferences } from './preferences.ts'
import { agencyChat, type Member } from './rules.ts'
import { createLetterHandler } from './sending.ts'
import { createTeams } from './team.ts'
import { createTelling } from './telling.ts'
import type { ThenAndNow } from './weekly.ts'
import { traceOf } from './why.ts'

export interface Notifications {
  /** Idempotent per key: who is told, and how, is decided at the first call. */
  notify(notice: Notice): Promise<void>
  list(reader: Reader, query: InboxQuery): Promise<{ items: NotificationView[]; unread: number; total: number }>
  groups(reader: Reader, query: InboxQuery): Promise<{ items: NotificationGroup[]; unread: number; total: number }>
  /** @returns how many are unread now */
  markRead(reader: Reader, what: ReadRequest): Promise<number>
  /** How the facts of one line reached the person, by channel. @throws RequestError 404 */
  why(reader: Reader, id: string): Promise<NoticeTrace[]>
  /** What the agency's team was told, newest first, and how the person was, or why not. */
  traces(reader: Reader, query: { page: number; pageSize: number; kind?: string | undefined; locationId?: string | undefined }): Promise<{ items: NoticeTrace[]; total: number }>
  preferences(reader: Reader): Promise<PreferenceList>
  /** @throws RequestError 422 `unknown_kind` */
  setPreferences(reader: Reader, change: PreferenceChange): Promise<PreferenceList>
  /** @param owner the person's own chat, or the agency's; null takes it away. @throws RequestError 422 `chat_invalid` */
  setChat(reader: Reader, owner: 'own' | 'agency', url: string | null): Promise<ChatView>
  /** Posts a test message. @throws RequestError 404 without a chat */
  testChat(reader: Reader, owner: 'own' | 'agency'): Promise<{ ok: boolean; code: string | null; says: string }>
  watches(reader: Reader): Promise<string[]>
  /** @throws RequestError 404 */
  watch(reader: Reader, locationId: string, watching: boolean): Promise<string[]>
  /** Letters whose time passed while nobody was there. @returns how many were looked at */
  sweep(limit: number): Promise<number>
  /** Sends letters. */
  pumps: Pump[]
  /** Takes a person out of what the team was told. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes everything of an agency. */
  purge(companyId: string): Promise<void>
}

export interface NotificationsDeps {
  connection: Connection
  clock: Clock
  logger: Logger
  box: CryptoBox
  settings: { get(companyId: string): Promise<AgencySettings> }
  /** Who is on the team, and who owns an account. */
  accounts: {
    get(companyId: string, locationId: string): Promise<{ name: string; csm: { userId: string } | null } | null>
    agencyUsers(companyId: string): Promise<Member[]>
  }
  mailer?: Mailer
  outbound?: Outbound
  faultPoint?: FaultPoint
  /** Zone of people who chose none in an agency that set none: the success location's. */
  agencyZone: (companyId: string) => Promise<string | null>
  isLive: (companyId: string) => Promise<boolean>
  /** Somebody was told something, or looked at it. */
  changed?: (companyId: string) => void
  thenAndNow: ThenAndNow
  primaryContact: (companyId: string, locationId: string) => Promise<ContactIdentity | null>
  send: (message: OutboxMessage) => Promise<unknown>
}

const maxLeases = 20

export function createNotifications(deps: NotificationsDeps): Notifications {
  const { connection, clock, logger, accounts, mailer, settings, faultPoint = noFaultPoint, outbound = createOutbound() } = deps
  const models = notificationModels(connection)
  const queue = createLeasedQueue<LetterItem>(connection, {
    collection: 'notification_sends', clock, faultPoint,
    // The letter counts its own attempts; the queue's go on until it is given up.
    maxAttempts: maxLeases, maxCrashes: maxLeases, backoff: { baseMs: 20 * secondMs, maxMs: 30 * minuteMs },
  })
  const chats = createChats(models.chats, { box: deps.box, clock, outbound })
  const teams = createTeams({ models, clock, chats, settings, agencyZone: deps.agencyZone, agencyUsers: (companyId) => accounts.agencyUsers(companyId) })
  const letters = createLetters({ letters: models.letters, notices: models.notices, queue, clock, faultPoint })
  const inbox = createInbox(models.notifications, clock)
  const preferences = createPreferences({ preferences: models.preferences, teams, chats, letters, clock, mailAvailable: mailer !== undefined })
  const telling = createTelling({ notices: models.notices, inbox, letters, teams, clock, faultPoint, mailAvailable: mailer !== undefined, accountOwner: async (companyId, locationId) => (await accounts.get(companyId, locationId))?.csm?.userId ?? null })
  const accountName = async (companyId: string, locationId: string): Promise<string | null> => (await accounts.get(companyId, locationId))?.name ?? null
  const handle = createLetterHandler({
    letters: models.letters, notices: models.notices, chats, mailer, clock, logger, faultPoint, accountName,
    settings: (companyId) => settings.get(companyId),
    memberOf: async (companyId, userId) => (await teams.of(companyId)).members.find((member) => member.userId === userId) ?? null,
    timingOf: async (companyId, recipientId) => (await teams.of(companyId)).timingOf(recipientId),
    isLive: deps.isLive, thenAndNow: deps.thenAndNow, primaryContact: deps.primaryContact, send: deps.send,
  })
  const pump = createPump<LetterItem>({ name: 'notices', queue, clock, logger, concurrency: 4, perCompany: 2, handle })

  async function tracesOf(reader: Reader, found: Awaited<ReturnType<typeof telling.newest>>): Promise<NoticeTrace[]> {
    const { companyId, userId } = reader
    const ids = found.flatMap(({ to }) => Object.values(to[userId]?.letters ?? {}).map(({ id }) => id))
    const [team, written] = await Promise.all([teams.of(companyId), models.letters.find({ _id: { $in: ids }, companyId }).lean()])
    const scene = { userId, members: team.members, letters: new Map(written.map((letter) => [letter._id, letter])), zone: team.timingOf(userId).zone }
    return found.map((notice) => traceOf(notice, scene))
  }

  const chatOwner = (reader: Reader, owner: 'own' | 'agency'): string => (owner === 'own' ? reader.userId : agencyChat)
  const watchesOf = async ({ companyId, userId }: Reader): Promise<string[]> => (await models.watches.find({ companyId, userId }, { locationId: 1 }).lean()).map(({ locationId }) => locationId)

  return {
    pumps: [pump],
    async notify(notice) {
      await telling.tell(notice)
      deps.changed?.(notice.companyId)
    },
    list: (reader, query) => inbox.list(reader, query),

    async groups(reader, query) {
      const { items, ...counts } = await inbox.groups(reader, query)
      const named = items.map(async (group) => ({ ...group, accountName: group.locationId === null ? null : await accountName(reader.companyId, group.locationId) }))
      return { ...counts, items: await Promise.all(named) }
    },

    async markRead(reader, what) {
      const unread = await inbox.markRead(reader, what)
      deps.changed?.(reader.companyId)
      return unread
    },

    async why(reader, id) {
      const line = await inbox.one(reader, id)
      if (line === null) throw notFound('notification')
      return tracesOf(reader, await telling.byKeys(reader.companyId, line.keys))
    },

    async traces(reader, query) {
      const [found, total] = await Promise.all([telling.newest(reader.companyId, query), telling.count(reader.companyId, query)])
      return { items: await tracesOf(reader, found), total }
    },

    preferences: (reader) => preferences.of(reader),
    setPreferences: (reader, change) => preferences.set(reader, change),

    async setChat(reader, owner, url) {
      const { companyId } = reader
      if (url === null) await chats.remove(companyId, chatOwner(reader, owner))
      else await chats.set(companyId, chatOwner(reader, owner), url, reader.userId)
      teams.forget(companyId)
      return chats.view(companyId, chatOwner(reader, owner))
    },

    async testChat(reader, owner) {
      const { brand, notices } = await settings.get(reader.companyId)
      const text = `This is a test from ${brand.name}. Notifications that you choose will arrive here.`
      try {
        await chats.post(reader.companyId, chatOwner(reader, owner), { subject: text, lead: '', sections: [{ title: '', lines: [{ text, detail: '' }] }], more: '' }, notices.workspaceUrl)
        return { ok: true, code: null, says: 'The chat took it. Look whether it is there.' }
      } catch (error) {
        if (!(error instanceof CodedError)) throw error
        if (error.code === 'no_chat') throw notFound('chat')
        return { ok: false, code: error.code, says: error.message }
      }
    },

    watches: watchesOf,
    async watch(reader, locationId, watching) {
      const { companyId, userId } = reader
      if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
      const _id = `${companyId}:${locationId}:${userId}`
      if (watching) await models.watches.updateOne({ _id, companyId }, { $set: { locationId, userId } }, { upsert: true })
      else await models.watches.deleteOne({ _id, companyId })
      teams.forget(companyId)
      return watchesOf(reader)
    },

    sweep: (limit) => letters.sweep(limit),

    forget: (person) => forgetInNotices(models, person),

    async purge(companyId) {
      await queue.purge(companyId)
      await models.letters.deleteMany({ companyId })
      await models.notices.deleteMany({ companyId })
      await models.notifications.deleteMany({ companyId })
      await models.preferences.deleteMany({ companyId })
      await models.chats.deleteMany({ companyId })
      await models.watches.deleteMany({ companyId })
      teams.forget(companyId)
    },
  }
}
