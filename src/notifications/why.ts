import { noticeChannels, type NoticeChannel } from '../http/contract/notice-kinds.ts'
import type { NoticeDecisionView, NoticeTrace } from '../http/contract/notifications.ts'
import type { LetterRecord, NoticeRecord, RecipientDecision } from './model.ts'
import { agencyChat, sharedRecipient, type Decision, type Member } from './rules.ts'
import { shownTime } from './times.ts'

const nouns: Readonly<Record<NoticeChannel, string>> = { in_app: 'In the app', email: 'E-mail', task: 'Task', chat: 'Chat' }
const choosers: Readonly<Record<Decision['by'], string>> = { person: 'your choice', agency: 'your agency’s choice', default: 'the default', workflow: 'what the workflow says' }

/** Reasons as people read them. */
const reasons: Readonly<Record<string, string>> = {
  gathering: 'what else happens in this account is gathered first',
  quiet_hours: 'it is night for you',
  digest: 'it comes with the digest',
  no_mail_server: 'this server cannot send e-mail',
  no_address: 'no e-mail address of yours is known',
  no_chat: 'you have no chat address',
  no_account: 'it is about no account',
  no_contact: 'the account has nobody to hang a task on',
  nobody_known: 'nobody of the team was known yet',
  nothing_changed: 'nothing is different from a week ago',
  left_team: 'the person left the team',
  uninstalled: 'the app was removed',
  not_recorded: 'the sender stopped while it was on its way',
  mail_uncertain: 'the mail server did not say whether it took it',
  chat_uncertain: 'the chat did not say whether it took it',
  mail_refused: 'the mail server refused it',
  mail_failed: 'the mail server could not be reached',
  chat_refused: 'the chat refused it',
  chat_failed: 'the chat could not be reached',
  chat_busy: 'the chat asked for a pause',
}
const reasonOf = (code: string | null): string => (code === null ? '' : (reasons[code] ?? code))

/** What became of one fact on one channel. @param letter as it is now; undefined if it was not started yet */
export function decisionView(channel: NoticeChannel, decision: Decision, letter: LetterRecord | undefined, zone: string): NoticeDecisionView {
  const { rhythm, by, obstacle } = decision
  const view = (state: NoticeDecisionView['state'], says: string, reason: string | null = null, at: Date | null = null): NoticeDecisionView => ({
    channel, rhythm, by, state, reason, at: at?.toISOString() ?? null, says: `${nouns[channel]}: ${says}`,
  })
  if (rhythm === 'off') return view('off', `off, by ${choosers[by]}.`, `off_by_${by}`)
  if (obstacle !== null) return view('not_sent', `not sent, because ${reasonOf(obstacle)}.`, obstacle)
  if (channel === 'in_app') return view('shown', `shown, by ${choosers[by]}.`)
  if (letter === undefined) return view('waiting', 'it is being put on its way.')
  const { state, reason, dueAt, sentAt } = letter
  switch (state) {
    case 'open':
    case 'closed':
      return view('waiting', `waits until ${shownTime(dueAt, zone)}${reason === null ? '' : `, because ${reasonOf(reason)}`}.`, reason, dueAt)
    case 'sending':
      return view('sending', 'is being sent now.')
    case 'sent':
      return view('sent', `sent ${sentAt === null ? '' : shownTime(sentAt, zone)}, by ${choosers[by]}.`, null, sentAt)
    case 'uncertain':
      return view('uncertain', `may not have arrived, because ${reasonOf(reason)}. It was not sent again, so that nothing is said twice.`, reason)
    case 'failed':
      return view('failed', `not sent, because ${reasonOf(reason)}.`, reason)
    case 'not_sent':
      return view('not_sent', `not sent, because ${reasonOf(reason)}.`, reason)
  }
}

export interface TraceScene {
  userId: string
  members: readonly Member[]
  /** By id. */
  letters: ReadonlyMap<string, LetterRecord>
  zone: string
}

/** One fact as the person who asks sees it. */
export function traceOf(notice: NoticeRecord, { userId, members, letters, zone }: TraceScene): NoticeTrace {
  const nameOf = (id: string): string =>
    id === sharedRecipient ? 'Everybody' : id === agencyChat ? 'The agency’s chat' : (members.find((member) => member.userId === id)?.name ?? 'Somebody who left')
  const told = notice.recipientIds.map((id) => ({ userId: id, name: nameOf(id) }))
  const mine: RecipientDecision | undefined = notice.to[userId] ?? notice.to[sharedRecipient]
  const channels = mine === undefined ? [] : noticeChannels.map((channel) => decisionView(channel, mine.channels[channel], letters.get(mine.letters[channel]?.id ?? ''), zone))
  const people = told.filter((one) => one.userId !== agencyChat).map(({ name }) => name)
  const others = people.length > 3 ? `${people.slice(0, 3).join(', ')} and ${people.length - 3} more` : people.join(', ')
  const says =
    mine !== undefined
      ? channels.map((one) => one.says).join(' ')
      : notice.audience === 'owner' ? `It is for whoever looks after it, and went to ${others}.` : `It went to ${others === '' ? 'nobody' : others}; you were not on the team or not among them then.`
  return { id: notice._id, kind: notice.kind, title: notice.title, locationId: notice.locationId, at: notice.at.toISOString(), audience: notice.audience, told, you: { told: mine !== undefined, says, channels } }
}
