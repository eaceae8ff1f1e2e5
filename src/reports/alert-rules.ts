import type { DomainEvent } from '../events/index.ts'
import type { alertKinds } from '../http/contract/reports.ts'

export type AlertKind = (typeof alertKinds)[number]

/** What an event means for one alert: it is on, or over. */
export interface AlertNews {
  kind: AlertKind
  userId: string | null
  userName: string | null
  accountName: string
  reason: string
  open: boolean
  /** The account's level went up; left out for anything else. */
  rose?: boolean
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/**
 * (i) A user who fell two levels or more, or to Not Happy; (ii) an account whose level changed, after hysteresis.
 * Any other change of the same user or account ends what was said before. Source: peers-and-statistics 4.9 (i), (ii).
 */
export function alertNewsOf(event: Pick<DomainEvent, 'type' | 'userId' | 'before' | 'after' | 'summary' | 'data'>): AlertNews | null {
  const accountName = text(event.data['accountName']) ?? 'Account'
  if (event.type === 'happiness.user_level_changed' && event.userId !== null) {
    const steps = event.data['steps']
    const fell = (typeof steps === 'number' && steps <= -2) || event.after === 'not_happy'
    return { kind: 'user_fell', userId: event.userId, userName: text(event.data['userName']), accountName, reason: event.summary, open: fell }
  }
  if (event.type === 'happiness.account_level_changed') {
    const isChange = text(event.before) !== null && text(event.after) !== null
    const steps = event.data['steps']
    return { kind: 'account_changed', userId: null, userName: null, accountName, reason: event.summary, open: isChange, rose: typeof steps === 'number' && steps > 0 }
  }
  return null
}
