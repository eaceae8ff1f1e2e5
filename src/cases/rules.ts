import type { DomainEvent } from '../events/index.ts'
import type { CaseView } from '../http/contract/cases.ts'
import { dayMs, hourMs } from '../kernel/clock.ts'
import { hashOf } from '../kernel/ids.ts'
import type { CaseRecord } from './model.ts'

/** The id of the case that this answer opens. */
export function caseIdOf(answerId: string): string {
  return hashOf('case', answerId).slice(0, 24)
}

export function openSlot(companyId: string, locationId: string, userId: string): string {
  return `open:${companyId}:${locationId}:${userId}`
}

/** An open case whose due time has passed. */
export function isOverdue(record: Pick<CaseRecord, 'state' | 'dueAt'>, at: Date): boolean {
  return record.state === 'open' && record.dueAt.getTime() <= at.getTime()
}

export function caseViewOf(record: CaseRecord, at: Date): CaseView {
  const answers = [...record.answers].sort((a, b) => a.at.getTime() - b.at.getTime())
  return {
    caseId: record._id,
    locationId: record.locationId,
    accountName: record.accountName,
    userId: record.userId,
    userName: record.userName,
    state: record.state,
    owner: record.owner === null ? null : { userId: record.owner.userId, name: record.owner.name },
    openedAt: record.openedAt.toISOString(),
    dueAt: record.dueAt.toISOString(),
    overdue: isOverdue(record, at),
    escalations: record.escalations ?? 0,
    escalateAt: record.state === 'open' ? (record.escalateAt?.toISOString() ?? null) : null,
    acknowledged: acknowledgedOf(record),
    comment: answers.findLast((answer) => answer.comment !== null)?.comment ?? null,
    answers: answers.map((answer) => ({ answerId: answer.answerId, at: answer.at.toISOString(), comment: answer.comment })),
    outcome: record.outcome,
    note: record.note,
    closedAt: record.closedAt?.toISOString() ?? null,
    closedBy: record.closedBy === null ? null : { userId: record.closedBy.userId, name: record.closedBy.name },
  }
}

function acknowledgedOf({ acknowledged = null }: CaseRecord): CaseView['acknowledged'] {
  return acknowledged === null ? null : { userId: acknowledged.userId, name: acknowledged.name, at: acknowledged.at.toISOString(), untilAt: acknowledged.untilAt.toISOString() }
}

/**
 * When an overdue case is escalated after `escalations` times: the leads some hours after its due time, then once a day for some days. Null → that was the last time.
 * @param from the due time for the first, the last escalation after
 */
export function nextEscalationAt(escalations: number, from: Date, rules: { escalateAfterHours: number; remindDays: number }): Date | null {
  if (escalations === 0) return new Date(from.getTime() + rules.escalateAfterHours * hourMs)
  return escalations <= rules.remindDays ? new Date(from.getTime() + dayMs) : null
}

/** The answer that a case is about: the newest with words, else the newest. */
export function aboutOf(answers: CaseRecord['answers']): string | null {
  const byTime = [...answers].sort((a, b) => a.at.getTime() - b.at.getTime())
  return (byTime.findLast(({ comment }) => comment !== null) ?? byTime.at(-1))?.answerId ?? null
}

type CaseEvent = Pick<DomainEvent, 'type' | 'at' | 'actor' | 'source' | 'summary'> & Partial<Pick<DomainEvent, 'before' | 'after' | 'cause'>> & { data?: Record<string, unknown>; /** Which of several of this type. */ turn?: number }

/** An event about a case; its key names the case, the opening and the kind, so that it is told once. */
export function caseEvent(
  record: Pick<CaseRecord, '_id' | 'companyId' | 'locationId' | 'userId' | 'accountName' | 'userName' | 'owner' | 'dueAt' | 'openings'>,
  event: CaseEvent,
): DomainEvent {
  const { data, turn, ...rest } = event
  return {
    ...rest,
    key: `${event.type}:${record._id}:${record.openings}${turn === undefined ? '' : `:${turn}`}`,
    companyId: record.companyId,
    locationId: record.locationId,
    userId: record.userId,
    data: {
      caseId: record._id,
      accountName: record.accountName,
      userName: record.userName,
      ownerUserId: record.owner?.userId ?? null,
      ownerName: record.owner?.name ?? null,
      dueAt: record.dueAt.toISOString(),
      ...data,
    },
  }
}
