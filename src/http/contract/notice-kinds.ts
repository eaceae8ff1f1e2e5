/** Ways in which a person can be told. */
export const noticeChannels = ['in_app', 'email', 'task', 'chat'] as const
export type NoticeChannel = (typeof noticeChannels)[number]

/** Never; at once (a burst of one account is one message); once a day; on Mondays, and then only what changed since the Monday before. */
export const noticeRhythms = ['off', 'at_once', 'daily', 'weekly'] as const
export type NoticeRhythm = (typeof noticeRhythms)[number]

/** What each channel can do: a line in the app and a task are about one moment. */
export const channelRhythms = {
  in_app: ['off', 'at_once'],
  email: ['off', 'at_once', 'daily', 'weekly'],
  task: ['off', 'at_once'],
  chat: ['off', 'at_once', 'daily', 'weekly'],
} as const satisfies Record<NoticeChannel, readonly NoticeRhythm[]>

/** The rhythm of each channel for one kind. */
export type ChannelChoice = { [C in NoticeChannel]: (typeof channelRhythms)[C][number] }

/** What a person can be told about, in the order of the page. */
export const noticeKinds = [
  'case_opened', 'case_overdue', 'case_escalated', 'happiness_changed', 'feedback_received', 'health_changed', 'health_struggling', 'health_note_wanted', 'health_value_refused',
  'health_stale', 'account_silent', 'account_churned', 'user_inactive', 'payment_failed', 'payment_recovered', 'renewal_ahead', 'score_milestone', 'csm_assigned', 'reconnect_needed', 'setup_drift',
] as const
export type NoticeKind = (typeof noticeKinds)[number]

export const noticeLabels: Readonly<Record<NoticeKind, string>> = {
  case_opened: 'Not Happy case opened',
  case_overdue: 'Case overdue',
  case_escalated: 'Case overdue for long',
  happiness_changed: 'Happiness changed',
  feedback_received: 'Feedback received',
  health_changed: 'Health Status changed',
  health_struggling: 'An account is Struggling',
  health_note_wanted: 'A status change lacks its note',
  health_value_refused: 'A status value was put back',
  health_stale: 'Health Status is stale',
  account_silent: 'Nobody answers',
  user_inactive: 'A user is inactive',
  account_churned: 'An account left',
  payment_failed: 'A payment failed',
  payment_recovered: 'A payment went through',
  renewal_ahead: 'A renewal is ahead',
  score_milestone: 'A score reached a milestone',
  csm_assigned: 'An account has a new owner',
  reconnect_needed: 'Reconnect needed',
  setup_drift: 'Set-up changed',
}

const here = { in_app: 'at_once', email: 'off', task: 'off', chat: 'off' } as const
const andByMail = { ...here, email: 'at_once' } as const

/** What holds until the agency or the person chooses. */
export const defaultChoices: Readonly<Record<NoticeKind, ChannelChoice>> = {
  case_opened: andByMail,
  case_overdue: andByMail,
  case_escalated: andByMail,
  happiness_changed: here,
  feedback_received: here,
  health_changed: here,
  health_struggling: andByMail,
  health_note_wanted: here,
  health_value_refused: here,
  health_stale: here,
  account_silent: here,
  user_inactive: here,
  account_churned: andByMail,
  payment_failed: andByMail,
  payment_recovered: here,
  renewal_ahead: here,
  score_milestone: here,
  csm_assigned: here,
  reconnect_needed: andByMail,
  setup_drift: here,
}
