import type { DomainEvent } from '../events/index.ts'
import type { CaseView } from '../http/contract/cases.ts'
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
    comment: answers.findLast((answer) => answer.comment !== null)?.comment ?? null,
    answers: answers.map((answer) => ({ answerId: answer.answerId, at: answer.at.toISOString(), comment: answer.comment })),
    outcome: record.outcome,
    note: record.note,
    closedAt: record.closedAt?.toISOString() ?? null,
    closedBy: record.closedBy === null ? null : { userId: record.closedBy.userId, name: record.closedBy.name },
  }
}

type CaseEvent = Pick<DomainEvent, 'type' | 'at' | 'actor' | 'source' | 'summary'> & Partial<Pick<DomainEvent, 'before' | 'after' | 'cause'>> & { data?: Record<string, unknown>; /** Tells one of several events of a kind from the others. */ number?: number }

/** An event about a case; its key names the case, the opening and the kind, so that it is told once. */
export function caseEvent(
  record: Pick<CaseRecord, '_id' | 'companyId' | 'locationId' | 'userId' | 'accountName' | 'userName' | 'owner' | 'dueAt' | 'openings'>,
  event: CaseEvent,
): DomainEvent {
  const { data, number, ...rest } = event
  return {
    ...rest,
    key: `${event.type}:${record._id}:${record.openings}${number === undefined ? '' : `:${number}`}`,
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
