import { minuteMs } from '../kernel/clock.ts'
import { hashOf } from '../kernel/ids.ts'

/** Facts of one kind in one account that are closer than this are one notification. */
export const burstMs = 5 * minuteMs

/** Recipient of what nobody in particular can be told yet; every agency user sees it. */
export const sharedRecipient = '*'

export interface KindDefaults {
  kind: string
  label: string
  inApp: boolean
  email: 'off' | 'at_once'
}

/** What people can set preferences for, in the order of the page, with what holds until they do. */
export const notificationKinds: readonly KindDefaults[] = [
  { kind: 'case_opened', label: 'Not Happy case opened', inApp: true, email: 'at_once' },
  { kind: 'case_overdue', label: 'Case overdue', inApp: true, email: 'at_once' },
  { kind: 'happiness_changed', label: 'Happiness changed', inApp: true, email: 'off' },
  { kind: 'feedback_received', label: 'Feedback received', inApp: true, email: 'off' },
  { kind: 'health_changed', label: 'Health Status changed', inApp: true, email: 'off' },
  { kind: 'health_struggling', label: 'An account is Struggling', inApp: true, email: 'at_once' },
  { kind: 'health_note_wanted', label: 'A status change lacks its note', inApp: true, email: 'off' },
  { kind: 'health_value_refused', label: 'A status value was put back', inApp: true, email: 'off' },
  { kind: 'health_stale', label: 'Health Status is stale', inApp: true, email: 'off' },
  { kind: 'account_silent', label: 'Nobody answers', inApp: true, email: 'off' },
  { kind: 'csm_assigned', label: 'An account has a new owner', inApp: true, email: 'off' },
  { kind: 'reconnect_needed', label: 'Reconnect needed', inApp: true, email: 'at_once' },
  { kind: 'setup_drift', label: 'Set-up changed', inApp: true, email: 'off' },
]

export interface Choice {
  inApp?: boolean
  email?: 'off' | 'at_once'
}

/** What holds for one person and kind: their choice, else the kind's default, else what the notice suggests. */
export function channelsFor(kind: string, choice: Choice | undefined, suggestsEmail: boolean): { inApp: boolean; email: boolean } {
  const defaults = notificationKinds.find((each) => each.kind === kind)
  const email = choice?.email ?? defaults?.email ?? (suggestsEmail ? 'at_once' : 'off')
  return { inApp: choice?.inApp ?? defaults?.inApp ?? true, email: email === 'at_once' }
}

export interface Member {
  userId: string
  name: string
  email: string | null
}

/** Who is told: the owner alone, if asked for and still on the team; else everybody. Empty only if the team is unknown. */
export function recipientsOf(audience: 'owner' | 'everyone', ownerId: string | null, team: readonly Member[]): Member[] {
  const owner = audience === 'owner' ? team.find((member) => member.userId === ownerId) : undefined
  return owner === undefined ? [...team] : [owner]
}

/** Id of the record that a fact starts if there is no open burst to join: the same for all facts of one time slice, so that two processes meet. */
export function burstId(companyId: string, recipientId: string, kind: string, locationId: string | null, at: Date): string {
  return hashOf('notification', companyId, recipientId, kind, locationId ?? '', String(Math.floor(at.getTime() / burstMs))).slice(0, 32)
}
