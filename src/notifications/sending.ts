import type { Model } from 'mongoose'
import type { ContactIdentity, OutboxMessage } from '../effects/index.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import { CodedError, describeError, PermanentError } from '../kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Claimed, HandleOutcome } from '../store/index.ts'
import type { Chats } from './chats.ts'
import type { LetterItem } from './letters.ts'
import { mailOf } from './mail.ts'
import type { Mailer } from './mailer.ts'
import { burstMessage, dailyMessage, weeklyMessage, type Message } from './message.ts'
import type { LetterRecord, NoticeRecord } from './model.ts'
import { agencyChat, type Member } from './rules.ts'
import { quietUntil, weekBefore, type Timing } from './times.ts'
import { weeklyAccount, type ThenAndNow } from './weekly.ts'

/** What letters are made of and sent with. */
export interface SendingDeps {
  letters: Model<LetterRecord>
  notices: Model<NoticeRecord>
  chats: Chats
  mailer: Mailer | undefined
  clock: Clock
  logger: Logger
  faultPoint?: FaultPoint
  settings: (companyId: string) => Promise<AgencySettings>
  memberOf: (companyId: string, userId: string) => Promise<Member | null>
  timingOf: (companyId: string, recipientId: string) => Promise<Timing>
  accountName: (companyId: string, locationId: string) => Promise<string | null>
  isLive: (companyId: string) => Promise<boolean>
  thenAndNow: ThenAndNow
  /** Whom the agency talks to at an account: the contact that a task hangs on. */
  primaryContact: (companyId: string, locationId: string) => Promise<ContactIdentity | null>
  /** Idempotent by the message's key. */
  send: (message: OutboxMessage) => Promise<unknown>
}

/** Attempts over some hours; a letter that the other side will not have by then is given up. */
export const maxLetterAttempts = 12
const taskDueMs = dayMs
const mostWeeklyAccounts = 200

/**
 * Works on one letter, any number of times. While it is open it may wait; closing fixes its facts; `sending` is recorded before the other side is asked,
 * so that whoever finds it knows that an attempt may have arrived: it is then not repeated but said to be uncertain. Tasks have a key of their own
 * on the way to HighLevel and need no such mark.
 */
export function createLetterHandler(deps: SendingDeps): (claimed: Claimed<LetterItem>) => Promise<HandleOutcome> {
  const { letters, notices, chats, mailer, clock, logger, faultPoint = noFaultPoint } = deps

  const move = (letter: LetterRecord, from: readonly LetterRecord['state'][], set: Partial<LetterRecord>) =>
    letters.findOneAndUpdate({ _id: letter._id, companyId: letter.companyId, state: { $in: [...from] } }, { $set: set }, { returnDocument: 'after' }).lean<LetterRecord>()

  /** Until when the letter still waits; null → it is to be closed now. */
  async function waitsUntil(letter: LetterRecord, now: Date): Promise<{ untilAt: Date; reason: string } | null> {
    if (letter.dueAt > now) return { untilAt: letter.dueAt, reason: letter.reason ?? 'gathering' }
    if (letter.rhythm !== 'at_once' || letter.urgent || letter.recipientId === agencyChat) return null
    // The night may have begun, or the person may have gone to another zone, since the letter was opened.
    const { quietHours, zone } = await deps.timingOf(letter.companyId, letter.recipientId)
    const morning = quietUntil(quietHours, now, zone)
    if (morning === null) return null
    await move(letter, ['open'], { dueAt: morning, reason: 'quiet_hours' })
    return { untilAt: morning, reason: 'quiet_hours' }
  }

  async function messageOf(letter: LetterRecord): Promise<Message | null> {
    const { companyId, rhythm, locationId } = letter
    const told = await notices.find({ _id: { $in: letter.notices }, companyId }, { to: 0 }).lean<NoticeRecord[]>()
    if (told.length === 0) return null
    const nameOf = async (id: string): Promise<string> => (await deps.accountName(companyId, id)) ?? 'An account'
    if (rhythm === 'at_once') return burstMessage(told, locationId === null ? null : await nameOf(locationId))
    const { zone } = await deps.timingOf(companyId, letter.recipientId)
    const ids = [...new Set(told.map((notice) => notice.locationId))]
    if (rhythm === 'daily') {
      const names = new Map(await Promise.all(ids.filter((id) => id !== null).map(async (id) => [id, await nameOf(id)] as const)))
      return dailyMessage(told, (id) => names.get(id) ?? 'An account', letter.dueAt, zone)
    }
    const from = weekBefore(letter.dueAt, zone)
    const accounts = []
    for (const id of ids.slice(0, mostWeeklyAccounts)) {
      const about = told.filter((notice) => notice.locationId === id)
      accounts.push(id === null ? weeklyAccount('Your agency', about, null) : weeklyAccount(await nameOf(id), about, await deps.thenAndNow(companyId, id, from, letter.dueAt)))
    }
    return weeklyMessage(accounts, from, letter.dueAt, zone)
  }

  /** Why a closed letter is not sent at all; null if it is. */
  async function hindrance(letter: LetterRecord, member: Member | null): Promise<string | null> {
    if (!(await deps.isLive(letter.companyId))) return 'uninstalled'
    if (letter.recipientId !== agencyChat && member === null) return 'left_team'
    if (letter.channel !== 'email') return null
    if (mailer === undefined) return 'no_mail_server'
    return (member?.email ?? '') === '' ? 'no_address' : null
  }

  async function sendTask(letter: LetterRecord, message: Message): Promise<string | null> {
    const { companyId, locationId, recipientId, _id } = letter
    const contact = locationId === null ? null : await deps.primaryContact(companyId, locationId)
    if (contact === null) return 'no_contact'
    const body = message.sections.flatMap(({ lines }) => lines.map(({ text, detail }) => [text === message.subject ? '' : text, detail].filter((part) => part !== '').join('\n'))).join('\n\n')
    await deps.send({
      key: `notice:${_id}`, companyId, contact, dueAt: clock.now(),
      content: { kind: 'task', title: message.subject.slice(0, 300), body, dueAt: new Date(letter.dueAt.getTime() + taskDueMs), assignedTo: recipientId },
    })
    return null
  }

  async function deliver(letter: LetterRecord, message: Message, member: Member | null): Promise<void> {
    const { notices: { workspaceUrl }, brand } = await deps.settings(letter.companyId)
    if (letter.channel === 'chat') return chats.post(letter.companyId, letter.recipientId, message, workspaceUrl)
    await mailer?.send({ to: member?.email ?? '', ...mailOf(message, brand, workspaceUrl), messageId: `<${letter._id}@notifications.barometer>` })
  }

  function warnUncertain(letter: LetterRecord): void {
    logger.warn({ companyId: letter.companyId, letterId: letter._id, channel: letter.channel }, 'it is unknown whether a notification was sent; it is not sent again')
  }

  return async ({ companyId, data }) => {
    if (companyId === null) return 'ignored'
    let letter = await letters.findOne({ _id: data.letterId, companyId }).lean<LetterRecord>()
    if (letter === null) return 'ignored'
    if (letter.state === 'sending') {
      // An earlier attempt ended between the other side and our record: sending again could say it twice.
      if ((await move(letter, ['sending'], { state: 'uncertain', reason: 'not_recorded' })) !== null) warnUncertain(letter)
      return 'ignored'
    }
    if (letter.state !== 'open' && letter.state !== 'closed') return 'ignored'
    if (letter.state === 'open') {
      const wait = await waitsUntil(letter, clock.now())
      if (wait !== null) return { hold: wait }
      const closed = await move(letter, ['open'], { state: 'closed', reason: null })
      if (closed === null) return 'ignored'
      letter = closed
      faultPoint('notices.closed')
    }
    const member = letter.recipientId === agencyChat ? null : await deps.memberOf(companyId, letter.recipientId)
    const hindered = await hindrance(letter, member)
    const message = hindered === null ? await messageOf(letter) : null
    if (message === null) {
      await move(letter, ['closed'], { state: 'not_sent', reason: hindered ?? 'nothing_changed' })
      return 'ignored'
    }
    if (letter.channel === 'task') {
      const problem = await sendTask(letter, message)
      await move(letter, ['closed'], problem === null ? { state: 'sent', reason: null, sentAt: clock.now() } : { state: 'not_sent', reason: problem })
      return problem === null ? 'done' : 'ignored'
    }
    const taken = await move(letter, ['closed'], { state: 'sending', attempts: letter.attempts + 1 })
    if (taken === null) return 'ignored'
    try {
      await deliver(taken, message, member)
    } catch (error) {
      return afterFailure(taken, error)
    }
    faultPoint('notices.accepted')
    // Somebody who took this attempt for dead may have called it uncertain: we know better.
    await move(taken, ['sending', 'uncertain'], { state: 'sent', reason: null, sentAt: clock.now() })
    return 'done'
  }

  async function afterFailure(letter: LetterRecord, error: unknown): Promise<HandleOutcome> {
    const code = describeError(error).code
    if (code === 'mail_uncertain' || code === 'chat_uncertain') {
      await move(letter, ['sending'], { state: 'uncertain', reason: code })
      warnUncertain(letter)
      return 'ignored'
    }
    if (error instanceof CodedError && code === 'no_chat') {
      await move(letter, ['sending'], { state: 'not_sent', reason: code })
      return 'ignored'
    }
    const isLast = error instanceof PermanentError || letter.attempts >= maxLetterAttempts
    await move(letter, ['sending'], isLast ? { state: 'failed', reason: code } : { state: 'closed', reason: code })
    if (isLast && !(error instanceof PermanentError)) throw new PermanentError(code, `Given up after ${letter.attempts} attempts: ${describeError(error).message}`, { cause: error })
    throw error
  }
}
