import { channelRhythms, defaultChoices, noticeChannels, noticeKinds, type NoticeChannel, type NoticeKind, type NoticeRhythm } from '../http/contract/notice-kinds.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { minuteMs } from '../kernel/clock.ts'
import { hashOf } from '../kernel/ids.ts'
import type { Timing } from './times.ts'

/** Facts of one kind in one account that are closer than this are one line in the app. */
export const burstMs = 5 * minuteMs

/** Recipient of what nobody in particular can be told yet; every agency user sees it. */
export const sharedRecipient = '*'
/** Recipient that stands for the agency's shared chat. */
export const agencyChat = 'agency_chat'

export type Audience = 'owner' | 'everyone' | 'leads'

export interface Member {
  userId: string
  name: string
  email: string | null
  role?: 'admin' | 'user'
}

/** A person's own rhythms for one kind; the rest is the agency's. */
export type Choice = Partial<Record<NoticeChannel, NoticeRhythm>>

/** What one person chose, or nothing yet. */
export interface Choices {
  choices: Readonly<Record<string, Choice>>
  urgent: readonly string[]
  timing: Partial<Timing>
}
export const noChoices: Choices = { choices: {}, urgent: [], timing: {} }

export type ChosenBy = 'person' | 'agency' | 'default' | 'workflow'

/** Who decided the rhythm of a channel, and how. */
export interface Chosen {
  rhythm: NoticeRhythm
  by: ChosenBy
}

export function isKind(kind: string): kind is NoticeKind {
  return (noticeKinds as readonly string[]).includes(kind)
}

/** The person's choice, else the agency's, else what the workflow suggests (for kinds of an agency's own workflows). */
export function chosenFor(kind: string, channel: NoticeChannel, own: Choice | undefined, agency: AgencySettings['notices']['kinds'], suggested: readonly NoticeChannel[]): Chosen {
  const mine = own?.[channel]
  if (mine !== undefined && (channelRhythms[channel] as readonly NoticeRhythm[]).includes(mine)) return { rhythm: mine, by: 'person' }
  if (!isKind(kind)) return { rhythm: channel === 'in_app' || suggested.includes(channel) ? 'at_once' : 'off', by: 'workflow' }
  const rhythm = agency[kind][channel]
  return { rhythm, by: rhythm === defaultChoices[kind][channel] ? 'default' : 'agency' }
}

/** Why a channel that is wanted cannot be used. */
export type Obstacle = 'no_mail_server' | 'no_address' | 'no_chat' | 'no_account' | 'no_contact' | 'nobody_known'

/** What was decided for one person and channel, once and for all, when the fact was told. `obstacle`: wanted, but not possible. */
export interface Decision extends Chosen {
  obstacle: Obstacle | null
}

/** What a person can be reached by. */
export interface Reach {
  mailServer: boolean
  address: boolean
  chat: boolean
  account: boolean
}

/** One decision per channel. */
export function decide(kind: string, own: Choice | undefined, agency: AgencySettings['notices']['kinds'], suggested: readonly NoticeChannel[], reach: Reach): Record<NoticeChannel, Decision> {
  const obstacleOf: Record<NoticeChannel, Obstacle | null> = {
    in_app: null,
    email: !reach.mailServer ? 'no_mail_server' : reach.address ? null : 'no_address',
    task: reach.account ? null : 'no_account',
    chat: reach.chat ? null : 'no_chat',
  }
  const decided = noticeChannels.map((channel): [NoticeChannel, Decision] => {
    const chosen = chosenFor(kind, channel, own, agency, suggested)
    return [channel, { ...chosen, obstacle: chosen.rhythm === 'off' ? null : obstacleOf[channel] }]
  })
  return Object.fromEntries(decided) as Record<NoticeChannel, Decision>
}

/**
 * Who is told. `owner`: whoever looks after the matter, else after the account, if they are still on the team; else everybody.
 * `leads`: those the agency named, else its admins, and the owner with them. Watchers of the account are added. Empty only if the team is unknown.
 */
export function recipientsOf(audience: Audience, owners: readonly (string | null | undefined)[], team: readonly Member[], leads: readonly string[] = [], watchers: readonly string[] = []): Member[] {
  const ownerId = owners.find((id) => id !== null && id !== undefined && team.some((member) => member.userId === id))
  const named = team.filter((member) => leads.includes(member.userId))
  const heads = named.length > 0 ? named : team.filter((member) => member.role === 'admin')
  const wanted = (member: Member): boolean => {
    if (watchers.includes(member.userId) || audience === 'everyone') return true
    if (audience === 'owner') return ownerId === undefined || member.userId === ownerId
    return heads.length === 0 || member.userId === ownerId || heads.includes(member)
  }
  return team.filter(wanted)
}

/** Id of the line that a fact starts if there is no open burst to join: the same for all facts of one time slice, so that two processes meet. */
export function burstId(companyId: string, recipientId: string, kind: string, locationId: string | null, at: Date): string {
  return hashOf('notification', companyId, recipientId, kind, locationId ?? '', String(Math.floor(at.getTime() / burstMs))).slice(0, 32)
}

/** Id of the letter that gathers what happens in one account now, or that goes out on one day. */
export function letterId(companyId: string, recipientId: string, channel: NoticeChannel, about: { locationId: string | null; urgent: boolean; sliceMs: number } | { rhythm: 'daily' | 'weekly'; day: string }): string {
  const parts = 'day' in about ? [about.rhythm, about.day] : ['at_once', about.locationId ?? '', about.urgent ? 'urgent' : '', String(about.sliceMs)]
  return hashOf('letter', companyId, recipientId, channel, ...parts).slice(0, 32)
}
