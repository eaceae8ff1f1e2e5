import type { DomainEvent, DomainEventType, Events } from '../../src/events/index.ts'
import { dayMs } from '../../src/kernel/clock.ts'
import { factsOf } from '../engine/facts.ts'

/** What an agency's events say about any moment of a window: levels, cases, replies, people who left, messages that were sent. */
export interface History {
  /** Events of the asked types inside the window, oldest first. */
  asked: DomainEvent[]
  /** Messages to customers that really left, oldest first. */
  sent: { at: Date; userId: string; messageKey: string }[]
  truncated: boolean
  /** Level at that moment as events told it; undefined if none did in the window. */
  levelAt(reading: string, locationId: string, userId: string | null, at: Date): string | null | undefined
  hasOpenCaseAt(locationId: string, at: Date): boolean
  /** The first fact of one of these kinds about the person or account in `(fromAt, toAt]`. */
  firstBetween(types: readonly DomainEventType[], about: { locationId: string | null; userId: string | null }, fromAt: Date, toAt: Date): DomainEvent | undefined
  optedOutAt(userId: string, at: Date): boolean
}

/** Events that are read besides those that start the workflow. */
const contextTypes: readonly DomainEventType[] = [
  'feedback.received', 'feedback.changed', 'health.changed', 'case.opened', 'case.closed', 'message.received', 'message.sent', 'user.removed', 'contact.opted_out', 'contact.opted_in',
  'user.returned', 'billing.payment_recovered', 'account.churned',
]

/** Cases that are older than this are overdue for long; they count through what is open today. */
const caseDays = 60

export interface HistoryQuery {
  companyId: string
  types: readonly DomainEventType[]
  fromAt: Date
  toAt: Date
  /** How far back messages count, for the cap. */
  capDays: number
  maxEvents: number
}

export async function readHistory(events: Pick<Events, 'since'>, { companyId, types, fromAt, toAt, capDays, maxEvents }: HistoryQuery): Promise<History> {
  const wanted = new Set<DomainEventType>(types)
  const asked: DomainEvent[] = []
  const all: DomainEvent[] = []
  let truncated = false
  const readFromAt = new Date(fromAt.getTime() - Math.max(caseDays, capDays) * dayMs)
  for await (const event of events.since({ companyId, types: [...new Set([...types, ...contextTypes])], fromAt: readFromAt, toAt })) {
    if (wanted.has(event.type) && event.at >= fromAt) asked.push(event)
    all.push(event)
    if (all.length >= maxEvents) {
      truncated = true
      break
    }
  }
  return { asked, truncated, ...indexOf(all) }
}

function indexOf(events: readonly DomainEvent[]): Pick<History, 'sent' | 'levelAt' | 'hasOpenCaseAt' | 'firstBetween' | 'optedOutAt'> {
  const byPlace = new Map<string, DomainEvent[]>()
  const sent: History['sent'] = []
  const push = (place: string, event: DomainEvent) => {
    const list = byPlace.get(place)
    if (list === undefined) byPlace.set(place, [event])
    else list.push(event)
  }
  for (const event of events) {
    if (event.userId !== null) push(`user:${event.userId}:${event.type}`, event)
    if (event.locationId !== null) push(`account:${event.locationId}:${event.type}`, event)
    const { messageKey, kind } = event.data
    if (event.type === 'message.sent' && event.userId !== null && typeof messageKey === 'string' && (kind === 'email' || kind === 'sms')) sent.push({ at: event.at, userId: event.userId, messageKey })
  }
  const of = (place: string) => byPlace.get(place) ?? []

  function newest(lists: DomainEvent[][], at: Date, fits: (event: DomainEvent) => boolean): DomainEvent | undefined {
    let found: DomainEvent | undefined
    for (const list of lists) {
      for (const event of list) if (event.at <= at && fits(event) && (found === undefined || event.at >= found.at)) found = event
    }
    return found
  }

  return {
    sent,

    levelAt(reading, locationId, userId, at) {
      const event =
        reading === 'health'
          ? newest([of(`account:${locationId}:health.changed`)], at, () => true)
          : userId === null
            ? undefined
            : newest([of(`user:${userId}:feedback.received`), of(`user:${userId}:feedback.changed`)], at, (one) => one.locationId === locationId)
      return event === undefined ? undefined : (factsOf(event).after ?? factsOf(event).level)
    },

    hasOpenCaseAt(locationId, at) {
      const closed = new Set(of(`account:${locationId}:case.closed`).filter((event) => event.at <= at).map((event) => event.data['caseId']))
      return of(`account:${locationId}:case.opened`).some((event) => event.at <= at && !closed.has(event.data['caseId']))
    },

    firstBetween(types, { locationId, userId }, fromAt, toAt) {
      const place = userId !== null ? `user:${userId}` : locationId !== null ? `account:${locationId}` : null
      if (place === null) return undefined
      return types.flatMap((type) => of(`${place}:${type}`)).filter((event) => event.at > fromAt && event.at <= toAt).sort((one, other) => one.at.getTime() - other.at.getTime())[0]
    },

    optedOutAt: (userId, at) => newest([of(`user:${userId}:contact.opted_out`), of(`user:${userId}:contact.opted_in`)], at, () => true)?.type === 'contact.opted_out',
  }
}
